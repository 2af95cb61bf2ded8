#include "tools/spbench/histogram.hpp"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace spread::spbench {
namespace {

constexpr double kRelativeError = 1.0 / 128;

TEST(Histogram, AnEmptyOneSaysZero) {
    const Histogram histogram;
    EXPECT_EQ(histogram.count(), 0U);
    EXPECT_EQ(histogram.quantile(0.5), 0U);
    EXPECT_EQ(histogram.min(), 0U);
    EXPECT_EQ(histogram.max(), 0U);
    EXPECT_EQ(histogram.mean(), 0);
}

TEST(Histogram, SmallValuesAreExact) {
    Histogram histogram;
    for (std::uint64_t value = 1; value <= 100; ++value) {
        histogram.record(value);
    }
    EXPECT_EQ(histogram.quantile(0.5), 50U);
    EXPECT_EQ(histogram.quantile(0.99), 99U);
    EXPECT_EQ(histogram.quantile(1), 100U);
    EXPECT_EQ(histogram.quantile(0), 1U);
    EXPECT_EQ(histogram.mean(), 50.5);
}

TEST(Histogram, EveryValueIsKeptWithinTheRelativeError) {
    for (unsigned bit = 0; bit < 64; ++bit) {
        for (const std::uint64_t offset : {0U, 1U, 77U}) {
            const std::uint64_t value = (std::uint64_t{1} << bit) + offset;
            Histogram histogram;
            histogram.record(value);
            histogram.record(~std::uint64_t{0});  // so that max() does not cap the answer
            const auto answer = histogram.quantile(0.5);
            EXPECT_GE(answer, value);
            EXPECT_LE(static_cast<double>(answer - value),
                      static_cast<double>(value) * kRelativeError);
        }
    }
}

TEST(Histogram, QuantilesFollowTheSortedValues) {
    std::mt19937_64 random(1);
    std::lognormal_distribution<double> spread(10, 2);
    std::vector<std::uint64_t> values(20'000);
    Histogram histogram;
    for (auto& value : values) {
        value = static_cast<std::uint64_t>(spread(random));
        histogram.record(value);
    }
    std::sort(values.begin(), values.end());
    for (const double share : {0.01, 0.5, 0.9, 0.99, 0.999}) {
        const auto rank =
            static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
        const std::uint64_t exact = values[rank - 1];
        const std::uint64_t answer = histogram.quantile(share);
        EXPECT_GE(answer, exact) << share;
        EXPECT_LE(static_cast<double>(answer), static_cast<double>(exact) * (1 + kRelativeError))
            << share;
    }
    EXPECT_EQ(histogram.max(), values.back());
    EXPECT_EQ(histogram.min(), values.front());
}

TEST(Histogram, MergingIsRecordingBoth) {
    Histogram both;
    Histogram one;
    Histogram other;
    for (std::uint64_t value = 1; value < 100'000; value = value * 3 + 1) {
        both.record(value);
        both.record(value * 7);
        one.record(value);
        other.record(value * 7);
    }
    one.merge(other);
    EXPECT_EQ(one.count(), both.count());
    EXPECT_EQ(one.min(), both.min());
    EXPECT_EQ(one.max(), both.max());
    for (const double share : {0.1, 0.5, 0.9}) {
        EXPECT_EQ(one.quantile(share), both.quantile(share));
    }
}

}  // namespace
}  // namespace spread::spbench
