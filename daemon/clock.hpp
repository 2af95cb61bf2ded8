#pragma once

#include <chrono>

#include "protocol/time.hpp"

namespace spread::daemon {

/// The daemon's only source of engine time.
[[nodiscard]] inline protocol::Instant now() {
    return protocol::Instant(std::chrono::duration_cast<protocol::Duration>(
        std::chrono::steady_clock::now().time_since_epoch()));
}

/// For timers that speak the standard clock.
[[nodiscard]] inline std::chrono::steady_clock::time_point to_steady(protocol::Instant instant) {
    return std::chrono::steady_clock::time_point(
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(
            instant.time_since_epoch()));
}

}  // namespace spread::daemon
