#pragma once

#include <chrono>
#include <cstdint>

namespace spread::spbench {

/// Nanoseconds of the steady clock. All clients of a run live in one process, so that a time stamp
/// written by a sender can be compared by any receiver.
using Nanoseconds = std::int64_t;

inline constexpr Nanoseconds kSecond = 1'000'000'000;
inline constexpr Nanoseconds kMillisecond = 1'000'000;

[[nodiscard]] inline Nanoseconds now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

[[nodiscard]] inline double to_seconds(Nanoseconds time) {
    return static_cast<double>(time) / static_cast<double>(kSecond);
}

}  // namespace spread::spbench
