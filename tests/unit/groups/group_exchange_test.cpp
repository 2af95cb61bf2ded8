// What clients see when the state exchange behind a merge is held up or breaks.

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "changes.hpp"
#include "membership/groups/group_wire.hpp"
#include "protocol/session_wire.hpp"

namespace spread::membership::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// F1: two sides {d1,d2} and {d3,d4} have merged; the state message of d3 has not reached the
/// others.
class Cascade : public Changes {
  protected:
    Cascade() {
        start(4);
        a1 = &client("a1", 0);
        a2 = &client("a2", 1);
        a3 = &client("a3", 2);
        a4 = &client("a4", 3);
        h4 = &client("h4", 3);
        join({h4}, "alone");
        join({a1, a2, a3, a4}, "g");
        join({a1, a2}, "left");
        bus_->reform({{0, 1}, {2, 3}});
        bus_->settle();
        for (Client* c : {a1, a2, a3, a4, h4}) {
            news(*c);
        }
        bus_->reform({{0, 1, 2, 3}});  // counter 104
        bus_->stamp(0);
        bus_->stamp(2);
        bus_->lose_newest(2, {0, 1, 3});
        bus_->deliver(0);
        bus_->deliver(1);
        bus_->deliver(2);
        bus_->deliver(3);
    }

    Client* a1;
    Client* a2;
    Client* a3;
    Client* a4;
    Client* h4;
    const std::string merged = "NET g (1,104,1) [a1 a2 a3 a4] {a1 a2} {a3 a4} @";
};

// F1
TEST_F(Cascade, WhoHasAllStateGoesAheadAndTheOthersWait) {
    EXPECT_THAT(news(*a3), ElementsAre(merged + "1"));
    EXPECT_THAT(news(*a1), IsEmpty());
    EXPECT_TRUE(bus_->is_resumed(2));
    EXPECT_FALSE(bus_->is_resumed(0));
    EXPECT_EQ(bus_->engine(0).phase(), GroupPhase::kExchange);
    bus_->send(*a1, {"g"}, "held");
    bus_->settle();
    EXPECT_THAT(news(*a1), IsEmpty());
}

TEST_F(Cascade, WhoseStateIsMissingIsKnown) {
    EXPECT_EQ(bus_->engine(2).pending_exchange(), std::nullopt) << "it has everything";
    const auto pending = bus_->engine(0).pending_exchange();
    ASSERT_TRUE(pending);
    EXPECT_THAT(pending->owing, ElementsAre(protocol::DaemonId{3}, protocol::DaemonId{4}))
        << "the third daemon speaks for both";
    EXPECT_EQ(pending->parts, 1U);
    bus_->reform({{0, 1}, {2, 3}});
    bus_->settle();
    EXPECT_EQ(bus_->engine(0).pending_exchange(), std::nullopt);
}

// F2
TEST_F(Cascade, CutBackToTheOldSidesOnlyThoseWhoSawTheMergeHearOfItsEnd) {
    bus_->send(*a3, {"g"}, "safe", protocol::kSafeMess);
    bus_->stamp(2);
    bus_->reform({{0, 1}, {2, 3}});
    bus_->join(*a2, "later");
    Client& b1 = client("b1", 0);
    bus_->join(b1, "g");
    bus_->settle();
    EXPECT_THAT(news(*a1), ElementsAre("JOIN g (1,106,1) [a1 b1 a2] b1"));
    EXPECT_THAT(news(*a3), ElementsAre(merged + "1", "TRANS g (1,104,1)", "DATA g safe",
                                       "NET g (3,106,1) [a3 a4] {a3 a4} @0"));
    EXPECT_THAT(news(*a4), ElementsAre(merged + "1", "TRANS g (1,104,1)", "DATA g safe",
                                       "NET g (3,106,1) [a3 a4] {a3 a4} @0"));
    EXPECT_THAT(news(*h4), IsEmpty());
    expect_same_tables({0, 1});
    expect_same_tables({2, 3});

    bus_->reform({{0, 1, 2, 3}});
    bus_->settle();
    expect_same_tables({0, 1, 2, 3});
    EXPECT_THAT(news(*a4), ElementsAre("NET g (1,108,1) [a1 b1 a2 a3 a4] {a1 b1 a2} {a3 a4} @1"));
}

