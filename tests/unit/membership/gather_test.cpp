#include "membership/gather.hpp"

#include "membership/forming.hpp"
#include "state_test.hpp"

namespace spread::membership {
namespace {

using protocol::CommitToken;
using protocol::DaemonSet;
using protocol::PacketKind;
using protocol::RingId;
using testing::ElementsAre;
using testing::IsEmpty;

/// To the token ports, full-sized, and small.
const auto kOneJoin = ElementsAre(PacketKind::kJoin, PacketKind::kJoin, PacketKind::kJoin);

class GatherTest : public StateTest {
  protected:
    explicit GatherTest(protocol::DaemonId self) : StateTest(self) {
        core_.timers.clear_all();
        EXPECT_TRUE(stays(state_.start(step())));
        EXPECT_THAT(sent(), kOneJoin);
    }

    void TearDown() override {
        state_.check_invariants();
        StateTest::TearDown();
    }

    [[nodiscard]] Next join(protocol::DaemonId sender, protocol::MemberList proc,
                            protocol::MemberList fail = {},
                            std::uint8_t wire_greatest = protocol::kRingWireGreatest) {
        now_ += core_.config.join_timeout;  // so that an answer is due at once
        hear(sender, true, wire_greatest);
        protocol::Join join;
        join.proc_set = std::move(proc);
        join.fail_set = std::move(fail);
        return state_.on(step(), from(sender, {}), join);
    }

    /// The first pass of a commit token of these members, from the first to the second of them.
    [[nodiscard]] CommitToken commit(const protocol::MemberList& members) const {
        CommitToken token;
        token.ring_id = {members.front(), 3, core_.id_counter.mine() + 2};
        token.sender = members.front();
        for (const protocol::DaemonId id : members) {
            token.members.emplace_back().id = id;
        }
        token.members.front().filled = true;
        return token;
    }

