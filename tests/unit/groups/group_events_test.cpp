// What clients see of joins, leaves, disconnects and messages while the daemons stay the same
// (GS 1.3 to 2.2 and 3.4, CP 5.3 to 5.6).

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "membership/groups/ended_groups.hpp"
#include "membership/groups/group_wire.hpp"
#include "protocol/session_wire.hpp"
#include "total_order_bus.hpp"

namespace spread::membership::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Client = TotalOrderBus::Client;

/// Two daemons on one ring: ids 1 and 2, ring counter 100.
class GroupEvents : public ::testing::Test {
  protected:
    GroupEvents() : bus_({"d1", "d2"}) {
        bus_.reform({{0, 1}});
        bus_.settle();
    }

    /// Everyone in order: joins `group`, one after the other.
    void join_all(const std::vector<Client*>& clients, std::string_view group) {
        for (Client* client : clients) {
            bus_.join(*client, group);
            bus_.settle();
        }
        for (Client* client : clients) {
            bus_.news(*client);
        }
    }

    TotalOrderBus bus_;
};

TEST_F(GroupEvents, AJoinTellsMembersAndJoinerTheNewList) {
    Client& a = bus_.connect(0, "a1");
    Client& b = bus_.connect(1, "a2");
    Client& outsider = bus_.connect(0, "x1");
    bus_.join(a, "g");
    bus_.settle();
    bus_.join(b, "g");
    bus_.settle();
    EXPECT_THAT(bus_.news(a),
                ElementsAre("JOIN g (1,100,1) [a1] a1", "JOIN g (1,100,2) [a1 a2] a2"));
    EXPECT_THAT(bus_.news(b), ElementsAre("JOIN g (1,100,2) [a1 a2] a2"));
    EXPECT_THAT(bus_.news(outsider), IsEmpty());
}

TEST_F(GroupEvents, OnlyNoticesOfOthersComingAndGoingMayWait) {
    Client& a = bus_.connect(0, "a1");
    Client& b = bus_.connect(0, "b1");
    Client& c = bus_.connect(1, "c2");
    join_all({&a, &b}, "g");
    const std::size_t seen_by_a = a.seen.size();
    const std::size_t seen_by_b = b.seen.size();
    bus_.join(c, "g");
    bus_.settle();
    bus_.leave(b, "g");
    bus_.settle();
    bus_.send(c, {"g"}, "hello");
    bus_.settle();
    bus_.disconnect(c);
    bus_.settle();
    std::vector<std::string> waiting;
    std::vector<std::string> urgent;
    for (std::size_t i = seen_by_a; i < a.seen.size(); ++i) {
        (a.seen[i].may_wait ? waiting : urgent).push_back(a.seen[i].text());
    }
    EXPECT_THAT(waiting,
                ElementsAre("JOIN g (1,100,3) [a1 b1 c2] c2", "LEAVE g (1,100,4) [a1 c2] b1"));
    EXPECT_THAT(urgent, ElementsAre("DATA g hello", "DISC g (1,100,5) [a1] c2"));
    // Who comes or goes waits for the answer.
    EXPECT_FALSE(b.seen[seen_by_b - 1].may_wait);
    EXPECT_EQ(b.seen.back().text(), "SELF-LEAVE g");
    EXPECT_FALSE(b.seen.back().may_wait);
    ASSERT_FALSE(c.seen.empty());
    EXPECT_FALSE(c.seen.front().may_wait);
}

