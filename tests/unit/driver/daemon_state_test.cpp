#include "daemon/driver/daemon_state.hpp"

#include <optional>

#include <gtest/gtest.h>

namespace spread::driver {
namespace {

TEST(DaemonState, ANewLifeFollowsTheClock) {
    const DaemonState state = next_state(std::nullopt, 1'700'000'000'123);
    EXPECT_EQ(state.incarnation, 1'700'000'000'123U);
    EXPECT_EQ(state.ring_counter, 1'700'000'000'123U / protocol::kRingCounterMs);
}

TEST(DaemonState, AClockSetBackRepeatsNeitherIncarnationNorCounter) {
    const DaemonState state = next_state(DaemonState{2'000'000'000'000, 2'000'000'010}, 1'000);
    EXPECT_EQ(state.incarnation, 2'000'000'000'001U);
    EXPECT_EQ(state.ring_counter, 2'000'000'011U);
}

}  // namespace
}  // namespace spread::driver
