// Joins, leaves and disconnects that are ordered between a transitional signal and the view behind
// it (CP 7.3; GS 2.5).
//
// They are forced from outside: while one daemon gets no token any more, another one sends a SAFE
// message, which can thus not become stable, and the request right behind it. That both are ordered
// is told by an AGREED message before them. Then the first daemon, or the one that has just sent,
// is killed. Now and then the token passes between the two halves of the burst; such a try is
// repeated.

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/interop/ring_stage.hpp"

namespace spread::interop {
namespace {

using testing::ElementsAre;

constexpr int kTries = 40;  // on a busy machine most fail

class Transitional : public SharedRing {
  protected:
    /// Runs `attempt` until it says that it has forced what it is about.
    static void until_forced(const std::function<bool()>& attempt) {
        for (int i = 0; i < kTries; ++i) {
            const bool forced = attempt();
            ring().links().heal();
            if (!ring().daemon(kLast).process().is_running()) {
                restart(kLast);
            }
            heal();
            ring().wait_formed();
            if (forced || HasFailure()) {
                return;
            }
        }
        FAIL() << "could not be forced in " << kTries << " tries";
    }

    /// `sender` says "mark" (AGREED) and "unstable" (SAFE) to `groups`, with `request` behind,
    /// while `deaf` gets no token; when `witness` has heard the mark, the last daemon dies. False
    /// if the ring broke too early.
    [[nodiscard]] static bool force(Session& sender, const std::vector<std::string>& groups,
                                    const Bytes& request, std::size_t deaf, Session& witness) {
        Bytes burst = encode(sender.request(kAgreed, groups, "mark"));
        append(burst, encode(sender.request(kSafe, groups, "unstable")));
        append(burst, request);
        // The ring comes to rest, with the token at the first daemon: nobody can tell from outside.
        std::this_thread::sleep_for(std::chrono::milliseconds(stock() ? 50 : 25));
        block_tokens_at(deaf);
        sender.send(burst);
        // Stays, since its end would be a safe message in front of the mark.
        std::optional<Session> driver;
        if (deaf == kZeta) {
            // Which may not hear now that the token is wanted.
            driver = session(kZeta, fresh("dr"), 0);
            driver->multicast({"nobody"}, "go round");
        }
        const bool marked = witness.connection().has_input_within(std::chrono::milliseconds(300));
        if (marked) {
            witness.next_text("mark");
        }
        ring().daemon(kLast).crash();
        ring().links().heal();
        return marked;
    }

