#pragma once

#include <cstdint>

#include "tests/sim/scenario.hpp"

namespace spread::sim {

/// The scenario of a seed: a cluster of 1 to 16 daemons in 1 to 4 segments, drawn numbers, a random
/// subset of faults at random strength (swarm testing: everything at once would hide bugs behind
/// constant reconfiguration), clients at work, then peace on a random core and a settle step.
[[nodiscard]] Scenario generate(std::uint64_t seed);
/// The same on a ring with a key, mostly one that requires it, else on the way there.
[[nodiscard]] Scenario generate_sealed(std::uint64_t seed);
/// The same of what is rare or large: holes in recoveries that are interrupted again and again,
/// large rings and groups, long times, full windows, counters near their ends (reached.hpp).
[[nodiscard]] Scenario generate_unusual(std::uint64_t seed);

/// How long a cluster may take to come to rest once faults have stopped. The worst that may legally
/// happen one after the other: the loss of the old ring is noticed (token_loss); members that do
/// not answer are waited for (start, consensus), twice, since a daemon that comes too late makes it
/// begin again; forming rings are lost too (token_loss, twice); a member whose gaps nobody can fill
/// holds the ring up until it is left out (10 token_loss); rings find each other by the probes of
/// members (4 merge_detect and by chance a quarter more), and those who met too late once more.
/// Delivering what was sent takes the rest.
[[nodiscard]] std::uint64_t settle_bound_us(const Tunables& tunables);

}  // namespace spread::sim
