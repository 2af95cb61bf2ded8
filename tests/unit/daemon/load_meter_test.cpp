#include "daemon/host/load_meter.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace spread::daemon {
namespace {

using protocol::Duration;
using protocol::Instant;
using std::chrono::milliseconds;

TEST(LoadMeter, TellsTheShareOfAProcessorThatWasUsed) {
    LoadMeter meter(milliseconds(10));
    Instant now{};
    meter.reset(now, milliseconds(500));
    now += milliseconds(9);
    EXPECT_FALSE(meter.is_due(now));
    now += milliseconds(11);
    EXPECT_TRUE(meter.is_due(now));
    EXPECT_FLOAT_EQ(meter.share(), 0);
    meter.end_window(now, milliseconds(505));
    EXPECT_FLOAT_EQ(meter.share(), 0.25F);
    EXPECT_FALSE(meter.is_due(now));
}

TEST(LoadMeter, EachWindowStandsForItself) {
    LoadMeter meter(milliseconds(10));
    Instant now{};
    meter.reset(now, Duration{});
    now += milliseconds(10);
    meter.end_window(now, milliseconds(10));
    EXPECT_FLOAT_EQ(meter.share(), 1);
    now += milliseconds(20);
    meter.end_window(now, milliseconds(10));
    EXPECT_FLOAT_EQ(meter.share(), 0);
    now += milliseconds(10);
    meter.end_window(now, milliseconds(20));
    now += milliseconds(50);
    meter.reset(now, milliseconds(30));
    EXPECT_FLOAT_EQ(meter.share(), 0);
    EXPECT_FALSE(meter.is_due(now));
}

}  // namespace
}  // namespace spread::daemon
