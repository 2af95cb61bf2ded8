#include "protocol/buffer.hpp"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "protocol/message.hpp"

namespace spread::protocol {
namespace {

TEST(BufferPool, RefusesMoreThanItsLimitUntilOneComesBack) {
    BufferPool pool(64, 2);
    BufferRef a = pool.acquire();
    BufferRef b = pool.acquire();
    EXPECT_FALSE(pool.acquire());
    EXPECT_TRUE(pool.acquire_or_heap());
    a.reset();
    EXPECT_EQ(pool.blocks_in_use(), 1U);
    EXPECT_TRUE(pool.acquire());
}

TEST(BufferPool, TakesBackWhatOtherThreadsDrop) {
    BufferPool pool(64, 1000);
    for (int round = 0; round < 10; ++round) {
        std::vector<BufferRef> batch;
        for (int i = 0; i < 1000; ++i) {
            batch.push_back(pool.acquire());
            ASSERT_TRUE(batch.back());
        }
        std::vector<BufferRef> other_half(batch.begin() + 500, batch.end());
        std::thread first([mine = std::move(batch)]() mutable { mine.clear(); });
        std::thread second([mine = std::move(other_half)]() mutable { mine.clear(); });
        first.join();
        second.join();
        EXPECT_EQ(pool.blocks_in_use(), 0U);
    }
}

TEST(BufferRef, KnowsWhenItIsTheOnlyOne) {
    BufferRef a = BufferRef::allocate(10);
    EXPECT_TRUE(a.unique());
    const BufferRef b = a;
    EXPECT_FALSE(a.unique());
}

TEST(Message, CountsItsSlicesWhereverTheyStand) {
    Message message;
    for (std::uint32_t count = 0; count < 5; ++count) {
        EXPECT_EQ(message.slice_count(), count);
        message.append(Slice{BufferRef::allocate(8), 0, count + 1});
        EXPECT_EQ(message.slice(count).length, count + 1);
        EXPECT_EQ(message.slice(0).length, 1U);
    }
    message.append(Slice{});  // nothing to add
    EXPECT_EQ(message.slice_count(), 5U);
    const Message copy = message;
    message.clear();
    EXPECT_EQ(message.slice_count(), 0U);
    EXPECT_EQ(copy.slice_count(), 5U);
    EXPECT_EQ(copy.size(), 15U);
}

TEST(Message, ReadsAcrossSlices) {
    Message message;
    for (int part = 0; part < 3; ++part) {
        BufferRef buffer = BufferRef::allocate(4);
        for (int i = 0; i < 4; ++i) {
            buffer->data()[i] = static_cast<std::byte>(part * 4 + i);
        }
        message.append(Slice{std::move(buffer), 1, 3});  // leaves out the first byte of each
    }
    EXPECT_EQ(message.size(), 9U);
    std::vector<std::byte> out(20);
    EXPECT_EQ(message.copy_to(out), 9U);
    EXPECT_EQ(out[3], std::byte{5});
    std::vector<std::byte> middle(4);
    EXPECT_EQ(message.copy_to(middle, 2), 4U);
    EXPECT_EQ(middle[0], std::byte{3});
    EXPECT_EQ(middle[1], std::byte{5});
    std::vector<std::byte> scratch;
    EXPECT_EQ(message.contiguous(scratch).size(), 9U);
}

}  // namespace
}  // namespace spread::protocol
