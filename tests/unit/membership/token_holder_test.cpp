#include "membership/token_holder.hpp"

#include "state_test.hpp"

namespace spread::membership {
namespace {

using protocol::PacketKind;
using protocol::Seq;
using protocol::Token;
using protocol::TokenSeq;
using testing::ElementsAre;
using testing::IsEmpty;

class TokenHolderTest : public StateTest {
  protected:
    explicit TokenHolderTest(protocol::DaemonId self) : StateTest(self) {
        install({kFirst, kSecond, kThird});
        holder_.start(core_.order->high_seq());
    }

    void TearDown() override {
        holder_.check_invariants();
        StateTest::TearDown();
    }

    /// The next token arrives.
    [[nodiscard]] Next take(protocol::DaemonId sender, protocol::DaemonId to) {
        Token& token = core_.token;
        token.ring_id = core_.ring.id();
        token.sender = sender;
        token.to = to;
        token.token_seq = core_.order->last_token_seq();
        token.token_seq.value += 3;
        token.seq = token.aru = core_.order->high_seq();
        return holder_.on_token(step(), token);
    }

    TokenHolder holder_{core_};
};

/// The second of three members.
class MemberTokenHolder : public TokenHolderTest {
  protected:
    MemberTokenHolder() : TokenHolderTest(kSecond) {}

    void lend(bool lease) {
        core_.token.out_of_turn = true;
        core_.token.lease = lease;
        EXPECT_TRUE(stays(take(kFirst, kSecond)));
    }
};

TEST_F(MemberTokenHolder, PassesTheTokenOnBehindWhatItHadToSend) {
    submit();
    EXPECT_TRUE(stays(take(kFirst, kSecond)));
    EXPECT_THAT(sent(), ElementsAre(PacketKind::kDataToken)) << "one datagram where both fit";
    EXPECT_EQ(core_.token.to, kThird);
    EXPECT_EQ(core_.token.sender, kSecond);
    EXPECT_EQ(core_.token.seq, Seq{1});
    ASSERT_NE(core_.watch.watched(), nullptr);
    EXPECT_EQ(core_.watch.watched()->to, kThird);
    EXPECT_EQ(core_.stats.packets_sent, 1U);
}

TEST_F(MemberTokenHolder, CountsASilenceOfMoreThanHalfTheLossTimeoutThatEnds) {
    EXPECT_TRUE(stays(take(kFirst, kSecond)));
    now_ += core_.loss.value() / 2;
    EXPECT_TRUE(stays(take(kFirst, kSecond)));
    EXPECT_EQ(core_.stats.tokens_late, 0U);
    now_ += core_.loss.value() / 2 + std::chrono::milliseconds(1);
    EXPECT_TRUE(stays(take(kFirst, kSecond)));
    EXPECT_EQ(core_.stats.tokens_late, 1U);
}

TEST_F(MemberTokenHolder, CountsItsOwnPauses) {
    core_.stood_still(step(), std::chrono::milliseconds(300));
    core_.stood_still(step(), std::chrono::milliseconds(200));
    EXPECT_EQ(core_.stats.own_pauses, 2U);
    EXPECT_EQ(core_.stats.own_pause, std::chrono::milliseconds(500));
}

TEST_F(MemberTokenHolder, LeavesATokenForSomebodyElseAlone) {
    EXPECT_TRUE(stays(take(kFirst, kThird)));
    EXPECT_TRUE(stays(take(kThird, kSecond))) << "not from its predecessor";
    EXPECT_THAT(sent(), IsEmpty());
    EXPECT_EQ(core_.stats.tokens_duplicate, 2U);
}

TEST_F(MemberTokenHolder, DropsACopyOfATokenThatItHad) {
    EXPECT_TRUE(stays(take(kFirst, kSecond)));
    EXPECT_THAT(sent(), ElementsAre(PacketKind::kToken));
    Token copy = core_.token;
    copy.sender = kFirst;
    copy.to = kSecond;
    copy.token_seq.value -= 1;
    EXPECT_TRUE(stays(holder_.on_token(step(), copy)));
    EXPECT_THAT(sent(), IsEmpty());
    EXPECT_EQ(core_.stats.tokens_duplicate, 1U);
}

TEST_F(MemberTokenHolder, AsksForATokenThatMayRestUntilItComes) {
    core_.token.may_rest = true;
    EXPECT_TRUE(stays(take(kFirst, kSecond)));
    static_cast<void>(sent());
    submit();
    holder_.pump(step());
    EXPECT_THAT(sent(), ElementsAre(PacketKind::kWake));
    EXPECT_EQ(last_sent().to, kFirst);
    ASSERT_TRUE(core_.timers.is_set(RingTimer::kWake));
    holder_.pump(step());
    EXPECT_THAT(sent(), IsEmpty()) << "it has asked already";
    holder_.ask_for_token(step());
    EXPECT_THAT(sent(), ElementsAre(PacketKind::kWake)) << "the timer repeats it";
}

TEST_F(MemberTokenHolder, DoesNotAskForATokenThatIsOnItsWay) {
    EXPECT_TRUE(stays(take(kFirst, kSecond)));
    static_cast<void>(sent());
    submit();
    holder_.pump(step());
    EXPECT_THAT(sent(), IsEmpty());
}

TEST_F(MemberTokenHolder, TakesTheTokenOutOfTurnFromTheRepresentativeOnly) {
    submit();
    core_.token.out_of_turn = true;
    EXPECT_TRUE(stays(take(kThird, kSecond)));
    EXPECT_THAT(sent(), IsEmpty());
}

TEST_F(MemberTokenHolder, UsesAGrantAndGivesItBack) {
    submit();
    lend(false);
    EXPECT_THAT(sent(), ElementsAre(PacketKind::kDataToken));
    EXPECT_EQ(core_.token.to, kFirst) << "past all others";
    EXPECT_TRUE(core_.token.out_of_turn);
}

TEST_F(MemberTokenHolder, KeepsALeaseUntilThereIsWork) {
    lend(true);
    EXPECT_THAT(sent(), IsEmpty());
    submit();
    holder_.pump(step());
    EXPECT_THAT(sent(), ElementsAre(PacketKind::kDataToken));
    EXPECT_EQ(core_.token.to, kFirst);
    EXPECT_FALSE(core_.token.lease);
}

TEST_F(MemberTokenHolder, GivesALeaseBackThatIsRecalled) {
    lend(true);
    Token recall = core_.token;
    recall.lease = false;
    EXPECT_TRUE(stays(holder_.on_token(step(), recall)));
    EXPECT_THAT(sent(), ElementsAre(PacketKind::kToken));
    EXPECT_EQ(last_sent().to, kFirst);
}

TEST_F(MemberTokenHolder, ARecallOfAnotherLeaseIsLate) {
    lend(true);
    Token recall = core_.token;
    recall.lease = false;
    --recall.token_seq.value;
    EXPECT_TRUE(stays(holder_.on_token(step(), recall)));
    EXPECT_THAT(sent(), IsEmpty());
}

TEST_F(MemberTokenHolder, TakesNoPacketBeyondATokenThatItHas) {
    lend(true);
    EXPECT_TRUE(holder_.accepts({Seq{0}, {}, 1}));
    EXPECT_FALSE(holder_.accepts({Seq{1}, {}, 1})) << "nobody else can have stamped it";
}

/// The first of three members.
class Representative : public TokenHolderTest {
  protected:
    Representative() : TokenHolderTest(kFirst) {}

