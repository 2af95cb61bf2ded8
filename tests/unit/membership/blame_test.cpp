#include "membership/blame.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace spread::membership {
namespace {

using namespace std::chrono_literals;
using protocol::DaemonSet;
using protocol::Instant;

class BlameTest : public testing::Test {
  protected:
    Blame blame_{4, {.memory = 5s, .least = 1s, .most = 30s}};
    Instant now_{1000s};

    /// How long daemon 2 is left out for a failure now; time passes until it is over.
    protocol::Duration fail() {
        const Instant begin = now_;
        static_cast<void>(blame_.note(now_, 2));
        while (blame_.left_out(now_).contains(2)) {
            now_ += 500ms;
        }
        return now_ - begin;
    }
};

TEST_F(BlameTest, AFirstFailureIsAnAccidentThenItDoublesFromOneSecondToThirty) {
    EXPECT_EQ(fail(), 0s);
    for (const auto expected : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
        now_ += 4s;
        EXPECT_EQ(fail(), expected);
    }
    now_ += 5s;
    EXPECT_EQ(fail(), 0s) << "all was well for a while";
}

/// Members of one ring take turns in noticing; it is left out for as long as if one noticed all.
TEST_F(BlameTest, WhatOthersNoticeCounts) {
    blame_.hear(now_, 2);
    EXPECT_TRUE(blame_.left_out(now_).empty()) << "they do";
    blame_.hear(now_ + 900ms, 2);  // the same failure
    now_ += 1s;
    blame_.hear(now_, 2);  // for two seconds
    now_ += 6s;
    EXPECT_EQ(fail(), 4s);
    now_ += 4s;
    blame_.hear(now_, 2);
    EXPECT_EQ(fail(), 8s) << "of one failure";
    now_ += 5s;
    EXPECT_EQ(fail(), 0s) << "all was well for a while";
}

TEST_F(BlameTest, LeavesOutNobodyElse) {
    EXPECT_FALSE(blame_.note(now_, 2));
    EXPECT_FALSE(blame_.note(now_, 1)) << "each for itself";
    EXPECT_TRUE(blame_.note(now_, 2));
    EXPECT_EQ(blame_.left_out(now_), (DaemonSet{2}));
}

TEST_F(BlameTest, ALinkThatWasBadForAWhileAndIsGoodEndsItAtOnce) {
    static_cast<void>(blame_.note(now_, 2));
    now_ += 4s;
    static_cast<void>(blame_.note(now_, 2));
    now_ += 3s;
    EXPECT_TRUE(blame_.note(now_, 2)) << "for two seconds";
    blame_.note_links(now_, 2, true);
    blame_.note_links(now_, 2, false);
    now_ += 900ms;
    blame_.note_links(now_, 2, true);
    EXPECT_EQ(blame_.left_out(now_), (DaemonSet{2})) << "rings form";
    blame_.note_links(now_, 2, false);
    blame_.note_links(now_ + 500ms, 2, false);
    blame_.note_links(now_ + 1s, 2, true);
    EXPECT_TRUE(blame_.left_out(now_).empty());
    EXPECT_FALSE(blame_.note(now_, 2)) << "all is forgotten";
}

TEST_F(BlameTest, AnotherLifeEndsItAtOnce) {
    static_cast<void>(blame_.note(now_, 2));
    EXPECT_TRUE(blame_.note(now_, 2));
    blame_.forget(2);
    EXPECT_TRUE(blame_.left_out(now_).empty());
}

}  // namespace
}  // namespace spread::membership
