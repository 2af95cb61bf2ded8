#include "membership/loss_timeout.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace spread::membership {
namespace {

using namespace std::chrono_literals;
using protocol::Incarnation;
using protocol::Instant;
using protocol::Token;

const LossTimeout::Lives kAll{Incarnation{1}, Incarnation{2}, Incarnation{3}};
const LossTimeout::Lives kWithoutLast{Incarnation{1}, Incarnation{2}, Incarnation{}};
const LossTimeout::Lives kLastRestarted{Incarnation{1}, Incarnation{2}, Incarnation{9}};

class LossTimeoutTest : public testing::Test {
  protected:
    static constexpr auto kLeast = 250ms;

    void TearDown() override { timeout_.check_invariants(); }

    /// What it wants, as the representative of a ring in which nobody else wants anything.
    protocol::Duration wanted() {
        Token token;
        timeout_.on_rotation(now_, token, true);
        return timeout_.value();
    }
    void silence(protocol::Duration time) {
        timeout_.on_sign(now_);
        now_ += time;
        timeout_.on_sign(now_);
        timeout_.stop_waiting();
    }
    /// All members are taken for lost and are together again.
    void false_alarm() {
        timeout_.on_loss(now_, kAll);
        now_ += 100ms;
        timeout_.on_ring(now_, kAll);
    }

    LossTimeout timeout_{{.least = kLeast, .most = 5s}};
    Instant now_{1000s};
};

TEST_F(LossTimeoutTest, AQuietRingKeepsTheLeast) {
    EXPECT_EQ(timeout_.value(), kLeast);
    silence(45ms);
    EXPECT_EQ(wanted(), kLeast);
}

TEST_F(LossTimeoutTest, FourTimesASilenceThatEndedWellIsBorneForAMinuteOrTwo) {
    silence(100ms);
    EXPECT_EQ(wanted(), 400ms);
    silence(80ms);
    EXPECT_EQ(wanted(), 400ms);
    now_ += 59s;
    EXPECT_EQ(wanted(), 400ms);
    now_ += 61s;
    EXPECT_EQ(wanted(), kLeast);
}

TEST_F(LossTimeoutTest, NoTimeCountsInWhichNothingWasExpected) {
    timeout_.on_sign(now_);
    timeout_.stop_waiting();
    now_ += 10s;
    timeout_.on_sign(now_);
    EXPECT_EQ(wanted(), kLeast);
}

TEST_F(LossTimeoutTest, TheOwnLatenessCountsAndTheMostIsTheMost) {
    timeout_.on_late(now_, 300ms);
    EXPECT_EQ(wanted(), 1200ms);
    timeout_.on_late(now_, 3s);
    EXPECT_EQ(wanted(), 5s);
}

TEST_F(LossTimeoutTest, AFalseAlarmDoublesItAndTenQuietMinutesHalveIt) {
    false_alarm();
    EXPECT_EQ(timeout_.value(), 500ms);
    false_alarm();
    EXPECT_EQ(timeout_.value(), 1000ms);
    now_ += 9min;
    EXPECT_EQ(wanted(), 1000ms);
    now_ += 1min;
    EXPECT_EQ(wanted(), 500ms);
    now_ += 10min;
    EXPECT_EQ(wanted(), kLeast);
    for (int i = 0; i < 40; ++i) {
        false_alarm();
    }
    EXPECT_EQ(timeout_.value(), 5s);
}

TEST_F(LossTimeoutTest, WhoComesBackLaterButSoonMakesItAFalseAlarmToo) {
    timeout_.on_loss(now_, kAll);
    now_ += 100ms;
    timeout_.on_ring(now_, kWithoutLast);
    EXPECT_EQ(timeout_.value(), kLeast);
    now_ += 2s;
    timeout_.on_ring(now_, kAll);
    EXPECT_EQ(timeout_.value(), 500ms);
}

TEST_F(LossTimeoutTest, WhoDiedOrStaysAwayWasLost) {
    timeout_.on_loss(now_, kAll);
    timeout_.on_ring(now_, kWithoutLast);
    timeout_.on_ring(now_, kLastRestarted);
    EXPECT_EQ(timeout_.value(), kLeast);

    timeout_.on_loss(now_, kAll);
    timeout_.on_ring(now_, kWithoutLast);
    now_ += 3s;
    timeout_.on_ring(now_, kAll);
    EXPECT_EQ(timeout_.value(), kLeast);
}

TEST_F(LossTimeoutTest, TheTokenTakesTheLargestWishRound) {
    LossTimeout representative{{.least = kLeast, .most = 5s}};
    Token token;
    timeout_.on_late(now_, 200ms);
    representative.on_rotation(now_, token, true);
    EXPECT_EQ(token.loss_timeout, 250000U);
    timeout_.on_rotation(now_, token, false);
    EXPECT_EQ(timeout_.value(), kLeast) << "not before the others";
    EXPECT_EQ(token.loss_wanted, 800000U);
    representative.on_rotation(now_, token, true);
    EXPECT_EQ(representative.value(), 800ms);
    timeout_.on_rotation(now_, token, false);
    EXPECT_EQ(timeout_.value(), 800ms);
}

TEST_F(LossTimeoutTest, WhatATokenSaysIsHeldToTheLimits) {
    Token token;
    token.loss_timeout = 0xffffffff;
    token.loss_wanted = 0xffffffff;
    timeout_.on_rotation(now_, token, false);
    EXPECT_EQ(timeout_.value(), 5s);
    EXPECT_EQ(token.loss_wanted, 5000000U);
    token.loss_timeout = 1;
    timeout_.on_rotation(now_, token, false);
    EXPECT_EQ(timeout_.value(), kLeast);
}

TEST_F(LossTimeoutTest, AFixedOneLearnsAndSaysNothing) {
    LossTimeout fixed{{.least = kLeast, .most = kLeast}};
    fixed.on_late(now_, 3s);
    fixed.on_loss(now_, kAll);
    fixed.on_ring(now_, kAll);
    EXPECT_EQ(fixed.value(), kLeast);
    Token token;
    token.loss_wanted = 700000;
    fixed.on_rotation(now_, token, true);
    EXPECT_EQ(fixed.value(), kLeast);
    EXPECT_EQ(token.loss_timeout, 0U);
    // Others bear what they want themselves then.
    timeout_.on_late(now_, 200ms);
    timeout_.on_rotation(now_, token, false);
    EXPECT_EQ(timeout_.value(), 800ms);
}

}  // namespace
}  // namespace spread::membership
