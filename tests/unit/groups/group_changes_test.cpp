// What clients see when daemons come and go (GS 2.3 to 2.7 in docs/conformance.md). The letters
// and numbers in comments name experiments with stock daemons.

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "changes.hpp"
#include "protocol/session_wire.hpp"

namespace spread::membership::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(Changes, AStartingDaemonIsStableAlone) {
    TotalOrderBus bus({"d1", "d2"});
    EXPECT_EQ(bus.engine(0).phase(), GroupPhase::kStable);
    bus.reform({{0}});
    EXPECT_EQ(bus.engine(0).phase(), GroupPhase::kStable);
    EXPECT_TRUE(bus.is_resumed(0));
    bus.reform({{0, 1}});
    EXPECT_EQ(bus.engine(0).phase(), GroupPhase::kExchange);
    EXPECT_FALSE(bus.is_resumed(0));
    bus.settle();
    EXPECT_EQ(bus.engine(0).phase(), GroupPhase::kStable);
    EXPECT_TRUE(bus.is_resumed(0));
    EXPECT_TRUE(bus.is_resumed(1));
}

TEST_F(Changes, ARegularConfigurationWithoutATransitionalOneIsTakenAsAllAlone) {
    start(2);
    Client& a1 = client("a1", 0);
    Client& a2 = client("a2", 1);
    join({&a1, &a2}, "g");
    GroupOutput out;
    const protocol::RingId ring{
        .representative = protocol::DaemonId{1}, .nonce = 99, .counter = 110};
    bus_->engine(0).on_event(ConfigurationChange{.kind = ConfigurationKind::kRegular,
                                                 .ring_id = ring,
                                                 .members = {protocol::DaemonId{1}}},
                             out);
    EXPECT_EQ(out.events.size(), 2U);  // signal and view
    EXPECT_EQ(out.resume, ring);
    EXPECT_THAT(bus_->engine(0).members("g"), ElementsAre("#a1#d1"));
}

// T2
TEST_F(Changes, PartitionAndMergeAsInTheTranscript) {
    start(5);
    Client& a1 = client("a1", 0);
    Client& b1 = client("b1", 0);
    Client& n1 = client("n1", 0, false);
    Client& x2 = client("x2", 1);
    Client& a3 = client("a3", 2);
    Client& a4 = client("a4", 3);
    Client& a5 = client("a5", 4);
    join({&a1, &b1, &n1, &a3, &a4, &a5}, "g");
    join({&a1, &x2}, "h");
    join({&a4, &a5}, "k");
    join({&a1, &a5}, "m");
    for (Client* c : {&a1, &b1, &n1, &x2, &a3, &a4, &a5}) {
        news(*c);
    }

    bus_->reform({{0, 1, 2}, {3, 4}});
    bus_->settle();
    EXPECT_THAT(news(a1), ElementsAre("TRANS g (1,100,6)", "TRANS m (1,100,2)",
                                      "NET g (1,102,1) [a1 b1 n1 a3] {a1 b1 n1 a3} @0",
                                      "NET m (1,102,1) [a1] {a1} @0"));
    EXPECT_THAT(news(b1),
                ElementsAre("TRANS g (1,100,6)", "NET g (1,102,1) [a1 b1 n1 a3] {a1 b1 n1 a3} @0"));
    EXPECT_THAT(news(n1), IsEmpty());
    EXPECT_THAT(news(x2), IsEmpty());
    EXPECT_THAT(news(a3),
                ElementsAre("TRANS g (1,100,6)", "NET g (1,102,1) [a1 b1 n1 a3] {a1 b1 n1 a3} @0"));
    EXPECT_THAT(news(a4), ElementsAre("TRANS g (1,100,6)", "NET g (4,102,1) [a4 a5] {a4 a5} @0"));
    EXPECT_THAT(news(a5),
                ElementsAre("TRANS g (1,100,6)", "TRANS m (1,100,2)",
                            "NET g (4,102,1) [a4 a5] {a4 a5} @0", "NET m (4,102,1) [a5] {a5} @0"));

    Client& late = client("late", 3);
    join({&late}, "k");
    EXPECT_THAT(news(a4), ElementsAre("JOIN k (4,102,1) [a4 late a5] late"));
    bus_->leave(late, "k");
    bus_->settle();
    EXPECT_THAT(news(a4), ElementsAre("LEAVE k (4,102,2) [a4 a5] late"));
    news(a5);

    bus_->reform({{0, 1, 2, 3, 4}});
    bus_->settle();
    const std::string merged = "NET g (1,104,1) [a1 b1 n1 a3 a4 a5] {a1 b1 n1 a3} {a4 a5} @";
    EXPECT_THAT(news(a1), ElementsAre(merged + "0", "NET m (1,104,1) [a1 a5] {a1} {a5} @0"));
    EXPECT_THAT(news(a3), ElementsAre(merged + "0"));
    EXPECT_THAT(news(a4), ElementsAre(merged + "1"));
    EXPECT_THAT(news(a5), ElementsAre(merged + "1", "NET m (1,104,1) [a1 a5] {a1} {a5} @1"));
    EXPECT_THAT(news(x2), IsEmpty());
    EXPECT_THAT(news(n1), IsEmpty());
    expect_same_tables({0, 1, 2, 3, 4});

    // Quiet groups take an id of the new configuration with their next change.
    bus_->leave(x2, "h");
    bus_->join(x2, "new");
    bus_->settle();
    EXPECT_THAT(news(a1), ElementsAre("LEAVE h (1,104,1) [a1] x2"));
    EXPECT_THAT(news(x2), ElementsAre("SELF-LEAVE h", "JOIN new (1,104,1) [x2] x2"));
}