// F3, where stock gives the shrinking view without a signal.
TEST_F(Cascade, ADaemonCutAwayDuringTheExchangeSignalsBeforeItsViewShrinks) {
    bus_->send(*a3, {"g"}, "safe", protocol::kSafeMess);
    bus_->stamp(2);
    bus_->reform({{0, 1, 2}, {3}});
    bus_->settle();
    for (Client* c : {a1, a2}) {
        EXPECT_THAT(news(*c), ElementsAre(merged + "0", "TRANS g (1,104,1)", "DATA g safe",
                                          "NET g (1,106,1) [a1 a2 a3] {a1 a2 a3} @0"));
    }
    EXPECT_THAT(news(*a4), ElementsAre("TRANS g (3,102,1)", "NET g (4,106,1) [a4] {a4} @0"));
    EXPECT_THAT(news(*h4), IsEmpty());
    expect_same_tables({0, 1, 2});
    expect_same_tables({3});
}

TEST_F(Cascade, AnExchangeBrokenOffByTheSameDaemonsIsDoneAgainUnnoticed) {
    // d3 crashes with its message; the others go on without it and it comes back as d3 anew.
    bus_->crash(2);
    bus_->restart(2);
    bus_->reform({{0, 1, 2, 3}});
    bus_->settle();
    EXPECT_THAT(news(*a1), ElementsAre("NET g (1,106,1) [a1 a2 a4] {a1 a2} {a4} @0"));
    EXPECT_THAT(news(*a4),
                ElementsAre("TRANS g (3,102,1)", "NET g (1,106,1) [a1 a2 a4] {a1 a2} {a4} @1"));
    expect_same_tables({0, 1, 2, 3});
}

TEST_F(Cascade, AnExchangeThatEndsWithItsRingGivesTheViewAndItsEndAtOnce) {
    bus_->reform({{0}, {1, 3}, {2}});  // d2 and d4: neither has the state of d3
    bus_->stamp(1);
    bus_->stamp(3);
    EXPECT_EQ(bus_->engine(1).phase(), GroupPhase::kExchange);
    EXPECT_THAT(news(*a2), ElementsAre("TRANS g (1,102,1)", "TRANS left (1,100,2)"));
    EXPECT_THAT(news(*a4), ElementsAre("TRANS g (3,102,1)"));
    bus_->crash(3);
    bus_->restart(3);
    bus_->reform({{0, 1, 2, 3}});
    bus_->settle();
    EXPECT_THAT(news(*a2), ElementsAre("NET g (2,106,1) [a2 a4] {a2} {a4} @0",
                                       "NET left (2,106,1) [a2] {a2} @0", "TRANS g (2,106,1)",
                                       "NET g (1,108,1) [a1 a2 a3] {a1} {a2} {a3} @1",
                                       "NET left (1,108,1) [a1 a2] {a1} {a2} @1"));
    expect_same_tables({0, 1, 2, 3});
}

TEST_F(Changes, AGroupIsSignalledOnceHoweverOftenTheExchangeBreaks) {
    start(4);
    Client& a1 = client("a1", 0);
    Client& a2 = client("a2", 1);
    Client& a3 = client("a3", 2);
    bus_->reform({{0, 1, 2}, {3}});
    bus_->settle();
    join({&a1, &a2, &a3}, "g");
    join({&a1}, "alone");
    news(a1);
    bus_->reform({{0, 1, 2, 3}});  // nobody gets to send its state
    bus_->reform({{0, 1, 3}, {2}});
    EXPECT_THAT(news(a1), ElementsAre("TRANS g (1,102,3)"));
    bus_->reform({{0, 3}, {1}, {2}});
    EXPECT_THAT(news(a1), IsEmpty());
    bus_->settle();
    EXPECT_THAT(news(a1), ElementsAre("NET g (1,108,1) [a1] {a1} @0"));
    EXPECT_THAT(news(a2), ElementsAre("TRANS g (1,102,3)", "NET g (2,108,1) [a2] {a2} @0"));
    bus_->reform({{0, 1, 2, 3}});
    bus_->settle();
    EXPECT_THAT(news(a1), ElementsAre("NET g (1,110,1) [a1 a2 a3] {a1} {a2} {a3} @0"));
    expect_same_tables({0, 1, 2, 3});
}