TEST_F(GroupEvents, AClientOfManyGroupsLeavesSomeAndTakesItsEndToTheOthers) {
    constexpr int kManyGroups = 2000;
    Client& a = bus_.connect(0, "a1");
    // Neither in the order of names nor all in it.
    const auto name = [](int i) { return "g" + std::to_string(i * 7919 % kManyGroups); };
    for (int i = 0; i < kManyGroups; ++i) {
        bus_.join(a, name(i));
    }
    bus_.settle();
    EXPECT_EQ(bus_.engine(1).group_names().size(), kManyGroups);
    for (int i = 0; i < kManyGroups; i += 2) {
        bus_.leave(a, name(i));
    }
    bus_.settle();
    EXPECT_EQ(bus_.engine(1).group_names().size(), kManyGroups / 2);
    bus_.disconnect(a);
    bus_.settle();
    EXPECT_THAT(bus_.engine(0).group_names(), IsEmpty());
    EXPECT_THAT(bus_.engine(1).group_names(), IsEmpty());
}

TEST_F(GroupEvents, TheBusiestGroupsAreThoseThatMostWasSentToSinceTheLastLook) {
    Client& a = bus_.connect(0, "a1");
    join_all({&a}, "some");
    join_all({&a}, "much");
    join_all({&a}, "none");
    EXPECT_THAT(bus_.engine(0).busiest_groups({}, 100, 10).groups, IsEmpty());
    const auto look = [this](std::size_t most) {
        std::vector<std::string> out;
        for (const auto& group : bus_.engine(0).busiest_groups({}, 100, most).groups) {
            out.push_back(group.name + " " + std::to_string(group.members) + " " +
                          std::to_string(group.traffic.messages) + " " +
                          std::to_string(group.traffic.bytes));
        }
        return out;
    };
    bus_.send(a, {"some"}, "12345");
    for (int i = 0; i < 3; ++i) {
        bus_.send(a, {"much"}, "12");
    }
    bus_.settle();
    EXPECT_THAT(look(10), ElementsAre("much 1 3 6", "some 1 1 5"));
    EXPECT_THAT(look(10), IsEmpty()) << "since the last look";
    bus_.send(a, {"some", "much"}, "123");
    bus_.send(a, {"some"}, "123");
    bus_.settle();
    EXPECT_THAT(look(1), ElementsAre("some 1 2 6"));
    EXPECT_EQ(bus_.engine(0).groups_behind("m", 1).front().traffic.messages, 4U) << "in all";
}

TEST_F(GroupEvents, TheBusiestGroupsAreLookedForInSteps) {
    Client& a = bus_.connect(0, "a1");
    for (const char* group : {"g1", "g2", "g3", "g4", "g5"}) {
        join_all({&a}, group);
        bus_.send(a, {group}, "x");
    }
    bus_.settle();
    std::vector<std::string> found;
    std::vector<std::string> lasts;
    do {
        const auto part =
            bus_.engine(0).busiest_groups(lasts.empty() ? std::string() : lasts.back(), 2, 10);
        for (const auto& group : part.groups) {
            found.push_back(group.name);
        }
        lasts.push_back(part.last);
    } while (!lasts.back().empty());
    EXPECT_THAT(lasts, ElementsAre("g2", "g4", ""));
    EXPECT_THAT(found, ::testing::UnorderedElementsAre("g1", "g2", "g3", "g4", "g5"));
}

TEST_F(GroupEvents, ASecondJoinIsIgnored) {
    Client& a = bus_.connect(0, "a1");
    Client& b = bus_.connect(1, "a2");
    join_all({&a, &b}, "g");
    bus_.join(b, "g");
    bus_.settle();
    EXPECT_THAT(bus_.news(a), IsEmpty());
    EXPECT_THAT(bus_.news(b), IsEmpty());
    bus_.leave(b, "g");
    bus_.settle();
    EXPECT_THAT(bus_.news(a), ElementsAre("LEAVE g (1,100,3) [a1] a2"));
}

TEST_F(GroupEvents, ALeaverGetsTheNoticeAndNothingAfterIt) {
    Client& a = bus_.connect(0, "a1");
    Client& b = bus_.connect(0, "b1");
    Client& c = bus_.connect(1, "c2");
    join_all({&a, &b, &c}, "g");
    bus_.send(b, {"g"}, "before");
    bus_.leave(b, "g");
    bus_.send(b, {"g"}, "after");
    bus_.settle();
    EXPECT_THAT(bus_.news(b), ElementsAre("DATA g before", "SELF-LEAVE g"));
    EXPECT_THAT(bus_.news(c),
                ElementsAre("DATA g before", "LEAVE g (1,100,4) [a1 c2] b1", "DATA g after"));
}