TEST_F(Changes, VsSetsAscendByPlainSignedComparisonOfTheSides) {
    // d1 +1552775919, d2 +348480928, d4 -708638639: a cycle under wrapping subtraction.
    start(5, {0x5C8D7AEF, 0x14C565A0, 0x11111111, 0xD5C30851, 0x7FFFFFFF});
    Client& x1 = client("x1", 0);
    Client& a2 = client("a2", 1);
    Client& a3 = client("a3", 2);
    Client& a4 = client("a4", 3);
    Client& a5 = client("a5", 4);
    join({&x1, &a2, &a3, &a4, &a5}, "g");
    bus_->reform({{0}, {1, 2}, {3, 4}});
    bus_->settle();
    for (Client* c : {&x1, &a2, &a3, &a4, &a5}) {
        news(*c);
    }
    bus_->reform({{0, 1, 2, 3, 4}});
    bus_->settle();
    const std::string view = "NET g (1552775919,104,1) [x1 a2 a3 a4 a5] {a4 a5} {a2 a3} {x1} @";
    EXPECT_THAT(news(x1), ElementsAre(view + "2"));
    EXPECT_THAT(news(a2), ElementsAre(view + "1"));
    EXPECT_THAT(news(a3), ElementsAre(view + "1"));
    EXPECT_THAT(news(a4), ElementsAre(view + "0"));
    EXPECT_THAT(news(a5), ElementsAre(view + "0"));
}

// E1
TEST_F(Changes, ARingThatReformsWithTheSameDaemonsIsNotNoticed) {
    start(3);
    Client& a1 = client("a1", 0);
    Client& a2 = client("a2", 1);
    join({&a1, &a2}, "g");
    news(a1);
    bus_->send(a1, {"g"}, "on the way");
    bus_->stamp_all();
    bus_->send(a2, {"g"}, "held");
    bus_->reform({{0, 1, 2}});
    bus_->settle();
    EXPECT_THAT(news(a1), ElementsAre("DATA g on the way", "DATA g held"));
    EXPECT_THAT(news(a2), ElementsAre("DATA g on the way", "DATA g held"));
    Client& b3 = client("b3", 2);
    bus_->join(b3, "g");
    bus_->join(b3, "new");
    bus_->settle();
    EXPECT_THAT(news(b3),
                ElementsAre("JOIN g (1,102,1) [a1 a2 b3] b3", "JOIN new (1,102,1) [b3] b3"));
}

TEST_F(Changes, NoStateTravelsWhenNobodyIsNew) {
    start(3);
    Client& a1 = client("a1", 0);
    join({&a1}, "g");
    bus_->reform({{0, 1}, {2}});
    EXPECT_EQ(bus_->engine(0).phase(), GroupPhase::kStable);
    EXPECT_TRUE(bus_->is_resumed(0));
    bus_->settle();
    EXPECT_EQ(bus_->log_size(0), 0U);
}

TEST_F(Changes, OneRepresentativeSpeaksForEachSide) {
    start(5);
    bus_->reform({{0, 1, 2}, {3, 4}});
    bus_->settle();
    bus_->reform({{0, 1, 2, 3, 4}});
    bus_->settle();
    EXPECT_EQ(bus_->log_size(0), 2U);
}

