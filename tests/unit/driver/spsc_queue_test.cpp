#include "daemon/driver/spsc_queue.hpp"

#include <cstdint>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

namespace spread::driver {
namespace {

TEST(SpscQueue, RoundsItsCapacityUpToAPowerOfTwo) {
    EXPECT_EQ(SpscQueue<int>(0).capacity(), 2U);
    EXPECT_EQ(SpscQueue<int>(5).capacity(), 8U);
    EXPECT_EQ(SpscQueue<int>(64).capacity(), 64U);
}

TEST(SpscQueue, HandsValuesOverInOrderAcrossTheWrap) {
    SpscQueue<int> queue(4);
    int next_in = 0;
    int next_out = 0;
    for (int round = 0; round < 10; ++round) {
        for (int i = 0; i < 3; ++i) {
            ASSERT_TRUE(queue.try_push(int{next_in++}));
        }
        for (int i = 0; i < 3; ++i) {
            ASSERT_NE(queue.front(), nullptr);
            EXPECT_EQ(*queue.front(), next_out++);
            queue.pop();
        }
    }
    EXPECT_EQ(queue.front(), nullptr);
    EXPECT_TRUE(queue.empty());
}

TEST(SpscQueue, RefusesWithoutTakingTheValueWhenFull) {
    SpscQueue<std::unique_ptr<int>> queue(2);
    ASSERT_TRUE(queue.try_push(std::make_unique<int>(1)));
    ASSERT_TRUE(queue.try_push(std::make_unique<int>(2)));
    auto third = std::make_unique<int>(3);
    EXPECT_FALSE(queue.try_push(std::move(third)));
    ASSERT_NE(third, nullptr);
    EXPECT_EQ(*third, 3);
    queue.pop();
    EXPECT_TRUE(queue.try_push(std::move(third)));
}

TEST(SpscQueue, GivesUpResourcesAsSoonAsAValueIsPopped) {
    SpscQueue<std::shared_ptr<int>> queue(2);
    auto value = std::make_shared<int>(7);
    ASSERT_TRUE(queue.try_push(std::shared_ptr<int>(value)));
    EXPECT_EQ(value.use_count(), 2);
    queue.pop();
    EXPECT_EQ(value.use_count(), 1);
}

TEST(SpscQueue, LosesAndReordersNothingBetweenTwoThreads) {
    constexpr std::uint64_t kCount = 200'000;
    SpscQueue<std::uint64_t> queue(64);
    std::thread producer([&queue] {
        for (std::uint64_t i = 0; i < kCount;) {
            if (queue.try_push(std::uint64_t{i})) {
                ++i;
            } else {
                std::this_thread::yield();
            }
        }
    });
    std::uint64_t expected = 0;
    std::uint64_t wrong = 0;
    while (expected < kCount) {
        if (const std::uint64_t* value = queue.front()) {
            wrong += *value == expected ? 0 : 1;
            ++expected;
            queue.pop();
        } else {
            std::this_thread::yield();
        }
    }
    producer.join();
    EXPECT_EQ(wrong, 0U);
    EXPECT_EQ(queue.size(), 0U);
}

}  // namespace
}  // namespace spread::driver
