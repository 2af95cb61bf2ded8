// docs/spread.conf.sample is a promise about every option and its default.
#include "config/sample.hpp"

#include <algorithm>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/configuration.hpp"
#include "config/identity.hpp"
#include "config/option_value.hpp"
#include "config/options.hpp"
#include "config_test_support.hpp"

namespace spread::config {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

const std::string kPath = std::string(SPREAD_TEST_DATA) + "/../../docs/spread.conf.sample";

/// The option a line like "#Window = auto" shows, or an empty view. Prose starts with "# ", an
/// example with "#     ".
std::string_view shown_option(std::string_view line) {
    constexpr std::string_view kExample = "#     ";
    if (!line.starts_with('#')) {
        return {};
    }
    line.remove_prefix(line.starts_with(kExample) ? kExample.size() : 1);
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

TEST(Sample, IsAGoodConfigurationOfOneLocalDaemon) {
    const auto result = parse_text(read_file(kPath));
    ASSERT_TRUE(result.configuration) << problems(result).front();
    EXPECT_THAT(problems(result), IsEmpty());
    EXPECT_EQ(hash_text(*result.configuration), hash_text(default_configuration()));
    EXPECT_THAT(result.configuration->given, IsEmpty()) << "options must be commented out";
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

TEST(Sample, IsWhatTheTableOfOptionsSays) {
    EXPECT_EQ(read_file(kPath), sample_file())
        << "write it anew: spreadd --sample > docs/spread.conf.sample";
}

TEST(Sample, ParsesWithEveryOptionAndExampleSwitchedOn) {
    const auto result =
        parse_text(switched_on(sample_file(), [](std::string_view) { return true; }));
    ASSERT_TRUE(result.configuration) << problems(result).front();
    // Nothing asks for them as long as the other options have their defaults.
    EXPECT_THAT(problems(result),
                UnorderedElementsAre(HasSubstr("warning: SlowReaderTimeout has no effect"),
                                     HasSubstr("warning: AccessIPFile has no effect"),
                                     HasSubstr("warning: AccessPasswordFile has no effect"),
                                     HasSubstr("warning: AccessRulesFile has no effect"),
                                     HasSubstr("warning: TLSCertificateFile has no effect"),
                                     HasSubstr("warning: TLSKeyFile has no effect"),
                                     HasSubstr("warning: TLSClientCAFile has no effect")));
    EXPECT_EQ(result.configuration->given.size(), option_names().size());
}

TEST(Sample, EachValueShownIsTheDefault) {
    const Configuration unset = *parse_text(sample_file()).configuration;
    std::istringstream lines(sample_file());
    std::string line;
    std::size_t count = 0;
    while (std::getline(lines, line)) {
        const std::string_view option = shown_option(line);
        if (option.empty() || line.starts_with("# ")) {
            continue;
        }
        ++count;
        const auto result = parse_text(
            switched_on(sample_file(), [&](std::string_view wanted) { return wanted == option; }));
        ASSERT_TRUE(result.configuration) << problems(result).front();
        ASSERT_EQ(result.configuration->given.size(), 1U) << line;
        for (const OptionSpec& spec : all_options()) {
            EXPECT_EQ(value_text(spec, *result.configuration), value_text(spec, unset))
                << line << " changes " << spec.name;
        }
        EXPECT_EQ(hash_text(*result.configuration), hash_text(unset)) << line;
    }
    // The others show an example, or a word that switches them on.
    const auto shows_default = [](const OptionSpec& spec) {
        return spec.example.empty() && spec.kind != ValueKind::kNone;
    };
    EXPECT_EQ(count, static_cast<std::size_t>(std::ranges::count_if(all_options(), shows_default)));
}

}  // namespace
}  // namespace spread::config