// G1
TEST_F(Changes, ADaemonThatComesBackAtOnceComesBackEmpty) {
    start(3);
    Client& a1 = client("a1", 0);
    Client& a3 = client("a3", 2);
    join({&a1, &a3}, "g");
    news(a1);
    bus_->crash(2);
    bus_->restart(2);
    bus_->reform({{0, 1, 2}});
    bus_->settle();
    EXPECT_THAT(news(a1), ElementsAre("TRANS g (1,100,2)", "NET g (1,102,1) [a1] {a1} @0"));
    expect_same_tables({0, 1, 2});
    Client& again = client("a3", 2);
    bus_->join(again, "g");
    bus_->settle();
    EXPECT_THAT(news(again), ElementsAre("JOIN g (1,102,2) [a1 a3] a3"));
}

TEST_F(Changes, LosingAndGainingDaemonsAtOnceGivesOneView) {
    start(3);
    bus_->reform({{0, 1}, {2}});
    bus_->settle();
    Client& a1 = client("a1", 0);
    Client& a2 = client("a2", 1);
    Client& a3 = client("a3", 2);
    join({&a1, &a2}, "g");
    join({&a3}, "g");
    news(a1);
    bus_->reform({{0}, {1, 2}});  // d2 changes sides
    bus_->settle();
    EXPECT_THAT(news(a1), ElementsAre("TRANS g (1,102,2)", "NET g (1,104,1) [a1] {a1} @0"));
    // The side that broke up goes by its transitional id, (2, 103).
    EXPECT_THAT(news(a2), ElementsAre("TRANS g (1,102,2)", "NET g (2,104,1) [a2 a3] {a2} {a3} @0"));
    EXPECT_THAT(news(a3), ElementsAre("NET g (2,104,1) [a2 a3] {a2} {a3} @1"));
}

// D1
TEST_F(Changes, RequestsOrderedInTheTransitionalPeriodGiveInterimViews) {
    start(3);
    Client& a1 = client("a1", 0);
    Client& a2 = client("a2", 1);
    Client& l2 = client("l2", 1);
    Client& k2 = client("k2", 1);
    Client& j2 = client("j2", 1);
    Client& n2 = client("n2", 1, false);
    Client& a3 = client("a3", 2);
    join({&a1, &a2, &l2, &k2, &a3}, "g");
    join({&a1, &a2, &l2}, "u");
    for (Client* c : {&a1, &a2, &l2, &k2, &j2}) {
        news(*c);
    }
    bus_->send(a2, {"g"}, "s1", protocol::kSafeMess);
    bus_->leave(l2, "g");
    bus_->disconnect(k2, true);
    bus_->join(j2, "g");
    bus_->join(a1, "fresh");
    bus_->leave(l2, "u");
    bus_->stamp(1);
    bus_->stamp(0);
    bus_->crash(2);
    bus_->reform({{0, 1}});
    bus_->settle();
    EXPECT_THAT(news(a2),
                ElementsAre("TRANS g (1,100,5)", "DATA g s1",                                   //
                            "NET g (1,101,2) [a1 a2 k2 a3] {a1 a2 k2} {a3} @0",                 //
                            "TRANS g (1,101,2)",                                                //
                            "NET g (1,101,3) [a1 a2 a3] {a1 a2} {a3} @0", "TRANS g (1,101,3)",  //
                            "NET g (1,101,4) [a1 a2 j2 a3] {a1 a2} {a3} {j2} @0",               //
                            "TRANS g (1,101,4)",                                                //
                            "LEAVE u (1,101,1) [a1 a2] l2",                                     //
                            "NET g (1,102,1) [a1 a2 j2] {a1 a2 j2} @0"));
    EXPECT_THAT(news(j2),
                ElementsAre("NET g (1,101,4) [a1 a2 j2 a3] {a1 a2} {a3} {j2} @2",
                            "TRANS g (1,101,4)", "NET g (1,102,1) [a1 a2 j2] {a1 a2 j2} @0"));
    EXPECT_THAT(news(l2),
                ElementsAre("TRANS g (1,100,5)", "DATA g s1", "SELF-LEAVE g", "SELF-LEAVE u"));
    const auto seen = news(a1);
    ASSERT_GE(seen.size(), 2U);
    EXPECT_EQ(seen[seen.size() - 2], "JOIN fresh (1,101,1) [a1] a1");
    EXPECT_TRUE(k2.disconnected);
    EXPECT_THAT(news(n2), IsEmpty());
    expect_same_tables({0, 1});
}

