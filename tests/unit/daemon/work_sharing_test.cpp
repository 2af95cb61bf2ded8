#include "daemon/clients/work_sharing.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace spread::daemon {
namespace {

using namespace std::chrono_literals;
using protocol::Instant;
using Wish = WorkSharing::Wish;

TEST(WorkSharing, TheRingsWorkIsWantedWhenBothThreadsHaveBeenCalmForAWhile) {
    WorkSharing sharing({0.7F, 0.85F});
    sharing.start(Instant(1s));
    EXPECT_EQ(sharing.weigh_apart(Instant(1s) + 19ms, 0.3F, 0.3F), Wish::kNone);
    EXPECT_EQ(sharing.weigh_apart(Instant(1s) + 20ms, 0.3F, 0.3F), Wish::kWorkWanted);
}

TEST(WorkSharing, ABusyWindowStartsTheCalmAnew) {
    WorkSharing sharing({0.7F, 0.85F});
    sharing.start(Instant(1s));
    EXPECT_EQ(sharing.weigh_apart(Instant(1s) + 30ms, 0.4F, 0.4F), Wish::kNotWanted);
    EXPECT_EQ(sharing.weigh_apart(Instant(1s) + 45ms, 0.1F, 0.1F), Wish::kNone);
    EXPECT_EQ(sharing.weigh_apart(Instant(1s) + 50ms, 0.1F, 0.1F), Wish::kWorkWanted);
}

TEST(WorkSharing, AfterGivingTheWorkBackItHasToBeCalmAgain) {
    WorkSharing sharing({});
    sharing.start(Instant(1s));
    sharing.on_taken(Instant(2s));
    sharing.on_given_back(Instant(3s));
    EXPECT_EQ(sharing.weigh_apart(Instant(3s) + 10ms, 0, 0), Wish::kNone);
    EXPECT_EQ(sharing.weigh_apart(Instant(3s) + 20ms, 0, 0), Wish::kWorkWanted);
    EXPECT_EQ(sharing.calm_needed(), 20ms) << "load had nothing to do with it";
}

TEST(WorkSharing, OverloadSoonAfterTakingTheWorkDoublesTheCalmNeededUpToASecond) {
    WorkSharing sharing({});
    Instant now(1s);
    for (const auto needed : {40ms, 80ms, 160ms, 320ms, 640ms, 1000ms, 1000ms}) {
        sharing.on_taken(now);
        now += 900ms;
        sharing.on_overload(now);
        EXPECT_EQ(sharing.calm_needed(), needed);
    }
    sharing.on_taken(now);
    now += 1s;
    sharing.on_overload(now);
    EXPECT_EQ(sharing.calm_needed(), 20ms) << "it went well for long";
}

TEST(WorkSharing, WhatCannotBeTakenIsNotAskedForForASecond) {
    WorkSharing sharing({});
    sharing.start(Instant(1s));
    sharing.on_unable();
    EXPECT_EQ(sharing.weigh_apart(Instant(1s) + 999ms, 0, 0), Wish::kNone);
    EXPECT_EQ(sharing.weigh_apart(Instant(2s), 0, 0), Wish::kWorkWanted);
}

TEST(WorkSharing, ABusyThreadALongTurnAndALargeFanOutAreTooMuchForOne) {
    const WorkSharing sharing({0.7F, 0.85F});
    EXPECT_FALSE(sharing.is_too_busy(0.85F));
    EXPECT_TRUE(sharing.is_too_busy(0.86F));
    EXPECT_FALSE(WorkSharing::is_too_long(50ms));
    EXPECT_TRUE(WorkSharing::is_too_long(51ms));
    EXPECT_FALSE(WorkSharing::is_large_fan_out(128));
    EXPECT_TRUE(WorkSharing::is_large_fan_out(129));
}

}  // namespace
}  // namespace spread::daemon
