#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "config/configuration.hpp"
#include "daemon/host/host_facts.hpp"
#include "daemon/host/memory_limit.hpp"
#include "daemon/session/session_core.hpp"
#include "membership/groups/group_engine.hpp"
#include "membership/ring_config.hpp"

namespace spread::daemon {

/// The ring engine's view of a configuration: what the file sets, settled by the rules of
/// RingConfig::settled(). Stock timeouts that are set map by meaning: Token: token loss; Hurry:
/// ceiling of the token retransmission; Join: join repetition; Gather: consensus; Seg and Gather
/// together: start; Lookup: search for absent daemons.
[[nodiscard]] membership::RingConfig ring_config_of(const config::Configuration& configuration,
                                                    std::size_t self);

/// The longest datagrams of the ring: DatagramBytes, else what the interfaces of the daemon's
/// addresses take in one piece, under IPv6 as under IPv4, and at most what Ethernet does.
[[nodiscard]] std::size_t wire_bytes_of(const config::Configuration& configuration,
                                        std::size_t self, const std::vector<LocalAddress>& locals);
/// Of these the engine may use so much: sealing takes its part.
[[nodiscard]] std::size_t datagram_bytes_of(const config::Configuration& configuration,
                                            std::size_t self,
                                            const std::vector<LocalAddress>& locals);

[[nodiscard]] membership::GroupConfig group_config_of(const config::Configuration& configuration,
                                                      std::size_t self);

/// What the daemon may use, in bytes: MemoryBudget, else a share of what there is.
[[nodiscard]] std::uint64_t memory_budget_of(const config::Configuration& configuration,
                                             const MemoryLimit& limit);

/// Limits, authentication methods and policies of the session layer. `memory_budget` in bytes, of
/// which queues to clients and memberships get a quarter each; the rest is for the ring's windows
/// and queues, for what sessions take besides, and for the difference between what is counted and
/// what the heap takes for it.
[[nodiscard]] session::SessionConfig session_config_of(const config::Configuration& configuration,
                                                       std::size_t self,
                                                       std::uint64_t memory_budget);

}  // namespace spread::daemon
