// Membership messages of one daemon, byte for byte (CP 6, 7.2; GS 1.3,
// 1.4, 2.1).

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/interop/stage.hpp"

namespace spread::interop {
namespace {

class Views : public OneDaemon {};

/// A view after one member's coming or going, as CP 7.2 lays it out.
Bytes light_view(std::uint32_t cause, const std::string& group, const GroupId& id,
                 const Names& members, const std::string& changed) {
    Bytes bytes = word(kEndian | kRegular | cause, Order::kLittle);
    append(bytes, name_field(group));
    const auto number = [&bytes](std::int64_t value) {
        append(bytes, word(static_cast<std::uint32_t>(value), Order::kLittle));
    };
    number(static_cast<std::int64_t>(members.size()));
    append(bytes, word(kEndian, Order::kLittle));
    number(56);
    for (const std::string& member : members) {
        append(bytes, name_field(member));
    }
    number(id.proc_id);
    number(id.time);
    number(id.index);
    number(1);
    number(0);
    number(1);
    append(bytes, name_field(changed));
    return bytes;
}

// CP 7.2: all bytes of the three light forms
TEST_F(Views, LookAsDocumented) {
    Session alice = session("alice");
    const std::string group = fresh("room");
    alice.join(group);
    const Frame first = alice.next();
    GroupId id = view_of(first).id;
    EXPECT_EQ(first.raw, light_view(kByJoin, group, id, {"#alice#d1"}, "#alice#d1"));
    EXPECT_EQ(support::hex_of(std::span(first.raw).first(4)), "80110080");

    Session bob = session("bob");
    bob.join(group);
    id = id.next();
    const Names both{"#alice#d1", "#bob#d1"};
    const Bytes joined = light_view(kByJoin, group, id, both, "#bob#d1");
    EXPECT_EQ(alice.next().raw, joined);
    EXPECT_EQ(bob.next().raw, joined);

    bob.leave(group);
    bob.next_self_leave(group);
    id = id.next();
    const Frame left = alice.next();
    EXPECT_EQ(left.raw, light_view(kByLeave, group, id, {"#alice#d1"}, "#bob#d1"));
    EXPECT_EQ(support::hex_of(std::span(left.raw).first(4)), "80120080");

    bob.join(group);
    alice.next_view(group, kByJoin);
    bob.kill();
    id = id.next().next();
    const Frame gone = alice.next();
    EXPECT_EQ(gone.raw, light_view(kByDisconnect, group, id, {"#alice#d1"}, "#bob#d1"));
    EXPECT_EQ(support::hex_of(std::span(gone.raw).first(4)), "80140080");
}

// CP 7.2, GS 1.3: bytewise by private name, '#' ending the shorter first
TEST_F(Views, ListMembersBytewise) {
    std::vector<std::string> users{"m9", "m10", "b",  "a",  "B",  "nm", "a1", "Z", "m_", "~x",
                                   "$",  "%a",  "0",  "9",  "10", "A",  "AA", "_", "ab", "aB",
                                   "z~", "~",   "~~", "a-", "a.", "a/", "-",  "+", "m",  "M1"};
    const std::string group = fresh("room");
    std::vector<Session> clients;
    for (const std::string& user : users) {
        clients.push_back(session(user));
        clients.back().join(group);
    }
    Names expected;
    for (const std::string& user : users) {
        expected.push_back("#" + user + "#d1");
    }
    std::ranges::sort(expected, [](const std::string& a, const std::string& b) {
        return std::ranges::lexicographical_compare(
            a, b, {}, [](char c) { return static_cast<unsigned char>(c); },
            [](char c) { return static_cast<unsigned char>(c); });
    });
    View view;
    do {
        const Frame frame = clients.front().next();
        view = view_of(frame);
        EXPECT_TRUE(std::ranges::is_sorted(view.members));
    } while (view.members.size() < users.size());
    EXPECT_EQ(view.members, expected);
}

// CP 6, GS 1.4: index + 1 for each join, leave and disconnect, in each
// group by itself; one (proc_id, time) for all that begin in one ring
TEST_F(Views, CountOnForEachChange) {
    Session alice = session(fresh("al"));
    Session bob = session(fresh("bo"));
    const std::string first = fresh("room");
    const std::string second = fresh("room");
    GroupId id = alice.enter(first).id;
    EXPECT_EQ(id.index, 1);
    const GroupId other = alice.enter(second).id;
    EXPECT_EQ(other.index, 1);
    EXPECT_TRUE(other.same_membership(id));
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(bob.enter(first).id, id.next());
        EXPECT_EQ(alice.next_view(first, kByJoin).id, id.next());
        bob.leave(first);
        bob.next_self_leave(first);
        id = id.next().next();
        EXPECT_EQ(alice.next_view(first, kByLeave).id, id);
    }
    EXPECT_EQ(bob.enter(second).id, other.next());
}

// GS 1.4: proc_id is a hash of the leading daemon's name
TEST_F(Views, IdsNameTheLeadingDaemon) {
    Session alice = session(fresh("al"));
    EXPECT_EQ(static_cast<std::uint32_t>(alice.enter(fresh("room")).id.proc_id), 0x5C8D7AEFU);
}

// CP 7.2: membership messages have no other bits, whatever the request had
TEST_F(Views, HaveNoBitsOfTheRequest) {
    Session alice = session(fresh("al"));
    const std::string group = fresh("room");
    Request request = alice.request(kJoin | kSelfDiscard | kDropRecv, {group});
    request.hint = hint_of(0x1234);
    request.order = Order::kBig;
    alice.send(request);
    const Frame frame = alice.next();
    EXPECT_EQ(frame.type, kRegular | kByJoin);
    EXPECT_EQ(frame.hint, word(kEndian, Order::kLittle));
}

// CP 7.2: a list may be longer than a message may have groups
TEST_F(Views, ListMoreThanAHundredMembers) {
    const std::string group = fresh("room");
    constexpr std::size_t kMembers = 250;
    std::vector<Session> clients;
    Session watcher = session(fresh("w"));
    watcher.enter(group);
    for (std::size_t i = 0; i < kMembers; ++i) {
        clients.push_back(session(fresh("m"), {.version = {}, .flags = 0}));
        clients.back().join(group);
    }
    View view;
    for (std::size_t i = 0; i < kMembers; ++i) {
        view = watcher.next_view(group, kByJoin);
        EXPECT_EQ(view.members.size(), i + 2);
    }
    EXPECT_TRUE(std::ranges::is_sorted(view.members));
}

// GS 1.2: a name belongs to one client after the other
TEST_F(Views, OfAReusedNameShowTheNewClient) {
    Member watcher = witness();
    const std::string name = fresh("re");
    GroupId id = watcher.id;
    for (int life = 0; life < 3; ++life) {
        Session mortal = session(name);
        id = id.next();
        EXPECT_EQ(mortal.enter(watcher.group).id, id);
        EXPECT_EQ(watcher.session.next_view(watcher.group, kByJoin).id, id);
        mortal.kill();
        id = id.next();
        EXPECT_EQ(watcher.session.next_view(watcher.group, kByDisconnect).id, id);
    }
}

}  // namespace
}  // namespace spread::interop
