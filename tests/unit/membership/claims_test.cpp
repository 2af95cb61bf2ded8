#include "membership/claims.hpp"

#include <gtest/gtest.h>

namespace spread::membership {
namespace {

using namespace std::chrono_literals;
using protocol::Incarnation;

class ClaimsTest : public testing::Test {
  protected:
    static constexpr protocol::DaemonIndex kDaemon = 1;
    static constexpr Incarnation kOne{1000};
    static constexpr Incarnation kOther{2000};

    /// Both lives speak in turns.
    void both_speak(protocol::Duration time, protocol::Duration pause = 500ms) {
        const protocol::Instant end = now_ + time;
        while (now_ < end) {
            claims_.note(now_, kDaemon, kOne, ++number_);
            now_ += pause;
            claims_.note(now_, kDaemon, kOther, ++number_);
            now_ += pause;
        }
    }
    [[nodiscard]] bool is_claimed() const { return claims_.is_claimed_twice(now_, kDaemon); }

    Claims claims_{3};
    protocol::Instant now_{100s};
    std::uint64_t number_ = 0;
};

TEST_F(ClaimsTest, TwoLivesInTurnsAreNoticed) {
    both_speak(2s);
    EXPECT_FALSE(is_claimed());
    both_speak(5s);
    EXPECT_TRUE(is_claimed());
    EXPECT_FALSE(claims_.is_claimed_twice(now_, 0)) << "only this one";
    const auto lives = claims_.lives(kDaemon);
    EXPECT_EQ(lives[0], kOne);
    EXPECT_EQ(lives[1], kOther);
}

TEST_F(ClaimsTest, ALifeBesideTheOneInOurRingIsNoticed) {
    claims_.note(now_, kDaemon, kOther, ++number_);
    for (int i = 0; i < 8; ++i) {
        claims_.note(now_, kDaemon, kOne, ++number_, kOther);
        now_ += 500ms;
    }
    EXPECT_TRUE(is_claimed());
    EXPECT_EQ(claims_.lives(kDaemon)[1], kOther);
}

TEST_F(ClaimsTest, ANewLifeTakesThePlaceOfTheOneInOurRing) {
    for (int i = 0; i < 20; ++i) {
        claims_.note(now_, kDaemon, kOther, ++number_, kOne);
        now_ += 500ms;
    }
    EXPECT_FALSE(is_claimed());
}

TEST_F(ClaimsTest, ItIsOverSomeTimeAfterOneOfThemIsGone) {
    both_speak(7s);
    for (int i = 0; i < 20; ++i) {
        claims_.note(now_, kDaemon, kOne, ++number_);
        now_ += 1s;
    }
    EXPECT_FALSE(is_claimed());
}

TEST_F(ClaimsTest, RestartsAreNotClaims) {
    for (std::uint64_t life = 0; life < 100; ++life) {
        claims_.note(now_, kDaemon, Incarnation{life}, 1);
        now_ += 100ms;
    }
    EXPECT_FALSE(is_claimed());
}

TEST_F(ClaimsTest, CopiesOfAnEarlierLifeAreNotClaims) {
    claims_.note(now_, kDaemon, kOne, 50);
    for (std::uint64_t i = 0; i < 100; ++i) {
        claims_.note(now_, kDaemon, kOther, i);
        claims_.note(now_, kDaemon, kOne, i % 51);
        now_ += 100ms;
    }
    EXPECT_FALSE(is_claimed());
}

TEST_F(ClaimsTest, WhatWasUnderWayAtARestartIsNotAClaim) {
    both_speak(1s, 1ms);
    EXPECT_FALSE(is_claimed()) << "it came in turns, but for a moment only";
}

}  // namespace
}  // namespace spread::membership
