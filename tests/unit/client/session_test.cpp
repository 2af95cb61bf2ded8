#include "client/session.hpp"

#include <gmock/gmock.h>

#include "client/buffered_session.hpp"
#include "scripted_daemon.hpp"

namespace spread::client {
namespace {

using testing::bytes_of;
using testing::frame;
using testing::ScriptedDaemon;
using testing::operator+;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::chrono::milliseconds kSoon{2000};
constexpr std::chrono::milliseconds kNow{0};

TEST(Session, SendsRequestsInWireForm) {
    ScriptedDaemon daemon;
    Session session(daemon.connected());
    ASSERT_TRUE(session.join("room"));
    EXPECT_EQ(daemon.heard(), frame(protocol::kJoinMess, "#alice#d1", {"room"}, {}));
    ASSERT_TRUE(session.multicast(protocol::kAgreedMess, "room", "hello", 300));
    EXPECT_EQ(daemon.heard(),
              frame(protocol::kAgreedMess, "#alice#d1", {"room"}, bytes_of("hello"), 300));
    ASSERT_TRUE(session.leave("room"));
    EXPECT_EQ(daemon.heard(), frame(protocol::kLeaveMess, "#alice#d1", {"room"}, {}));
    session.disconnect();
    EXPECT_EQ(daemon.heard(), frame(protocol::kKillMess, "#alice#d1", {"#alice#d1"}, {}));
}

TEST(Session, SendsToSeveralGroupsAtOnce) {
    ScriptedDaemon daemon;
    Session session(daemon.connected());
    const std::array<std::string_view, 2> groups{"room", "#bob#d2"};
    ASSERT_TRUE(
        session.multigroup_multicast(protocol::kSafeMess | protocol::kSelfDiscard, groups, "x"));
    EXPECT_EQ(daemon.heard(), frame(protocol::kSafeMess | protocol::kSelfDiscard, "#alice#d1",
                                    {"room", "#bob#d2"}, bytes_of("x")));
}

TEST(Session, ReceivesMessagesOneByOne) {
    ScriptedDaemon daemon;
    Session session(daemon.connected());
    daemon.say(frame(protocol::kAgreedMess, "#bob#d2", {"room"}, bytes_of("one"), 7) +
               frame(protocol::kSafeMess, "#bob#d2", {"room", "hall"}, bytes_of("two"), -1,
                     protocol::ByteOrder::kBig));
    const auto one = session.receive(kSoon);
    ASSERT_TRUE(one);
    EXPECT_EQ(one->text(), "one");
    EXPECT_EQ(one->mess_type, 7);
    EXPECT_FALSE(one->endian_mismatch);
    EXPECT_TRUE(session.has_buffered_bytes());
    const auto two = session.receive(kNow);
    ASSERT_TRUE(two);
    EXPECT_EQ(two->text(), "two");
    EXPECT_TRUE(two->endian_mismatch);
    EXPECT_EQ(two->mess_type, -1);
    EXPECT_THAT(two->groups, ElementsAre("room", "hall"));
}

TEST(Session, ATimeOutLosesNothing) {
    ScriptedDaemon daemon;
    Session session(daemon.connected());
    const auto whole = frame(protocol::kAgreedMess, "#bob#d2", {"room"}, bytes_of("hello"));
    daemon.say({whole.begin(), whole.begin() + 60});
    const auto nothing = session.receive(kNow);
    ASSERT_FALSE(nothing);
    EXPECT_EQ(nothing.error().code, ErrorCode::kTimedOut);
    daemon.say({whole.begin() + 60, whole.end()});
    EXPECT_EQ(*session.poll(), whole.size());
    const auto message = session.receive(kSoon);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->text(), "hello");
}

TEST(Session, ReportsTheEndOfTheConnectionAfterTheLastMessage) {
    ScriptedDaemon daemon;
    Session session(daemon.connected());
    daemon.say(frame(protocol::kAgreedMess, "#bob#d2", {"room"}, bytes_of("last")));
    daemon.hang_up();
    EXPECT_TRUE(session.receive(kSoon));
    const auto end = session.receive(kSoon);
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().code, ErrorCode::kConnectionClosed);
    EXPECT_EQ(session.join("room").error().code, ErrorCode::kConnectionClosed);
}

TEST(Session, MessagesThatCameWithTheHandshakeAreNotLost) {
    ScriptedDaemon daemon;
    daemon.say(testing::welcome() +
               frame(protocol::kAgreedMess, "#bob#d2", {"#alice#d1"}, bytes_of("early")));
    ConnectOptions options;
    options.private_name = "alice";
    Session session(std::move(*daemon.handshake(options)));
    EXPECT_EQ(session.receive(kNow)->text(), "early");
}

