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
using protocol::TokenSeq;
using testing::ElementsAre;
using testing::IsEmpty;

const RingId kCommitted{kFirst, 5, 1020};

class CommitTest : public StateTest {
  protected:
    CommitTest() : StateTest(kSecond) {
        install({kFirst, kSecond, kThird});
        core_.id_counter.join(kCommitted.counter);
        const RingId ring = core_.ring.id();
        core_.order->on_data({Seq{1}, {}, 1}, kFirst, data(kFirst, 1, ring));
        core_.order->on_data({Seq{3}, {}, 1}, kFirst, data(kFirst, 3, ring));
    }

    void TearDown() override {
        state_.check_invariants();
        StateTest::TearDown();
    }

    /// The second pass, as it comes from the first member.
    [[nodiscard]] CommitToken second_pass() const {
        CommitToken token;
        token.ring_id = kCommitted;
        token.sender = kFirst;
        token.token_seq = TokenSeq{4};
        token.pass = 2;
        CommitMember first;
        first.id = kFirst;
        first.filled = true;
        first.old_ring = core_.ring.id();
        token.members = {first, report(core_, 2)};
        return token;
    }

    Forming forming_{kCommitted,
                     RingMembers({kFirst, kSecond}, kSecond),
                     {DaemonSet{0, 1, 2}, DaemonSet{2}},
                     TokenSeq{2}};
    Commit state_{core_, forming_};
};

TEST_F(CommitTest, ReportsWhatItHoldsOfItsRing) {
    core_.obligation = {2};
    const CommitMember mine = report(core_, 2);
    EXPECT_EQ(mine.id, kSecond);
    EXPECT_EQ(mine.old_ring, core_.ring.id());
    EXPECT_EQ(mine.aru, Seq{1});
    EXPECT_THAT(mine.held, ElementsAre(protocol::SeqRange{Seq{3}, 1}));
    EXPECT_EQ(mine.obligation, DaemonSet{2});
}

TEST_F(CommitTest, PassesTheTokenToTheNextMember) {
    CommitToken token = second_pass();
    pass_commit_token(core_, step(), token);
    EXPECT_THAT(sent(), ElementsAre(PacketKind::kCommit));
    EXPECT_EQ(last_sent().to, kFirst);
    EXPECT_EQ(token.token_seq, TokenSeq{5});
    EXPECT_EQ(token.sender, kSecond);
}

TEST_F(CommitTest, ATokenWithoutUsIsNotForUs) {
    CommitToken token = second_pass();
    ASSERT_NE(own_entry(token, kSecond), nullptr);
    token.members.pop_back();
    EXPECT_EQ(own_entry(token, kSecond), nullptr);
    token.members.clear();
    EXPECT_EQ(own_entry(token, kSecond), nullptr);
}

TEST_F(CommitTest, SendsTheTokenAgainUntilTheNextMemberAnswers) {
    CommitToken token = second_pass();
    pass_commit_token(core_, step(), token);
    ASSERT_TRUE(core_.timers.is_set(RingTimer::kTokenRetransmit));
    const Hold hold{.token_seq = token.token_seq};
    EXPECT_TRUE(stays(state_.on(step(), from(kThird, kCommitted), hold)));
    EXPECT_TRUE(stays(state_.on(step(), from(kFirst), hold))) << "of the ring before";
    EXPECT_TRUE(core_.timers.is_set(RingTimer::kTokenRetransmit));
    EXPECT_TRUE(stays(state_.on(step(), from(kFirst, kCommitted), hold)));
    EXPECT_FALSE(core_.timers.is_set(RingTimer::kTokenRetransmit));
}

TEST_F(CommitTest, RecoversOnceAllHaveReported) {
    CommitToken token = second_pass();
    const Next next = state_.on(step(), from(kFirst, kCommitted), token);
    ASSERT_TRUE(std::holds_alternative<ToRecovery>(next));
    EXPECT_EQ(std::get<ToRecovery>(next).token.members.size(), 2U);
}

TEST_F(CommitTest, WaitsWhileATokenIsNotTheNextOne) {
    CommitToken first_pass = second_pass();
    first_pass.pass = 1;
    CommitToken copy = second_pass();
    copy.token_seq = forming_.last_token_seq;
    CommitToken unfilled = second_pass();
    unfilled.members.front().filled = false;
    CommitToken other_ring = second_pass();
    ++other_ring.ring_id.nonce;
    CommitToken from_nowhere = second_pass();
    from_nowhere.sender = kThird;
    for (CommitToken* token : {&first_pass, &copy, &unfilled, &other_ring, &from_nowhere}) {
        EXPECT_TRUE(stays(state_.on(step(), from(kFirst, kCommitted), *token)));
    }
    EXPECT_EQ(bad_values(), 0U);
}

TEST_F(CommitTest, ItsOwnReportMustComeBackAsItWas) {
    CommitToken token = second_pass();
    token.members.back().aru = Seq{2};
    EXPECT_TRUE(stays(state_.on(step(), from(kFirst, kCommitted), token)));
    EXPECT_EQ(bad_values(), 1U);
}

TEST_F(CommitTest, OnlyMembersComeFromItsRing) {
    core_.ring.install({kSecond, 6, 1012}, RingMembers({kSecond}, kSecond),
                       {protocol::Incarnation{1000}});
    core_.order = core_.make_order(core_.ring.id());
    CommitToken token = second_pass();
    EXPECT_TRUE(stays(state_.on(step(), from(kFirst, kCommitted), token)));
    EXPECT_EQ(bad_values(), 1U);
}

TEST_F(CommitTest, KeepsToItsReportWhateverArrives) {
    const RingId ring = core_.ring.id();
    const CommitMember before = report(core_, 2);
    EXPECT_TRUE(stays(receive(state_, kFirst, data(kFirst, 2, ring), ring)));
    EXPECT_EQ(report(core_, 2), before);
    EXPECT_THAT(out_.deliveries, IsEmpty());
}

TEST_F(CommitTest, GathersAgainWhenAMemberChangesItsMind) {
    protocol::Join join;
    join.proc_set = {kFirst, kSecond, kThird};
    join.fail_set = {kThird};
    join.highest_counter = core_.ring.id().counter;
    EXPECT_TRUE(stays(state_.on(step(), from(kFirst), join))) << "what led here";
    EXPECT_TRUE(stays(state_.on(step(), from(kThird), join))) << "who is left out has to wait";
    join.fail_set = {};
    EXPECT_EQ(gather_of(state_.on(step(), from(kFirst), join)).reason, ChangeReason::kJoinReceived);
}

TEST_F(CommitTest, GathersAgainWithoutAMemberThatIsGone) {
    EXPECT_EQ(gather_of(state_.on(step(), from(kFirst), Leave{})).fail, DaemonSet{0});
    EXPECT_EQ(gather_of(state_.on_unreachable(step(), kFirst)).fail, DaemonSet{0});
    EXPECT_TRUE(stays(state_.on(step(), from(kThird), Leave{}))) << "left out already";
    EXPECT_TRUE(stays(state_.on_unreachable(step(), kThird)));
}

TEST_F(CommitTest, GathersAgainWhenTheTokenDoesNotCome) {
    EXPECT_EQ(gather_of(state_.on_timer(step(), RingTimer::kTokenLoss)).reason,
              ChangeReason::kCommitTimeout);
    EXPECT_TRUE(stays(state_.on_timer(step(), RingTimer::kJoin)));
}

}  // namespace
}  // namespace spread::membership
