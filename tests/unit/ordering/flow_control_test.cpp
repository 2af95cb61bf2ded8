#include "ordering/flow_control.hpp"

#include <algorithm>
#include <chrono>

#include <gtest/gtest.h>

namespace spread::ordering {
namespace {

using namespace std::chrono_literals;
using protocol::Token;

WindowConfig fixed_windows(std::uint32_t window, std::uint32_t personal) {
    return {.window = window, .personal_window = personal, .window_max = window};
}

TEST(FlowControl, NobodyExceedsThePersonalWindowNorAllTheWindow) {
    FlowControl flow(fixed_windows(100, 40));
    Token token;
    EXPECT_EQ(flow.allowance(token, 1000), 40U);
    token.fcc = 80;
    EXPECT_EQ(flow.allowance(token, 1000), 20U);
    token.fcc = 200;
    EXPECT_EQ(flow.allowance(token, 0), 0U);
    EXPECT_EQ(flow.allowance(token, 1000), 1U);  // the others must not use up the window for ever
}

TEST(FlowControl, CountsItsOwnPartOnce) {
    FlowControl flow(fixed_windows(100, 40));
    Token token;
    flow.account_visit(token, 30, 5);
    EXPECT_EQ(token.fcc, 30U);
    EXPECT_EQ(token.backlog, 5U);
    EXPECT_EQ(flow.allowance(token, 0), 40U);  // our own 30 do not limit us
    flow.account_visit(token, 10, 0);
    EXPECT_EQ(token.fcc, 10U);
    EXPECT_EQ(token.backlog, 0U);
}

TEST(FlowControl, WhatItSendsOutOfTurnIsPartOfTheRotation) {
    FlowControl flow(fixed_windows(100, 40));
    Token token;
    flow.account_visit(token, 30, 0);
    flow.account_visit(token, 3, 0, true);
    EXPECT_EQ(token.fcc, 33U);
    flow.account_visit(token, 10, 0);
    EXPECT_EQ(token.fcc, 10U);
}

TEST(FlowControl, BusyMembersShareTheWindow) {
    FlowControl flow(fixed_windows(100, 80));
    Token token;
    token.backlog = 900;
    EXPECT_EQ(flow.allowance(token, 100), 10U);
    EXPECT_EQ(flow.allowance(token, 1), 1U);  // never starved
}

/// The representative's side of a ring under load: what the token shows after each rotation.
class SizingWindows : public testing::Test {
  protected:
    SizingWindows() { token_.window_limit = 0; }

    /// A rotation of `took` with work left, the whole window sent and `lost` of it missing.
    std::uint32_t rotate(std::chrono::microseconds took, std::uint32_t lost = 0,
                         std::uint32_t backlog = 1000) {
        token_.fcc = token_.window == 0 ? config_.window : token_.window;
        token_.lost = lost;
        token_.backlog = backlog;
        flow_.on_rotation(token_, took);
        flow_.size_window(token_, took);
        token_.window_limit = std::min(token_.window_limit, others_room_);
        return token_.window;
    }
    std::uint32_t after(int rotations, std::chrono::microseconds took, std::uint32_t loss_percent) {
        for (int i = 0; i < rotations; ++i) {
            rotate(took, token_.window * loss_percent / 100);
        }
        return token_.window;
    }

    WindowConfig config_{
        .window = 200, .personal_window = 50, .window_max = 2000, .receive_room = 5000};
    FlowControl flow_{config_};
    std::uint32_t others_room_ = 5000;
    Token token_;
};

TEST_F(SizingWindows, TheyGrowWhileDelayIsMostOfARotation) {
    EXPECT_EQ(rotate(30ms), 250U);
    EXPECT_EQ(after(30, 31ms, 0), 2000U);
    token_.fcc = token_.backlog = 0;
    EXPECT_EQ(flow_.allowance(token_, 5000), 500U);  // the personal window with them
}

TEST_F(SizingWindows, TheyStayWhereWorkIsMostOfARotation) {
    rotate(150us, 0, 0);  // little to do: what the network takes
    EXPECT_EQ(after(50, 3000us, 0), 200U);
}

TEST_F(SizingWindows, TheyFollowARouteThatHasBecomeLonger) {
    rotate(150us, 0, 0);
    EXPECT_EQ(after(200, 30ms, 0), 200U);  // it could be work
    Token light;
    for (int i = 0; i < 100; ++i) {
        flow_.on_rotation(light, 30ms);
    }
    EXPECT_EQ(after(50, 31ms, 0), 2000U);
}

TEST_F(SizingWindows, TheyShrinkWhereRotationsTakeMuchLonger) {
    std::uint32_t before = 0;
    for (int i = 0; i < 20; ++i) {
        before = rotate(200us);
    }
    ASSERT_GT(before, config_.window);
    EXPECT_EQ(rotate(100ms), before - before / 8);
}

TEST_F(SizingWindows, TheyStayWhereNothingIsLeftWaiting) {
    for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(rotate(30ms, 0, 0), 200U);
    }
}

TEST_F(SizingWindows, RandomLossDoesNotShrinkThem) {
    EXPECT_EQ(after(50, 30ms, 2), 2000U);
    EXPECT_EQ(after(200, 30ms, 10), 2000U);
}

TEST_F(SizingWindows, OverflowShrinksThemAndItsEndLetsThemGrowAgain) {
    after(50, 30ms, 0);
    // A buffer on the way takes 600 packets.
    for (int i = 0; i < 100; ++i) {
        rotate(30ms, token_.window > 600 ? token_.window - 600 : 0);
    }
    EXPECT_LE(token_.window, 800U);
    EXPECT_GE(token_.window, 400U);
    // Hosts that cannot take even the first window, though the network is fast.
    rotate(100us, 0, 0);
    for (int i = 0; i < 100; ++i) {
        rotate(5ms, token_.window > 60 ? token_.window - 60 : 0);
    }
    EXPECT_LE(token_.window, 80U);
    EXPECT_GE(token_.window, 32U);
    EXPECT_GE(after(50, 5ms, 0), 200U);
}

TEST_F(SizingWindows, TheSmallestReceiveBufferOfTheRingLimitsThem) {
    others_room_ = 300;
    EXPECT_EQ(after(50, 30ms, 0), 300U);
    FlowControl member(WindowConfig{
        .window = 200, .personal_window = 50, .window_max = 2000, .receive_room = 120});
    EXPECT_EQ(member.window(), 120U);
    member.report(token_, 7);
    EXPECT_EQ(token_.window_limit, 120U);
    EXPECT_EQ(token_.lost, 7U);
    EXPECT_EQ(rotate(30ms), 120U);
}

TEST_F(SizingWindows, AFileThatSetsThemFixesThem) {
    FlowControl fixed(fixed_windows(160, 20));
    token_.window = 1000;
    fixed.take_window(token_);
    EXPECT_EQ(fixed.window(), 160U);
    EXPECT_EQ(fixed.allowance(token_, 100000), 20U);
    fixed.on_rotation(token_, 30ms);
    fixed.size_window(token_, 30ms);
    EXPECT_EQ(token_.window, 0U);  // the others use their own
}

TEST_F(SizingWindows, AForgedTokenCannotMakeThemLargerThanAllowed) {
    token_.window = 0xffffffff;
    flow_.take_window(token_);
    EXPECT_EQ(flow_.window(), 2000U);
}

}  // namespace
}  // namespace spread::ordering
