#pragma once

#include <cstdint>

#include "tests/sim/scenario.hpp"

namespace spread::sim {

/// The scenario of a seed: a cluster of 1 to 16 daemons in 1 to 4 segments, drawn numbers, a random
/// subset of faults at random strength (swarm testing: everything at once would hide bugs behind
/// constant reconfiguration), clients at work, then peace on a random core and a settle step.
[[nodiscard]] Scenario generate(std::uint64_t seed);

}  // namespace spread::sim