TEST_F(GroupEvents, ALeaveOfAnOutsiderIsIgnored) {
    Client& a = bus_.connect(0, "a1");
    Client& b = bus_.connect(1, "a2");
    join_all({&a}, "g");
    bus_.leave(b, "g");
    bus_.leave(b, "unknown");
    bus_.settle();
    EXPECT_THAT(bus_.news(a), IsEmpty());
    EXPECT_THAT(bus_.news(b), IsEmpty());
    EXPECT_EQ(bus_.engine(0).stats().malformed_messages, 0U);
}

TEST_F(GroupEvents, ADisconnectIsToldInEveryGroupInByteOrderOfNames) {
    for (const bool orderly : {true, false}) {
        const std::string suffix = orderly ? "1" : "2";
        Client& a = bus_.connect(0, "a" + suffix);
        Client& b = bus_.connect(1, "b" + suffix);
        join_all({&a, &b}, "m" + suffix);
        join_all({&a, &b}, "g" + suffix);
        join_all({&a, &b}, "Z" + suffix);
        bus_.disconnect(b, orderly);
        EXPECT_FALSE(b.disconnected);
        bus_.settle();
        EXPECT_TRUE(b.disconnected);
        const std::string rest = " (1,100,3) [a" + suffix + "] b" + suffix;
        EXPECT_THAT(bus_.news(a), ElementsAre("DISC Z" + suffix + rest, "DISC g" + suffix + rest,
                                              "DISC m" + suffix + rest));
        EXPECT_THAT(bus_.news(b), IsEmpty());
    }
}

TEST_F(GroupEvents, AnAbruptDisconnectIsSafeAndAnOrderlyOneAgreed) {
    GroupOutput out;
    Client& a = bus_.connect(0, "a1");
    Client& b = bus_.connect(0, "b1");
    bus_.engine(0).request_disconnect(a.session, false, out);
    bus_.engine(0).request_disconnect(b.session, true, out);
    ASSERT_EQ(out.submissions.size(), 2U);
    EXPECT_EQ(out.submissions[0].service, protocol::Service::kSafe);
    EXPECT_EQ(out.submissions[1].service, protocol::Service::kAgreed);
    EXPECT_FALSE(out.submissions[0].control);
}

TEST_F(GroupEvents, NothingReachesASessionAfterItsDisconnectRequest) {
    Client& a = bus_.connect(0, "a1");
    Client& b = bus_.connect(1, "b2");
    join_all({&a, &b}, "g");
    bus_.send(b, {"g", "#a1#d1"}, "hello");
    bus_.join(a, "late");  // on its way when the session ends
    bus_.stamp_all();
    bus_.disconnect(a, true);
    bus_.settle();  // the bus itself fails the test when a dead client gets something
    EXPECT_THAT(bus_.news(a), IsEmpty());
    EXPECT_THAT(bus_.news(b), ElementsAre("DATA g hello", "DISC g (1,100,3) [b2] a1"));
    EXPECT_THAT(bus_.engine(1).members("late"), IsEmpty());
    EXPECT_TRUE(a.disconnected);
}

TEST_F(GroupEvents, RequestsOfASessionThatIsGoneAreIgnored) {
    Client& a = bus_.connect(0, "a1");
    bus_.disconnect(a, true);
    GroupOutput out;
    bus_.engine(0).request_join(a.session, "g", out);
    bus_.engine(0).request_leave(a.session, "g", out);
    bus_.engine(0).request_disconnect(a.session, true, out);
    bus_.engine(0).request_join(protocol::SessionId{4711}, "g", out);
    EXPECT_TRUE(out.submissions.empty());
}

