#pragma once

#include "tests/sim/luck.hpp"
#include "tools/spsim/runner.hpp"

namespace spread::spsim {

/// In place of the simulator: what becomes of a scenario depends on its luck only.
struct Fake {
    /// Luck that is divisible by so much violates P4; 0: none.
    std::uint64_t violates = 0;
    /// This luck ends its process.
    std::uint64_t dies = 0;
    /// This luck never ends.
    std::uint64_t hangs = 0;
    /// This luck does nothing for a second.
    std::uint64_t stands_still = 0;

    sim::Verdict operator()(const sim::Scenario& scenario, const sim::RunOptions& options) const;
};

}  // namespace spread::spsim
