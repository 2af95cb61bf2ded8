#include "daemon/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spread::daemon {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Options parsed(const std::vector<std::string>& arguments) {
    auto result = parse_options(arguments);
    if (const auto* stop = std::get_if<OptionsExit>(&result)) {
        ADD_FAILURE() << "exit " << stop->status << ": " << stop->text;
        return {};
    }
    return std::get<Options>(result);
}

OptionsExit stopped(const std::vector<std::string>& arguments) {
    auto result = parse_options(arguments);
    if (std::holds_alternative<Options>(result)) {
        ADD_FAILURE() << "was accepted";
        return {-1, {}};
    }
    return std::get<OptionsExit>(result);
}

TEST(Options, WithoutArgumentsEverythingIsSearchedFor) {
    const Options options = parsed({});
    EXPECT_EQ(options.name, "");
    EXPECT_EQ(options.config_file, "");
    EXPECT_FALSE(options.session_log);
    EXPECT_FALSE(options.check);
    EXPECT_FALSE(options.log_level);
    EXPECT_FALSE(options.log_file);
    EXPECT_FALSE(options.unix_dir);
}

TEST(Options, TakesStocksThreeOptions) {
    const Options options = parsed({"-n", "d1", "-c", "my.conf", "-l", "y"});
    EXPECT_EQ(options.name, "d1");
    EXPECT_EQ(options.config_file, "my.conf");
    EXPECT_TRUE(options.session_log);
    EXPECT_FALSE(parsed({"-l", "n"}).session_log);
}

TEST(Options, TakesOurOwnOptions) {
    const Options options = parsed({"--check", "--log-level", "debug", "--log-file", "x.log",
                                    "--state-dir", "/s", "--unix-dir", "/u"});
    EXPECT_TRUE(options.check);
    EXPECT_EQ(options.log_level, "debug");
    EXPECT_EQ(options.log_file, "x.log");
    EXPECT_EQ(options.state_dir, "/s");
    EXPECT_EQ(options.unix_dir, "/u");
}

TEST(Options, WhatRefinesTheCheckNeedsIt) {
    const Options options = parsed({"--check", "--json", "--any-host", "--ports"});
    EXPECT_TRUE(options.json && options.any_host && options.ports);
    for (const char* alone : {"--json", "--any-host", "--ports"}) {
        EXPECT_EQ(stopped({alone}).status, 2) << alone;
    }
}

TEST(Options, TheSampleGoesToStdout) {
    const OptionsExit stop = stopped({"--sample"});
    EXPECT_EQ(stop.status, 0);
    EXPECT_THAT(stop.text, HasSubstr("#MaxSessions = 997\n"));
}

TEST(Options, HelpAndVersionGoToStdoutWithStatusZero) {
    for (const char* help : {"-h", "--help"}) {
        const OptionsExit stop = stopped({help});
        EXPECT_EQ(stop.status, 0);
        EXPECT_THAT(stop.text, HasSubstr("-n NAME"));
        EXPECT_THAT(stop.text, HasSubstr("--check"));
    }
    for (const char* version : {"-V", "--version"}) {
        const OptionsExit stop = stopped({version});
        EXPECT_EQ(stop.status, 0);
        EXPECT_EQ(stop.text, std::string("spreadd ") + kVersion + "\n");
    }
}

TEST(Options, BadUsageIsOneLineWithStatusTwo) {
    const std::vector<std::vector<std::string>> bad = {
        {"--bogus"},     {"-x"},          {"stray"},
        {"-n"},          {"-c"},          {"-l"},
        {"-l", "maybe"}, {"-l", "Y"},     {"-n", "twenty-bytes-of-name"},
        {"-n", ""},      {"-c", ""},      {"--log-level", "loud"},
        {"--log-level"}, {"--check=what"}};
    for (const auto& arguments : bad) {
        const OptionsExit stop = stopped(arguments);
        EXPECT_EQ(stop.status, 2) << arguments.front();
        EXPECT_THAT(stop.text, HasSubstr("spreadd: "));
        EXPECT_THAT(stop.text, Not(HasSubstr("\n")));
    }
}

TEST(Options, ADaemonNameMayHaveNineteenBytes) {
    EXPECT_EQ(parsed({"-n", "nineteen-bytes-name"}).name.size(), 19U);
}

}  // namespace
}  // namespace spread::daemon
