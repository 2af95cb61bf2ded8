#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/stress/stage.hpp"

namespace spread::stress {

struct HostileOptions {
    std::uint64_t seed = 0;
    std::uint64_t first = 0;
    std::uint64_t conversations = 20000;
    std::size_t parallel = 48;
    std::size_t rate = 0;
    int niceness = 19;
    /// Conversations in one go, with a quiet time before each part; 0: all.
    std::uint64_t part = 0;
    /// Files to be locked while latencies are measured, in this order, so that parts of the run can
    /// alternate with other uses of the machine.
    std::vector<std::string> locks;
};

/// Hostile conversations, many at a time, beside well-behaved clients (issue of a daemon's life: it
/// must outlive whatever bytes come in).
void run_hostile(const Settings& settings, const HostileOptions& options, Verdict& verdict);

}  // namespace spread::stress
