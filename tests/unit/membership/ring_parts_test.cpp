#include <chrono>

#include <gtest/gtest.h>

#include "membership/foreign_rings.hpp"
#include "membership/given_up.hpp"
#include "membership/installed_ring.hpp"
#include "membership/join_log.hpp"
#include "membership/ring_id_counter.hpp"
#include "membership/ring_members.hpp"
#include "membership/ring_timers.hpp"

// The small parts of the ring engine.

namespace spread::membership {
namespace {

using namespace std::chrono_literals;
using protocol::DaemonId;
using protocol::DaemonSet;
using protocol::Incarnation;
using protocol::Instant;
using protocol::RingId;

const protocol::MemberList kThree{DaemonId{1}, DaemonId{5}, DaemonId{3}};

TEST(RingMembers, TheTokenGoesFromEachToTheNextAndFromTheLastToTheFirst) {
    const RingMembers middle(kThree, DaemonId{5});
    EXPECT_EQ(middle.predecessor(), DaemonId{1});
    EXPECT_EQ(middle.successor(), DaemonId{3});
    EXPECT_FALSE(middle.is_representative());
    const RingMembers last(kThree, DaemonId{3});
    EXPECT_EQ(last.successor(), DaemonId{1});
    const RingMembers first(kThree, DaemonId{1});
    EXPECT_EQ(first.predecessor(), DaemonId{3});
    EXPECT_TRUE(first.is_representative());
}

TEST(RingMembers, OneIsItsOwnNeighbour) {
    const RingMembers alone({DaemonId{4}}, DaemonId{4});
    EXPECT_TRUE(alone.is_alone());
    EXPECT_EQ(alone.successor(), DaemonId{4});
    EXPECT_EQ(alone.predecessor(), DaemonId{4});
}

TEST(RingMembers, KnowsPositions) {
    const RingMembers members(kThree, DaemonId{1});
    EXPECT_EQ(members.position(DaemonId{3}), 2U);
    EXPECT_FALSE(members.is_member(DaemonId{2}));
}

TEST(InstalledRing, RemembersTheRingBefore) {
    const RingId one{DaemonId{1}, 1, 10};
    const RingId two{DaemonId{1}, 2, 12};
    InstalledRing ring(one, RingMembers({DaemonId{1}}, DaemonId{1}), {Incarnation{7}});
    ring.install(two, RingMembers(kThree, DaemonId{1}),
                 {Incarnation{7}, Incarnation{8}, Incarnation{9}});
    EXPECT_EQ(ring.id(), two);
    EXPECT_EQ(ring.previous_id(), one);
    EXPECT_EQ(ring.incarnation_of(DaemonId{3}), Incarnation{9});
    EXPECT_EQ(ring.incarnation_of(DaemonId{2}), Incarnation{});
}

TEST(RingIdCounter, IsTwoBeyondAllKnownOnes) {
    RingIdCounter counter(100);
    counter.start(Instant{1s});
    EXPECT_EQ(counter.next(Instant{1s}), 102U);
    counter.hear(500);
    EXPECT_EQ(counter.next(Instant{1s}), 502U);
    EXPECT_EQ(counter.mine(), 100U) << "hearing is not taking part";
    counter.join(502);
    EXPECT_EQ(counter.mine(), 502U);
    EXPECT_EQ(counter.highest(), 502U);
}

TEST(RingIdCounter, FollowsTheClock) {
    RingIdCounter counter(100);
    counter.start(Instant{1s});
    EXPECT_EQ(counter.next(Instant{17s}), 100U + 1000U);
}

TEST(RingIdCounter, FromOutsideMustNotComeNearTheEnd) {
    EXPECT_TRUE(RingIdCounter::is_possible(std::uint64_t{1} << 40U));
    EXPECT_FALSE(RingIdCounter::is_possible(~std::uint64_t{0} - 1));
}

TEST(RingTimers, GoOffOnceAndOnTime) {
    RingTimers timers;
    EXPECT_EQ(timers.earliest(), std::nullopt);
    timers.set(RingTimer::kJoin, Instant{3ms});
    timers.set(RingTimer::kWake, Instant{2ms});
    EXPECT_EQ(timers.earliest(), Instant{2ms});
    EXPECT_FALSE(timers.take_due(RingTimer::kWake, Instant{1ms}));
    EXPECT_TRUE(timers.take_due(RingTimer::kWake, Instant{2ms}));
    EXPECT_FALSE(timers.take_due(RingTimer::kWake, Instant{2ms}));
    timers.clear(RingTimer::kJoin);
    EXPECT_EQ(timers.earliest(), std::nullopt);
}

class ForeignRingsTest : public testing::Test {
  protected:
    ForeignRings foreign_{3, 240ms};
};

TEST_F(ForeignRingsTest, AreAnsweredOftenAtFirstAndMoreRarelyWhenItLeadsToNothing) {
    EXPECT_TRUE(foreign_.heard(Instant{1s}, 2));
    EXPECT_FALSE(foreign_.heard(Instant{1s + 29ms}, 2));
    EXPECT_TRUE(foreign_.heard(Instant{1s + 29ms}, 1)) << "each by itself";
    EXPECT_TRUE(foreign_.heard(Instant{1s + 30ms}, 2));
    EXPECT_FALSE(foreign_.heard(Instant{1s + 89ms}, 2));
    EXPECT_TRUE(foreign_.heard(Instant{1s + 90ms}, 2));
    for (int i = 2; i < 10; ++i) {
        static_cast<void>(foreign_.heard(Instant{i * 1s}, 2));
    }
    EXPECT_FALSE(foreign_.heard(Instant{9s + 239ms}, 2));
    EXPECT_TRUE(foreign_.heard(Instant{9s + 240ms}, 2));
}

TEST_F(ForeignRingsTest, AreAnsweredAtOnceOnANewRing) {
    EXPECT_TRUE(foreign_.heard(Instant{1s}, 2));
    foreign_.begin_ring();
    EXPECT_TRUE(foreign_.heard(Instant{1s}, 2));
}

TEST_F(ForeignRingsTest, MembersProbeMoreRarelyThanTheirRepresentative) {
    EXPECT_EQ(foreign_.interval(true), 240ms);
    EXPECT_EQ(foreign_.interval(false), 960ms);
}

protocol::Join join(std::uint64_t incarnation, std::uint64_t join_seq) {
    protocol::Join join;
    join.incarnation = Incarnation{incarnation};
    join.join_seq = join_seq;
    return join;
}

TEST(GivenUp, AreNotHeardForAMinute) {
    GivenUp given_up(3);
    given_up.give_up(Instant{1s}, {1, 2});
    EXPECT_TRUE(given_up.hears(Instant{1s}, 0));
    EXPECT_FALSE(given_up.hears(Instant{1s}, 2));
    EXPECT_FALSE(given_up.hears(Instant{61s} - 1ns, 1));
    EXPECT_TRUE(given_up.hears(Instant{61s}, 1));
}

TEST(JoinLog, CopiesAndLateJoinsAreNoNews) {
    JoinLog log(2);
    EXPECT_TRUE(log.note(1, join(5, 3), {}));
    EXPECT_FALSE(log.note(1, join(5, 3), {}));
    EXPECT_FALSE(log.note(1, join(5, 2), {}));
    EXPECT_TRUE(log.note(1, join(5, 4), {}));
    EXPECT_TRUE(log.note(0, join(5, 1), {})) << "each daemon by itself";
}

TEST(JoinLog, EarlierLivesCountForStrangersOnly) {
    JoinLog log(2);
    EXPECT_FALSE(log.note(1, join(4, 9), Incarnation{5}));
    EXPECT_TRUE(log.note(1, join(4, 9), {}));
    EXPECT_TRUE(log.note(1, join(6, 1), Incarnation{5}));
}

}  // namespace
}  // namespace spread::membership