TEST_F(Changes, StateOfAnyLengthTravelsInParts) {
    start(3, {}, 0);  // the smallest parts there are
    std::vector<Client*> many;
    for (int i = 0; i < 400; ++i) {
        many.push_back(&client("m" + std::to_string(i), static_cast<std::size_t>(i % 2), false));
        bus_->join(*many.back(), "big");
        if (i % 10 == 0) {
            bus_->join(*many.back(), "group" + std::to_string(i));
        }
    }
    bus_->settle();
    bus_->reform({{0, 1}, {2}});
    bus_->settle();
    Client& a3 = client("a3", 2);
    join({&a3}, "big");
    bus_->reform({{0, 1, 2}});
    bus_->settle();
    EXPECT_GT(bus_->log_size(0), 4U);
    EXPECT_EQ(bus_->engine(2).members("big").size(), 401U);
    EXPECT_EQ(bus_->engine(2).stats().groups, 41U);
    EXPECT_EQ(a3.seen.back().sets.size(), 2U);
    expect_same_tables({0, 1, 2});
}

TEST_F(Changes, PartsOfABrokenExchangeAreThrownAway) {
    start(2, {}, 0);
    for (int i = 0; i < 300; ++i) {
        bus_->join(client("m" + std::to_string(i), static_cast<std::size_t>(i % 2), false), "big");
    }
    bus_->settle();
    bus_->reform({{0}, {1}});
    bus_->settle();
    bus_->reform({{0, 1}});
    bus_->stamp_one(0);  // the first part of several; the others are sent on the wrong ring
    bus_->deliver(0);
    bus_->deliver(1);
    bus_->reform({{0, 1}});
    bus_->settle();
    EXPECT_EQ(bus_->engine(0).members("big").size(), 300U);
    expect_same_tables({0, 1});
}

TEST_F(Changes, MessagesThatComeTooEarlyAreAppliedAfterTheExchange) {
    start(2);
    Client& a1 = client("a1", 0);
    Client& a2 = client("a2", 1);
    join({&a1, &a2}, "g");
    bus_->reform({{0}, {1}});
    bus_->settle();
    news(a1);
    news(a2);

    // By hand: a ring on which a message of d2 comes before the state messages.
    const protocol::RingId ring{
        .representative = protocol::DaemonId{1}, .nonce = 77, .counter = 200};
    const auto early = encode_group_request(
        {.group = protocol::NameField("g"), .member = protocol::NameField("#early#d2")});
    std::vector<GroupOutput> outs(2);
    std::vector<Delivery> order;
    const auto deliver = [&](std::uint32_t origin, protocol::MessageKind kind,
                             protocol::Message body) {
        Delivery delivery;
        delivery.ring_id = ring;
        delivery.origin = protocol::DaemonId{origin};
        delivery.kind = kind;
        delivery.body = std::move(body);
        for (std::size_t d = 0; d < 2; ++d) {
            bus_->engine(d).on_event(delivery, outs[d]);
        }
    };
    for (std::uint32_t d = 0; d < 2; ++d) {
        bus_->engine(d).on_event(ConfigurationChange{.kind = ConfigurationKind::kTransitional,
                                                     .ring_id = ring,
                                                     .members = {protocol::DaemonId{d + 1}}},
                                 outs[d]);
        bus_->engine(d).on_event(
            ConfigurationChange{.kind = ConfigurationKind::kRegular,
                                .ring_id = ring,
                                .members = {protocol::DaemonId{1}, protocol::DaemonId{2}}},
            outs[d]);
    }
    ASSERT_EQ(outs[0].submissions.size(), 1U);
    EXPECT_TRUE(outs[0].submissions[0].control);
    deliver(2, protocol::MessageKind::kGroupJoin, early);
    EXPECT_TRUE(outs[0].events.empty());
    deliver(2, protocol::MessageKind::kGroupState, outs[1].submissions[0].body);
    deliver(1, protocol::MessageKind::kGroupState, outs[0].submissions[0].body);
    for (std::size_t d = 0; d < 2; ++d) {
        EXPECT_EQ(outs[d].resume, ring);
        EXPECT_EQ(outs[d].events.size(), 2U);  // merged view, then the join
        EXPECT_THAT(bus_->engine(d).members("g"), ElementsAre("#a1#d1", "#a2#d2", "#early#d2"));
    }
}

