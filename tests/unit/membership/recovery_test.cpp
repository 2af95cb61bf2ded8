#include "membership/recovery.hpp"

#include "membership/commit.hpp"
#include "state_test.hpp"

namespace spread::membership {
namespace {

using protocol::CommitMember;
using protocol::CommitToken;
using protocol::DaemonSet;
using protocol::PacketKind;
using protocol::RingId;
using protocol::Seq;
using protocol::Token;
using protocol::TokenSeq;
using testing::IsEmpty;

const RingId kNew{kFirst, 5, 1020};

/// The second of two survivors of a ring of three. It lacks packet 2, which the first one has.
class RecoveryTest : public StateTest {
  protected:
    RecoveryTest() : StateTest(kSecond) {
        install({kFirst, kSecond, kThird});
        old_ = core_.ring.id();
        core_.id_counter.join(kNew.counter);
        core_.order->on_data({Seq{1}, {}, 1}, kFirst, data(kFirst, 1, old_));
        state_.emplace(core_,
                       Forming{kNew,
                               RingMembers({kFirst, kSecond}, kSecond),
                               {DaemonSet{0, 1, 2}, DaemonSet{2}},
                               TokenSeq{4}},
                       commit(2));
    }

    void TearDown() override {
        state_->check_invariants();
        StateTest::TearDown();
    }

    /// The first member holds everything up to `aru`.
    [[nodiscard]] CommitToken commit(std::uint64_t aru) const {
        CommitToken token;
        token.ring_id = kNew;
        token.pass = 2;
        CommitMember first;
        first.id = kFirst;
        first.filled = true;
        first.old_ring = old_;
        first.aru = Seq{aru};
        token.members = {first, report(core_, 2)};
        return token;
    }

    /// The next token of the new ring comes from the first member.
    [[nodiscard]] Next visit(Seq seq, const DaemonSet& complete) {
        Token& token = core_.token;
        token = Token{};
        token.ring_id = kNew;
        token.sender = kFirst;
        token.to = kSecond;
        token.token_seq = TokenSeq{token_seq_ += 2};
        token.seq = seq;
        token.complete = complete;
        return state_->on(step(), from(kFirst, kNew), token);
    }

    /// `old` as a message of the new ring.
    [[nodiscard]] protocol::Slice wrapped(const protocol::Slice& old, std::uint64_t seq) {
        protocol::DataBuilder builder(pool_.acquire_or_heap(), core_.config.datagram_bytes_max);
        const auto room = builder.add_entry(old.length, true, true, protocol::Service::kAgreed,
                                            protocol::MessageKind::kRecoveryPacket);
        std::copy(old.bytes().begin(), old.bytes().end(), room.begin());
        return builder.finish(from(kFirst, kNew), Seq{seq}, TokenSeq{seq});
    }

    RingId old_;
    std::optional<Recovery> state_;

  private:
    std::uint64_t token_seq_ = 10;
};

TEST_F(RecoveryTest, PromisesNothingBeforeItHasEverything) {
    EXPECT_TRUE(stays(visit(Seq{1}, DaemonSet{0})));
    EXPECT_EQ(core_.token.complete, DaemonSet{0});
    EXPECT_EQ(core_.obligation, DaemonSet{});
}

TEST_F(RecoveryTest, InstallsTheRingWhenAllHaveEverything) {
    EXPECT_TRUE(stays(receive(*state_, kFirst, wrapped(data(kFirst, 2, old_), 1), kNew)));
    EXPECT_NE(core_.order->window().find(Seq{2}), nullptr) << "the packet is where it was missing";
    EXPECT_TRUE(stays(visit(Seq{1}, {})));
    EXPECT_EQ(core_.token.complete, DaemonSet{1}) << "a promise to deliver it";
    EXPECT_EQ(core_.obligation, (DaemonSet{0, 1}));
    EXPECT_TRUE(std::holds_alternative<ToRing>(visit(Seq{1}, (DaemonSet{0, 1}))));
}

TEST_F(RecoveryTest, ABitmapOfOthersDoesNotInstallTheRing) {
    EXPECT_TRUE(stays(visit(Seq{1}, (DaemonSet{0, 1})))) << "we have not promised anything";
}

TEST_F(RecoveryTest, TakesOnlyOldPacketsThatItExpects) {
    EXPECT_TRUE(stays(receive(*state_, kFirst, wrapped(data(kFirst, 3, old_), 1), kNew)));
    EXPECT_EQ(core_.order->window().find(Seq{3}), nullptr);
    EXPECT_EQ(bad_values(), 1U);
}

TEST_F(RecoveryTest, OldPacketsThatComeByThemselvesAreTooLate) {
    EXPECT_TRUE(stays(receive(*state_, kFirst, data(kFirst, 2, old_), old_)));
    EXPECT_EQ(core_.order->window().find(Seq{2}), nullptr) << "what was reported must not change";
}

TEST_F(RecoveryTest, ACopyOfATokenIsNotWorkedOnAgain) {
    EXPECT_TRUE(stays(visit(Seq{1}, {})));
    static_cast<void>(sent());
    Token copy = core_.token;
    copy.sender = kFirst;
    copy.to = kSecond;
    --copy.token_seq.value;
    EXPECT_TRUE(stays(state_->on(step(), from(kFirst, kNew), copy)));
    EXPECT_THAT(sent(), IsEmpty());
    EXPECT_EQ(core_.stats.tokens_duplicate, 1U);
}

TEST_F(RecoveryTest, TakesTokensFromItsPredecessorOnly) {
    Token token;
    token.ring_id = kNew;
    token.sender = kThird;
    token.to = kSecond;
    token.token_seq = TokenSeq{20};
    EXPECT_TRUE(stays(state_->on(step(), from(kThird, kNew), token)));
    EXPECT_EQ(core_.stats.tokens_duplicate, 1U);
    EXPECT_THAT(sent(), IsEmpty());
}

/// The representative of the same ring, which has sent the second pass.
class RepresentativeRecoveryTest : public StateTest {
  protected:
    RepresentativeRecoveryTest() : StateTest(kFirst) {
        install({kFirst, kSecond});
        core_.id_counter.join(kNew.counter);
        token_.ring_id = kNew;
        token_.pass = 2;
        token_.token_seq = TokenSeq{4};
        CommitMember second;
        second.id = kSecond;
        second.filled = true;
        second.old_ring = core_.ring.id();
        token_.members = {report(core_, 2), second};
        state_.emplace(core_,
                       Forming{kNew,
                               RingMembers({kFirst, kSecond}, kFirst),
                               {DaemonSet{0, 1}, {}},
                               token_.token_seq},
                       token_);
        pass_commit_token(core_, step(), token_);
        EXPECT_THAT(sent(), testing::ElementsAre(PacketKind::kCommit));
    }

