#include "membership/operational.hpp"

#include "state_test.hpp"

namespace spread::membership {
namespace {

using protocol::DaemonSet;
using protocol::PacketKind;
using protocol::RingId;
using testing::ElementsAre;
using testing::IsEmpty;

const RingId kForeign{kFourth, 9, 900};

/// The second of three members; the fourth daemon is on a ring of its own.
class OperationalTest : public StateTest {
  protected:
    OperationalTest() : StateTest(kSecond) {
        install({kFirst, kSecond, kThird});
        state_.start(step());
    }

    void TearDown() override {
        state_.check_invariants();
        StateTest::TearDown();
    }

    [[nodiscard]] protocol::Join join(std::uint64_t highest_counter) const {
        protocol::Join join;
        join.incarnation = protocol::Incarnation{1000};
        join.highest_counter = highest_counter;
        join.proc_set = {kThird, kFourth};
        return join;
    }

    Operational state_{core_};
};

TEST_F(OperationalTest, DeliversWhatComesInOrder) {
    const RingId& ring = core_.ring.id();
    EXPECT_TRUE(stays(receive(state_, kThird, data(kThird, 2, ring), ring)));
    EXPECT_THAT(out_.deliveries, IsEmpty()) << "the first one is missing";
    EXPECT_TRUE(stays(receive(state_, kFirst, data(kFirst, 1, ring), ring)));
    EXPECT_EQ(out_.deliveries.size(), 2U);
    EXPECT_TRUE(stays(receive(state_, kFirst, data(kFirst, 1, ring), ring)));
    EXPECT_EQ(core_.stats.packets_duplicate, 1U);
    EXPECT_EQ(out_.deliveries.size(), 2U);
}

TEST_F(OperationalTest, TakesPacketsOfMembersOnly) {
    const RingId& ring = core_.ring.id();
    EXPECT_TRUE(stays(receive(state_, kFourth, data(kFourth, 1, ring), ring)));
    EXPECT_EQ(bad_values(), 1U);
    EXPECT_THAT(out_.deliveries, IsEmpty());
}

TEST_F(OperationalTest, ProbesADaemonOfAnotherRing) {
    now_ += std::chrono::milliseconds(1);
    hear(kFourth, false);
    EXPECT_TRUE(stays(receive(state_, kFourth, data(kFourth, 1, kForeign), kForeign)));
    ASSERT_EQ(out_.sends.size(), 3U);
    EXPECT_EQ(out_.sends[0].to, kFourth);
    EXPECT_EQ(out_.sends[0].channel, Channel::kToken);
    EXPECT_EQ(out_.sends[1].to, kFourth);
    EXPECT_EQ(out_.sends[1].datagram.length, core_.config.datagram_bytes_max);
    EXPECT_EQ(out_.sends[2].destination, Destination::kAll);
    for (const OutboundPacket& packet : out_.sends) {
        const auto probe = protocol::decode_probe(packet.datagram.bytes());
        ASSERT_TRUE(probe);
        EXPECT_EQ(probe->report.heard[3], 4 | 2 | 8) << "so that all know that it is heard";
        EXPECT_EQ(probe->report.ring, (DaemonSet{0, 1, 2}));
    }
}

TEST_F(OperationalTest, AnswersAgainAfterTheShortestPause) {
    EXPECT_TRUE(stays(receive(state_, kFourth, data(kFourth, 1, kForeign), kForeign)));
    ASSERT_EQ(out_.sends.size(), 3U);
    out_.sends.clear();
    core_.foreign.begin_ring();  // which has pauses of its own
    now_ += core_.config.shortest_pause() - std::chrono::nanoseconds(1);
    EXPECT_TRUE(stays(receive(state_, kFourth, data(kFourth, 2, kForeign), kForeign)));
    EXPECT_THAT(sent(), IsEmpty());
    core_.foreign.begin_ring();
    now_ += std::chrono::nanoseconds(1);
    EXPECT_TRUE(stays(receive(state_, kFourth, data(kFourth, 3, kForeign), kForeign)));
    EXPECT_THAT(sent(), ElementsAre(PacketKind::kProbe, PacketKind::kProbe));
}

/// The second of all four.
class WholeRing : public StateTest {
  protected:
    WholeRing() : StateTest(kSecond) {
        install({kFirst, kSecond, kThird, kFourth});
        state_.start(step());
        out_.sends.clear();
    }

