#include "membership/token_rest.hpp"

#include <chrono>
#include <vector>

#include <gtest/gtest.h>

namespace spread::membership {
namespace {

using protocol::DaemonId;
using protocol::Instant;
using protocol::Seq;
using protocol::Token;
using protocol::TokenSeq;
using std::chrono::milliseconds;
using Verdict = TokenRest::Verdict;

constexpr DaemonId kFirst{1};
constexpr DaemonId kSecond{2};
constexpr DaemonId kThird{3};
constexpr auto kSettle = milliseconds(3);
constexpr auto kHold = milliseconds(75);

/// Three daemons; the machine of the representative, and that of the second one.
class TokenRestTest : public testing::Test {
  protected:
    RingMembers first_members_{{kFirst, kSecond, kThird}, kFirst};
    RingMembers second_members_{{kFirst, kSecond, kThird}, kSecond};
    TokenRest rest_{{.settle = kSettle, .hold = kHold, .lease_after_hits = 3}, first_members_};
    TokenRest member_{{.settle = kSettle, .hold = kHold, .lease_after_hits = 3}, second_members_};
    Instant now_{};
    Token token_;

    void TearDown() override {
        rest_.check_invariants();
        member_.check_invariants();
    }

    /// The token goes round once; `senders` say who stamped what came up.
    void round(const std::vector<DaemonId>& senders = {}, bool quiet = true) {
        const Seq before = token_.seq;
        token_.seq = token_.aru = before + senders.size();
        token_.token_seq.value += 2;
        now_ += milliseconds(1);
        rest_.end_round(now_, token_, quiet, [&](Seq seq) { return senders[seq - before - 1]; });
    }

    /// The same, and it leaves again.
    bool turn(const std::vector<DaemonId>& senders = {}, bool quiet = true) {
        round(senders, quiet);
        return leave(quiet);
    }

    bool leave(bool quiet = true) {
        ++token_.token_seq.value;
        return rest_.begin_round(token_, quiet);
    }

    [[nodiscard]] Instant soon() const { return now_ + kSettle; }

    void rest_here() {
        round();
        ASSERT_EQ(rest_.decide(now_, soon(), false).verdict, Verdict::kRest);
        rest_.rest(token_, soon());
    }

    void lend(DaemonId to, bool lease) {
        token_.out_of_turn = true;
        token_.lease = lease;
        token_.to = to;
        ++token_.token_seq.value;
        rest_.lend(now_, token_, soon());
    }

