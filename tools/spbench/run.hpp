#pragma once

#include "tools/spbench/options.hpp"

namespace spread::spbench {

/// Runs what the options ask for and prints what came out. Returns the exit status: 0 when all is
/// well, else 1.
[[nodiscard]] int run(const Options& options);

}  // namespace spread::spbench