    Gather state_{core_, {DaemonSet{core_.self, 0, 1}, {}}, false};
};

/// The first candidate, who looks for the second one.
class Leader : public GatherTest {
  protected:
    Leader() : GatherTest(kFirst) {}
};

/// The second one.
class Follower : public GatherTest {
  protected:
    Follower() : GatherTest(kSecond) {}
};

TEST_F(Leader, MakesTheCommitTokenWhenAllAgree) {
    EXPECT_TRUE(stays(join(kSecond, {kSecond}))) << "it does not know us yet";
    const Next next = join(kSecond, {kFirst, kSecond});
    const auto* to = std::get_if<ToCommit>(&next);
    ASSERT_NE(to, nullptr);
    EXPECT_EQ(to->reason, ChangeReason::kConsensus);
    EXPECT_EQ(to->token.ring_id.representative, kFirst);
    ASSERT_EQ(to->token.members.size(), 2U);
    EXPECT_EQ(to->token.members[1].id, kSecond);
}

TEST_F(Leader, TheRingSpeaksTheHighestVersionThatAllMembersSpeak) {
    const Next next = join(kSecond, {kFirst, kSecond}, {}, protocol::kRingWireGreatest - 1);
    const auto* to = std::get_if<ToCommit>(&next);
    ASSERT_NE(to, nullptr);
    EXPECT_EQ(to->token.version, protocol::kRingWireGreatest - 1);
}

TEST_F(Leader, WhoHearsOrIsHeardByHalfDoesNotAgree) {
    now_ += core_.config.join_timeout;
    protocol::Join join;
    join.proc_set = {kFirst, kSecond};
    protocol::Report report;
    report.heard = {15, 0, 15, 15};
    const auto come = [&](std::uint64_t join_seq, Arrival arrival) {
        static_cast<void>(core_.hearing.note(now_, {1, protocol::Incarnation{1000}, join_seq, true},
                                             arrival, report, now_ - std::chrono::seconds(1)));
        return state_.on(step(), from(kSecond, {}), join);
    };
    EXPECT_TRUE(stays(come(1, Arrival::kToken)));
    EXPECT_TRUE(stays(come(1, Arrival::kGroup))) << "nothing of full size";
    report.full_sized = true;
    report.heard[0] = 15 - 4;
    EXPECT_TRUE(stays(come(2, Arrival::kGroup))) << "it does not hear our token port";
    report.heard[0] = 15;
    EXPECT_FALSE(stays(come(3, Arrival::kGroup)));
}

TEST_F(Leader, TellsAtOnceThatItHearsAllCandidates) {
    hear(kSecond, true);
    EXPECT_TRUE(stays(state_.heard(step(), from(kSecond, {}))));
    EXPECT_THAT(sent(), kOneJoin);
    const auto join = protocol::decode_join(last_sent().datagram.bytes());
    ASSERT_TRUE(join);
    EXPECT_EQ(join->report.heard, (std::vector<std::uint8_t>{0, 4 | 2 | 8, 0, 0}));
    EXPECT_TRUE(stays(state_.heard(step(), from(kSecond, {}))));
    EXPECT_THAT(sent(), IsEmpty());
}

TEST_F(Leader, OneMoreCandidateMeansAskingAllAnew) {
    EXPECT_TRUE(stays(join(kThird, {kThird})));
    EXPECT_THAT(sent(), kOneJoin);
    EXPECT_EQ(state_.sets().proc, (DaemonSet{0, 1, 2}));
    EXPECT_TRUE(stays(join(kSecond, {kFirst, kSecond, kThird})));
    EXPECT_FALSE(stays(join(kThird, {kFirst, kSecond, kThird})));
}

TEST_F(Leader, ManyJoinsAreAnsweredWithOne) {
    protocol::Join third;
    third.proc_set = {kThird};
    EXPECT_TRUE(stays(state_.on(step(), from(kThird, {}), third)));
    EXPECT_THAT(sent(), IsEmpty()) << "the last join has just gone out";
    EXPECT_TRUE(core_.timers.is_set(RingTimer::kJoin));
    EXPECT_TRUE(stays(state_.on_timer(step(), RingTimer::kJoin)));
    EXPECT_THAT(sent(), kOneJoin);
}

TEST_F(Leader, WhoDoesNotAgreeInTimeIsLeftOut) {
    const Next next = state_.on_timer(step(), RingTimer::kConsensus);
    EXPECT_TRUE(std::holds_alternative<ToRingOfOne>(next));
    EXPECT_EQ(state_.sets().fail, DaemonSet{1});
    EXPECT_TRUE(stays(join(kSecond, {kFirst, kSecond}))) << "for this gather it is too late";
}

TEST_F(Leader, WhoGivesUsUpIsAnsweredInKind) {
    EXPECT_TRUE(stays(join(kSecond, {kFirst, kSecond}, {kFirst})));
    EXPECT_EQ(state_.sets().fail, DaemonSet{1});
    EXPECT_THAT(sent(), kOneJoin);
    const Next next = state_.on_timer(step(), RingTimer::kConsensus);
    EXPECT_TRUE(std::holds_alternative<ToRingOfOne>(next)) << "nobody has come back";
}

// The third one may not have heard yet that the second one leaves us out.
TEST_F(Leader, WhomAMemberLeavesOutTakesNobodyAwayFromTheOthers) {
    install({kFirst, kSecond, kThird});
    now_ += core_.config.join_timeout;
    protocol::Join theirs;
    theirs.proc_set = {kFirst, kSecond, kThird};
    theirs.fail_set = {kFirst};
    theirs.report.left_out = {0};
    EXPECT_TRUE(stays(state_.on(step(), from(kSecond, {}), theirs)));
    EXPECT_EQ(state_.sets().fail, (DaemonSet{1, 2}));
    EXPECT_TRUE(stays(join(kThird, {kFirst, kSecond, kThird}, {kSecond})));
}

TEST_F(Leader, AnUnreachableCandidateIsLeftOutUntilItJoins) {
    EXPECT_TRUE(stays(join(kThird, {kThird})));
    EXPECT_TRUE(stays(state_.on_unreachable(step(), kThird))) << "news of its earlier life";
    EXPECT_EQ(state_.sets().fail, DaemonSet{});
    EXPECT_TRUE(stays(state_.on_unreachable(step(), kSecond)));
    EXPECT_EQ(state_.sets().fail, DaemonSet{1});
}

TEST_F(Leader, WhoWouldKeepSomebodyThatWeLeaveOutDoesNotAgree) {
    EXPECT_TRUE(stays(join(kThird, {kThird})));
    EXPECT_TRUE(stays(state_.on_unreachable(step(), kSecond)));
    EXPECT_TRUE(stays(join(kThird, {kFirst, kSecond, kThird})));
    EXPECT_FALSE(stays(join(kThird, {kFirst, kSecond, kThird}, {kSecond})));
}

TEST_F(Leader, AStrangersWordDoesNotCountAgainstItsOwnRing) {
    install({kFirst, kSecond});
    EXPECT_TRUE(stays(join(kSecond, {kSecond})));
    EXPECT_TRUE(stays(join(kThird, {kSecond, kThird}, {kSecond})));
    EXPECT_EQ(state_.sets().fail, DaemonSet{2}) << "the stranger is left out";
    EXPECT_FALSE(stays(join(kSecond, {kFirst, kSecond, kThird}, {kThird})));
}

TEST_F(Follower, WaitsForTheCommitTokenWhenAllAgree) {
    EXPECT_TRUE(stays(join(kFirst, {kFirst, kSecond})));
    CommitToken token = commit({kFirst, kSecond});
    const Next next = state_.on(step(), from(kFirst, {}), token);
    const auto* to = std::get_if<ToCommit>(&next);
    ASSERT_NE(to, nullptr);
    EXPECT_EQ(to->reason, ChangeReason::kCommitTokenReceived);
    EXPECT_EQ(to->peer, kFirst);
}

TEST_F(Follower, GivesUpARepresentativeThatOwesTheCommitToken) {
    EXPECT_TRUE(stays(join(kFirst, {kFirst, kSecond})));
    const Next next = state_.on_timer(step(), RingTimer::kConsensus);
    EXPECT_TRUE(std::holds_alternative<ToRingOfOne>(next));
    EXPECT_EQ(state_.sets().fail, DaemonSet{0});
}

TEST_F(Follower, TakesOnlyTheCommitTokenItAgreedTo) {
    CommitToken others = commit({kFirst, kSecond, kThird});
    EXPECT_TRUE(stays(state_.on(step(), from(kFirst, {}), others)));
    CommitToken old = commit({kFirst, kSecond});
    old.ring_id.counter = core_.id_counter.mine();
    EXPECT_TRUE(stays(state_.on(step(), from(kFirst, {}), old)));
    CommitToken second_pass = commit({kFirst, kSecond});
    second_pass.pass = 2;
    EXPECT_TRUE(stays(state_.on(step(), from(kFirst, {}), second_pass)));
    CommitToken impossible = commit({kFirst, kSecond});
    impossible.ring_id.counter = ~std::uint64_t{0};
    EXPECT_TRUE(stays(state_.on(step(), from(kFirst, {}), impossible)));
    EXPECT_EQ(bad_values(), 1U);
}

TEST_F(Follower, StillTakesPacketsOfItsRing) {
    const RingId& ring = core_.ring.id();
    EXPECT_TRUE(stays(receive(state_, kFirst, data(kFirst, 1, ring), ring)));
    EXPECT_EQ(bad_values(), 1U) << "of a member only";
    const RingId foreign{kFourth, 9, 900};
    EXPECT_TRUE(stays(receive(state_, kFourth, data(kFourth, 1, foreign), foreign)));
    EXPECT_EQ(core_.stats.foreign_packets, 1U);
}

/// A daemon that has just started does not rush into a ring of one.
class Starter : public StateTest {
  protected:
    Starter() : StateTest(kFirst) {}

    Gather state_{core_, {DaemonSet{0}, {}}, true};
};

TEST_F(Starter, WaitsForOthersFirst) {
    EXPECT_TRUE(stays(state_.start(step())));
    EXPECT_TRUE(core_.timers.take_due(RingTimer::kConsensus, now_ + core_.config.start_timeout));
    EXPECT_TRUE(
        std::holds_alternative<ToRingOfOne>(state_.on_timer(step(), RingTimer::kConsensus)));
}

}  // namespace
}  // namespace spread::membership
