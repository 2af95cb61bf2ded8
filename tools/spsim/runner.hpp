#pragma once

#include <functional>

#include "tests/sim/run.hpp"
#include "tests/sim/scenario.hpp"

namespace spread::spsim {

/// Runs a scenario: sim::run(), or what a test puts in its place.
using Runner = std::function<sim::Verdict(const sim::Scenario&, const sim::RunOptions&)>;

/// The properties of a run that did not come to a verdict: the process died (an assertion, usually)
/// or stood still.
inline constexpr const char* kDied = "DIED";
inline constexpr const char* kHangs = "HANGS";
/// Two runs of one scenario differ.
inline constexpr const char* kNotDeterministic = "DETERMINISM";

/// Runs twice and compares. The verdict of the first run, with a violation of kNotDeterministic if
/// it has none and the second run differs.
[[nodiscard]] sim::Verdict run_twice(const Runner& runner, const sim::Scenario& scenario,
                                     const sim::RunOptions& options);

}  // namespace spread::spsim