TEST_F(GroupEvents, ANameIsFreeOnceItsDisconnectIsDelivered) {
    Client& first = bus_.connect(0, "a1");
    join_all({&first}, "g");
    bus_.disconnect(first, false);
    bus_.settle();
    ASSERT_TRUE(first.disconnected);
    Client& second = bus_.connect(0, "a1");
    bus_.join(second, "g");
    bus_.settle();
    EXPECT_THAT(bus_.news(second), ElementsAre("JOIN g (1,100,3) [a1] a1"));
}

TEST_F(GroupEvents, AnEmptiedGroupTakesNoIdTwice) {
    Client& a = bus_.connect(0, "a1");
    for (const std::string id : {"(1,100,1)", "(1,100,3)"}) {
        bus_.join(a, "g");
        bus_.leave(a, "g");
        bus_.settle();
        EXPECT_THAT(bus_.news(a), ElementsAre("JOIN g " + id + " [a1] a1", "SELF-LEAVE g"));
        EXPECT_THAT(bus_.engine(1).group_names(), IsEmpty());
    }
    // A new configuration has ids of its own.
    bus_.reform({{0, 1}});
    bus_.settle();
    bus_.join(a, "g");
    bus_.settle();
    EXPECT_THAT(bus_.news(a), ElementsAre("JOIN g (1,102,1) [a1] a1"));
}

TEST(EndedGroups, ForgetNamesButNotHowFarTheyCounted) {
    EndedGroups ended(0);
    EXPECT_EQ(ended.last_index(protocol::NameField("g")), 0);
    ended.note(protocol::NameField("g"), 7);
    for (int i = 0; i < 30000; ++i) {
        ended.note(protocol::NameField("x" + std::to_string(i)), 2);
    }
    EXPECT_EQ(ended.last_index(protocol::NameField("g")), 7);
    EXPECT_EQ(ended.last_index(protocol::NameField("new")), 7);
    ended.clear();
    EXPECT_EQ(ended.last_index(protocol::NameField("g")), 0);
}

TEST_F(GroupEvents, AMemberWithoutTheFlagIsListedAndGetsDataOnly) {
    Client& a = bus_.connect(0, "a1");
    Client& n = bus_.connect(0, "n1", false);
    join_all({&a}, "g");
    bus_.join(n, "g");
    bus_.send(a, {"g"}, "data");
    bus_.leave(n, "g");
    bus_.settle();
    EXPECT_THAT(bus_.news(a), ElementsAre("JOIN g (1,100,2) [a1 n1] n1", "DATA g data",
                                          "LEAVE g (1,100,3) [a1] n1"));
    EXPECT_THAT(bus_.news(n), ElementsAre("DATA g data"));
}

TEST_F(GroupEvents, SimultaneousJoinersEachSeeTheChainFromTheirOwnJoin) {
    TotalOrderBus bus({"d1", "d2", "d3", "d4"});
    bus.reform({{0, 1, 2, 3}});
    bus.settle();
    std::vector<Client*> s;
    for (std::size_t i = 0; i < 4; ++i) {
        s.push_back(&bus.connect(i, "s" + std::to_string(i + 1)));
        bus.join(*s.back(), "simul");
    }
    for (const std::size_t i : {2U, 3U, 0U, 1U}) {
        bus.stamp(i);
    }
    bus.settle();
    EXPECT_THAT(
        bus.news(*s[2]),
        ElementsAre("JOIN simul (1,100,1) [s3] s3", "JOIN simul (1,100,2) [s3 s4] s4",
                    "JOIN simul (1,100,3) [s1 s3 s4] s1", "JOIN simul (1,100,4) [s1 s2 s3 s4] s2"));
    EXPECT_THAT(bus.news(*s[1]), ElementsAre("JOIN simul (1,100,4) [s1 s2 s3 s4] s2"));
}

