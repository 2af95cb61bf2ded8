// docs/spread.conf.sample is a promise about every option and its default.
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/configuration.hpp"
#include "config/options.hpp"
#include "config_test_support.hpp"

namespace spread::config {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

const std::string kPath = std::string(SPREAD_TEST_DATA) + "/../../docs/spread.conf.sample";

/// The option a line like "#Window = 160" shows, or an empty view. Prose starts with "# ".
std::string_view shown_option(std::string_view line) {
    if (!line.starts_with('#')) {
        return {};
    }
    line.remove_prefix(1);
    const std::string_view word = line.substr(0, line.find_first_of(" =\t"));
    return find_option(word) == nullptr ? std::string_view() : word;
}

/// The sample with the options switched on that `wanted` chooses by name.
template <typename Wanted>
std::string switched_on(const std::string& sample, Wanted wanted) {
    std::istringstream lines(sample);
    std::string line;
    std::string text;
    while (std::getline(lines, line)) {
        const std::string_view option = shown_option(line);
        text += (!option.empty() && wanted(option) ? line.substr(1) : line) + "\n";
    }
    return text;
}

/// Options whose default is "not set": the sample shows an example instead.
bool is_example(std::string_view option) {
    return option == "EventTimeStamp" || option == "EventPreciseTimeStamp" ||
           option == "ActiveIPVersion" || option.ends_with("File") ||
           (option.ends_with("Timeout") && option != "SlowReaderTimeout");
}

TEST(Sample, IsAGoodConfigurationOfOneLocalDaemon) {
    const auto result = parse_text(read_file(kPath));
    ASSERT_TRUE(result.configuration) << problems(result).front();
    EXPECT_THAT(problems(result), IsEmpty());
    EXPECT_EQ(hash_text(*result.configuration), hash_text(default_configuration()));
    EXPECT_THAT(result.configuration->option_at, IsEmpty()) << "options must be commented out";
}

TEST(Sample, ShowsEveryOptionOnce) {
    std::istringstream lines(read_file(kPath));
    std::string line;
    std::multiset<std::string> shown;
    while (std::getline(lines, line)) {
        if (const auto option = shown_option(line); !option.empty()) {
            shown.emplace(option);
        }
    }
    std::multiset<std::string> all;
    for (const std::string_view name : option_names()) {
        all.emplace(name);
    }
    EXPECT_EQ(shown, all);
}

TEST(Sample, ParsesWithEveryOptionSwitchedOn) {
    const auto result =
        parse_text(switched_on(read_file(kPath), [](std::string_view) { return true; }));
    ASSERT_TRUE(result.configuration) << problems(result).front();
    // Nothing asks for them as long as the other options have their defaults.
    EXPECT_THAT(problems(result),
                UnorderedElementsAre(HasSubstr("warning: SlowReaderTimeout has no effect"),
                                     HasSubstr("warning: AccessIPFile has no effect"),
                                     HasSubstr("warning: AccessPasswordFile has no effect"),
                                     HasSubstr("warning: AccessRulesFile has no effect")));
    EXPECT_EQ(result.configuration->option_at.size(), option_names().size());
    EXPECT_TRUE(result.configuration->timeouts);
}

TEST(Sample, TheValuesShownAreTheDefaults) {
    const auto result = parse_text(
        switched_on(read_file(kPath), [](std::string_view option) { return !is_example(option); }));
    ASSERT_TRUE(result.configuration) << problems(result).front();
    const Configuration& shown = *result.configuration;
    const Configuration unset = default_configuration();
    EXPECT_EQ(shown.debug_flags, unset.debug_flags);
    EXPECT_EQ(shown.event_priority, unset.event_priority);
    EXPECT_EQ(shown.dangerous_monitor, unset.dangerous_monitor);
    EXPECT_EQ(shown.socket_port_reuse, unset.socket_port_reuse);
    EXPECT_EQ(shown.required_auth_methods, unset.required_auth_methods);
    EXPECT_EQ(shown.allowed_auth_methods, unset.allowed_auth_methods);
    EXPECT_EQ(shown.access_control_policy, unset.access_control_policy);
    EXPECT_EQ(shown.max_sessions, unset.max_sessions);
    EXPECT_EQ(shown.max_session_messages, unset.max_session_messages);
    EXPECT_EQ(shown.max_session_bytes, unset.max_session_bytes);
    EXPECT_EQ(shown.max_session_groups, unset.max_session_groups);
    EXPECT_EQ(shown.slow_reader_policy, unset.slow_reader_policy);
    EXPECT_EQ(shown.slow_reader_timeout, unset.slow_reader_timeout);
    EXPECT_EQ(shown.old_client_layout, unset.old_client_layout);
    EXPECT_EQ(shown.exclude_seg_addrs_from_hash, unset.exclude_seg_addrs_from_hash);
    EXPECT_EQ(shown.ignore_multicast_join_errors, unset.ignore_multicast_join_errors);
    EXPECT_EQ(shown.is_wide_area(), unset.is_wide_area());
    EXPECT_EQ(hash_text(shown), hash_text(unset));
    // Defaults that live in the modules that use them (configuration 4).
    EXPECT_EQ(shown.window, 160U);
    EXPECT_EQ(shown.personal_window, 20U);
    EXPECT_EQ(shown.accelerated_window, 15U);
    EXPECT_EQ(shown.accelerated_ring, false);
    EXPECT_EQ(shown.runtime_dir, "/var/run/spread");
    EXPECT_EQ(shown.daemon_user, "spread");
    EXPECT_EQ(shown.daemon_group, "spread");
}

}  // namespace
}  // namespace spread::config
