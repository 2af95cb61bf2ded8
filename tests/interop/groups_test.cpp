// Joining, leaving and disconnecting (CP 5.3 to 5.5, 7.4; GS 2.2).

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/interop/stage.hpp"

namespace spread::interop {
namespace {

class Groups : public OneDaemon {};

// CP 5.3: the first group counts; the others and any body are ignored
TEST_F(Groups, AJoinIsForItsFirstGroup) {
    Session alice = session(fresh("al"));
    const std::string group = fresh("room");
    const std::string other = fresh("room");
    alice.send(alice.request(kJoin, {group, other, group}, "a body nobody reads"));
    EXPECT_EQ(alice.next_view(group, kByJoin).members, Names{alice.name()});
    alice.multicast({other}, "to nobody");
    alice.expect_nothing();
}

// CP 5.3: a join that names no group
TEST_F(Groups, AJoinOrLeaveWithoutGroupDropsTheSession) {
    SPREAD_DIFFERS_FROM_STOCK("stock uses stale memory");
    Member watcher = witness();
    for (const std::uint32_t type : {kJoin, kLeave}) {
        Session alice = session(fresh("al"));
        alice.enter(watcher.group);
        watcher.session.next_view(watcher.group, kByJoin);
        alice.send(alice.request(type, {}));
        alice.connection().expect_end();
        EXPECT_EQ(watcher.session.next_view(watcher.group, kByDisconnect).changed(), alice.name());
    }
}

// CP 5.3, 5.4: options make no difference, nor does the byte order
TEST_F(Groups, OptionsOnJoinAndLeaveMakeNoDifference) {
    Session alice = session(fresh("al"));
    for (const Order order : {Order::kLittle, Order::kBig}) {
        for (const std::uint32_t options :
             {0U, kSelfDiscard, kDropRecv, kSelfDiscard | kDropRecv}) {
            const std::string group = fresh("room");
            Request request = alice.request(kJoin | options, {group});
            request.order = order;
            alice.send(request);
            EXPECT_EQ(alice.next_view(group, kByJoin).members, Names{alice.name()});
            request.type = kLeave | options;
            alice.send(request);
            alice.next_self_leave(group);
        }
    }
}

// CP 5.3: a second join is ignored, and the id is as before
TEST_F(Groups, AMembersJoinIsIgnored) {
    Member member = witness();
    member.session.join(member.group);
    member.session.expect_nothing();
    Session other = session(fresh("o"));
    EXPECT_EQ(other.enter(member.group).id, member.id.next());
    EXPECT_EQ(member.session.next_view(member.group, kByJoin).id, member.id.next());
}

// CP 5.4: leaving what one is not in
TEST_F(Groups, AStrangersLeaveIsIgnored) {
    Member member = witness();
    Session stranger = session(fresh("st"));
    stranger.leave(member.group);
    stranger.leave(fresh("nowhere"));
    stranger.leave("");
    stranger.leave(stranger.name());
    stranger.expect_nothing();
    member.session.expect_nothing();
    EXPECT_EQ(stranger.enter(member.group).id, member.id.next());
}

// CP 5.4: the first group counts
TEST_F(Groups, ALeaveIsForItsFirstGroup) {
    Session alice = session(fresh("al"));
    const std::string first = fresh("room");
    const std::string second = fresh("room");
    alice.enter(first);
    alice.enter(second);
    alice.send(alice.request(kLeave, {first, second}, "a body nobody reads"));
    alice.next_self_leave(first);
    alice.multicast({second}, "still in");
    alice.next_text("still in");
}

// CP 7.4: the notice is a header and nothing else
TEST_F(Groups, TheNoticeOfOnesOwnLeaveIsAHeader) {
    Session alice = session(fresh("al"));
    const std::string group = fresh("room");
    alice.enter(group);
    alice.leave(group);
    Bytes expected = word(kEndian | kByLeave, Order::kLittle);
    append(expected, name_field(group));
    append(expected, word(0, Order::kLittle));
    append(expected, word(kEndian, Order::kLittle));
    append(expected, word(0, Order::kLittle));
    EXPECT_EQ(alice.next().raw, expected);
    alice.multicast({group}, "to nobody");
    alice.expect_nothing();
}

// CP 3.1, 7.4: without the flag nothing at all is heard of memberships; the client is
// a member all the same, and its messages come
TEST_F(Groups, WithoutTheFlagMembershipsAreSilent) {
    Member member = witness();
    Session quiet = session(fresh("q"), {.version = {}, .flags = 0});
    quiet.join(member.group);
    const View joined = member.session.next_view(member.group, kByJoin);
    EXPECT_EQ(joined.changed(), quiet.name());
    quiet.expect_nothing();
    Session third = session(fresh("x"));
    EXPECT_EQ(third.enter(member.group).members.size(), 3U);
    member.session.next_view(member.group, kByJoin);
    member.session.multicast({member.group}, "for all");
    quiet.next_text("for all");
    member.session.next_text("for all");
    third.next_text("for all");
    third.kill();
    EXPECT_EQ(member.session.next_view(member.group, kByDisconnect).members.size(), 2U);
    quiet.leave(member.group);
    EXPECT_EQ(member.session.next_view(member.group, kByLeave).changed(), quiet.name());
    quiet.expect_nothing();
}

// CP 3.1: the flags are a signed byte, and the flag is "remainder by 2 is 1"
TEST_F(Groups, TheFlagIsBitZeroOfAPositiveByte) {
    for (unsigned flags = 0; flags < 256; ++flags) {
        Session alice = session(fresh("al"), {.version = {}, .flags = flags});
        const std::string group = fresh("g");
        alice.join(group);
        if (flags < 0x80 && flags % 2 == 1) {
            EXPECT_EQ(alice.next_view(group, kByJoin).members, Names{alice.name()});
        }
        alice.expect_nothing();
    }
}

// CP 5.5: whatever a KILL lists or carries
TEST_F(Groups, AKillNeedsNoParticularForm) {
    Member watcher = witness();
    const auto expect_killed = [&](const std::function<void(Request&)>& change) {
        Session alice = session(fresh("al"));
        alice.enter(watcher.group);
        watcher.session.next_view(watcher.group, kByJoin);
        Request request = alice.request(kKill, {alice.name()});
        change(request);
        alice.send(request);
        alice.connection().expect_end();
        EXPECT_EQ(watcher.session.next_view(watcher.group, kByDisconnect).changed(), alice.name());
    };
    expect_killed([](Request&) {});
    expect_killed([](Request& r) { r.groups.clear(); });
    expect_killed([](Request& r) { r.groups = {"other"}; });
    expect_killed([](Request& r) { r.groups = {std::string(32, 'x')}; });
    expect_killed([&](Request& r) { r.groups = {watcher.group, watcher.session.name()}; });
    expect_killed([](Request& r) { r.groups.assign(100, "many"); });
    expect_killed([](Request& r) { r.body = filling(5000); });
    expect_killed([](Request& r) { r.order = Order::kBig; });
    expect_killed([](Request& r) { r.type |= kSelfDiscard | kDropRecv; });
    watcher.session.expect_nothing();
}

// CP 5.5: requests behind a KILL are not served
TEST_F(Groups, NothingIsServedBehindAKill) {
    Member watcher = witness();
    Session alice = session(fresh("al"));
    Bytes bytes = encode(alice.request(kKill, {alice.name()}));
    append(bytes, encode(alice.request(kAgreed, {watcher.group}, "from beyond")));
    append(bytes, encode(alice.request(kJoin, {watcher.group})));
    alice.send(bytes);
    alice.connection().drain();
    watcher.session.expect_nothing();
}

// GS 2.2: everybody in the group hears of a join, a leave, a disconnect; nobody else
TEST_F(Groups, MembersHearOfMembersOnly) {
    Member one = witness();
    Member elsewhere = witness();
    Session two = session(fresh("t"));
    const View joined = two.enter(one.group);
    EXPECT_EQ(one.session.next_view(one.group, kByJoin).id, joined.id);
    two.leave(one.group);
    two.next_self_leave(one.group);
    one.session.next_view(one.group, kByLeave);
    two.enter(one.group);
    one.session.next_view(one.group, kByJoin);
    two.kill();
    one.session.next_view(one.group, kByDisconnect);
    elsewhere.session.expect_nothing();
    one.session.expect_nothing();
}

// GS 2.2: a disconnect is told for every group, in byte order of their names
TEST_F(Groups, ADisconnectIsToldForEachGroupInOrderOfNames) {
    Session alice = session(fresh("al"));
    Session watcher = session(fresh("w"));
    const std::string stem = fresh("");
    const std::vector<std::string> sorted{"!" + stem,       "B" + stem, "a" + stem,
                                          "a" + stem + "b", "b" + stem, "\xff" + stem};
    for (const std::size_t i : {3U, 0U, 5U, 1U, 4U, 2U}) {
        watcher.enter(sorted[i]);
        alice.enter(sorted[i]);
        watcher.next_view(sorted[i], kByJoin);
    }
    alice.kill();
    for (const std::string& group : sorted) {
        EXPECT_EQ(watcher.next_view(group, kByDisconnect).changed(), alice.name());
    }
    watcher.expect_nothing();
}

// GS 2.2: the last one out hears of its own leave; the group is forgotten
TEST_F(Groups, TheLastMemberOutClosesTheGroup) {
    Member member = witness();
    member.session.leave(member.group);
    member.session.next_self_leave(member.group);
    member.session.multicast({member.group}, "to nobody");
    member.session.expect_nothing();
    const View again = member.session.enter(member.group);
    EXPECT_EQ(again.members, Names{member.session.name()});
    // GS 1.4: stock gives the same id twice; here an id names one view for ever
    EXPECT_EQ(again.id == member.id, stock());
    EXPECT_TRUE(again.id.same_membership(member.id));
}

// CP 7.4: none of this is told to one who disconnects
TEST_F(Groups, ADisconnectedClientHearsNothing) {
    Session alice = session(fresh("al"));
    alice.enter(fresh("room"));
    alice.kill();
    alice.connection().expect_end();
}

// GS 2.2 (E3): leave, disconnect, messages and a new join race; all see one order
TEST_F(Groups, ARaceEndsInOneOrderForAll) {
    const std::string group = fresh("race");
    std::vector<Session> clients;
    for (int i = 0; i < 4; ++i) {
        clients.push_back(session(fresh("s")));
        clients.back().enter(group);
        for (int j = 0; j < i; ++j) {
            clients[static_cast<std::size_t>(j)].next_view(group, kByJoin);
        }
    }
    Session& one = clients[0];
    Session& two = clients[1];
    Session& three = clients[2];
    Session& four = clients[3];
    one.multicast({group}, "m1");
    two.leave(group);
    three.multicast({group}, "m2");
    four.kill();
    two.multicast({group}, "m3");
    two.join(group);
    // As one of the two who stay sees it:
    std::vector<Bytes> at_one;
    std::vector<Bytes> at_three;
    std::size_t left = 6;
    bool two_is_in = true;
    GroupId last{};
    std::vector<std::string> for_two;
    for (; left > 0; --left) {
        const Frame frame = one.next();
        at_one.push_back(frame.raw);
        at_three.push_back(three.next().raw);
        if (!frame.is_view()) {
            EXPECT_FALSE(frame.text() == "m3" && two_is_in);  // sent between leave and join
            if (two_is_in) {
                for_two.push_back(frame.text());
            }
            continue;
        }
        const View view = view_of(frame);
        if (last.index != 0) {
            EXPECT_EQ(view.id, last.next());
        }
        last = view.id;
        if (view.changed() == two.name()) {
            two_is_in = view.cause == kByJoin;
            for_two.push_back(two_is_in ? "join" : "leave");
        } else if (two_is_in) {
            for_two.push_back("disconnect");
        }
    }
    EXPECT_EQ(at_one, at_three);
    // It got what came while it was in, and its own leave in its place.
    for (const std::string& expected : for_two) {
        if (expected == "leave") {
            two.next_self_leave(group);
        } else if (expected == "join") {
            EXPECT_EQ(two.next_view(group, kByJoin).changed(), two.name());
        } else if (expected == "disconnect") {
            EXPECT_EQ(two.next_view(group, kByDisconnect).changed(), four.name());
        } else {
            two.next_text(expected);
        }
    }
    one.expect_nothing();
    two.expect_nothing();
}

}  // namespace
}  // namespace spread::interop