    /// Two quiet rounds: the token stays here when it comes round again.
    void come_to_rest() {
        EXPECT_TRUE(stays(take(kThird, kFirst)));
        EXPECT_THAT(sent(), ElementsAre(PacketKind::kToken));
        EXPECT_TRUE(core_.token.may_rest);
        EXPECT_TRUE(stays(take(kThird, kFirst)));
        EXPECT_THAT(sent(), IsEmpty());
        EXPECT_TRUE(holder_.rests_here());
    }
};

TEST_F(Representative, KeepsTheTokenOfAQuietRing) {
    come_to_rest();
    EXPECT_TRUE(core_.timers.is_set(RingTimer::kTokenRest));
    EXPECT_FALSE(core_.timers.is_set(RingTimer::kTokenLoss)) << "nothing needs to come in";
    now_ += core_.config.token_settle_timeout;
    holder_.on_rest_ended(step());
    EXPECT_THAT(sent(), ElementsAre(PacketKind::kToken));
    EXPECT_EQ(last_sent().to, kSecond);
    EXPECT_TRUE(core_.timers.is_set(RingTimer::kTokenLoss));
}

TEST_F(Representative, KeepsTheTokenWhileItsClientsTakeNothing) {
    core_.delivery_room = 0;
    come_to_rest();
}

TEST_F(Representative, SendsWithoutMovingATokenThatRests) {
    come_to_rest();
    submit();
    holder_.pump(step());
    EXPECT_THAT(sent(), ElementsAre(PacketKind::kData));
    EXPECT_TRUE(holder_.rests_here());
}

TEST_F(Representative, GrantsTheTokenToWhoAsks) {
    come_to_rest();
    holder_.on_wake(step(), kThird, TokenSeq{1});
    EXPECT_THAT(sent(), ElementsAre(PacketKind::kToken));
    EXPECT_EQ(last_sent().to, kThird);
    EXPECT_FALSE(holder_.rests_here());
    EXPECT_EQ(core_.stats.tokens_granted, 1U);
    core_.token.out_of_turn = true;
    EXPECT_TRUE(stays(take(kSecond, kFirst)));
    EXPECT_FALSE(holder_.rests_here()) << "it was not lent to that one";
    // It comes back, and rests again.
    EXPECT_TRUE(stays(take(kThird, kFirst)));
    EXPECT_THAT(sent(), IsEmpty());
    EXPECT_TRUE(holder_.rests_here());
}

TEST_F(Representative, TellsWhoSendsTheTokenAgainThatItHasArrived) {
    come_to_rest();
    Token copy = core_.token;
    copy.sender = kThird;
    copy.to = kFirst;
    EXPECT_TRUE(stays(holder_.on_token(step(), copy)));
    EXPECT_THAT(sent(), ElementsAre(PacketKind::kHold));
    EXPECT_EQ(last_sent().to, kThird);
}

TEST_F(Representative, DoesNotKeepTheTokenWhileAPacketIsMissing) {
    EXPECT_TRUE(stays(take(kThird, kFirst)));
    static_cast<void>(sent());
    core_.token.rtr = {{Seq{1}, 1}};
    EXPECT_TRUE(stays(take(kThird, kFirst)));
    EXPECT_THAT(sent(), ElementsAre(PacketKind::kToken));
}

}  // namespace
}  // namespace spread::membership
