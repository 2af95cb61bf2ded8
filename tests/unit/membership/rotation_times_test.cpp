#include "membership/rotation_times.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace spread::membership {
namespace {

using namespace std::chrono_literals;

TEST(RotationTimes, EachBucketHasItsEnd) {
    for (std::size_t bucket = 0; bucket < RotationTimes::kEnds; ++bucket) {
        RotationTimes times;
        times.add(RotationTimes::end_of(bucket));
        EXPECT_EQ(times.in_bucket[bucket], 1U) << bucket;
        times.add(RotationTimes::end_of(bucket) + 1ns);
        EXPECT_EQ(times.in_bucket[bucket + 1], 1U) << bucket;
    }
    RotationTimes times;
    times.add(0ns);
    times.add(1h);
    EXPECT_EQ(times.in_bucket.front(), 1U);
    EXPECT_EQ(times.in_bucket.back(), 1U);
    EXPECT_EQ(times.count(), 2U);
    EXPECT_EQ(times.sum, 1h);
}

TEST(RotationTimes, QuantilesAreUpperBounds) {
    RotationTimes times;
    EXPECT_FALSE(times.quantile(0.5));
    for (int i = 0; i < 98; ++i) {
        times.add(90us);
    }
    times.add(3ms);
    times.add(3ms);
    EXPECT_EQ(times.quantile(0.5), 100us);
    EXPECT_EQ(times.quantile(0.98), 100us);
    EXPECT_EQ(times.quantile(0.99), 3200us);
    times.add(1h);
    EXPECT_EQ(times.quantile(1), RotationTimes::end_of(RotationTimes::kEnds - 1));
}

TEST(RotationTimes, OfAWhileAreADifference) {
    RotationTimes earlier;
    earlier.add(90us);
    RotationTimes later = earlier;
    later.add(3ms);
    RotationTimes only;
    only.add(3ms);
    EXPECT_EQ(later.since(earlier), only);
}

}  // namespace
}  // namespace spread::membership
