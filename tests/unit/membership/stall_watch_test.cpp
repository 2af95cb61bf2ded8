#include "membership/stall_watch.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace spread::membership {
namespace {

using namespace std::chrono_literals;
using protocol::DaemonId;
using protocol::Seq;
using protocol::Token;

constexpr DaemonId kOurs{1};
constexpr DaemonId kOther{2};

class StallWatchTest : public testing::Test {
  protected:
    StallWatch watch_{kOurs, 100ms};
    protocol::Instant now_{1s};

    static Token asking(DaemonId whose) {
        Token token;
        token.seq = Seq{10};
        token.aru = Seq{4};
        token.aru_id = whose;
        token.rtr = {{Seq{5}, 1}};
        return token;
    }

    bool after(protocol::Duration time, const Token& token, bool recovering = false) {
        now_ += time;
        return watch_.on_token(now_, token, recovering);
    }
};

TEST_F(StallWatchTest, GivesUpAfterFiveLossTimeouts) {
    EXPECT_FALSE(after(0ms, asking(kOther)));
    EXPECT_FALSE(after(499ms, asking(kOther)));
    EXPECT_TRUE(after(1ms, asking(kOther)));
}

TEST_F(StallWatchTest, LetsOthersDecideFirstWhetherItIsUs) {
    EXPECT_FALSE(after(0ms, asking(kOurs)));
    EXPECT_FALSE(after(999ms, asking(kOurs)));
    EXPECT_TRUE(after(1ms, asking(kOurs)));
}

TEST_F(StallWatchTest, AnAdvancingAruIsProgress) {
    Token token = asking(kOther);
    EXPECT_FALSE(after(0ms, token));
    token.aru = Seq{5};
    token.rtr = {{Seq{6}, 1}};
    EXPECT_FALSE(after(600ms, token));
    EXPECT_FALSE(after(499ms, token));
}

TEST_F(StallWatchTest, LoansInBetweenAreNoProgress) {
    Token loan;
    loan.out_of_turn = true;
    EXPECT_FALSE(after(0ms, asking(kOther)));
    EXPECT_FALSE(after(499ms, loan));
    EXPECT_TRUE(after(1ms, asking(kOther)));
}

TEST_F(StallWatchTest, WhoAsksForNothingMayLag) {
    Token token = asking(kOther);
    token.rtr.clear();
    EXPECT_FALSE(after(0ms, token));
    EXPECT_FALSE(after(10s, token));
}

TEST_F(StallWatchTest, RecoveryHasToGetOn) {
    Token token;
    token.aru_id = kOther;
    token.complete = {0};
    EXPECT_FALSE(after(0ms, token, true));
    token.complete = {0, 1};
    EXPECT_FALSE(after(600ms, token, true)) << "one more has everything";
    token.seq = Seq{1};
    EXPECT_FALSE(after(600ms, token, true)) << "something was resent";
    EXPECT_TRUE(after(600ms, token, true));
}

TEST_F(StallWatchTest, CanBeginAnew) {
    EXPECT_FALSE(after(0ms, asking(kOther)));
    watch_.reset();
    EXPECT_FALSE(after(600ms, asking(kOther)));
}

}  // namespace
}  // namespace spread::membership
