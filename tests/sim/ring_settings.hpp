#pragma once

#include <cstdint>

#include "membership/ring_config.hpp"
#include "tests/sim/scenario.hpp"

namespace spread::sim {

/// What the tunables of a scenario mean for the ring of one of `daemons` daemons, numbered from 1:
/// settings as a daemon has them from its file, settled by the same rules.
[[nodiscard]] membership::RingConfig ring_config_of(const Tunables& tunables, std::uint32_t daemons,
                                                    protocol::DaemonId self,
                                                    std::uint32_t config_hash);

/// The timeouts alone, which are the same for every daemon.
[[nodiscard]] inline membership::RingConfig timeouts_of(const Tunables& tunables) {
    return ring_config_of(tunables, 1, protocol::DaemonId{1}, 0);
}

}  // namespace spread::sim
