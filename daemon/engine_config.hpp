#pragma once

#include <cstddef>

#include "config/configuration.hpp"
#include "daemon/session/session_core.hpp"
#include "membership/groups/group_engine.hpp"
#include "membership/ring_config.hpp"

namespace spread::daemon {

/// The ring engine's view of a configuration: what the file sets, settled by the rules of
/// RingConfig::settled(). Stock timeouts that are set map by meaning: Token: token loss; Hurry:
/// ceiling of the token retransmission; Join: join repetition; Gather: consensus; Seg and Gather
/// together: start; Lookup: search for absent daemons (configuration 4).
[[nodiscard]] membership::RingConfig ring_config_of(const config::Configuration& configuration,
                                                    std::size_t self);

[[nodiscard]] membership::GroupConfig group_config_of(const config::Configuration& configuration,
                                                      std::size_t self);

/// Limits, authentication methods and policies of the session layer.
[[nodiscard]] session::SessionConfig session_config_of(const config::Configuration& configuration,
                                                       std::size_t self);

}  // namespace spread::daemon
