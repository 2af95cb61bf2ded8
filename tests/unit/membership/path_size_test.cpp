#include "membership/path_size.hpp"

#include <gtest/gtest.h>

namespace spread::membership {
namespace {

using namespace std::chrono_literals;
using protocol::DaemonId;

class PathSizeTest : public testing::Test {
  protected:
    static constexpr DaemonId kPeer{3};
    static constexpr protocol::Duration kSettle = 40ms;

    [[nodiscard]] bool lose_twice(DaemonId peer = kPeer) {
        EXPECT_FALSE(path_.suspect(now_, peer, kSettle));
        const bool is_shorter = path_.suspect(now_, peer, kSettle);
        now_ += kSettle;
        return is_shorter;
    }

    PathSize path_{1452};
    protocol::Instant now_{100s};
};

TEST_F(PathSizeTest, OneLossIsNothing) {
    EXPECT_FALSE(path_.suspect(now_, kPeer, kSettle));
    path_.trust();
    EXPECT_FALSE(path_.suspect(now_, kPeer, kSettle));
    EXPECT_FALSE(path_.suspect(now_, DaemonId{2}, kSettle)) << "another one";
    EXPECT_EQ(path_.bytes(now_), 1452U);
    EXPECT_EQ(path_.narrow(now_), std::nullopt);
}

TEST_F(PathSizeTest, ShorterDatagramsAreTriedStepByStep) {
    EXPECT_TRUE(lose_twice());
    EXPECT_EQ(path_.bytes(now_), 1352U);
    EXPECT_EQ(path_.narrow(now_), (PathSize::Narrow{kPeer, 1352}));
    EXPECT_TRUE(lose_twice());
    EXPECT_TRUE(lose_twice());
    EXPECT_EQ(path_.bytes(now_), 512U);
    EXPECT_FALSE(lose_twice()) << "nothing shorter is of use";
    EXPECT_EQ(path_.bytes(now_), 512U);
}

TEST_F(PathSizeTest, WhatIsSaidJustAfterAStepIsOld) {
    EXPECT_TRUE(lose_twice());
    now_ -= kSettle;
    for (int i = 0; i < 10; ++i) {
        EXPECT_FALSE(path_.suspect(now_, kPeer, kSettle));
    }
    EXPECT_EQ(path_.bytes(now_), 1352U);
}

TEST_F(PathSizeTest, LongOnesAreTriedAgainLater) {
    EXPECT_TRUE(lose_twice());
    now_ += PathSize::kTryAgainAfter;
    EXPECT_EQ(path_.bytes(now_), 1452U);
    EXPECT_EQ(path_.narrow(now_), std::nullopt);
    EXPECT_TRUE(lose_twice());
    EXPECT_EQ(path_.bytes(now_), 1352U);
}

TEST_F(PathSizeTest, WhatTheFileAllowsIsNeverExceeded) {
    PathSize small(600);
    EXPECT_FALSE(small.suspect(now_, kPeer, kSettle));
    EXPECT_TRUE(small.suspect(now_, kPeer, kSettle));
    EXPECT_EQ(small.bytes(now_), 512U);
    PathSize jumbo(8952);
    EXPECT_FALSE(jumbo.suspect(now_, kPeer, kSettle));
    EXPECT_TRUE(jumbo.suspect(now_, kPeer, kSettle));
    EXPECT_EQ(jumbo.bytes(now_), 1452U);
}

}  // namespace
}  // namespace spread::membership
