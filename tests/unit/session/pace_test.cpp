#include "daemon/session/pace.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace spread::session {
namespace {

using namespace std::chrono_literals;
using access::SendLimit;
using protocol::Duration;
using protocol::Instant;

/// How many messages of `bytes` get through in `time` when one always waits.
std::size_t taken_in(Duration time, const SendLimit& limit, std::size_t bytes) {
    Pace pace;
    const Instant start = Instant{} + 1h;
    std::size_t taken = 0;
    for (Instant now = start; now < start + time; now = std::max(pace.free_at(), now)) {
        pace.take(now, limit, bytes);
        ++taken;
    }
    return taken;
}

TEST(Pace, HoldsMessagesToTheirRateAfterABurst) {
    // A tenth of a second's worth at once, one that had not to wait, and then 1000 each second.
    EXPECT_EQ(taken_in(1s, {.messages_per_s = 1000}, 100), 100U + 1 + 999);
    EXPECT_EQ(taken_in(10s, {.messages_per_s = 1000}, 100), 100U + 1 + 9999);
}

TEST(Pace, HoldsBytesToTheirRate) {
    EXPECT_EQ(taken_in(10s, {.bytes_per_s = 1000000}, 1000), 100U + 1 + 9999);
}

TEST(Pace, TheTighterOfTwoRatesCounts) {
    const SendLimit both{.messages_per_s = 100, .bytes_per_s = 1000000};
    EXPECT_EQ(taken_in(10s, both, 1000), taken_in(10s, {.messages_per_s = 100}, 1000));
    EXPECT_EQ(taken_in(10s, both, 100000), taken_in(10s, {.bytes_per_s = 1000000}, 100000));
}

TEST(Pace, AMessageLargerThanTheRateGoesAndIsPaidForAfterwards) {
    Pace pace;
    const Instant now = Instant{} + 1h;
    pace.take(now, {.bytes_per_s = 1000}, 144000);
    EXPECT_EQ(pace.free_at(), now - Pace::kBurst + 144s);
}

TEST(Pace, WhoPausesDoesNotSaveUpMoreThanABurst) {
    Pace pace;
    const SendLimit limit{.messages_per_s = 1000};
    Instant now = Instant{} + 1h;
    pace.take(now, limit, 1);
    now += 24h;
    std::size_t at_once = 0;
    for (; pace.free_at() <= now; ++at_once) {
        pace.take(now, limit, 1);
    }
    EXPECT_EQ(at_once, 101U);
}

TEST(Pace, WithoutALimitNothingWaits) {
    Pace pace;
    const Instant now = Instant{} + 1h;
    pace.take(now, {.messages_per_s = 1}, 1);
    pace.take(now, {}, 144000);
    EXPECT_LE(pace.free_at(), now);
}

}  // namespace
}  // namespace spread::session
