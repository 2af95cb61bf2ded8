#include "daemon/session/outbound_queue.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace spread::session {
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

/// All that is left to write, by gathering `slices_max` at a time and taking `bytes_max` of that.
std::string drain(OutboundQueue& queue, std::size_t slices_max = 1000,
                  std::size_t bytes_max = ~std::size_t{0}) {
    std::string written;
    while (!queue.empty()) {
        std::string offered;
        std::size_t slices = 0;
        queue.for_each_slice([&](const protocol::Slice& slice, std::size_t skip) {
            const auto bytes = slice.bytes().subspan(skip);
            offered.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
            return ++slices < slices_max;
        });
        offered.resize(std::min(offered.size(), bytes_max));
        const std::size_t left = queue.bytes_left();
        queue.consume(offered.size());
        EXPECT_EQ(queue.bytes_left(), left - offered.size());
        written += offered;
    }
    return written;
}

const std::byte* first_bytes(const OutboundQueue& queue) {
    const std::byte* first = nullptr;
    queue.for_each_slice([&first](const protocol::Slice& slice, std::size_t) {
        first = slice.bytes().data();
        return false;
    });
    return first;
}

TEST(OutboundQueue, OffersFramesAndChainsInOrder) {
    OutboundQueue queue;
    queue.push(FrameRef(message_of("one ")));
    queue.push(FrameRef(chain_of({"t", "w", "o "})));
    queue.push(FrameRef(message_of("three")));
    EXPECT_EQ(queue.size(), 3U);
    EXPECT_EQ(queue.bytes_left(), 13U);
    EXPECT_EQ(drain(queue), "one two three");
    EXPECT_EQ(queue.size(), 0U);
    EXPECT_EQ(queue.bytes_left(), 0U);
}

TEST(OutboundQueue, GoesOnWhereThePartialWriteEnded) {
    OutboundQueue queue;
    std::string expected;
    for (int i = 0; i < 200; ++i) {
        const std::string part(701, static_cast<char>('a' + i % 26));
        queue.push(FrameRef(chain_of({part, std::to_string(i)})));
        expected += part + std::to_string(i);
    }
    EXPECT_EQ(drain(queue, 7, 1000), expected);
}

TEST(OutboundQueue, KeepsItsOrderWhileItGrowsAndShrinks) {
    OutboundQueue queue;
    std::string expected;
    std::string written;
    for (int i = 0; i < 3000; ++i) {
        queue.push(FrameRef(message_of("m" + std::to_string(i) + ";")));
        expected += "m" + std::to_string(i) + ";";
        if (i % 3 == 0) {  // the head of the queue moves on, its end faster
            const std::string head(reinterpret_cast<const char*>(first_bytes(queue)), 1);
            EXPECT_EQ(head, "m");
            std::string frame;
            queue.for_each_slice([&](const protocol::Slice& slice, std::size_t) {
                frame.assign(reinterpret_cast<const char*>(slice.bytes().data()), slice.length);
                return false;
            });
            EXPECT_EQ(queue.consume(frame.size()), 1U);
            written += frame;
        }
        if (i % 500 == 0) {
            queue.compact();
        }
    }
    EXPECT_EQ(written + drain(queue), expected);
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
        for (std::size_t slices = 1; slices <= 3; ++slices) {
            OutboundQueue copy = queue;
            EXPECT_EQ(drain(copy, slices, cut), expected) << cut;
        }
    }
}

TEST(OutboundQueue, CountsTheMessagesThatAWriteCompletes) {
    OutboundQueue queue;
    for (const char* text : {"abc", "d", "efgh"}) {
        queue.push(FrameRef(message_of(text)));
    }
    EXPECT_EQ(queue.consume(2), 0U);
    EXPECT_EQ(queue.consume(2), 2U);
    EXPECT_EQ(queue.size(), 1U);
    EXPECT_EQ(queue.consume(4), 1U);
}

TEST(OutboundQueue, AFrameIsSharedAndNotCopied) {
    protocol::Message message = message_of("shared");
    const std::byte* bytes = message.slice(0).bytes().data();
    const FrameRef frame(std::move(message));
    OutboundQueue one;
    OutboundQueue two;
    one.push(frame);
    two.push(frame);
    EXPECT_EQ(first_bytes(one), bytes);
    one.clear();
    EXPECT_EQ(first_bytes(two), bytes);
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
    EXPECT_EQ(drain(one), "firstsmall");
    EXPECT_EQ(drain(two), "small");
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

}  // namespace
}  // namespace spread::session
