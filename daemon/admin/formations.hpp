#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace spread::admin {

/// How often the ring has changed, why, and how long it took to form another one.
struct Formations {
    /// Upper ends of the histogram's buckets, in seconds; what takes longer is in none of them.
    static constexpr std::array kBucketEnds = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05,
                                               0.1,   0.2,   0.5,   1.0,  2.0,  5.0};

    void add_time(std::chrono::microseconds took) {
        const double seconds = std::chrono::duration<double>(took).count();
        const auto bucket = std::ranges::lower_bound(kBucketEnds, seconds);
        if (bucket != kBucketEnds.end()) {
            ++in_bucket[static_cast<std::size_t>(bucket - kBucketEnds.begin())];
        }
        ++timed;
        seconds_sum += seconds;
    }

    std::map<std::string, std::uint64_t> changes;  ///< by cause: a closed list
    std::array<std::uint64_t, kBucketEnds.size()> in_bucket{};
    std::uint64_t timed = 0;
    double seconds_sum = 0;
};

}  // namespace spread::admin
