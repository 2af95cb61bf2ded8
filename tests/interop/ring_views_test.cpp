// Rules that show with several daemons and all links whole (CP 5 to 7; group semantics
// 1 to 3).

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/interop/ring_stage.hpp"

namespace spread::interop {
namespace {

class RingViews : public SharedRing {};

// GS 1.3: by daemon as configured, then bytewise by name; the same list for everybody
TEST_F(RingViews, ListMembersByDaemonAsConfiguredThenByName) {
    struct Place {
        std::size_t daemon;
        const char* user;
    };
    const std::vector<Place> joins{{kMid, "m9"}, {kMid, "m10"},  {kZeta, "b"},   {kZeta, "a"},
                                   {kZeta, "B"}, {kAlpha, "nm"}, {kAlpha, "a1"}, {kAlpha, "Z"},
                                   {kMid, "m_"}, {kLast, "~x"}};
    const Names expected{"#B#zeta",   "#a#zeta",  "#b#zeta", "#Z#alpha", "#a1#alpha",
                         "#nm#alpha", "#m10#Mid", "#m9#Mid", "#m_#Mid",  "#~x#d4"};
    std::vector<Session> sessions;
    std::vector<Session*> members;
    sessions.reserve(joins.size());
    for (const Place& place : joins) {
        sessions.push_back(session(place.daemon, place.user));
        members.push_back(&sessions.back());
    }
    const std::string group = fresh("room");
    enter_all(group, members);
    Session late = session(kLast, "late");
    late.join(group);
    Names with_late = expected;
    with_late.insert(with_late.end() - 1, "#late#d4");
    std::vector<Bytes> frames;
    members.push_back(&late);
    for (Session* member : members) {
        const Frame frame = member->next();
        EXPECT_EQ(view_of(frame).members, with_late);
        frames.push_back(frame.raw);
    }
    // CP 6: all see the same, byte for byte
    EXPECT_EQ(std::ranges::count(frames, frames.front()),
              static_cast<std::ptrdiff_t>(frames.size()));
}

// CP 3.1: the same name on another daemon is another client
TEST_F(RingViews, NamesAreUniquePerDaemonOnly) {
    const std::string name = fresh("same");
    std::vector<Session> sessions;
    Names names;
    for (std::size_t i = 0; i < kDaemons; ++i) {
        sessions.push_back(session(i, name));
        names.push_back(sessions.back().name());
    }
    const std::string group = fresh("room");
    enter_all(group, {&sessions[3], &sessions[1], &sessions[0], &sessions[2]});
    sessions[1].multicast({names[2]}, "just for you");
    sessions[2].next_text("just for you");
    sessions[0].kill();
    for (std::size_t i = 1; i < kDaemons; ++i) {
        const View view = sessions[i].next_view(group, kByDisconnect);
        EXPECT_EQ(view.changed(), names[0]);
        EXPECT_EQ(view.members, Names(names.begin() + 1, names.end()));
    }
}

// GS 1.4: ids begin with the leading daemon, the first one configured
TEST_F(RingViews, IdsNameTheFirstDaemonOfTheRing) {
    for (std::size_t i = 0; i < kDaemons; ++i) {
        Session alice = session(i, fresh("al"));
        EXPECT_EQ(static_cast<std::uint32_t>(alice.enter(fresh("room")).id.proc_id), 0x07B54758U);
    }
}

// GS 2.2 (E2): joins at the same time come in one order for all; each sees the chain
// from its own on
TEST_F(RingViews, SimultaneousJoinsMakeOneChain) {
    std::vector<Session> sessions;
    for (std::size_t i = 0; i < 2 * kDaemons; ++i) {
        sessions.push_back(session(i % kDaemons, fresh("s")));
    }
    for (int round = 0; round < 10; ++round) {
        const std::string group = fresh("simul");
        for (Session& each : sessions) {
            each.join(group);
        }
        std::vector<Bytes> longest;
        std::vector<std::vector<Bytes>> chains;
        for (Session& each : sessions) {
            std::vector<Bytes> chain;
            Names members;
            do {
                const Frame frame = each.next();
                const View view = view_of(frame);
                EXPECT_EQ(view.cause, kByJoin);
                EXPECT_EQ(view.id.index, static_cast<std::int32_t>(view.members.size()));
                if (chain.empty()) {
                    EXPECT_EQ(view.changed(), each.name());
                }
                members = view.members;
                chain.push_back(frame.raw);
            } while (members.size() < sessions.size());
            if (chain.size() > longest.size()) {
                longest = chain;
            }
            chains.push_back(std::move(chain));
        }
        EXPECT_EQ(longest.size(), sessions.size());
        for (const auto& chain : chains) {
            EXPECT_TRUE(std::equal(chain.rbegin(), chain.rend(), longest.rbegin()));
        }
    }
}

// GS 2.2, CP 7.2: leaves and disconnects reach members everywhere; the
// leaver hears of its leave at that very place
TEST_F(RingViews, LeavesAndDisconnectsAreToldEverywhere) {
    std::vector<Session> sessions;
    std::vector<Session*> members;
    sessions.reserve(kDaemons);
    for (std::size_t i = 0; i < kDaemons; ++i) {
        sessions.push_back(session(i, fresh("s")));
        members.push_back(&sessions.back());
    }
    const std::string group = fresh("room");
    GroupId id = enter_all(group, members);
    sessions[1].leave(group);
    sessions[1].next_self_leave(group);
    id = id.next();
    for (const std::size_t i : {0U, 2U, 3U}) {
        const View view = sessions[i].next_view(group, kByLeave);
        EXPECT_EQ(view.id, id);
        EXPECT_EQ(view.changed(), sessions[1].name());
    }
    sessions[2].kill();
    id = id.next();
    for (const std::size_t i : {0U, 3U}) {
        EXPECT_EQ(sessions[i].next_view(group, kByDisconnect).id, id);
    }
    { const Session vanishes = std::move(sessions[3]); }
    const View last = sessions[0].next_view(group, kByDisconnect);
    EXPECT_EQ(last.id, id.next());
    EXPECT_EQ(last.members, Names{sessions[0].name()});
    // No transitional signal for any of it.
    sessions[0].expect_nothing();
}

// GS 2.2 (E3): a leave, a disconnect, a join and messages race; members see one order
TEST_F(RingViews, RacesEndInOneOrder) {
    std::vector<Session> sessions;
    for (std::size_t i = 0; i < kDaemons; ++i) {
        sessions.push_back(session(i, fresh("s")));
    }
    for (int round = 0; round < 10; ++round) {
        const std::string group = fresh("race");
        Session four = session(kLast, fresh("four"));
        enter_all(group, {&sessions[0], &sessions[1], &sessions[2], &four});
        sessions[0].multicast({group}, "m1");
        sessions[1].leave(group);
        sessions[2].multicast({group}, "m2", kSafe);
        four.kill();
        sessions[1].multicast({group}, "m3", kFifo);
        sessions[1].join(group);
        bool second_is_in = true;
        for (int i = 0; i < 6; ++i) {
            const Frame frame = sessions[0].next();
            EXPECT_EQ(sessions[2].next().raw, frame.raw);
            if (frame.is_view() && view_of(frame).changed() == sessions[1].name()) {
                second_is_in = !second_is_in;
                if (!second_is_in) {
                    sessions[1].next_self_leave(group);
                    continue;
                }
            }
            if (second_is_in) {
                EXPECT_EQ(sessions[1].next().raw, frame.raw);
            }
        }
        EXPECT_TRUE(second_is_in);
        for (std::size_t i = 0; i < 3; ++i) {
            sessions[i].leave(group);
            sessions[i].next_self_leave(group);
            for (std::size_t j = i + 1; j < 3; ++j) {
                sessions[j].next_view(group, kByLeave);
            }
        }
    }
}

// GS 3.1, 3.4: one order for all groups and ordered services, whoever sends
TEST_F(RingViews, AllReceiversSeeOneOrder) {
    const std::string first = fresh("g");
    const std::string second = fresh("g");
    std::vector<Session> sessions;
    for (std::size_t i = 0; i < kDaemons; ++i) {
        sessions.push_back(session(i, fresh("s"), 0));
        sessions.back().join(first);
        sessions.back().join(second);
        sessions.back().expect_nothing();
    }
    std::vector<std::uint32_t> services{kSafe, kFifo, kAgreed, kCausal};
    if (!stock()) {  // where these two overtake
        services.insert(services.end(), {kReliable, kUnreliable});
    }
    constexpr std::size_t kEach = 120;
    for (std::size_t i = 0; i < kEach; ++i) {
        for (Session& sender : sessions) {
            // Some are larger than a packet.
            std::string body = std::to_string(i) + " ";
            body.resize(i % 10 == 3 ? 5000 : 40, '.');
            sender.multicast(i % 3 == 0 ? Names{first, second} : Names{i % 2 == 0 ? first : second},
                             body, services[i % services.size()]);
        }
    }
    std::vector<Bytes> order;
    for (std::size_t i = 0; i < kEach * kDaemons; ++i) {
        const Frame frame = sessions[0].next();
        order.push_back(frame.raw);
        for (std::size_t other = 1; other < kDaemons; ++other) {
            ASSERT_EQ(sessions[other].next().raw, frame.raw) << "message " << i;
        }
    }
    // GS 3.1: and each sender's messages in the order sent
    for (const Session& sender : sessions) {
        std::size_t expected = 0;
        for (const Bytes& message : order) {
            if (text_of(std::span(message).subspan(4, sender.name().size())) == sender.name()) {
                const auto groups = std::to_integer<std::size_t>(message[36]);
                const std::string body =
                    text_of(std::span(message).subspan(kHeaderBytes + groups * kNameBytes));
                EXPECT_TRUE(body.starts_with(std::to_string(expected++) + " "));
            }
        }
        EXPECT_EQ(expected, kEach);
    }
}

// CP 4.2, 5.6: what is relayed to other daemons is the same message
TEST_F(RingViews, MessagesArriveUnchangedAtOtherDaemons) {
    const std::string group = fresh("room");
    Session sender = session(kAlpha, fresh("s"));
    Session near = session(kAlpha, fresh("n"), 0);
    Session far = session(kLast, fresh("f"), 0);
    for (Session* member : {&near, &far}) {
        member->join(group);
        member->expect_nothing();
    }
    for (const Order order : {Order::kLittle, Order::kBig}) {
        for (const std::uint32_t service : kServices) {
            Request request = sender.request(
                service | kSelfDiscard | kDropRecv,
                {group, far.name(), "unknown", "", group + std::string("\0junk", 5), "#x#y"},
                "the body");
            request.sender += std::string("\0junk", 5);
            request.order = order;
            request.hint = hint_of(-2, order);
            sender.send(request);
            request.order = Order::kLittle;
            const Bytes expected = encode(request);
            EXPECT_EQ(near.next().raw, expected);
            EXPECT_EQ(far.next().raw, expected);
        }
    }
    near.expect_nothing();
    far.expect_nothing();
    sender.expect_nothing();
}

// CP 5.6: private groups across daemons, well-formed and not
TEST_F(RingViews, PrivateGroupsReachTheirDaemonOnly) {
    const std::string name = fresh("p");
    std::vector<Session> sessions;
    for (std::size_t i = 0; i < kDaemons; ++i) {
        sessions.push_back(session(i, name));
    }
    Session sender = session(kMid, fresh("s"));
    for (Session& receiver : sessions) {
        sender.multicast({receiver.name()}, "for one");
        receiver.next_text("for one");
    }
    sender.multicast({"#" + name + "#d1", "#" + name, "#" + name + "#Zeta", "#nobody#alpha",
                      sessions[1].name(), sessions[3].name(), sessions[1].name()},
                     "for two");
    sessions[1].next_text("for two");
    sessions[3].next_text("for two");
    for (Session& receiver : sessions) {
        receiver.expect_nothing();
    }
    sender.expect_nothing();
}

// CP 9: sizes around the ends of packets and the limits, over the network
TEST_F(RingViews, BodiesOfAllSizesCrossTheNetwork) {
    Session sender = session(kZeta, fresh("s"));
    Session far = session(kLast, fresh("f"), 0);
    std::vector<std::size_t> sizes;
    for (std::size_t size = 0; size < 3200; size += 13) {
        sizes.push_back(size);
    }
    for (std::size_t size = 3200; size < 143152; size += 7919) {
        sizes.push_back(size);
    }
    for (std::size_t packet = 1; packet <= 2; ++packet) {
        for (std::size_t size = packet * 1350; size < packet * 1350 + 130; ++size) {
            sizes.push_back(size);
        }
    }
    // CP 9: stock's largest, and that of the libraries
    sizes.push_back(stock() ? 143120 : 143968);
    for (const std::size_t size : sizes) {
        Request request = sender.request(kAgreed, {far.name()});
        request.body = filling(size, size);
        const Bytes bytes = encode(request);
        sender.send(bytes);
        ASSERT_EQ(far.next().raw, bytes) << size;
    }
}

// GS 3.4: what a client has sent is delivered although it is gone
TEST_F(RingViews, LastWordsArriveEverywhere) {
    const std::string group = fresh("room");
    Session near = session(kAlpha, fresh("n"));
    Session far = session(kLast, fresh("f"));
    enter_all(group, {&near, &far});
    for (int round = 0; round < 10; ++round) {
        Session mortal = session(kAlpha, fresh("m"));
        Bytes burst = encode(mortal.request(kJoin, {group}));
        for (int i = 0; i < 20; ++i) {
            append(burst, encode(mortal.request(i % 2 == 0 ? kSafe : kAgreed, {group},
                                                std::to_string(i))));
        }
        append(burst, encode(mortal.request(kKill, {})));
        mortal.send(burst);
        for (Session* member : {&near, &far}) {
            EXPECT_EQ(member->next_view(group, kByJoin).changed(), mortal.name());
            for (int i = 0; i < 20; ++i) {
                member->next_text(std::to_string(i));
            }
            EXPECT_EQ(member->next_view(group, kByDisconnect).changed(), mortal.name());
        }
    }
}

}  // namespace
}  // namespace spread::interop
