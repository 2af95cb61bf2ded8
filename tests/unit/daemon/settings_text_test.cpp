#include "daemon/ring/settings_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/daemon/three_nodes.hpp"

namespace spread::daemon {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(SettingsText, EqualFilesDoNotDiffer) {
    EXPECT_EQ(
        describe_difference(settings_text(three_nodes(), {}), settings_text(three_nodes(), {})),
        "");
}

TEST(SettingsText, ADaemonElsewhereIsNamedOnBothSides) {
    auto other = three_nodes();
    other.daemons[2].address = *config::parse_ip("10.0.0.30");
    EXPECT_EQ(describe_difference(settings_text(three_nodes(), {}), settings_text(other, {})),
              "'node3 10.0.0.30 port 4803 id 3' there, 'node3 10.0.0.3 port 4803 id 3' here");
}

TEST(SettingsText, ATimeoutIsNamed) {
    membership::RingConfig slow;
    slow.token_loss_timeout = std::chrono::seconds(5);
    EXPECT_EQ(
        describe_difference(settings_text(three_nodes(), {}), settings_text(three_nodes(), slow)),
        "'TokenTimeout 5000 ms' there, 'TokenTimeout 250 ms' here");
}

TEST(SettingsText, TheSummaryGivesOneValueAndNamesTheRest) {
    membership::RingConfig slow;
    slow.token_loss_timeout = std::chrono::seconds(5);
    slow.join_timeout = std::chrono::seconds(7);
    slow.window = 11;
    const std::string ours = settings_text(three_nodes(), {});
    EXPECT_EQ(summarize_difference(ours, ours), "");
    EXPECT_EQ(summarize_difference(ours, settings_text(three_nodes(), slow)),
              "TokenTimeout is 5000 ms there, 250 ms here; also JoinTimeout, Window");
    EXPECT_EQ(summarize_difference("a 1\nb 2\n", "a 1\n"), "'b 2' is only here");
    EXPECT_EQ(summarize_difference("a 1\n", "a 1\nc\x1b 2\n"), "'c\\x1b 2' is only there");
    std::string hostile;
    for (int i = 0; i < 1000; ++i) {
        hostile += std::to_string(i) + std::string(500, 'x') + "\n";
    }
    EXPECT_LT(summarize_difference("", hostile).size(), 1000U);
}

TEST(SettingsText, WhatOnlyOneHasIsNamed) {
    auto other = three_nodes();
    other.daemons.pop_back();
    other.segments[0].daemons.pop_back();
    EXPECT_EQ(describe_difference(settings_text(three_nodes(), {}), settings_text(other, {})),
              "nothing there, 'node3 10.0.0.3 port 4803 id 3' here");
}

TEST(SettingsText, WhatComesFromOutsideIsEscapedAndCutShort) {
    std::string hostile;
    for (int i = 0; i < 1000; ++i) {
        hostile += "\x1b[31m" + std::to_string(i) + std::string(500, 'x') + "\n";
    }
    const std::string text = describe_difference(settings_text(three_nodes(), {}), hostile);
    EXPECT_LT(text.size(), 3000U);
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
    EXPECT_THAT(text, HasSubstr("and 995 more"));
    EXPECT_THAT(describe_difference("", "\n\n"), testing::IsEmpty());
}

}  // namespace
}  // namespace spread::daemon
