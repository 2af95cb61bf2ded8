#include "protocol/fifo.hpp"

#include <memory>
#include <utility>

#include <gtest/gtest.h>

namespace spread::protocol {
namespace {

TEST(Fifo, KeepsItsOrderWhileItGrowsAndWrapsRound) {
    Fifo<std::unique_ptr<int>> fifo;
    int pushed = 0;
    int popped = 0;
    for (int round = 1; round < 200; ++round) {
        for (int i = 0; i < round % 37; ++i) {
            fifo.push_back(std::make_unique<int>(pushed++));
        }
        for (int i = 0; i < round % 31 && !fifo.empty(); ++i) {
            ASSERT_EQ(*fifo.front(), popped++);
            fifo.pop_front();
        }
        ASSERT_EQ(fifo.size(), static_cast<std::size_t>(pushed - popped));
    }
    EXPECT_GT(popped, 1000);
}

TEST(Fifo, GivesUpAValueAtOnce) {
    Fifo<std::shared_ptr<int>> fifo;
    auto value = std::make_shared<int>(7);
    fifo.push_back(std::shared_ptr<int>(value));
    EXPECT_EQ(value.use_count(), 2);
    fifo.pop_front();
    EXPECT_EQ(value.use_count(), 1);
    EXPECT_TRUE(fifo.empty());
}

}  // namespace
}  // namespace spread::protocol
