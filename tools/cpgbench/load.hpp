#pragma once

#include "tools/spbench/options.hpp"
#include "tools/spbench/outcome.hpp"

namespace spread::cpgbench {

/// Runs one load with a member at each of the watched processes, which are corosyncs, and gives
/// what spbench's `load --json` prints.
[[nodiscard]] spbench::RunResult<spbench::Outcome> run_load(const spbench::Options& options);

}  // namespace spread::cpgbench
