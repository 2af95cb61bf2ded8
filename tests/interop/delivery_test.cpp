// Who gets a multicast, how often, and in which order (CP 5.6; GS 3).

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/interop/stage.hpp"

namespace spread::interop {
namespace {

class Delivery : public OneDaemon {};

// CP 5.6: one copy however many groups select a session
TEST_F(Delivery, EachSessionGetsOneCopy) {
    Session alice = session(fresh("al"));
    Session bob = session(fresh("bo"));
    const std::string first = fresh("g");
    const std::string second = fresh("g");
    alice.enter(first);
    alice.enter(second);
    bob.enter(second);
    alice.next_view(second, kByJoin);
    alice.multicast({first, second, first, alice.name(), bob.name(), bob.name()}, "once");
    alice.next_text("once");
    bob.next_text("once");
    alice.expect_nothing();
    bob.expect_nothing();
}

// CP 5, 5.6: senders need not be members, and get no copy then
TEST_F(Delivery, GroupsAreOpenToStrangers) {
    Member member = witness();
    Session stranger = session(fresh("st"));
    stranger.multicast({member.group}, "from outside");
    EXPECT_EQ(member.session.next_text("from outside").name(), stranger.name());
    stranger.expect_nothing();
}

// CP 5: a private group is one session, with or without membership messages
TEST_F(Delivery, PrivateGroupsReachOneSession) {
    Session alice = session(fresh("al"));
    Session bob = session(fresh("bo"), {.version = {}, .flags = 0});
    Session cid = session(fresh("ci"));
    for (Session* receiver : {&alice, &bob, &cid}) {
        alice.multicast({receiver->name()}, "for you");
        receiver->next_text("for you");
    }
    alice.expect_nothing();
    bob.expect_nothing();
    cid.expect_nothing();
}

// CP 5.6: whom nobody is, nothing reaches, and the sender hears of no error
TEST_F(Delivery, UnknownAndMalformedDestinationsAreSkipped) {
    Session alice = session("alice");
    const std::vector<std::string> nobody{"no-such-group",
                                          "",
                                          "#nobody#d1",
                                          "#alice#d2",
                                          "#alice#elsewhere",
                                          "#alice",
                                          "#alice#",
                                          "##d1",
                                          "#",
                                          "##",
                                          "alice",
                                          "alice#d1",
                                          "#alice#d1#",
                                          "#alice#d1x",
                                          "#Alice#d1",
                                          "#alice#D1",
                                          "#alice #d1",
                                          "#alicealice1#d1",
                                          "#alice#abcdefghijabcdefghij"};
    for (const std::string& destination : nobody) {
        alice.multicast({destination}, "to nobody");
        alice.expect_nothing();
    }
    // Among others they do no harm.
    auto mixed = nobody;
    mixed.insert(mixed.begin() + 3, alice.name());
    alice.multicast(mixed, "to one of them");
    alice.next_text("to one of them");
}

// CP 5.6: no groups at all
TEST_F(Delivery, WithoutGroupsNobodyGetsIt) {
    Session alice = session(fresh("al"));
    for (const std::uint32_t service : kServices) {
        alice.multicast({}, "to nobody", service);
    }
    alice.expect_nothing();
}

// GS 3.4: a message makes no group
TEST_F(Delivery, SendingToAGroupDoesNotMakeIt) {
    Session alice = session(fresh("al"));
    const std::string group = fresh("room");
    alice.multicast({group}, "too early");
    EXPECT_EQ(alice.enter(group).members, Names{alice.name()});
    alice.expect_nothing();
}

// CP 5.6, GS 3.4: SELF_DISCARD takes out the sender only, however
// selected
TEST_F(Delivery, SelfDiscardTakesOutTheSender) {
    Session alice = session(fresh("al"));
    Session bob = session(fresh("bo"));
    const std::string group = fresh("room");
    alice.enter(group);
    bob.enter(group);
    alice.next_view(group, kByJoin);
    for (const std::uint32_t service : kServices) {
        alice.multicast({group}, "others", service | kSelfDiscard);
        EXPECT_EQ(bob.next_text("others").type, service | kSelfDiscard);
        alice.multicast({group, alice.name(), group}, "still others", service | kSelfDiscard);
        bob.next_text("still others");
        alice.multicast({alice.name()}, "nobody", service | kSelfDiscard);
        alice.expect_nothing();
        bob.expect_nothing();
    }
    // From outside it changes nothing.
    Session stranger = session(fresh("st"));
    stranger.multicast({group}, "from outside", kAgreed | kSelfDiscard);
    alice.next_text("from outside");
    bob.next_text("from outside");
    stranger.expect_nothing();
}

// DROP_RECV does nothing at the daemon
TEST_F(Delivery, DropRecvChangesNothing) {
    Session alice = session(fresh("al"));
    alice.multicast({alice.name()}, "text", kSafe | kDropRecv);
    EXPECT_EQ(alice.next_text("text").type, kSafe | kDropRecv);
}

// CP 5: the receiver is told the service the sender used
TEST_F(Delivery, ReceiversSeeTheServiceThatWasUsed) {
    Member member = witness();
    Session alice = session(fresh("al"));
    for (const std::uint32_t service : kServices) {
        alice.multicast({member.group}, "served", service);
        EXPECT_EQ(member.session.next_text("served").type, service);
    }
}

// GS 3.1: FIFO, CAUSAL, AGREED and SAFE in one order, per sender as sent
TEST_F(Delivery, OrderedServicesShareOneOrder) {
    Session alice = session(fresh("al"));
    Session bob = session(fresh("bo"));
    const std::string group = fresh("room");
    alice.enter(group);
    bob.enter(group);
    alice.next_view(group, kByJoin);
    constexpr int kEach = 100;
    const std::vector<std::uint32_t> services{kSafe, kFifo, kAgreed, kCausal};
    for (int i = 0; i < kEach; ++i) {
        for (Session* sender : {&alice, &bob}) {
            sender->multicast({group}, std::to_string(i),
                              services[static_cast<std::size_t>(i) % services.size()]);
        }
    }
    std::vector<Bytes> at_alice;
    std::vector<Bytes> at_bob;
    for (int i = 0; i < 2 * kEach; ++i) {
        at_alice.push_back(alice.next().raw);
        at_bob.push_back(bob.next().raw);
    }
    EXPECT_EQ(at_alice, at_bob);
    for (Session* sender : {&alice, &bob}) {
        int expected = 0;
        for (const Bytes& message : at_alice) {
            if (text_of(std::span(message).subspan(4, sender->name().size())) == sender->name()) {
                EXPECT_EQ(text_of(std::span(message).subspan(kHeaderBytes + kNameBytes)),
                          std::to_string(expected++));
            }
        }
        EXPECT_EQ(expected, kEach);
    }
}

// GS 3.2: with us the other two keep their place as well
TEST_F(Delivery, ReliableAndUnreliableDoNotOvertake) {
    SPREAD_DIFFERS_FROM_STOCK("RELIABLE and UNRELIABLE overtake at the sender's daemon");
    Member member = witness();
    Session alice = session(fresh("al"));
    Bytes burst;
    for (const std::uint32_t service :
         {kSafe, kReliable, kFifo, kAgreed, kCausal, kUnreliable, kSafe, kUnreliable}) {
        append(burst, encode(alice.request(service, {member.group})));
    }
    for (int i = 0; i < 20; ++i) {
        alice.send(burst);
        for (const std::uint32_t service :
             {kSafe, kReliable, kFifo, kAgreed, kCausal, kUnreliable, kSafe, kUnreliable}) {
            EXPECT_EQ(member.session.next().type, service);
        }
    }
}

// CP 5.6: one client's requests take effect in the order sent
TEST_F(Delivery, RequestsOfOneClientKeepTheirOrder) {
    Session alice = session(fresh("al"));
    const std::string group = fresh("room");
    Bytes burst;
    for (const auto& request :
         {alice.request(kJoin, {group}), alice.request(kAgreed, {group}, "inside"),
          alice.request(kLeave, {group}), alice.request(kAgreed, {group}, "outside"),
          alice.request(kJoin, {group}), alice.request(kSafe, {group}, "inside again")}) {
        append(burst, encode(request));
    }
    for (int i = 0; i < 20; ++i) {
        alice.send(burst);
        alice.next_view(group, kByJoin);
        alice.next_text("inside");
        alice.next_self_leave(group);
        alice.next_view(group, kByJoin);
        alice.next_text("inside again");
        alice.leave(group);
        alice.next_self_leave(group);
    }
}

// CP 5.6, GS 2.2: a leaver gets messages up to its leave and none behind
TEST_F(Delivery, AMessageBehindALeaveDoesNotReachTheLeaver) {
    Member member = witness();
    Session alice = session(fresh("al"));
    alice.enter(member.group);
    member.session.next_view(member.group, kByJoin);
    Bytes burst = encode(alice.request(kAgreed, {member.group}, "still in"));
    append(burst, encode(alice.request(kLeave, {member.group})));
    append(burst, encode(alice.request(kAgreed, {member.group}, "already out")));
    // Reached through another name, it gets the message all the same.
    append(burst, encode(alice.request(kAgreed, {member.group, alice.name()}, "both ways")));
    alice.send(burst);
    alice.next_text("still in");
    alice.next_self_leave(member.group);
    alice.next_text("both ways");
    member.session.next_text("still in");
    EXPECT_EQ(member.session.next_view(member.group, kByLeave).changed(), alice.name());
    member.session.next_text("already out");
    member.session.next_text("both ways");
}

// GS 3.4: what a client sent before it disconnects is delivered, and before the notice
TEST_F(Delivery, LastWordsComeBeforeTheDisconnect) {
    Member member = witness();
    for (const std::uint32_t service : {kFifo, kCausal, kAgreed, kSafe}) {
        Session alice = session(fresh("al"));
        alice.enter(member.group);
        member.session.next_view(member.group, kByJoin);
        Bytes burst = encode(alice.request(service, {member.group}, "last words"));
        append(burst, encode(alice.request(kKill, {alice.name()})));
        alice.send(burst);
        member.session.next_text("last words");
        EXPECT_EQ(member.session.next_view(member.group, kByDisconnect).changed(), alice.name());
    }
}

// CP 8: bursts pass without loss
TEST_F(Delivery, BurstsPassWithoutLoss) {
    Session alice = session(fresh("al"));
    Session bob = session(fresh("bo"));
    constexpr int kRounds = 6;
    constexpr int kPerRound = 500;
    for (int round = 0; round < kRounds; ++round) {
        Bytes burst;
        for (int i = 0; i < kPerRound; ++i) {
            append(burst, encode(alice.request(kAgreed, {bob.name()}, std::to_string(i))));
        }
        alice.send(burst);
        for (int i = 0; i < kPerRound; ++i) {
            bob.next_text(std::to_string(i));
        }
    }
}

}  // namespace
}  // namespace spread::interop
