#include "client/codec/frame_buffer.hpp"

#include <algorithm>

#include <gmock/gmock.h>

#include "scripted_daemon.hpp"

namespace spread::client {
namespace {

using protocol::ByteOrder;
using testing::Bytes;
using testing::bytes_of;
using testing::frame;
using testing::number;
using testing::operator+;

constexpr std::array<ByteOrder, 2> kBothOrders{ByteOrder::kLittle, ByteOrder::kBig};

std::vector<std::string> bodies(FrameBuffer& frames) {
    std::vector<std::string> out;
    while (true) {
        const auto message = frames.next();
        EXPECT_TRUE(message.has_value());
        if (!message || !*message) {
            return out;
        }
        std::string text;
        for (const std::byte b : (*message)->body) {
            text.push_back(static_cast<char>(b));
        }
        out.push_back(text);
    }
}

TEST(FrameBuffer, ReadsARegularMessageInBothByteOrders) {
    for (const ByteOrder order : kBothOrders) {
        FrameBuffer frames;
        frames.append(frame(protocol::kAgreedMess, "#bob#d2", {"room", "hall"}, bytes_of("hello"),
                            -2, order));
        const auto message = frames.next();
        ASSERT_TRUE(message && *message);
        const auto& view = **message;
        EXPECT_TRUE(view.is_regular());
        EXPECT_FALSE(view.is_membership());
        EXPECT_EQ(view.type, protocol::kAgreedMess);
        EXPECT_EQ(view.sender(), "#bob#d2");
        ASSERT_EQ(view.group_count(), 2U);
        EXPECT_EQ(view.group(0).view(), "room");
        EXPECT_EQ(view.group(1).view(), "hall");
        EXPECT_EQ(view.hint().mess_type, -2);
        EXPECT_EQ(view.hint().order, order);
        EXPECT_TRUE(std::ranges::equal(view.body, bytes_of("hello")));
        EXPECT_EQ(frames.buffered(), 0U);
    }
}

TEST(FrameBuffer, FindsTheSameMessagesHoweverTheStreamIsCut) {
    Bytes stream;
    std::vector<std::string> expected;
    for (std::size_t i = 0; i < 30; ++i) {
        expected.push_back(std::string(i * 7 % 50, static_cast<char>('a' + i % 26)));
        stream = std::move(stream) +
                 frame(protocol::kSafeMess, "#bob#d2", {"room"}, bytes_of(expected.back()));
    }
    for (std::size_t piece = 1; piece < 400; piece += 13) {
        FrameBuffer frames(128);
        std::vector<std::string> found;
        for (std::size_t at = 0; at < stream.size(); at += piece) {
            frames.append(std::span(stream).subspan(at, std::min(piece, stream.size() - at)));
            for (auto& body : bodies(frames)) {
                found.push_back(std::move(body));
            }
        }
        EXPECT_EQ(found, expected) << "pieces of " << piece;
        EXPECT_EQ(frames.buffered(), 0U);
    }
}

TEST(FrameBuffer, WaitsForTheLastByteOfAMessage) {
    const auto whole = frame(protocol::kAgreedMess, "#bob#d2", {"room"}, bytes_of("hello"));
    for (std::size_t length = 0; length < whole.size(); ++length) {
        FrameBuffer frames;
        frames.append(std::span(whole).first(length));
        const auto message = frames.next();
        ASSERT_TRUE(message) << length;
        EXPECT_FALSE(message->has_value()) << length;
        frames.append(std::span(whole).subspan(length));
        EXPECT_EQ(bodies(frames), std::vector<std::string>{"hello"});
    }
}

TEST(FrameBuffer, GrowsForMessagesBeyondItsSize) {
    const std::string large(200'000, 'x');
    FrameBuffer frames(1024);
    frames.append(frame(protocol::kAgreedMess, "#bob#d2", {"room"}, bytes_of("small")) +
                  frame(protocol::kAgreedMess, "#bob#d2", {"room"}, bytes_of(large)) +
                  frame(protocol::kAgreedMess, "#bob#d2", {"room"}, bytes_of("after")));
    EXPECT_EQ(bodies(frames), (std::vector<std::string>{"small", large, "after"}));
}

TEST(FrameBuffer, ReadsTheRefusedTypeOfAReject) {
    for (const ByteOrder order : kBothOrders) {
        const auto plain = frame(protocol::kRejectMess, "#bob#d2", {"room"}, {}, 0, order);
        const auto old_type = number(protocol::kCausedByJoin | protocol::kEndianBits, order);
        FrameBuffer frames;
        frames.append(Bytes(plain.begin(), plain.begin() + 48) + old_type +
                      Bytes(plain.begin() + 48, plain.end()));
        const auto message = frames.next();
        ASSERT_TRUE(message && *message);
        EXPECT_TRUE((*message)->is_reject());
        EXPECT_FALSE((*message)->is_regular());
        EXPECT_EQ((*message)->type, protocol::kCausedByJoin | protocol::kRejectMess);
        EXPECT_EQ((*message)->group(0).view(), "room");
        EXPECT_EQ(frames.buffered(), 0U);
    }
}

TEST(FrameBuffer, RefusesCountsNoDaemonSends) {
    struct Case {
        std::int32_t groups;
        std::int32_t length;
    };
    for (const auto& [groups, length] :
         {Case{-1, 0}, Case{0, -1}, Case{2'000'000'000, 0}, Case{0, 2'000'000'000},
          Case{2'147'483'647, 2'147'483'647}}) {
        protocol::SessionHeader header;
        header.type = protocol::kAgreedMess;
        header.num_groups = groups;
        header.data_len = length;
        Bytes bytes(protocol::kSessionHeaderBytes);
        protocol::encode_session_header(header,
                                        std::span(bytes).first<protocol::kSessionHeaderBytes>());
        FrameBuffer frames;
        frames.append(bytes);
        const auto message = frames.next();
        ASSERT_FALSE(message) << groups << " " << length;
        EXPECT_EQ(message.error().code, ErrorCode::kIllegalMessage);
    }
}

TEST(FrameBuffer, AsksForWhatTheStockLibraryWouldRead) {
    const auto whole = frame(protocol::kAgreedMess, "#bob#d2", {"room", "hall"}, bytes_of("hello"));
    FrameBuffer frames;
    std::vector<std::size_t> reads;
    std::size_t at = 0;
    while (at < whole.size()) {
        const auto wanted = frames.bytes_wanted();
        reads.push_back(wanted);
        frames.append(std::span(whole).subspan(at, wanted));
        at += wanted;
    }
    EXPECT_EQ(reads, (std::vector<std::size_t>{48, 64, 5}));
    EXPECT_EQ(bodies(frames), std::vector<std::string>{"hello"});
    EXPECT_EQ(frames.bytes_wanted(), 48U);
}

}  // namespace
}  // namespace spread::client
