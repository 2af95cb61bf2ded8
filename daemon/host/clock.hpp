#pragma once

#include <chrono>
#include <ctime>

#include "protocol/time.hpp"

namespace spread::daemon {

/// The daemon's only source of engine time.
[[nodiscard]] inline protocol::Instant now() {
    return protocol::Instant(std::chrono::duration_cast<protocol::Duration>(
        std::chrono::steady_clock::now().time_since_epoch()));
}

/// Processor time the calling thread has used. Costs a system call.
[[nodiscard]] inline protocol::Duration thread_cpu_time() {
    timespec used{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

}  // namespace spread::daemon