    /// The token comes back from the second member.
    [[nodiscard]] CommitToken been_round() const {
        CommitToken token = token_;
        token.sender = kSecond;
        ++token.token_seq.value;
        return token;
    }

    CommitToken token_;
    std::optional<Recovery> state_;
};

TEST_F(RepresentativeRecoveryTest, StartsTheRingsTokenWhenTheCommitTokenHasBeenRound) {
    CommitToken own = token_;
    own.sender = kSecond;
    EXPECT_TRUE(stays(state_->on(step(), from(kSecond, kNew), own)))
        << "not further than we sent it";
    EXPECT_THAT(sent(), IsEmpty());
    CommitToken token = been_round();
    EXPECT_TRUE(stays(state_->on(step(), from(kSecond, kNew), token)));
    EXPECT_THAT(sent(), testing::ElementsAre(PacketKind::kToken));
    // Once: a copy is answered, a forged one does nothing.
    EXPECT_TRUE(stays(state_->on(step(), from(kSecond, kNew), token)));
    EXPECT_THAT(sent(), testing::ElementsAre(PacketKind::kHold));
    token.token_seq.value += 100;
    EXPECT_TRUE(stays(state_->on(step(), from(kSecond, kNew), token)));
    EXPECT_THAT(sent(), IsEmpty());
}

TEST_F(RepresentativeRecoveryTest, AnAnswerToACopyIsNoReasonToMissThat) {
    EXPECT_TRUE(stays(state_->on(step(), from(kSecond, kNew), Hold{token_.token_seq})));
    CommitToken token = been_round();
    EXPECT_TRUE(stays(state_->on(step(), from(kSecond, kNew), token)));
    EXPECT_THAT(sent(), testing::ElementsAre(PacketKind::kToken));
}

TEST_F(RecoveryTest, GathersAgainWhenTheTokenIsLost) {
    EXPECT_EQ(gather_of(state_->on_timer(step(), RingTimer::kTokenLoss)).reason,
              ChangeReason::kRecoveryTimeout);
    EXPECT_EQ(gather_of(state_->on_unreachable(step(), kFirst)).fail, DaemonSet{0});
    EXPECT_EQ(gather_of(state_->on(step(), from(kFirst, old_), Leave{})).fail, DaemonSet{0});
}

TEST_F(RecoveryTest, GathersAgainWhenAMemberLeavesThatIsOnTheNewRingAlready) {
    EXPECT_EQ(gather_of(state_->on(step(), from(kFirst, kNew), Leave{})).fail, DaemonSet{0});
    const RingId other{kFirst, 9, 3000};
    EXPECT_TRUE(stays(state_->on(step(), from(kFirst, other), Leave{})));
}

TEST_F(RecoveryTest, TheOldRingEndsAroundTheTransitionalConfiguration) {
    EXPECT_TRUE(stays(receive(*state_, kFirst, wrapped(data(kFirst, 2, old_), 1), kNew)));
    finish_old_ring(core_, step(), state_->plan(), kNew);
    ASSERT_EQ(out_.deliveries.size(), 3U);
    EXPECT_EQ(std::get<Delivery>(out_.deliveries[0]).seq, Seq{1});
    EXPECT_EQ(std::get<Delivery>(out_.deliveries[1]).seq, Seq{2});
    const auto& change = std::get<ConfigurationChange>(out_.deliveries[2]);
    EXPECT_EQ(change.kind, ConfigurationKind::kTransitional);
    EXPECT_EQ(change.ring_id, kNew);
    EXPECT_THAT(change.members, testing::ElementsAre(kFirst, kSecond));
}

}  // namespace
}  // namespace spread::membership
