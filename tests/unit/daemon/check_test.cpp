#include "daemon/check.hpp"

#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "config/options.hpp"
#include "temporary_directory.hpp"

namespace spread::daemon {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Outcome {
    int status = -1;
    std::string out;
    std::string error;
};

class CheckTest : public ::testing::Test {
  protected:
    /// Checks a file of one local daemon with these lines before its segment.
    Outcome run(const std::string& lines, bool as_json = false) {
        write(lines + "\nSpread_Segment 127.0.0.255:4803 {\n    one 127.0.0.1\n}\n");
        return run_file(as_json);
    }

    void write(const std::string& text) { std::ofstream(options_.config_file) << text; }

    Outcome run_file(bool as_json = false) {
        options_.json = as_json;
        ::testing::internal::CaptureStdout();
        ::testing::internal::CaptureStderr();
        Outcome outcome;
        outcome.status = check(options_);
        outcome.out = ::testing::internal::GetCapturedStdout();
        outcome.error = ::testing::internal::GetCapturedStderr();
        return outcome;
    }

    TemporaryDirectory directory_;
    Options options_ = [this] {
        Options options;
        options.check = true;
        options.config_file = directory_ / "spread.conf";
        return options;
    }();
};

TEST_F(CheckTest, SaysWhatItUnderstood) {
    const Outcome outcome = run("Window = 300");
    EXPECT_EQ(outcome.status, 0);
    EXPECT_THAT(outcome.error, IsEmpty());
    EXPECT_THAT(outcome.out, HasSubstr("Hash value for this configuration is: "));
    EXPECT_THAT(outcome.out, HasSubstr("addr 127.0.0.1 port 4803 (this one)\n"));
    EXPECT_THAT(outcome.out, HasSubstr("Option Window = 300 (line 1)\n"));
}

TEST_F(CheckTest, JsonHoldsEveryOptionWithItsDefault) {
    const Outcome outcome = run("Window = 300", true);
    EXPECT_EQ(outcome.status, 0);
    const json report = json::parse(outcome.out);
    EXPECT_EQ(report["schema"], 1);
    EXPECT_EQ(report["good"], true);
    EXPECT_EQ(report["self"], "one");
    EXPECT_EQ(report["daemons"][0]["address"], "127.0.0.1");
    EXPECT_TRUE(report["problems"].empty());
    EXPECT_EQ(report["options"].size(), config::all_options().size());
    for (const json& option : report["options"]) {
        if (option["name"] == "Window") {
            EXPECT_EQ(option["value"], "300");
            EXPECT_EQ(option["default"], "auto");
            EXPECT_EQ(option["line"], 1);
            EXPECT_EQ(option["same_on_all_daemons"], true);
            EXPECT_EQ(option["change"], "restart");
        }
    }
}

TEST_F(CheckTest, ABadFileIsBadInBothForms) {
    EXPECT_EQ(run("Windows = 3").status, 1);
    EXPECT_THAT(run("Windows = 3").error, HasSubstr("spread.conf:1:1: error: unknown option"));
    const Outcome outcome = run("Windows = 3", true);
    EXPECT_EQ(outcome.status, 1);
    const json report = json::parse(outcome.out);
    EXPECT_EQ(report["good"], false);
    EXPECT_EQ(report["problems"][0]["severity"], "error");
    EXPECT_EQ(report["problems"][0]["line"], 1);
}

TEST_F(CheckTest, AFileWithoutThisHostIsBadUnlessAskedFor) {
    // Reserved for documentation: no host has it.
    write("Spread_Segment 239.0.0.1 { far 192.0.2.1 }\n");
    Outcome outcome = run_file();
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.error, HasSubstr("error: no daemon for this host: none of the daemons"));
    EXPECT_THAT(outcome.error, HasSubstr("--any-host"));
    options_.any_host = true;
    outcome = run_file();
    EXPECT_EQ(outcome.status, 0);
    EXPECT_THAT(outcome.out, HasSubstr("No daemon for this host"));
}

TEST_F(CheckTest, FindsWhatAStartWouldRefuse) {
    EXPECT_THAT(run("AccessControlPolicy = RULES AccessRulesFile = /no/rules").error,
                HasSubstr("/no/rules"));
    EXPECT_EQ(run("AccessControlPolicy = RULES AccessRulesFile = /no/rules").status, 1);
    EXPECT_THAT(run("\nDaemonUser = nobody-at-all").error,
                HasSubstr("spread.conf:2:1: error: DaemonUser nobody-at-all does not exist"));
    EXPECT_THAT(run("DaemonGroup = nobody-at-all").error, HasSubstr("DaemonGroup nobody-at-all"));
    EXPECT_THAT(run("RuntimeDir = /no/such").error,
                HasSubstr("1:1: error: RuntimeDir /no/such cannot become the root directory"));
    EXPECT_THAT(run("EventLogFile = /no/such/log").error,
                HasSubstr("1:1: error: cannot open log file /no/such/log: No such file"));
    EXPECT_EQ(run("EventLogFile = '" + (directory_ / "log") + "'").status, 0);
    EXPECT_EQ(run("EventLogFile = '" + directory_.path() + "'").status, 1);
    options_.config_file = directory_ / "missing.conf";
    EXPECT_THAT(run_file().error, HasSubstr("error: cannot open configuration file"));
}

}  // namespace
}  // namespace spread::daemon
