#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace spread::spbench {

/// Counts values over the whole range of 64 bits with a relative error below 1/128: exact up to
/// 128, then 128 buckets for each doubling (the idea of HdrHistogram). Recording costs a few
/// instructions, so every message can be counted.
class Histogram {
  public:
    Histogram() : counts_(kBuckets, 0) {}

    void record(std::uint64_t value) {
        ++counts_[bucket_of(value)];
        ++count_;
        sum_ += static_cast<double>(value);
        min_ = std::min(min_, value);
        max_ = std::max(max_, value);
    }

    void merge(const Histogram& other) {
        for (std::size_t i = 0; i < kBuckets; ++i) {
            counts_[i] += other.counts_[i];
        }
        count_ += other.count_;
        sum_ += other.sum_;
        min_ = std::min(min_, other.min_);
        max_ = std::max(max_, other.max_);
    }

    /// The value that the given share (0 to 1) of all values does not exceed; 0 when empty. Never
    /// below the true value, and at most 1/128 above it.
    [[nodiscard]] std::uint64_t quantile(double share) const {
        if (count_ == 0) {
            return 0;
        }
        const auto wanted = std::max<std::uint64_t>(
            1, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_))));
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < kBuckets; ++i) {
            seen += counts_[i];
            if (seen >= wanted) {
                return std::min(highest_of(i), max_);
            }
        }
        return max_;
    }

    [[nodiscard]] std::uint64_t count() const { return count_; }
    [[nodiscard]] std::uint64_t min() const { return count_ == 0 ? 0 : min_; }
    [[nodiscard]] std::uint64_t max() const { return max_; }
    [[nodiscard]] double mean() const {
        return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
    }

  private:
    static constexpr unsigned kSubBits = 7;
    static constexpr std::uint64_t kSubBuckets = std::uint64_t{1} << kSubBits;
    /// One linear stretch of 128, then 128 for each higher leading bit.
    static constexpr std::size_t kBuckets = (64 - kSubBits + 1) * kSubBuckets;

    static constexpr std::size_t bucket_of(std::uint64_t value) {
        if (value < kSubBuckets) {
            return value;
        }
        const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - kSubBits - 1;
        return shift * kSubBuckets + (value >> shift);
    }

    static constexpr std::uint64_t highest_of(std::size_t bucket) {
        if (bucket < 2 * kSubBuckets) {
            return bucket;
        }
        const auto shift = static_cast<unsigned>(bucket / kSubBuckets) - 1;
        const std::uint64_t lowest = (bucket - shift * kSubBuckets) << shift;
        return lowest + ((std::uint64_t{1} << shift) - 1);
    }

    std::vector<std::uint64_t> counts_;
    std::uint64_t count_ = 0;
    double sum_ = 0;
    std::uint64_t min_ = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t max_ = 0;
};

}  // namespace spread::spbench
