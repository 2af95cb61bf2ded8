#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/ip_address.hpp"
#include "daemon/session/session_core.hpp"
#include "protocol/names.hpp"
#include "protocol/session_wire.hpp"
#include "tests/unit/session/client_bytes.hpp"
#include "tests/unit/session/test_daemon.hpp"

namespace spread::session {
namespace {

using protocol::SessionId;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// "reader" sits in "room" without membership messages; "writer" sends there.
class SessionCoreQueues : public testing::Test {
  protected:
    void start(SessionConfig config) {
        daemon.emplace(std::move(config));
        reader = daemon->open("reader", false);
        daemon->send(reader, join_bytes("room", "#reader#d1"));
        writer = daemon->open("writer");
        daemon->run_ring();
    }

    void write(std::string_view body = "x") {
        daemon->send(writer, multicast_bytes({"room"}, body, protocol::kAgreedMess, "#writer#d1"));
        daemon->run_ring();
    }

    std::optional<TestDaemon> daemon;
    SessionId reader;
    SessionId writer;
};

TEST_F(SessionCoreQueues, CountWhatIsWrittenAndWhatIsSent) {
    start({});
    write();
    write();
    EXPECT_EQ(daemon->info(reader).messages_queued, 2U);
    EXPECT_EQ(daemon->info(reader).bytes_queued, 2U * 81U);
    daemon->sent(reader, 90);
    EXPECT_EQ(daemon->info(reader).messages_queued, 1U);
    EXPECT_EQ(daemon->info(reader).bytes_queued, 72U);
    daemon->sent(reader, 72);
    EXPECT_EQ(daemon->info(reader).bytes_queued, 0U);
    EXPECT_EQ(daemon->info(writer).messages_queued, 0U);
}

TEST_F(SessionCoreQueues, HandshakeRepliesCountToo) {
    TestDaemon fresh;
    const SessionId id = fresh.accept();
    fresh.send(id, connect_bytes("x"));
    EXPECT_EQ(fresh.info(id).messages_queued, 1U);
    EXPECT_EQ(fresh.info(id).bytes_queued, 6U);
}

TEST_F(SessionCoreQueues, AReaderIsDroppedByTheMessageAfterTheLastThatFits) {
    SessionConfig config;
    config.max_session_messages = 3;
    start(config);
    for (int i = 0; i < 3; ++i) {
        write();
    }
    EXPECT_THAT(daemon->stops, IsEmpty());
    EXPECT_THAT(daemon->received(reader), SizeIs(3));
    write();
    EXPECT_THAT(daemon->stops, ElementsAre(reader));
    EXPECT_THAT(daemon->received(reader), IsEmpty());
    ASSERT_TRUE(daemon->close_of(reader));
    EXPECT_EQ(daemon->close_of(reader)->reason, CloseReason::kSlowReader);
    EXPECT_THAT(daemon->close_of(reader)->detail,
                testing::AllOf(HasSubstr("#reader#d1"), HasSubstr("127.0.0.1:5000"),
                               HasSubstr("3 messages (limit 3)")));
    EXPECT_THAT(daemon->core().groups().members("room"), IsEmpty());
    daemon->open("reader");
}

TEST_F(SessionCoreQueues, ADropIsOrderedSafeAndHappensOnce) {
    SessionConfig config;
    config.max_session_messages = 1;
    start(config);
    for (int i = 0; i < 4; ++i) {
        daemon->send(writer, multicast_bytes({"room"}, "x", protocol::kAgreedMess, "#writer#d1"));
    }
    std::vector<membership::Submission> disconnects;
    daemon->run_ring();
    EXPECT_THAT(daemon->stops, ElementsAre(reader));
    EXPECT_THAT(daemon->closes, SizeIs(1));
}

TEST_F(SessionCoreQueues, SendingMakesRoomAgain) {
    SessionConfig config;
    config.max_session_messages = 2;
    start(config);
    for (int i = 0; i < 100; ++i) {
        write();
        if (i % 2 == 1) {
            daemon->sent(reader);
        }
    }
    EXPECT_THAT(daemon->closes, IsEmpty());
    EXPECT_THAT(daemon->received(reader), SizeIs(100));
}

TEST_F(SessionCoreQueues, BytesAreLimitedToo) {
    SessionConfig config;
    config.max_session_bytes = 10000;
    start(config);
    write(std::string(20000, 'x'));  // one message always has room, else it could never arrive
    EXPECT_THAT(daemon->closes, IsEmpty());
    daemon->sent(reader);
    write(std::string(9000, 'x'));
    EXPECT_THAT(daemon->closes, IsEmpty());
    write(std::string(2000, 'x'));
    ASSERT_TRUE(daemon->close_of(reader));
    EXPECT_THAT(daemon->close_of(reader)->detail, HasSubstr("9080 bytes (limit 10000)"));
}

TEST_F(SessionCoreQueues, WhatOneRingEventBringsDoesNotDropAReaderWhoKeptUp) {
    SessionConfig config;
    config.max_session_messages = 3;
    start(config);
    const SessionId watcher = daemon->open("watcher");
    for (const auto* group : {"a", "b", "c", "d", "e"}) {
        daemon->send(writer, join_bytes(group, "#writer#d1"));
        daemon->run_ring();
        daemon->send(watcher, join_bytes(group, "#watcher#d1"));
        daemon->run_ring();
        daemon->sent(watcher);
        daemon->sent(writer);
    }
    daemon->received(watcher);
    // One disconnect, five groups: the socket had no chance to take the first three.
    daemon->hang_up(writer);
    daemon->run_ring();
    EXPECT_EQ(daemon->close_of(watcher), std::nullopt);
    EXPECT_THAT(daemon->received(watcher), SizeIs(5));
    // But what it has not taken by the next one counts.
    const SessionId late = daemon->open("late");
    daemon->send(late, join_bytes("a", "#late#d1"));
    daemon->run_ring();
    ASSERT_TRUE(daemon->close_of(watcher));
    EXPECT_EQ(daemon->close_of(watcher)->reason, CloseReason::kSlowReader);
}

TEST_F(SessionCoreQueues, OthersGetTheMessageThatDroppedASlowReader) {
    SessionConfig config;
    config.max_session_messages = 2;
    start(config);
    const SessionId quick = daemon->open("quick");
    daemon->send(quick, join_bytes("room", "#quick#d1"));
    daemon->run_ring();
    daemon->received(quick);
    for (int i = 0; i < 3; ++i) {
        daemon->sent(quick);
        write();
    }
    EXPECT_THAT(daemon->stops, ElementsAre(reader));
    EXPECT_THAT(daemon->received_types(quick),
                ElementsAre(protocol::kAgreedMess, protocol::kAgreedMess, protocol::kAgreedMess,
                            protocol::kRegMembMess | protocol::kCausedByDisconnect));
}

TEST_F(SessionCoreQueues, SentNewsOfAnEndingSessionAreHarmless) {
    start({});
    write();
    daemon->send(reader, kill_bytes("#reader#d1"));
    daemon->sent(reader, 81);
    EXPECT_EQ(daemon->info(reader).messages_queued, 0U);
}

}  // namespace
}  // namespace spread::session
