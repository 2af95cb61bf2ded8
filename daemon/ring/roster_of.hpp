#pragma once

#include "config/configuration.hpp"
#include "protocol/roster.hpp"

namespace spread::daemon {

/// The daemons of a configuration, in the order of its file.
[[nodiscard]] protocol::Roster roster_of(const config::Configuration& configuration);

}  // namespace spread::daemon
