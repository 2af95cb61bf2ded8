#pragma once

#include "tools/spbench/options.hpp"
#include "tools/spbench/outcome.hpp"

namespace spread::spbench {

/// One function per mode: connects, runs, measures, verifies.
[[nodiscard]] RunResult<Outcome> run_load(const Options& options);  // kFanout too
[[nodiscard]] RunResult<Outcome> run_pingpong(const Options& options);
[[nodiscard]] RunResult<Outcome> run_joins(const Options& options);
[[nodiscard]] RunResult<Outcome> run_connects(const Options& options);
[[nodiscard]] RunResult<Outcome> run_idle(const Options& options);
[[nodiscard]] RunResult<Outcome> run_views(const Options& options);

}  // namespace spread::spbench
