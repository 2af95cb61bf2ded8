#include "daemon/clients/outbound_queue.hpp"

#include <sys/socket.h>

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "daemon/host/unique_fd.hpp"

namespace spread::daemon {
namespace {

protocol::Message message_of(std::string_view text) {
    return protocol::make_message(std::as_bytes(std::span(text.data(), text.size())));
}

/// One message in several slices.
protocol::Message chain_of(const std::vector<std::string>& parts) {
    protocol::Message message;
    for (const std::string& part : parts) {
        message.append(message_of(part).slice(0));
    }
    return message;
}

struct SocketPair {
    UniqueFd ours;
    UniqueFd theirs;

    SocketPair() {
        int fds[2] = {-1, -1};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
        ours = UniqueFd(fds[0]);
        theirs = UniqueFd(fds[1]);
    }
    std::string read_available() const {
        std::string out;
        char chunk[65536];
        for (;;) {
            const ssize_t count = ::recv(theirs.get(), chunk, sizeof chunk, MSG_DONTWAIT);
            if (count <= 0) {
                return out;
            }
            out.append(chunk, static_cast<std::size_t>(count));
        }
    }
};

TEST(OutboundQueue, WritesFramesAndChainsInOrder) {
    const SocketPair sockets;
    OutboundQueue queue;
    queue.push(FrameRef(message_of("one ")));
    queue.push(FrameRef(chain_of({"t", "w", "o "})));
    queue.push(FrameRef(message_of("three")));
    SentCount sent;
    EXPECT_EQ(flush(sockets.ours.get(), queue, sent), FlushResult::kDone);
    EXPECT_EQ(sent.messages, 3U);
    EXPECT_EQ(sent.bytes, 13U);
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(sockets.read_available(), "one two three");
}

TEST(OutboundQueue, GoesOnWhereThePartialWriteEnded) {
    const SocketPair sockets;
    OutboundQueue queue;
    std::string expected;
    for (int i = 0; i < 200; ++i) {
        const std::string part(7001, static_cast<char>('a' + i % 26));
        queue.push(FrameRef(chain_of({part, std::to_string(i)})));
        expected += part + std::to_string(i);
    }
    std::string received;
    SentCount sent;
    int blocked = 0;
    FlushResult result = FlushResult::kBlocked;
    while (result == FlushResult::kBlocked) {
        result = flush(sockets.ours.get(), queue, sent);
        blocked += result == FlushResult::kBlocked ? 1 : 0;
        received += sockets.read_available();
    }
    EXPECT_EQ(result, FlushResult::kDone);
    EXPECT_GT(blocked, 0);
    EXPECT_EQ(sent.messages, 200U);
    EXPECT_EQ(sent.bytes, expected.size());
    EXPECT_TRUE(received == expected);
}

TEST(OutboundQueue, EveryCutOfTheBytesGivesTheSameStream) {
    std::string expected;
    const std::vector<std::vector<std::string>> frames = {
        {"ab", "c"}, {"defg"}, {"h"}, {"ij", "kl"}};
    for (std::size_t cut = 1; cut <= 12; ++cut) {
        OutboundQueue queue;
        expected.clear();
        for (const auto& frame : frames) {
            queue.push(FrameRef(chain_of(frame)));
            for (const auto& part : frame) {
                expected += part;
            }
        }
        std::string written;
        std::size_t messages = 0;
        while (!queue.empty()) {
            iovec slices[3] = {};
            const std::size_t count = queue.gather(slices);
            std::string offered;
            for (std::size_t i = 0; i < count; ++i) {
                offered.append(static_cast<const char*>(slices[i].iov_base), slices[i].iov_len);
            }
            const std::string taken = offered.substr(0, cut);
            written += taken;
            messages += queue.consume(taken.size());
        }
        EXPECT_EQ(written, expected) << cut;
        EXPECT_EQ(messages, frames.size()) << cut;
    }
}

TEST(OutboundQueue, MoreSlicesThanOneCallTakesAreWrittenInSeveral) {
    const SocketPair sockets;
    OutboundQueue queue;
    for (int i = 0; i < 3000; ++i) {
        queue.push(FrameRef(message_of("x")));
    }
    SentCount sent;
    std::string received;
    while (flush(sockets.ours.get(), queue, sent) == FlushResult::kBlocked) {
        received += sockets.read_available();
    }
    received += sockets.read_available();
    EXPECT_EQ(received, std::string(3000, 'x'));
    EXPECT_EQ(sent.messages, 3000U);
}

TEST(OutboundQueue, AFrameIsSharedAndNotCopied) {
    protocol::Message message = message_of("shared");
    const std::byte* bytes = message.slice(0).bytes().data();
    const FrameRef frame(std::move(message));
    OutboundQueue one;
    OutboundQueue two;
    one.push(frame);
    two.push(frame);
    iovec slice[1] = {};
    ASSERT_EQ(one.gather(slice), 1U);
    EXPECT_EQ(slice[0].iov_base, static_cast<const void*>(bytes));
    one.clear();
    ASSERT_EQ(two.gather(slice), 1U);
    EXPECT_EQ(slice[0].iov_base, static_cast<const void*>(bytes));
    EXPECT_FALSE(frame.bytes().slice(0).buffer.unique() && two.empty());
}

TEST(OutboundQueue, WhatWaitsDoesNotKeepTheBufferItCameIn) {
    protocol::BufferRef packet = protocol::BufferRef::allocate(64U << 10U);
    std::memcpy(packet->data() + 100, "small", 5);
    const FrameRef small(protocol::Message(protocol::Slice{packet, 100, 5}));
    OutboundQueue one;
    OutboundQueue two;
    one.push(FrameRef(message_of("first")));
    one.push(small);
    two.push(small);
    EXPECT_FALSE(packet.unique());
    one.compact();
    EXPECT_TRUE(packet.unique()) << "of the other queue, too";
    SocketPair sockets;
    SentCount sent;
    EXPECT_EQ(flush(sockets.ours.get(), one, sent), FlushResult::kDone);
    EXPECT_EQ(flush(sockets.ours.get(), two, sent), FlushResult::kDone);
    EXPECT_EQ(sockets.read_available(), "firstsmallsmall");
    // What comes later is looked at as well.
    protocol::BufferRef another = protocol::BufferRef::allocate(64U << 10U);
    one.push(FrameRef(message_of("x")));
    one.compact();
    one.push(FrameRef(protocol::Message(protocol::Slice{another, 0, 5})));
    one.compact();
    EXPECT_TRUE(another.unique());
}

TEST(OutboundQueue, AFrameFillingItsBufferStaysWhereItIs) {
    protocol::Message message = message_of(std::string(5000, 'x'));
    const std::byte* bytes = message.slice(0).bytes().data();
    const FrameRef frame(std::move(message));
    frame.compact();
    EXPECT_EQ(frame.bytes().slice(0).bytes().data(), bytes);
}

TEST(OutboundQueue, ABufferThatAFrameFillsInManyPiecesCountsOnce) {
    protocol::BufferRef burst = protocol::BufferRef::allocate(64U << 10U);
    std::memset(burst->data(), 'x', burst->capacity());
    protocol::Message message;
    for (std::uint32_t i = 0; i < 40; ++i) {
        message.append(protocol::Slice{burst, i * 1452 + 56, 1396});
    }
    const FrameRef frame(std::move(message));
    frame.compact();
    EXPECT_EQ(frame.bytes().slice_count(), 40U);
    EXPECT_EQ(frame.bytes().slice(0).bytes().data(), burst->data() + 56);
}

TEST(OutboundQueue, AnAccountKnowsTheBytesOfAllFramesOnce) {
    std::size_t account = 0;
    {
        OutboundQueue one;
        OutboundQueue two;
        const FrameRef frame(message_of("12345"), &account);
        one.push(frame);
        two.push(frame);
        two.push(FrameRef(message_of("678"), &account));
        EXPECT_EQ(account, 8U);
        two.clear();
        EXPECT_EQ(account, 5U);
    }
    EXPECT_EQ(account, 0U);
}

TEST(OutboundQueue, AClosedPeerIsAFailureAndNoSignal) {
    SocketPair sockets;
    sockets.theirs.reset();
    OutboundQueue queue;
    queue.push(FrameRef(message_of("nobody reads this")));
    SentCount sent;
    EXPECT_EQ(flush(sockets.ours.get(), queue, sent), FlushResult::kFailed);
    EXPECT_EQ(sent.messages, 0U);
}

}  // namespace
}  // namespace spread::daemon
