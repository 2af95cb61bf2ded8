#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "tests/sim/scenario.hpp"

namespace spread::sim {

/// Whether a scenario still shows what is wanted; usually: run() violates the same property.
using StillFails = std::function<bool(const Scenario&)>;

/// A smaller scenario for which `fails` still holds: steps removed by halves and then one by one,
/// clients and daemons left out, numbers put back to their defaults, times rounded. Stops when a
/// whole pass removes nothing or after `runs_max` calls of `fails`. `fails(scenario)` must hold.
[[nodiscard]] Scenario shrink(Scenario scenario, const StillFails& fails,
                              std::uint64_t runs_max = 5000);

}  // namespace spread::sim