    Instant give_back(DaemonId from) {
        token_.sender = from;
        ++token_.token_seq.value;
        const Instant until = rest_.take_back(now_, token_);
        token_.out_of_turn = token_.lease = false;
        return until;
    }
};

TEST_F(TokenRestTest, TurnsAtFirst) {
    EXPECT_FALSE(rest_.may_rest());
    EXPECT_EQ(rest_.token_at_rest(), nullptr);
    EXPECT_EQ(rest_.deadline(), std::nullopt);
}

TEST_F(TokenRestTest, MayRestAfterAQuietRoundOnly) {
    EXPECT_TRUE(turn());
    EXPECT_TRUE(rest_.may_rest());
    EXPECT_FALSE(turn({}, false));
    EXPECT_FALSE(rest_.may_rest());
}

TEST_F(TokenRestTest, WithoutATimeToSettleOnlyAnIdleRingsTokenRests) {
    TokenRest rest({.settle = protocol::Duration::zero(), .hold = kHold}, first_members_);
    EXPECT_FALSE(rest.begin_round(token_, true));
    for (int i = 0; i < 2; ++i) {
        token_.token_seq.value += 3;
        rest.end_round(now_, token_, true, [](Seq) { return kSecond; });
        EXPECT_EQ(rest.begin_round(token_, true), i == 1);
    }
}

TEST_F(TokenRestTest, RestsUntilTheTimeIsUp) {
    rest_here();
    ASSERT_NE(rest_.resting(), nullptr);
    EXPECT_EQ(rest_.deadline(), soon());
    EXPECT_EQ(rest_.token_at_rest()->token_seq, token_.token_seq);
    EXPECT_EQ(rest_.decide(soon(), soon(), false).verdict, Verdict::kGoRound);
}

TEST_F(TokenRestTest, IsGrantedToWhoAsksAndComesBack) {
    rest_here();
    EXPECT_FALSE(rest_.asked(kSecond, token_.token_seq)) << "there is no lease to ask back";
    const auto decision = rest_.decide(now_, soon(), false);
    EXPECT_EQ(decision.verdict, Verdict::kGrant);
    EXPECT_EQ(decision.to, kSecond);
    lend(kSecond, false);
    ASSERT_NE(rest_.on_loan(), nullptr);
    EXPECT_FALSE(rest_.on_loan()->is_lease());
    EXPECT_EQ(rest_.deadline(), std::nullopt) << "a grant comes back by itself";
    EXPECT_EQ(rest_.token_at_rest(), nullptr);
    EXPECT_EQ(give_back(kSecond), soon()) << "the round is due when it was before";
    EXPECT_EQ(rest_.decide(now_, soon(), false).verdict, Verdict::kRest);
}

TEST_F(TokenRestTest, GoesRoundForTwoWhoAsk) {
    rest_here();
    EXPECT_FALSE(rest_.asked(kSecond, token_.token_seq));
    EXPECT_FALSE(rest_.asked(kThird, token_.token_seq));
    EXPECT_EQ(rest_.decide(now_, soon(), false).verdict, Verdict::kGoRound);
    EXPECT_TRUE(leave());
    round();
    EXPECT_EQ(rest_.decide(now_, soon(), false).verdict, Verdict::kRest)
        << "who was visited since has been served";
}

TEST_F(TokenRestTest, AQuestionFromBehindTheTokenIsStillOpen) {
    EXPECT_TRUE(turn());
    // Sent after the token of this round had left the third daemon.
    EXPECT_FALSE(rest_.asked(kThird, TokenSeq{token_.token_seq.value + 1}));
    round();
    const auto decision = rest_.decide(now_, soon(), false);
    EXPECT_EQ(decision.verdict, Verdict::kGrant);
    EXPECT_EQ(decision.to, kThird);
}

TEST_F(TokenRestTest, IsLeasedToWhoIsExpected) {
    for (int i = 0; i < 4; ++i) {
        round({kSecond});
        rest_.note_own_packets(now_);
        leave();
    }
    round({kSecond});
    rest_.note_own_packets(now_);
    const auto decision = rest_.decide(now_, soon(), false);
    EXPECT_EQ(decision.verdict, Verdict::kLease);
    EXPECT_EQ(decision.to, kSecond);
    EXPECT_EQ(rest_.decide(now_, soon(), true).verdict, Verdict::kRest) << "we send first";
}

TEST_F(TokenRestTest, ALeaseIsAskedBackWhenItsTimeIsUp) {
    round();
    lend(kSecond, true);
    EXPECT_EQ(rest_.deadline(), now_ + kSettle);
    EXPECT_EQ(rest_.token_at_rest()->to, kSecond);
    const Token& recalled = rest_.recall();
    EXPECT_FALSE(recalled.lease);
    EXPECT_TRUE(recalled.out_of_turn);
    EXPECT_EQ(rest_.deadline(), std::nullopt) << "from now on it is a grant";
    EXPECT_FALSE(rest_.asked(kThird, token_.token_seq)) << "it is asked back already";
}

TEST_F(TokenRestTest, ALeaseIsAskedBackForSomebodyElse) {
    round();
    lend(kSecond, true);
    EXPECT_TRUE(rest_.asked(kThird, token_.token_seq));
}

TEST_F(TokenRestTest, WhoHasTheLeaseMayHaveAskedBeforeItCame) {
    round();
    const TokenSeq before = token_.token_seq;
    lend(kSecond, true);
    EXPECT_FALSE(rest_.asked(kSecond, before));
    EXPECT_TRUE(rest_.asked(kSecond, before)) << "asking twice: it was lost";
}

TEST_F(TokenRestTest, WhoAsksAfterTheLeaseHasLostIt) {
    round();
    lend(kSecond, true);
    EXPECT_TRUE(rest_.asked(kSecond, token_.token_seq));
}

TEST_F(TokenRestTest, AnIdleRingsTokenRestsForTheHold) {
    for (int i = 0; i < 3; ++i) {
        EXPECT_FALSE(rest_.is_idle());
        turn();
    }
    EXPECT_TRUE(rest_.is_idle());
    rest_.announce(now_, token_);
    EXPECT_EQ(rest_.deadline(), now_ + kHold);
    EXPECT_TRUE(rest_.resting()->announced);
}

TEST_F(TokenRestTest, WhatComesUpOnAnIdleRingShortensTheRest) {
    for (int i = 0; i < 3; ++i) {
        turn();
    }
    rest_.announce(now_, token_);
    now_ += milliseconds(10);
    EXPECT_EQ(rest_.stir(now_), now_ + kSettle);
    EXPECT_FALSE(rest_.resting()->announced);
    now_ += milliseconds(1);
    EXPECT_EQ(rest_.stir(now_), now_ - milliseconds(1) + kSettle) << "but only once";
    EXPECT_FALSE(rest_.is_idle());
}

TEST_F(TokenRestTest, AnIdleRingIsIdleAgainAfterOneQuietRound) {
    for (int i = 0; i < 3; ++i) {
        turn();
    }
    rest_.announce(now_, token_);
    rest_.end_rest(false);
    EXPECT_TRUE(leave());
    round();
    EXPECT_TRUE(rest_.is_idle());
}

TEST_F(TokenRestTest, AnIdleRingWithWorkIsNotIdleAfterOneRound) {
    for (int i = 0; i < 3; ++i) {
        turn();
    }
    rest_.announce(now_, token_);
    rest_.end_rest(true);
    EXPECT_TRUE(leave());
    round();
    EXPECT_FALSE(rest_.is_idle());
}

TEST_F(TokenRestTest, ABusyRingsTokenTurns) {
    for (std::uint32_t i = 0; i < 3; ++i) {
        EXPECT_TRUE(turn({kSecond, kThird}));
    }
    EXPECT_FALSE(turn({kSecond, kThird}));
    EXPECT_TRUE(turn()) << "one quiet round is enough";
}

TEST_F(TokenRestTest, AMemberKeepsALeaseAndGivesItBack) {
    Token lease;
    lease.out_of_turn = lease.lease = true;
    lease.to = kSecond;
    member_.pass_on(false);
    member_.borrow(lease);
    ASSERT_NE(member_.borrowed(), nullptr);
    EXPECT_EQ(member_.deadline(), std::nullopt) << "it is asked back";
    member_.give_back();
    EXPECT_EQ(member_.borrowed(), nullptr);
    EXPECT_TRUE(member_.may_rest()) << "with more work it has to ask";
}

TEST_F(TokenRestTest, AMemberKnowsFromTheTokenWhetherItMayRest) {
    member_.pass_on(true);
    EXPECT_TRUE(member_.may_rest());
    member_.pass_on(false);
    EXPECT_FALSE(member_.may_rest());
}

}  // namespace
}  // namespace spread::membership
