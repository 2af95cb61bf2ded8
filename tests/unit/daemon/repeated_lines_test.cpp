#include "daemon/host/repeated_lines.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spread::daemon {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class RepeatedLinesTest : public testing::Test {
  protected:
    bool admit(const std::string& kind, const std::string& text) {
        return lines_.admit(now_, kind, {LogEvent::kRingState, text, {}});
    }

    RepeatedLines lines_;
    protocol::Instant now_{100s};
};

TEST_F(RepeatedLinesTest, AFewOfAKindAreLetThrough) {
    for (std::uint64_t i = 0; i < RepeatedLines::kFreeLines; ++i) {
        EXPECT_TRUE(admit("gather", "gathers"));
    }
    EXPECT_FALSE(admit("gather", "gathers"));
    EXPECT_TRUE(admit("commit", "commits")) << "each kind by itself";
}

TEST_F(RepeatedLinesTest, TheRestBecomeOneLineWithTheLastOfThemAndTheirNumber) {
    for (int i = 0; i < 12; ++i) {
        static_cast<void>(admit("configuration", "of " + std::to_string(i) + " daemons"));
    }
    now_ += RepeatedLines::kWindow - 1ms;
    EXPECT_THAT(lines_.take_due(now_), IsEmpty());
    now_ += 1ms;
    const auto due = lines_.take_due(now_);
    ASSERT_THAT(due, SizeIs(1));
    EXPECT_EQ(due.front().text, "of 11 daemons (the last of 7 more lines like this in 10 s)");
    EXPECT_THAT(lines_.take_due(now_), IsEmpty());
    EXPECT_TRUE(admit("configuration", "of 3 daemons")) << "a new window";
}

TEST_F(RepeatedLinesTest, NothingIsToldWhereNothingWasHeldBack) {
    static_cast<void>(admit("configuration", "of 3 daemons"));
    now_ += RepeatedLines::kWindow;
    EXPECT_THAT(lines_.take_due(now_), IsEmpty());
}

}  // namespace
}  // namespace spread::daemon
