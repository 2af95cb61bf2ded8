#include "client/buffered_session.hpp"

#include <gmock/gmock.h>

#include "scripted_daemon.hpp"

namespace spread::client {
namespace {

using testing::bytes_of;
using testing::frame;
using testing::ScriptedDaemon;
using testing::operator+;
using ::testing::ElementsAre;

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