TEST_F(Changes, MessagesThatComeTooEarlyAreNotLostWhenTheExchangeBreaks) {
    start(3);
    Client& a1 = client("a1", 0);
    Client& a2 = client("a2", 1);
    join({&a1, &a2}, "g");
    bus_->reform({{0, 1}, {2}});
    bus_->settle();
    const protocol::RingId ring{
        .representative = protocol::DaemonId{1}, .nonce = 77, .counter = 200};
    const protocol::RingId next{
        .representative = protocol::DaemonId{1}, .nonce = 78, .counter = 202};
    const protocol::DaemonId d1{1};
    const protocol::DaemonId d2{2};
    const protocol::DaemonId d3{3};
    const auto configure = [&](std::size_t d, ConfigurationKind kind, protocol::RingId id,
                               protocol::MemberList members, GroupOutput& out) {
        bus_->engine(d).on_event(
            ConfigurationChange{.kind = kind, .ring_id = id, .members = std::move(members)}, out);
    };
    for (std::size_t d = 0; d < 2; ++d) {
        GroupOutput out;
        configure(d, ConfigurationKind::kTransitional, ring, {d1, d2}, out);
        configure(d, ConfigurationKind::kRegular, ring, {d1, d2, d3}, out);
        for (const auto& [origin, member] : {std::pair{d2, "#early#d2"}, {d3, "#early#d3"}}) {
            Delivery delivery;
            delivery.ring_id = ring;
            delivery.origin = origin;
            delivery.kind = protocol::MessageKind::kGroupJoin;
            delivery.body = encode_group_request(
                {.group = protocol::NameField("g"), .member = protocol::NameField(member)});
            bus_->engine(d).on_event(delivery, out);
        }
        out.clear();
        configure(d, ConfigurationKind::kTransitional, next, {d1, d2}, out);
        configure(d, ConfigurationKind::kRegular, next, {d1, d2}, out);
        EXPECT_EQ(out.events.size(), 1U);  // a view, no signal: nobody was lost
        EXPECT_EQ(out.resume, next);
        EXPECT_THAT(bus_->engine(d).members("g"), ElementsAre("#a1#d1", "#a2#d2", "#early#d2"));
    }
}

TEST_F(Changes, ContradictoryStateIsCountedAndNotBelieved) {
    start(2);
    Client& a1 = client("a1", 0);
    join({&a1}, "g");
    bus_->reform({{0}, {1}});
    bus_->settle();
    bus_->reform({{0, 1}});  // both have their state ready; nothing is stamped yet
    GroupOutput out;
    std::uint64_t expected = 0;
    GroupStatePart good;
    good.ring =
        protocol::RingId{.representative = protocol::DaemonId{1}, .nonce = 4, .counter = 104};
    good.sender = protocol::DaemonId{2};
    good.synced = {protocol::DaemonId{2}};
    good.last = true;
    const auto deliver = [&](const GroupStatePart& part, std::uint32_t origin) {
        Delivery delivery;
        delivery.ring_id = good.ring;
        delivery.origin = protocol::DaemonId{origin};
        delivery.kind = protocol::MessageKind::kGroupState;
        delivery.body = encode_group_state(part);
        bus_->engine(0).on_event(delivery, out);
    };
    const auto refuse = [&](const GroupStatePart& part, std::uint32_t origin, const char* what) {
        deliver(part, origin);
        EXPECT_EQ(bus_->engine(0).stats().malformed_messages, ++expected) << what;
        EXPECT_EQ(bus_->engine(0).phase(), GroupPhase::kExchange) << what;
    };
    refuse(good, 1, "in another's name");
    GroupStatePart bad = good;
    bad.part = 1;
    refuse(bad, 2, "begins in the middle");
    bad = good;
    bad.synced.push_back(protocol::DaemonId{9});
    refuse(bad, 2, "for a daemon nobody knows");
    bad = good;
    bad.synced.push_back(protocol::DaemonId{1});
    refuse(bad, 2, "out of order");
    bad = good;
    bad.ring.nonce = 3;
    deliver(bad, 2);  // an older ring: no fault
    EXPECT_EQ(bus_->engine(0).stats().malformed_messages, expected);
    EXPECT_EQ(bus_->engine(0).phase(), GroupPhase::kExchange);
    bus_->settle();
    EXPECT_EQ(bus_->engine(0).phase(), GroupPhase::kStable);
    EXPECT_THAT(bus_->engine(1).members("g"), ElementsAre("#a1#d1"));
}

}  // namespace
}  // namespace spread::membership::testing