// D2
TEST_F(Changes, RequestsOfTheLostDaemonInTheTransitionalPeriodAreToldAndThenUndone) {
    start(3);
    Client& a1 = client("a1", 0);
    Client& a2 = client("a2", 1);
    Client& j2 = client("j2", 1);
    Client& b3 = client("b3", 2);
    Client& ll3 = client("ll3", 2);
    Client& jj3 = client("jj3", 2);
    join({&a1, &a2, &j2, &b3, &ll3}, "g");
    news(a1);
    bus_->join(jj3, "g");
    bus_->leave(ll3, "g");
    bus_->stamp(2);
    bus_->crash(2);
    bus_->reform({{0, 1}});
    bus_->settle();
    EXPECT_THAT(
        news(a1),
        ElementsAre("TRANS g (1,100,5)",
                    "NET g (1,101,2) [a1 a2 j2 b3 jj3 ll3] {a1 a2 j2} {b3 ll3} {jj3} @0",
                    "TRANS g (1,101,2)", "NET g (1,101,3) [a1 a2 j2 b3 jj3] {a1 a2 j2} {b3 jj3} @0",
                    "TRANS g (1,101,3)", "NET g (1,102,1) [a1 a2 j2] {a1 a2 j2} @0"));
}

// J1, where stock goes on with the old id: (1,100,3). A client that was told of the join before the
// transitional point knows that id with one vs-set only.
TEST_F(Changes, AJoinFromALostDaemonChangesAQuietGroup) {
    start(3);
    Client& a1 = client("a1", 0);
    Client& a2 = client("a2", 1);
    Client& j3 = client("j3", 2);
    join({&a1, &a2}, "g");
    news(a1);
    bus_->send(j3, {"g"}, "safe", protocol::kSafeMess);
    bus_->join(j3, "g");
    bus_->join(j3, "alone");
    bus_->send(j3, {"g"}, "last");
    bus_->stamp(2);
    bus_->crash(2);
    bus_->reform({{0, 1}});
    bus_->settle();
    EXPECT_THAT(
        news(a1),
        ElementsAre("DATA g safe", "NET g (1,101,2) [a1 a2 j3] {a1 a2} {} {j3} @0",
                    "TRANS g (1,101,2)", "DATA g last", "NET g (1,102,1) [a1 a2] {a1 a2} @0"));
    EXPECT_THAT(bus_->engine(0).group_names(), ElementsAre("g"));
    expect_same_tables({0, 1});
}

TEST_F(Changes, TheLostDaemonsSideOfTheSameJoinIsAnInterimViewToo) {
    start(3);
    Client& a1 = client("a1", 0);
    Client& j3 = client("j3", 2);
    join({&a1}, "g");
    bus_->join(j3, "g");
    bus_->stamp(2);
    bus_->reform({{0, 1}, {2}});
    bus_->settle();
    EXPECT_THAT(news(j3), ElementsAre("NET g (3,101,2) [a1 j3] {a1} {j3} @1", "TRANS g (3,101,2)",
                                      "NET g (3,102,1) [j3] {j3} @0"));
}

TEST_F(Changes, MessagesBeforeTheTransitionalPointComeBeforeTheSignal) {
    start(2);
    Client& a1 = client("a1", 0);
    Client& a2 = client("a2", 1);
    join({&a1, &a2}, "g");
    news(a1);
    bus_->send(a2, {"g"}, "one");
    bus_->send(a2, {"g"}, "two");
    bus_->stamp(1);
    bus_->crash(1);
    bus_->reform({{0}}, 1);
    EXPECT_THAT(news(a1), ElementsAre("DATA g one", "TRANS g (1,100,2)", "DATA g two",
                                      "NET g (1,102,1) [a1] {a1} @0"));
}

// E5
TEST_F(Changes, ARingThatNeverFormedLeavesNoTrace) {
    start(4);
    Client& a1 = client("a1", 0);
    Client& a3 = client("a3", 2);
    Client& a4 = client("a4", 3);
    join({&a1, &a3, &a4}, "g");
    news(a3);
    bus_->reform({{0, 1}, {2}, {3}});
    bus_->settle();
    EXPECT_THAT(news(a3), ElementsAre("TRANS g (1,100,3)", "NET g (3,102,1) [a3] {a3} @0"));
    EXPECT_THAT(news(a4), ElementsAre("TRANS g (1,100,3)", "NET g (4,102,1) [a4] {a4} @0"));
}

}  // namespace
}  // namespace spread::membership::testing
