#include "daemon/ring/settings_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spread::daemon {
namespace {

using testing::HasSubstr;
using testing::Not;

config::Configuration configuration() {
    config::Configuration out;
    config::Segment segment;
    segment.addresses = {*config::parse_ip("239.192.0.7")};
    for (std::uint8_t i = 1; i <= 3; ++i) {
        config::Daemon daemon;
        daemon.name = "node" + std::to_string(i);
        daemon.id = i;
        daemon.address = *config::parse_ip("10.0.0." + std::to_string(i));
        out.daemons.push_back(daemon);
        segment.daemons.push_back(i - 1U);
    }
    out.segments.push_back(segment);
    return out;
}

TEST(SettingsText, EqualFilesDoNotDiffer) {
    EXPECT_EQ(
        describe_difference(settings_text(configuration(), {}), settings_text(configuration(), {})),
        "");
}

TEST(SettingsText, ADaemonElsewhereIsNamedOnBothSides) {
    auto other = configuration();
    other.daemons[2].address = *config::parse_ip("10.0.0.30");
    EXPECT_EQ(describe_difference(settings_text(configuration(), {}), settings_text(other, {})),
              "'node3 10.0.0.30 port 4803 id 3' there, 'node3 10.0.0.3 port 4803 id 3' here");
}

TEST(SettingsText, ATimeoutIsNamed) {
    membership::RingConfig slow;
    slow.token_loss_timeout = std::chrono::seconds(5);
    EXPECT_EQ(describe_difference(settings_text(configuration(), {}),
                                  settings_text(configuration(), slow)),
              "'TokenTimeout 5000 ms' there, 'TokenTimeout 250 ms' here");
}

TEST(SettingsText, WhatOnlyOneHasIsNamed) {
    auto other = configuration();
    other.daemons.pop_back();
    other.segments[0].daemons.pop_back();
    EXPECT_EQ(describe_difference(settings_text(configuration(), {}), settings_text(other, {})),
              "nothing there, 'node3 10.0.0.3 port 4803 id 3' here");
}

TEST(SettingsText, WhatComesFromOutsideIsEscapedAndCutShort) {
    std::string hostile;
    for (int i = 0; i < 1000; ++i) {
        hostile += "\x1b[31m" + std::to_string(i) + std::string(500, 'x') + "\n";
    }
    const std::string text = describe_difference(settings_text(configuration(), {}), hostile);
    EXPECT_LT(text.size(), 3000U);
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
    EXPECT_THAT(text, HasSubstr("and 995 more"));
    EXPECT_THAT(describe_difference("", "\n\n"), testing::IsEmpty());
}

}  // namespace
}  // namespace spread::daemon
