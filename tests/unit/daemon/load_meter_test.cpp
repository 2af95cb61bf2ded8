#include "daemon/load_meter.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace spread::daemon {
namespace {

using protocol::Duration;
using protocol::Instant;
using std::chrono::milliseconds;

TEST(LoadMeter, TellsTheShareOfTheTimeAwake) {
    LoadMeter meter(milliseconds(10));
    Instant now{};
    meter.reset(now);
    for (int i = 0; i < 3; ++i) {
        now += milliseconds(1);  // awake
        EXPECT_FALSE(meter.pause(now));
        now += milliseconds(2);  // asleep
        meter.resume(now);
    }
    EXPECT_FLOAT_EQ(meter.share(), 0);
    now += milliseconds(1);
    EXPECT_TRUE(meter.pause(now));
    EXPECT_FLOAT_EQ(meter.share(), 0.4F);
}

TEST(LoadMeter, WhoNeverSleepsIsAwakeAllTheTime) {
    LoadMeter meter(milliseconds(10));
    Instant now{};
    meter.reset(now);
    for (int i = 0; i < 10; ++i) {
        now += milliseconds(1);
        static_cast<void>(meter.pause(now));
    }
    EXPECT_FLOAT_EQ(meter.share(), 1);
}

TEST(LoadMeter, EachWindowStandsForItself) {
    LoadMeter meter(milliseconds(10));
    Instant now{};
    meter.reset(now);
    now += milliseconds(10);
    EXPECT_TRUE(meter.pause(now));
    now += milliseconds(20);
    meter.resume(now);
    EXPECT_TRUE(meter.pause(now));
    EXPECT_FLOAT_EQ(meter.share(), 0);
    now += milliseconds(50);
    meter.reset(now);
    EXPECT_FALSE(meter.pause(now));
}

}  // namespace
}  // namespace spread::daemon
