#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "tests/stress/stage.hpp"

namespace spread::stress {

struct ManyOptions {
    std::vector<std::size_t> daemons{64, 100};  ///< of each ring
    std::chrono::milliseconds rest{10000};      ///< after each change, to see that nothing stirs
    bool strict = false;                        ///< the ring has to rest; for an idle machine
};

/// Very many daemons on one machine: they form a ring, fall apart into two halves, heal, and half
/// of them is killed and comes back.
void run_many(const ManyOptions& options, Verdict& verdict);

}  // namespace spread::stress
