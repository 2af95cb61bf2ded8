#include "membership/round_log.hpp"

#include <chrono>
#include <vector>

#include <gtest/gtest.h>

namespace spread::membership {
namespace {

using protocol::DaemonId;
using protocol::Seq;
using std::chrono::milliseconds;

class RoundLogTest : public testing::Test {
  protected:
    RoundLog log_{{.follows_within = milliseconds(3), .hits_min = 2}};
    protocol::Instant now_{};
    Seq seq_;

    /// A round in which these stamped a packet each; 0: the packet has not arrived.
    void round(const std::vector<std::uint32_t>& senders) {
        const Seq before = seq_;
        log_.begin(before);
        seq_ = seq_ + senders.size();
        now_ += milliseconds(1);
        log_.end(now_, seq_, [&](Seq seq) { return DaemonId{senders[seq - before - 1]}; });
        log_.count_idle(senders.empty(), seq_);
    }
};

TEST_F(RoundLogTest, ThreeRoundsWithoutAnythingAreIdle) {
    round({});
    EXPECT_FALSE(log_.is_nearly_idle());
    round({});
    EXPECT_TRUE(log_.is_nearly_idle());
    EXPECT_FALSE(log_.is_idle());
    round({});
    EXPECT_TRUE(log_.is_idle());
    round({2});
    EXPECT_FALSE(log_.is_nearly_idle());
}

TEST_F(RoundLogTest, AfterAVisitOutOfTurnTheRingIsNotIdle) {
    round({});
    seq_ = seq_ + 1;  // stamped between two rounds
    log_.count_idle(true, seq_);
    round({});
    EXPECT_FALSE(log_.is_nearly_idle());
}

TEST_F(RoundLogTest, FourRoundsWithWorkAreBusy) {
    for (int i = 0; i < 3; ++i) {
        round({2, 3});
        EXPECT_FALSE(log_.is_busy());
    }
    round({2, 3});
    EXPECT_TRUE(log_.is_busy());
    round({});
    EXPECT_FALSE(log_.is_busy());
}

TEST_F(RoundLogTest, WhoWasExpectedDoesNotMakeARoundBusy) {
    for (int i = 0; i < 10; ++i) {
        round({2});
    }
    EXPECT_EQ(log_.expected(), DaemonId{2});
    EXPECT_FALSE(log_.is_busy());
}

TEST_F(RoundLogTest, NorDoSeveralPacketsOfWhoWasExpected) {
    for (int i = 0; i < 10; ++i) {
        round({2, 2, 2});
    }
    EXPECT_EQ(log_.expected(), DaemonId{2});
    EXPECT_FALSE(log_.is_busy());
}

TEST_F(RoundLogTest, ManyPacketsSayNothingAboutWhoFollows) {
    round({2});
    round({2});
    round({2});
    EXPECT_EQ(log_.expected(), DaemonId{2});
    round(std::vector<std::uint32_t>(17, 2));
    EXPECT_EQ(log_.expected(), std::nullopt);
}

TEST_F(RoundLogTest, NorDoPacketsThatAreMissing) {
    round({2});
    round({2});
    round({2});
    round({0});
    EXPECT_EQ(log_.expected(), std::nullopt);
}

TEST_F(RoundLogTest, NobodyIsExpectedOnAnIdleRing) {
    round({2});
    round({2});
    round({2});
    round({});
    EXPECT_EQ(log_.expected(), std::nullopt);
    log_.stir();
    EXPECT_EQ(log_.expected(), DaemonId{2});
}

}  // namespace
}  // namespace spread::membership