TEST(GroupOrder, MembersFollowTheConfigurationAndThenTheBytesOfTheirNames) {
    TotalOrderBus bus({"zeta", "alpha", "Mid"}, {77, 3, 900});
    bus.reform({{0, 1, 2}});
    bus.settle();
    const std::vector<std::pair<std::string, std::size_t>> joins = {
        {"m9", 2}, {"m10", 2}, {"b", 0}, {"a", 0},  {"B", 0},
        {"nm", 1}, {"a1", 1},  {"Z", 1}, {"m_", 2}, {"~x", 2}};
    Client* last = nullptr;
    for (const auto& [user, daemon] : joins) {
        last = &bus.connect(daemon, user);
        bus.join(*last, "g");
        bus.settle();
    }
    EXPECT_THAT(bus.news(*last), ElementsAre("JOIN g (77,100,10) [B a b Z a1 nm m10 m9 m_ ~x] ~x"));
    for (std::size_t d = 0; d < 3; ++d) {
        EXPECT_THAT(bus.engine(d).members("g"),
                    ElementsAre("#B#zeta", "#a#zeta", "#b#zeta", "#Z#alpha", "#a1#alpha",
                                "#nm#alpha", "#m10#Mid", "#m9#Mid", "#m_#Mid", "#~x#Mid"));
    }
}

TEST_F(GroupEvents, NamesOfGroupsAreCaseSensitiveAndNeedNotBePortable) {
    Client& a = bus_.connect(0, "a1");
    for (const char* group : {"g", "G", "", "with space", "#a1#d1", "\xc3\xa9"}) {
        bus_.join(a, group);
        bus_.settle();
        EXPECT_THAT(bus_.engine(1).members(group), ElementsAre("#a1#d1")) << group;
    }
    EXPECT_EQ(bus_.engine(1).stats().groups, 6U);
    // As a destination, a private name means the session, once.
    bus_.news(a);
    bus_.send(a, {"#a1#d1"}, "probe");
    bus_.settle();
    EXPECT_THAT(bus_.news(a), ElementsAre("DATA #a1#d1 probe"));
}

TEST_F(GroupEvents, ANameThatNoFieldCanHoldIsNotJoined) {
    Client& a = bus_.connect(0, "a1");
    GroupOutput out;
    bus_.engine(0).request_join(a.session, std::string(32, 'x'), out);
    bus_.engine(0).request_join(a.session, std::string("a\0b", 3), out);
    EXPECT_TRUE(out.submissions.empty());
    bus_.engine(0).request_join(a.session, std::string(31, 'x'), out);
    EXPECT_EQ(out.submissions.size(), 1U);
}

// ---- Messages ----

TEST_F(GroupEvents, AMessageToSeveralGroupsComesOnce) {
    Client& a = bus_.connect(0, "a1");
    Client& b = bus_.connect(0, "b1");
    Client& c = bus_.connect(1, "c2");
    join_all({&a, &b}, "g");
    join_all({&a, &c}, "h");
    bus_.news(a);
    bus_.send(c, {"g", "h", "g", "nobody", "#a1#d1", "#b1#d1", "#x#d1", "#a1#d9", "#a1", "##d1"},
              "m");
    bus_.settle();
    EXPECT_THAT(bus_.news(a), ElementsAre("DATA g m"));
    EXPECT_THAT(bus_.news(b), ElementsAre("DATA g m"));
    EXPECT_THAT(bus_.news(c), ElementsAre("DATA g m"));
}

TEST_F(GroupEvents, AHundredGroupsAreServed) {
    Client& a = bus_.connect(0, "a1");
    Client& b = bus_.connect(1, "b2");
    std::vector<std::string> groups;
    for (int i = 0; i < 100; ++i) {
        groups.push_back("a-group-with-a-long-name-" + std::to_string(i));
    }
    join_all({&a}, groups.front());
    join_all({&b}, groups.back());
    bus_.send(a, groups, "m");
    bus_.settle();
    EXPECT_THAT(bus_.news(a), ElementsAre("DATA " + groups.front() + " m"));
    EXPECT_THAT(bus_.news(b), ElementsAre("DATA " + groups.front() + " m"));
}

