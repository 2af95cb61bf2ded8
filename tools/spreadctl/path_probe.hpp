#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "config/configuration.hpp"
#include "daemon/loaded.hpp"
#include "tools/spreadctl/finding.hpp"

namespace spread::spreadctl {

/// Sends to the doctors of the other hosts, and hears them, on the daemon's own ports, by the ways
/// that its ring depends on. Ends when all pairs of this host are known to be well, or after
/// `patience`. Throws daemon::StartupError when the ports cannot be had.
[[nodiscard]] std::vector<Finding> probe_paths(const daemon::Loaded& loaded,
                                               std::chrono::milliseconds patience);

}  // namespace spread::spreadctl
