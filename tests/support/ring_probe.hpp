#pragma once

#include <chrono>
#include <vector>

#include "tests/support/daemon_process.hpp"
#include "tests/support/deadline.hpp"

namespace spread::support {

/// Returns when these daemons are in one ring, and no others: one client on each joins a group, and
/// every one of them sees them all. The clients are gone, and forgotten, when it returns.
void wait_for_ring(const std::vector<DaemonProcess*>& daemons,
                   std::chrono::milliseconds patience = 2 * kPatience);

}  // namespace spread::support