TEST_F(GroupEvents, APrivateMessageReachesOneSessionOfOneDaemon) {
    Client& a = bus_.connect(0, "same");
    Client& b = bus_.connect(1, "same", false);
    bus_.send(a, {"#same#d2"}, "private");
    bus_.settle();
    EXPECT_THAT(bus_.news(a), IsEmpty());
    EXPECT_THAT(bus_.news(b), ElementsAre("DATA #same#d2 private"));
}

TEST_F(GroupEvents, SelfDiscardTakesOutTheSenderOnly) {
    Client& a = bus_.connect(0, "a1");
    Client& b = bus_.connect(0, "b1");
    Client& c = bus_.connect(1, "a1");  // the same user name elsewhere
    join_all({&a, &b, &c}, "g");
    bus_.send(a, {"g", "#a1#d1", "g"}, "m", protocol::kFifoMess | protocol::kSelfDiscard);
    bus_.settle();
    EXPECT_THAT(bus_.news(a), IsEmpty());
    EXPECT_THAT(bus_.news(b), ElementsAre("DATA g m"));
    EXPECT_THAT(bus_.news(c), ElementsAre("DATA g m"));
    bus_.send(a, {"g"}, "mine");
    bus_.settle();
    EXPECT_THAT(bus_.news(a), ElementsAre("DATA g mine"));
}

TEST_F(GroupEvents, TheFrameReachesItsReceiversUntouched) {
    Client& a = bus_.connect(0, "a1");
    join_all({&a}, "g");
    GroupOutput out;
    bus_.send(a, {"g"}, "body", protocol::kUnreliableMess | protocol::kDropRecv);
    bus_.settle();
    const auto& frame = a.seen.back().frame;
    const auto header =
        protocol::decode_session_header(std::span(frame).first<protocol::kSessionHeaderBytes>());
    EXPECT_EQ(header.type, protocol::kUnreliableMess | protocol::kDropRecv);
    EXPECT_EQ(header.private_group_name.view(), "#a1#d1");
}

TEST_F(GroupEvents, AFragmentedFrameIsRoutedLikeAWholeOne) {
    Client& a = bus_.connect(0, "a1");
    join_all({&a}, "second");
    bus_.send(a, {"first", "second", "third"}, "0123456789");
    bus_.settle();
    const std::vector<std::byte> frame = a.seen.back().frame;
    bus_.news(a);
    for (std::size_t piece = 1; piece <= frame.size(); piece += 7) {
        protocol::Message body;
        for (std::size_t at = 0; at < frame.size(); at += piece) {
            const auto part = std::span(frame).subspan(at, std::min(piece, frame.size() - at));
            body.append(protocol::make_message(part).slice(0));
        }
        bus_.inject(0, protocol::MessageKind::kClientFrame, body);
        bus_.settle();
        EXPECT_THAT(bus_.news(a), ElementsAre("DATA first 0123456789")) << piece;
    }
}