    /// The signal of `group` and the unstable message behind it; false if that was not in time to
    /// be ordered in the old ring, or was stable after all.
    static bool signal_comes_first(Session& member, const std::string& group, const GroupId& id) {
        const Frame first = member.next();
        if (!first.is_signal()) {
            return false;
        }
        EXPECT_EQ(first.name(), group);
        EXPECT_EQ(signal_id(first), id);
        return member.next().text() == "unstable";
    }
};

// GS 2.5: in a group that has lost a daemon a join is a network view with the lost
// members still in it: a set of those who are here, one of each lost daemon, one of the joiner; and
// then another signal
TEST_F(Transitional, AJoinInAGroupThatLosesADaemon) {
    until_forced([] {
        Session a0 = session(kZeta, fresh("a"));
        Session a1 = session(kAlpha, fresh("a"));
        Session j1 = session(kAlpha, fresh("j"));
        Session a3 = session(kLast, fresh("a"));
        const std::string group = fresh("g");
        const GroupId id = enter_all(group, {&a0, &a1, &a3});
        if (!force(j1, {group}, encode(j1.request(kJoin, {group})), kLast, a0)) {
            return false;
        }
        a1.next_text("mark");
        if (!signal_comes_first(a0, group, id)) {
            return false;
        }
        Frame frame = a0.next();
        EXPECT_EQ(frame.type, kRegular | kByNetwork) << describe(frame);
        const View interim = view_of(frame);
        if (interim.members.size() == 2) {
            return false;  // the join came later
        }
        EXPECT_EQ(interim.members, names_of({&a0, &a1, &j1, &a3}));
        EXPECT_THAT(interim.sets,
                    ElementsAre(names_of({&a0, &a1}), names_of({&a3}), names_of({&j1})));
        EXPECT_EQ(interim.own_set, 0U);
        EXPECT_FALSE(interim.id.same_membership(id));
        EXPECT_EQ(interim.id.index, 2);
        expect_signal(a0, group, interim.id);
        const View last = a0.next_view(group, kByNetwork);
        EXPECT_EQ(last.members, names_of({&a0, &a1, &j1}));
        EXPECT_THAT(last.sets, ElementsAre(last.members));
        EXPECT_FALSE(last.id.same_membership(interim.id));
        EXPECT_EQ(last.id.index, 1);
        // The other one here sees the same.
        EXPECT_TRUE(signal_comes_first(a1, group, id));
        EXPECT_EQ(a1.next().raw, frame.raw);
        expect_signal(a1, group, interim.id);
        EXPECT_EQ(a1.next_view(group, kByNetwork).id, last.id);
        // The joiner's first message of the group is that view, with its own place in it.
        const View own = j1.next_view(group, kByNetwork);
        EXPECT_EQ(own.id, interim.id);
        EXPECT_EQ(own.sets, interim.sets);
        EXPECT_EQ(own.own_set, 2U);
        EXPECT_EQ(own.offset, 4 + 2 * kNameBytes + 4 + kNameBytes);
        expect_signal(j1, group, interim.id);
        EXPECT_EQ(j1.next_view(group, kByNetwork).id, last.id);
        for (Session* quiet : {&a0, &a1, &j1}) {
            quiet->expect_nothing();
        }
        return true;
    });
}

/// What the others see of a member of the same daemon that goes: a network view without it.
bool expect_interim_without(Session& member, const std::string& group, const GroupId& id,
                            const Names& here, const Names& lost) {
    Frame frame = member.next();
    EXPECT_EQ(frame.type, kRegular | kByNetwork) << describe(frame);
    const View interim = view_of(frame);
    if (interim.id.index == 1) {
        return false;  // the next ring's view already
    }
    Names all = here;
    all.insert(all.end(), lost.begin(), lost.end());
    EXPECT_EQ(interim.members, all);
    EXPECT_THAT(interim.sets, ElementsAre(here, lost));
    EXPECT_EQ(interim.own_set, 0U);
    EXPECT_FALSE(interim.id.same_membership(id));
    EXPECT_EQ(interim.id.index, 2);
    expect_signal(member, group, interim.id);
    const View last = member.next_view(group, kByNetwork);
    EXPECT_EQ(last.members, here);
    EXPECT_THAT(last.sets, ElementsAre(here));
    member.expect_nothing();
    return true;
}

// GS 2.5: the leaver hears of its own leave as always
TEST_F(Transitional, ALeaveInAGroupThatLosesADaemon) {
    until_forced([] {
        Session a0 = session(kZeta, fresh("a"));
        Session l1 = session(kAlpha, fresh("l"));
        Session a3 = session(kLast, fresh("a"));
        const std::string group = fresh("g");
        const GroupId id = enter_all(group, {&a0, &l1, &a3});
        if (!force(l1, {group}, encode(l1.request(kLeave, {group})), kLast, a0)) {
            return false;
        }
        if (!signal_comes_first(a0, group, id) ||
            !expect_interim_without(a0, group, id, {a0.name()}, {a3.name()})) {
            return false;
        }
        l1.next_text("mark");
        EXPECT_TRUE(signal_comes_first(l1, group, id));
        l1.next_self_leave(group);
        l1.expect_nothing();
        return true;
    });
}

// GS 2.5: likewise a disconnect
TEST_F(Transitional, ADisconnectInAGroupThatLosesADaemon) {
    until_forced([] {
        Session a0 = session(kZeta, fresh("a"));
        Session k1 = session(kAlpha, fresh("k"));
        Session a3 = session(kLast, fresh("a"));
        const std::string group = fresh("g");
        const GroupId id = enter_all(group, {&a0, &k1, &a3});
        if (!force(k1, {group}, encode(k1.request(kKill, {k1.name()})), kLast, a0)) {
            return false;
        }
        return signal_comes_first(a0, group, id) &&
               expect_interim_without(a0, group, id, {a0.name()}, {a3.name()});
    });
}

// GS 2.2, 2.5: an abrupt end is ordered behind what is not stable, too
TEST_F(Transitional, AnAbruptEndInAGroupThatLosesADaemon) {
    until_forced([] {
        Session a0 = session(kZeta, fresh("a"));
        Session k1 = session(kAlpha, fresh("k"));
        Session a3 = session(kLast, fresh("a"));
        const std::string group = fresh("g");
        const GroupId id = enter_all(group, {&a0, &k1, &a3});
        Bytes sin = encode(k1.request(0, {group}));  // no request at all
        if (!force(k1, {group}, sin, kLast, a0)) {
            return false;
        }
        return signal_comes_first(a0, group, id) &&
               expect_interim_without(a0, group, id, {a0.name()}, {a3.name()});
    });
}

// GS 2.5: groups that lose nobody keep the light forms and hear no signal
TEST_F(Transitional, AJoinAndALeaveInGroupsThatLoseNobody) {
    until_forced([] {
        Session a0 = session(kZeta, fresh("a"));
        Session j1 = session(kAlpha, fresh("j"));
        Session a3 = session(kLast, fresh("a"));
        const std::string lossy = fresh("g");
        const std::string whole = fresh("w");
        const std::string begun = fresh("n");
        const GroupId id = enter_all(lossy, {&a0, &a3});
        const GroupId whole_id = enter_all(whole, {&a0, &j1});
        Bytes requests = encode(j1.request(kLeave, {whole}));
        append(requests, encode(j1.request(kJoin, {whole})));
        append(requests, encode(j1.request(kJoin, {begun})));
        if (!force(j1, {lossy}, requests, kLast, a0)) {
            return false;
        }
        if (!signal_comes_first(a0, lossy, id)) {
            return false;
        }
        Frame frame = a0.next();
        if (frame.name() == lossy) {
            return false;  // the view of the next ring: the requests came later
        }
        const View left = view_of(frame);
        EXPECT_EQ(left.group, whole);
        EXPECT_EQ(left.cause, kByLeave);
        EXPECT_EQ(left.changed(), j1.name());
        const View joined = a0.next_view(whole, kByJoin);
        EXPECT_EQ(joined.id, left.id.next());
        EXPECT_EQ(joined.members, names_of({&a0, &j1}));
        j1.next_self_leave(whole);
        EXPECT_EQ(j1.next_view(whole, kByJoin).id, joined.id);
        const View created = j1.next_view(begun, kByJoin);
        EXPECT_EQ(created.id.index, 1);
        if (stock()) {
            EXPECT_EQ(left.id, whole_id.next());
            EXPECT_FALSE(created.id.same_membership(whole_id));
        } else {
            // One id, one list: here, too, the transitional configuration has its own.
            EXPECT_EQ(left.id.index, 1);
            EXPECT_TRUE(left.id.same_membership(created.id));
            EXPECT_FALSE(left.id.same_membership(whole_id));
        }
        EXPECT_EQ(a0.next_view(lossy, kByNetwork).members, names_of({&a0}));
        a0.expect_nothing();
        j1.expect_nothing();
        return true;
    });
}

// GS 2.5 (D2): the same from the daemon that dies
TEST_F(Transitional, AJoinFromTheDaemonThatIsLost) {
    until_forced([] {
        Session a0 = session(kZeta, fresh("a"));
        Session a1 = session(kAlpha, fresh("a"));
        Session b3 = session(kLast, fresh("b"));
        Session j3 = session(kLast, fresh("j"));
        const std::string group = fresh("g");
        const GroupId id = enter_all(group, {&a0, &a1, &b3});
        if (!force(j3, {group}, encode(j3.request(kJoin, {group})), kZeta, a0)) {
            return false;
        }
        if (!signal_comes_first(a0, group, id)) {
            return false;
        }
        const View interim = a0.next_view(group, kByNetwork);
        if (interim.members.size() == 2) {
            return false;
        }
        EXPECT_EQ(interim.members, names_of({&a0, &a1, &b3, &j3}));
        EXPECT_THAT(interim.sets,
                    ElementsAre(names_of({&a0, &a1}), names_of({&b3}), names_of({&j3})));
        EXPECT_EQ(interim.own_set, 0U);
        EXPECT_EQ(interim.id.index, 2);
        expect_signal(a0, group, interim.id);
        EXPECT_EQ(a0.next_view(group, kByNetwork).members, names_of({&a0, &a1}));
        a0.expect_nothing();
        return true;
    });
}

// GS 2.5 (J1): a group becomes affected by that very join; the lost daemon's set of
// earlier members is there, and empty
TEST_F(Transitional, AJoinFromTheLostDaemonInAGroupItHadNoMembersIn) {
    until_forced([] {
        Session a0 = session(kZeta, fresh("a"));
        Session a1 = session(kAlpha, fresh("a"));
        Session j3 = session(kLast, fresh("j"));
        const std::string group = fresh("g");
        const GroupId id = enter_all(group, {&a0, &a1});
        if (!force(j3, {group}, encode(j3.request(kJoin, {group})), kZeta, a0)) {
            return false;
        }
        // No signal yet: the group has lost nobody.
        if (a0.next().text() != "unstable") {
            return false;
        }
        Frame frame = a0.next();
        if (frame.type == (kRegular | kByJoin)) {
            return false;  // stable after all
        }
        const View interim = view_of(frame);
        EXPECT_EQ(interim.cause, kByNetwork);
        EXPECT_EQ(interim.members, names_of({&a0, &a1, &j3}));
        EXPECT_THAT(interim.sets, ElementsAre(names_of({&a0, &a1}), Names{}, names_of({&j3})));
        EXPECT_EQ(interim.own_set, 0U);
        if (stock()) {
            EXPECT_EQ(interim.id, id.next());
        } else {
            // The old id may name a view with a light join elsewhere: it is the transitional one.
            EXPECT_FALSE(interim.id.same_membership(id));
        }
        expect_signal(a0, group, interim.id);
        const View last = a0.next_view(group, kByNetwork);
        EXPECT_EQ(last.members, names_of({&a0, &a1}));
        EXPECT_THAT(last.sets, ElementsAre(last.members));
        a0.expect_nothing();
        return true;
    });
}

}  // namespace
}  // namespace spread::interop
