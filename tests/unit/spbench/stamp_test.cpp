#include "tools/spbench/stamp.hpp"

#include <array>

#include <gtest/gtest.h>

#include "tools/spbench/schedule.hpp"

namespace spread::spbench {
namespace {

TEST(Stamp, ComesBackAsWritten) {
    const Stamp stamp{0xabcd, 65535, 4'000'000'000, 123'456'789'012'345};
    std::array<std::byte, 40> body{};
    write_stamp(stamp, body);
    EXPECT_EQ(read_stamp(body), stamp);
}

TEST(Stamp, IsNotReadFromShorterBodies) {
    std::array<std::byte, Stamp::kBytes> body{};
    for (std::size_t length = 0; length < Stamp::kBytes; ++length) {
        EXPECT_FALSE(read_stamp(std::span(body).first(length))) << length;
    }
    EXPECT_TRUE(read_stamp(body));
}

TEST(Schedule, SpreadsTheSendersOverOneInterval) {
    // 1000 messages/s from two senders: each has one every 2 ms, half an interval apart.
    const Schedule first(0, 1000, 0, 2);
    const Schedule second(0, 1000, 1, 2);
    EXPECT_EQ(first.due(0), 0);
    EXPECT_EQ(second.due(0), kMillisecond);
    EXPECT_EQ(first.due(1), 2 * kMillisecond);
    EXPECT_EQ(second.due(1), 3 * kMillisecond);
}

TEST(Schedule, RoundingDoesNotAddUp) {
    const Schedule schedule(5 * kSecond, 3, 0, 1);
    EXPECT_EQ(schedule.due(3'000'000), 5 * kSecond + 1'000'000 * kSecond);
}

TEST(Schedule, CountsWhatIsDueBeforeATime) {
    const Schedule schedule(kSecond, 1000, 1, 3);
    EXPECT_EQ(schedule.due_before(0), 0U);
    EXPECT_EQ(schedule.due_before(kSecond), 0U);
    for (const std::uint64_t number : {0U, 1U, 2U, 1000U, 77'777U}) {
        EXPECT_EQ(schedule.due_before(schedule.due(number)), number);
        EXPECT_EQ(schedule.due_before(schedule.due(number) + 1), number + 1);
    }
}

TEST(Schedule, RandomArrivalsStayInTheirIntervalsAndChangeTurns) {
    const Schedule first(kSecond, 1000, 0, 2, true);
    const Schedule second(kSecond, 1000, 1, 2, true);
    const Nanoseconds interval = 2 * kMillisecond;
    std::size_t first_is_earlier = 0;
    Nanoseconds sum = 0;
    for (std::uint64_t n = 0; n < 1000; ++n) {
        const auto begin = kSecond + static_cast<Nanoseconds>(n) * interval;
        EXPECT_GE(first.due(n), begin);
        EXPECT_LT(first.due(n), begin + interval);
        EXPECT_EQ(first.due_before(first.due(n)), n);
        first_is_earlier += first.due(n) < second.due(n) ? 1U : 0U;
        sum += first.due(n) - begin;
    }
    EXPECT_NEAR(static_cast<double>(first_is_earlier), 500, 80);
    EXPECT_NEAR(static_cast<double>(sum) / 1000, static_cast<double>(interval) / 2, 1e5);
}

}  // namespace
}  // namespace spread::spbench
