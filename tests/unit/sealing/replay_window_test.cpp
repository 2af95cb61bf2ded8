#include "sealing/replay_window.hpp"

#include <set>

#include <gtest/gtest.h>

#include "protocol/rng.hpp"

namespace spread::sealing {
namespace {

constexpr std::uint64_t kNumbers = ReplayWindow::kNumbers;

TEST(ReplayWindow, TakesEachNumberOnce) {
    ReplayWindow window;
    EXPECT_EQ(window.high(), 0U);
    for (const std::uint64_t number : {5U, 1U, 6U, 3U, 2U, 4U}) {
        EXPECT_TRUE(window.is_new(number)) << number;
        window.take(number);
        EXPECT_FALSE(window.is_new(number)) << number;
    }
    EXPECT_EQ(window.high(), 6U);
}

TEST(ReplayWindow, ReachesBackExactlySoFar) {
    ReplayWindow window;
    window.take(1000000);
    EXPECT_TRUE(window.is_new(1000000 - (kNumbers - 1)));
    EXPECT_FALSE(window.is_new(1000000 - kNumbers));
    window.take(1000000 - (kNumbers - 1));
    EXPECT_FALSE(window.is_new(1000000 - (kNumbers - 1)));
    window.take(1000001);
    EXPECT_TRUE(window.is_new(1000001 - (kNumbers - 1))) << "not the place of the one that left";
}

TEST(ReplayWindow, AJumpForgetsAllBefore) {
    ReplayWindow window;
    window.take(10);
    window.take(10 + kNumbers);
    EXPECT_FALSE(window.is_new(10));
    EXPECT_TRUE(window.is_new(11));
    window.take(std::uint64_t{1} << 63U);
    EXPECT_FALSE(window.is_new(11));
    EXPECT_TRUE(window.is_new((std::uint64_t{1} << 63U) - 1));
}

TEST(ReplayWindow, ForgetsBelowALine) {
    ReplayWindow window;
    window.forget_below(500);
    EXPECT_FALSE(window.is_new(1));
    EXPECT_FALSE(window.is_new(500));
    EXPECT_TRUE(window.is_new(501));
    window.take(700);
    EXPECT_FALSE(window.is_new(500));
    EXPECT_TRUE(window.is_new(501));
    EXPECT_TRUE(window.is_new(699));
}

TEST(ReplayWindow, AgreesWithASet) {
    protocol::Rng rng(7);
    for (int round = 0; round < 20; ++round) {
        ReplayWindow window;
        std::set<std::uint64_t> taken;
        std::uint64_t high = 0;
        for (int i = 0; i < 4000; ++i) {
            const std::uint64_t jump = rng.chance(1, 200) ? rng.below(3 * kNumbers) : rng.below(90);
            const std::uint64_t back = rng.chance(1, 20) ? rng.below(2 * kNumbers) : rng.below(200);
            const std::uint64_t number = std::max<std::uint64_t>(high + jump, back + 1) - back;
            const bool is_new =
                number > high || (high - number < kNumbers && taken.count(number) == 0);
            ASSERT_EQ(window.is_new(number), is_new) << number << " after " << high;
            if (is_new) {
                window.take(number);
                taken.insert(number);
                high = std::max(high, number);
            }
            ASSERT_EQ(window.high(), high);
        }
    }
}

}  // namespace
}  // namespace spread::sealing
