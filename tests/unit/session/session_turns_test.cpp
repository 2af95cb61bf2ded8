// Work in turns: no event, however long it takes, holds up the thread that may turn the ring.

#include <cstddef>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/session_wire.hpp"
#include "tests/unit/session/client_bytes.hpp"
#include "tests/unit/session/test_daemon.hpp"

namespace spread::session {
namespace {

using protocol::SessionId;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::size_t kTurn = 10;

void join(TestDaemon& daemon, SessionId id, const std::string& user, std::size_t groups) {
    for (std::size_t i = 0; i < groups; ++i) {
        daemon.send(id, join_bytes("g" + std::to_string(i), "#" + user + "#d1"));
    }
    daemon.run_ring();
}

TEST(SessionTurns, AClientInManyGroupsIsGoneAfterManyTurns) {
    TestDaemon daemon;
    const SessionId leaver = daemon.open("leaver");
    const SessionId watcher = daemon.open("watcher");
    join(daemon, leaver, "leaver", 100);
    join(daemon, watcher, "watcher", 100);
    static_cast<void>(daemon.received(watcher));

    daemon.hang_up(leaver);
    daemon.begin_turn(kTurn);
    daemon.step_ring();
    EXPECT_TRUE(daemon.core().turn_is_spent());
    EXPECT_TRUE(daemon.core().has_work());
    EXPECT_FALSE(daemon.close_of(leaver));
    EXPECT_THAT(daemon.received(watcher), SizeIs(9));

    std::size_t turns = 1;
    std::size_t told = 9;
    for (; daemon.core().has_work(); ++turns) {
        daemon.work(kTurn);
        const std::size_t now = daemon.received(watcher).size();
        EXPECT_LE(now, 10U);
        told += now;
    }
    EXPECT_EQ(told, 100U);
    EXPECT_GE(turns, 10U);
    EXPECT_TRUE(daemon.close_of(leaver));
    EXPECT_THAT(daemon.core().groups().members("g99"), testing::ElementsAre("#watcher#d1"));
}

TEST(SessionTurns, ItsNameIsFreeOnlyAfterTheLastOfThem) {
    TestDaemon daemon;
    const SessionId before = daemon.open("same");
    join(daemon, before, "same", 30);
    daemon.hang_up(before);
    const SessionId after = daemon.accept();
    daemon.send(after, connect_bytes("same"));
    EXPECT_THAT(daemon.received(after), IsEmpty());
    daemon.begin_turn(kTurn);
    daemon.step_ring();
    while (daemon.core().has_work()) {
        EXPECT_THAT(daemon.received(after), IsEmpty());
        daemon.work(kTurn);
    }
    EXPECT_THAT(daemon.received(after), SizeIs(1));
}

TEST(SessionTurns, MessagesOfOneEventDoNotMakeASlowReaderHoweverManyTurnsTheyTake) {
    SessionConfig config;
    config.max_session_messages = 5;
    TestDaemon daemon(config);
    const SessionId leaver = daemon.open("leaver");
    const SessionId watcher = daemon.open("watcher");
    for (std::size_t i = 0; i < 100; ++i) {
        for (const auto& [id, name] : {std::pair(leaver, "#leaver#d1"), {watcher, "#watcher#d1"}}) {
            daemon.send(id, join_bytes("g" + std::to_string(i), name));
            daemon.run_ring();
            daemon.sent(leaver);
            daemon.sent(watcher);
        }
    }
    daemon.hang_up(leaver);
    daemon.begin_turn(kTurn);
    daemon.step_ring();
    while (daemon.core().has_work()) {
        daemon.work(kTurn);
    }
    EXPECT_FALSE(daemon.close_of(watcher));
    EXPECT_EQ(daemon.info(watcher).messages_queued, 100U);
}

TEST(SessionTurns, AllGroupsTogetherHaveALimitedNumberOfMembers) {
    SessionConfig config;
    config.memberships_max = 3;
    TestDaemon daemon(config);
    const SessionId first = daemon.open("first");
    const SessionId second = daemon.open("second");
    daemon.send(first, concat({join_bytes("a", "#first#d1"), join_bytes("b", "#first#d1")}));
    // Joins on their way count.
    daemon.send(second, concat({join_bytes("c", "#second#d1"), join_bytes("d", "#second#d1")}));
    EXPECT_THAT(daemon.received_types(second), testing::ElementsAre(protocol::kRejectMess));
    ASSERT_THAT(daemon.warnings, SizeIs(1));
    EXPECT_THAT(daemon.warnings[0], testing::HasSubstr("#second#d1"));
    EXPECT_THAT(daemon.warnings[0], testing::HasSubstr("MaxMemberships"));
    daemon.run_ring();
    EXPECT_THAT(daemon.core().groups().group_names(), testing::ElementsAre("a", "b", "c"));
    daemon.send(first, leave_bytes("a", "#first#d1"));
    daemon.run_ring();
    daemon.send(second, join_bytes("d", "#second#d1"));
    daemon.run_ring();
    EXPECT_THAT(daemon.core().groups().group_names(), testing::ElementsAre("b", "c", "d"));
    EXPECT_EQ(daemon.core().groups().memberships(), 3U);
}

TEST(SessionTurns, ASmallMessageToManyClientsIsNotForFree) {
    TestDaemon daemon;
    for (int i = 0; i < 200; ++i) {
        const std::string user = "u" + std::to_string(i);
        daemon.send(daemon.open(user, false), join_bytes("room", "#" + user + "#d1"));
    }
    daemon.run_ring();
    const SessionId sender = daemon.open("sender");
    daemon.send(sender, multicast_bytes({"room"}, "x", protocol::kAgreedMess, "#sender#d1"));
    daemon.begin_turn(kTurn);
    daemon.step_ring();
    EXPECT_TRUE(daemon.core().turn_is_spent());
    EXPECT_FALSE(daemon.core().has_work());
}

}  // namespace
}  // namespace spread::session
