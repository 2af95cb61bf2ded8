#pragma once

#include <nlohmann/json.hpp>

#include "config/configuration.hpp"

namespace spread::daemon {

/// Each configured daemon: name, id, address, port, segment.
[[nodiscard]] nlohmann::ordered_json daemons_json(const config::Configuration& configuration);

/// Each option: its value, its default, where the value comes from, and what a change needs.
/// Nothing secret is among them.
[[nodiscard]] nlohmann::ordered_json options_json(const config::Configuration& configuration);

}  // namespace spread::daemon