TEST_F(GroupEvents, MalformedMessagesOfAPeerAreCountedAndDropped) {
    Client& a = bus_.connect(0, "a1");
    Client& b = bus_.connect(1, "b2");
    join_all({&a, &b}, "g");
    bus_.send(b, {"g"}, "good");
    bus_.settle();
    std::vector<std::byte> good = a.seen.back().frame;
    bus_.news(a);
    bus_.news(b);

    using protocol::MessageKind;
    std::uint64_t expected = 0;
    const auto refuse = [&](MessageKind kind, std::vector<std::byte> bytes, const char* what) {
        bus_.inject(1, kind, protocol::make_message(bytes));
        bus_.settle();
        ++expected;
        EXPECT_EQ(bus_.engine(0).stats().malformed_messages, expected) << what;
        EXPECT_THAT(bus_.news(a), IsEmpty()) << what;
        EXPECT_THAT(bus_.news(b), IsEmpty()) << what;
    };
    const auto with = [&](std::size_t at, std::uint8_t value) {
        std::vector<std::byte> bytes = good;
        bytes[at] = std::byte{value};
        return bytes;
    };
    for (std::size_t size = 0; size < good.size(); ++size) {
        refuse(MessageKind::kClientFrame, {good.begin(), good.begin() + static_cast<long>(size)},
               "truncated frame");
    }
    refuse(MessageKind::kClientFrame, with(0, 0x10), "half an endian mark");
    refuse(MessageKind::kClientFrame, with(0, 0x94), "two services");
    refuse(MessageKind::kClientFrame, with(0, 0x80), "no service");
    refuse(MessageKind::kClientFrame, with(1, 0x11), "forged membership");
    refuse(MessageKind::kClientFrame, with(2, 0x08), "GROUPS");
    refuse(MessageKind::kClientFrame, with(2, 0x40), "REJECT");
    refuse(MessageKind::kClientFrame, with(4, 'x'), "sender without #");
    refuse(MessageKind::kClientFrame, with(9, '1'), "sender of another daemon");
    refuse(MessageKind::kClientFrame, with(36, 2), "more groups than bytes");
    refuse(MessageKind::kClientFrame, with(36, 101), "too many groups");
    refuse(MessageKind::kClientFrame, with(39, 0x80), "negative group count");
    refuse(MessageKind::kClientFrame, with(47, 0x80), "negative length");
    refuse(MessageKind::kGroupJoin, std::vector<std::byte>(64), "join without names");
    refuse(MessageKind::kDisconnect, std::vector<std::byte>(31), "short disconnect");
    refuse(MessageKind::kRecoveryPacket, good, "not for the group layer");

    protocol::Message foreign = encode_group_request(
        {.group = protocol::NameField("g"), .member = protocol::NameField("#a1#d1")});
    std::vector<std::byte> scratch;
    const auto bytes = foreign.contiguous(scratch);
    refuse(MessageKind::kGroupLeave, {bytes.begin(), bytes.end()}, "leave for another's client");
    EXPECT_THAT(bus_.engine(0).members("g"), ElementsAre("#a1#d1", "#b2#d2"));
}

TEST(GroupFrames, AViewOfFiveThousandLocalMembersIsOneSharedFrame) {
    TotalOrderBus bus({"d1", "d2"});
    bus.reform({{0, 1}});
    bus.settle();
    for (int i = 0; i < 5000; ++i) {
        bus.join(bus.connect(0, "m" + std::to_string(i), false), "big");
    }
    Client& watcher = bus.connect(0, "watch");
    Client& remote = bus.connect(1, "remote");
    bus.join(watcher, "big");
    bus.settle();
    bus.join(remote, "big");
    bus.settle();
    EXPECT_EQ(bus.engine(1).members("big").size(), 5002U);
    EXPECT_EQ(watcher.seen.back().members.size(), 5002U);
    EXPECT_EQ(bus.frames_of(0), 2U);  // the two views the watcher wants
    EXPECT_EQ(bus.frames_of(1), 1U);
    const std::size_t before = bus.frames_of(0);
    bus.send(remote, {"big"}, "to all");
    bus.settle();
    EXPECT_EQ(bus.frames_of(0), before + 1);
    EXPECT_EQ(bus.clients().front().seen.back().text(), "DATA big to all");

    // Apart and together again: the table travels, here in one part of some 40 kB.
    bus.reform({{0}, {1}});
    bus.settle();
    bus.reform({{0, 1}});
    bus.settle();
    EXPECT_EQ(bus.engine(0).members("big").size(), 5002U);
    EXPECT_EQ(bus.engine(0).members("big"), bus.engine(1).members("big"));
    ASSERT_EQ(remote.seen.back().sets.size(), 2U);
    EXPECT_EQ(remote.seen.back().members.size(), 5002U);
}

}  // namespace
}  // namespace spread::membership::testing