TEST(Session, RefusesWhatTheLibrariesRefuse) {
    ScriptedDaemon daemon;
    Session session(daemon.connected());
    EXPECT_EQ(session.join("").error().code, ErrorCode::kIllegalGroup);
    EXPECT_EQ(session.join("a b").error().code, ErrorCode::kIllegalGroup);
    EXPECT_EQ(session.leave(std::string(32, 'x')).error().code, ErrorCode::kIllegalGroup);
    EXPECT_EQ(session.multicast(protocol::kAgreedMess, std::string(32, 'x'), "").error().code,
              ErrorCode::kIllegalGroup);
    EXPECT_EQ(session.multicast(0, "room", "").error().code, ErrorCode::kIllegalService);
    EXPECT_EQ(
        session.multicast(protocol::kAgreedMess | protocol::kFifoMess, "room", "").error().code,
        ErrorCode::kIllegalService);
    EXPECT_EQ(
        session.multicast(protocol::kAgreedMess | protocol::kGroupsMess, "room", "").error().code,
        ErrorCode::kIllegalService);
    const std::vector<std::string_view> many(101, "room");
    EXPECT_EQ(session.multigroup_multicast(protocol::kAgreedMess, many, "").error().code,
              ErrorCode::kIllegalGroup);
    const auto too_long =
        session.multicast(protocol::kAgreedMess, "room", std::string(144000 - 31, 'x'));
    EXPECT_EQ(too_long.error().code, ErrorCode::kMessageTooLong);
    EXPECT_THAT(too_long.error().text, HasSubstr("144001"));
    EXPECT_TRUE(daemon.heard().empty());
}

TEST(BufferedSession, GathersRequestsUntilFlush) {
    ScriptedDaemon daemon;
    BufferedSession session(daemon.connected());
    const protocol::NameField room(std::string_view("room"));
    const auto body = bytes_of("hello");
    Multicast multicast;
    multicast.service = protocol::kAgreedMess;
    multicast.groups = std::span(&room, 1);
    multicast.body = body;
    ASSERT_TRUE(session.join("room"));
    ASSERT_TRUE(session.multicast(multicast));
    EXPECT_TRUE(daemon.heard().empty());
    const auto expected = frame(protocol::kJoinMess, "#alice#d1", {"room"}, {}) +
                          frame(protocol::kAgreedMess, "#alice#d1", {"room"}, bytes_of("hello"));
    EXPECT_EQ(session.unsent(), expected.size());
    EXPECT_EQ(*session.flush(), 0U);
    EXPECT_EQ(daemon.heard(), expected);
}

TEST(BufferedSession, StockStyleSendsAtOnceAndTheSameBytes) {
    ScriptedDaemon daemon;
    BufferedSession session(daemon.connected(), IoStyle::kStock);
    const protocol::NameField room(std::string_view("room"));
    const auto body = bytes_of("hello");
    Multicast multicast;
    multicast.service = protocol::kAgreedMess;
    multicast.groups = std::span(&room, 1);
    multicast.body = body;
    ASSERT_TRUE(session.multicast(multicast));
    EXPECT_EQ(daemon.heard(), frame(protocol::kAgreedMess, "#alice#d1", {"room"}, body));
}

TEST(BufferedSession, KeepsWhatTheKernelDoesNotTake) {
    for (const IoStyle style : {IoStyle::kBuffered, IoStyle::kStock}) {
        ScriptedDaemon daemon;
        BufferedSession session(daemon.connected(), style);
        const protocol::NameField room(std::string_view("room"));
        const testing::Bytes body(100'000, std::byte{'x'});
        Multicast multicast;
        multicast.service = protocol::kAgreedMess;
        multicast.groups = std::span(&room, 1);
        multicast.body = body;
        testing::Bytes expected;
        for (int i = 0; i < 50; ++i) {
            ASSERT_TRUE(session.multicast(multicast));
            expected =
                std::move(expected) + frame(protocol::kAgreedMess, "#alice#d1", {"room"}, body);
        }
        testing::Bytes heard;
        std::size_t left = *session.flush();
        EXPECT_GT(left, 0U);
        while (left > 0) {
            heard = std::move(heard) + daemon.heard();
            left = *session.flush();
        }
        heard = std::move(heard) + daemon.heard();
        EXPECT_EQ(heard, expected);
    }
}

TEST(BufferedSession, HandsOutEveryMessageOfARead) {
    for (const IoStyle style : {IoStyle::kBuffered, IoStyle::kStock}) {
        ScriptedDaemon daemon;
        BufferedSession session(daemon.connected(), style);
        for (const char* text : {"one", "two", ""}) {
            daemon.say(frame(protocol::kAgreedMess, "#bob#d2", {"room"}, bytes_of(text)));
        }
        std::vector<std::size_t> sizes;
        std::size_t reads = 0;
        while (true) {
            const auto count = session.receive(
                [&](const MessageView& message) { sizes.push_back(message.body.size()); });
            ASSERT_TRUE(count);
            if (*count == 0) {
                break;
            }
            ++reads;
        }
        EXPECT_THAT(sizes, ElementsAre(3, 3, 0));
        EXPECT_EQ(reads, style == IoStyle::kBuffered ? 1U : 8U);
    }
}

}  // namespace
}  // namespace spread::client