    Operational state_{core_};
};

TEST_F(WholeRing, SaysWhomItHearsWhenItIsAsked) {
    EXPECT_TRUE(stays(state_.heard(step(), from(kThird))));
    EXPECT_THAT(sent(), ElementsAre(PacketKind::kProbe));
    EXPECT_TRUE(stays(state_.heard(step(), from(kThird))));
    EXPECT_THAT(sent(), IsEmpty()) << "once in a while";
    now_ += core_.config.merge_detect_timeout;
    EXPECT_TRUE(stays(state_.heard(step(), from(kThird))));
    EXPECT_THAT(sent(), ElementsAre(PacketKind::kProbe));
}

TEST_F(OperationalTest, LatePacketsOfTheRingBeforeAreNoForeignRing) {
    const RingId before = core_.ring.previous_id();
    EXPECT_TRUE(stays(receive(state_, kFourth, data(kFourth, 1, before), before)));
    EXPECT_THAT(sent(), IsEmpty());
}

TEST_F(OperationalTest, GathersForAForeignRingWhenAllMembersHearIt) {
    now_ += std::chrono::milliseconds(1);
    hear(kFourth, false);
    EXPECT_TRUE(stays(state_.heard(step(), from(kFourth, kForeign))));
    hear(kFirst, false);
    EXPECT_TRUE(stays(state_.heard(step(), from(kFirst)))) << "what the third one hears is open";
    hear(kThird, false);
    const Next next = state_.heard(step(), from(kThird));
    EXPECT_EQ(gather_of(next).reason, ChangeReason::kForeignRing);
    EXPECT_EQ(gather_of(next).proc, DaemonSet{3});
}

TEST_F(OperationalTest, WhatWasHeardBeforeTheRingDoesNotCount) {
    for (const auto sender : {kFirst, kThird, kFourth}) {
        hear(sender, false);
    }
    EXPECT_TRUE(stays(state_.heard(step(), from(kFourth, kForeign))));
}

TEST_F(OperationalTest, GathersWhenSomebodyJoinsWhomAllHear) {
    EXPECT_TRUE(stays(state_.on(step(), from(kFourth, kForeign), join(900))));
    now_ += std::chrono::milliseconds(1);
    for (const auto sender : {kFirst, kThird, kFourth}) {
        hear(sender, sender == kFourth);
    }
    const Next next = state_.on(step(), from(kFourth, kForeign), join(900));
    EXPECT_EQ(gather_of(next).reason, ChangeReason::kJoinReceived);
    EXPECT_EQ(gather_of(next).proc, (DaemonSet{2, 3}));
    EXPECT_EQ(gather_of(next).join, join(900));
}

TEST_F(OperationalTest, AJoinFromBeforeTheRingIsLate) {
    EXPECT_TRUE(stays(state_.on(step(), from(kThird), join(900))));
    EXPECT_FALSE(stays(state_.on(step(), from(kThird), join(core_.ring.id().counter))));
}

TEST_F(OperationalTest, AStrangerWhoGaveUpAMemberDoesNotBreakTheRing) {
    now_ += std::chrono::milliseconds(1);
    for (const auto sender : {kFirst, kThird, kFourth}) {
        hear(sender, sender == kFourth);
    }
    protocol::Join stranger = join(900);
    stranger.fail_set = {kFirst};
    EXPECT_TRUE(stays(state_.on(step(), from(kFourth, kForeign), stranger)));
}

TEST_F(OperationalTest, GathersWithoutAMemberThatLeavesOrCannotBeReached) {
    const Next left = state_.on(step(), from(kThird), Leave{});
    EXPECT_EQ(gather_of(left).reason, ChangeReason::kPeerLeft);
    EXPECT_EQ(gather_of(left).fail, DaemonSet{2});
    const Next unreachable = state_.on_unreachable(step(), kFirst);
    EXPECT_EQ(gather_of(unreachable).reason, ChangeReason::kPeerUnreachable);
    EXPECT_EQ(gather_of(unreachable).fail, DaemonSet{0});
    EXPECT_TRUE(stays(state_.on(step(), from(kFourth, kForeign), Leave{})));
    EXPECT_TRUE(stays(state_.on_unreachable(step(), kFourth)));
}

TEST_F(OperationalTest, SaysThatItIsWellWhenNothingComesForLongerThanAnIdleRingRests) {
    const auto due = core_.timers.earliest();
    ASSERT_TRUE(due);
    EXPECT_GT(*due, now_ + core_.config.token_hold_timeout);
    now_ = *due;
    ASSERT_TRUE(core_.timers.take_due(RingTimer::kAlive, now_));
    EXPECT_TRUE(stays(state_.on_timer(step(), RingTimer::kAlive)));
    EXPECT_THAT(sent(), ElementsAre(PacketKind::kAlive));
    EXPECT_TRUE(core_.timers.is_set(RingTimer::kAlive)) << "one of them may be lost";
    core_.expect_nothing();
    EXPECT_FALSE(core_.timers.is_set(RingTimer::kAlive)) << "the token rests here";
}

TEST_F(OperationalTest, AMemberThatCannotBeReachedHasTimeToNoticeThatItHearsNothing) {
    const protocol::Duration usual = core_.challenge_timeout();
    const auto pass = [this] {
        core_.send_token(step(), kThird, protocol::encode_wake({}, from(kSecond), pool_), {});
    };
    pass();
    pass();
    EXPECT_GT(core_.challenge_end(now_), now_ + usual) << "it may have heard of the ring just now";
    now_ += core_.config.token_hold_timeout;
    EXPECT_EQ(core_.challenge_end(now_), now_ + usual) << "it had to hear of it by now";
}

TEST_F(OperationalTest, WhatWasSaidOnTheRingBeforeBreaksNothing) {
    const RingId before = core_.ring.previous_id();
    EXPECT_TRUE(stays(state_.on(step(), from(kThird, before), Leave{})));
    now_ += std::chrono::milliseconds(1);
    for (const auto sender : {kFirst, kThird, kFourth}) {
        hear(sender, false);
    }
    EXPECT_TRUE(stays(state_.heard(step(), from(kThird, before))));
    EXPECT_FALSE(stays(state_.heard(step(), from(kThird)))) << "the fourth one is heard by all";
}

TEST_F(OperationalTest, GathersWhenTheTokenIsLost) {
    const Next next = state_.on_timer(step(), RingTimer::kTokenLoss);
    EXPECT_EQ(gather_of(next).reason, ChangeReason::kTokenLoss);
}

TEST_F(OperationalTest, LooksForAbsentDaemonsAgainAndAgain) {
    ASSERT_TRUE(core_.timers.is_set(RingTimer::kMergeDetect));
    core_.timers.clear(RingTimer::kMergeDetect);
    EXPECT_TRUE(stays(state_.on_timer(step(), RingTimer::kMergeDetect)));
    ASSERT_EQ(out_.sends.size(), 2U);
    EXPECT_EQ(out_.sends[0].to, kFourth) << "it may not hear the group address";
    EXPECT_EQ(out_.sends[0].channel, Channel::kToken);
    EXPECT_THAT(sent(), ElementsAre(PacketKind::kProbe, PacketKind::kProbe));
    EXPECT_EQ(last_sent().destination, Destination::kAll);
    EXPECT_TRUE(core_.timers.is_set(RingTimer::kMergeDetect));
}

TEST_F(OperationalTest, SilentDaemonsOfTheGroupAreAskedSinglyEverMoreRarely) {
    const auto probes_to_fourth = [this](int rounds) {
        int singly = 0;
        for (int i = 0; i < rounds; ++i) {
            now_ += core_.config.merge_detect_timeout;
            out_.sends.clear();
            EXPECT_TRUE(stays(state_.on_timer(step(), RingTimer::kMergeDetect)));
            singly += out_.sends.front().to == kFourth ? 1 : 0;
        }
        return singly;
    };
    EXPECT_EQ(probes_to_fourth(8), 8) << "it has no group address";
    core_.group_mates = DaemonSet{0, 2, 3};
    EXPECT_EQ(probes_to_fourth(8), 1) << "the sixteenth";
    EXPECT_EQ(probes_to_fourth(120), 6) << "32, 40, 64, 80, 120, 128";
    core_.one_by_one.insert(3);
    EXPECT_EQ(probes_to_fourth(8), 8) << "the group address does not reach it";
}

TEST_F(OperationalTest, HoldsAndWakesCountFromThoseWhoMaySendThem) {
    EXPECT_TRUE(stays(state_.on(step(), from(kFirst), Hold{})));
    EXPECT_EQ(bad_values(), 0U);
    EXPECT_TRUE(stays(state_.on(step(), from(kThird), Hold{})));
    EXPECT_TRUE(stays(state_.on(step(), from(kThird), Wake{})));
    EXPECT_EQ(bad_values(), 2U) << "not the representative, and not to it";
}

}  // namespace
}  // namespace spread::membership
