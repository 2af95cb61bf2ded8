#pragma once

#include <chrono>
#include <cstdint>

#include "daemon/admin/status.hpp"
#include "protocol/daemon_report.hpp"
#include "protocol/monitor_wire.hpp"

namespace spread::admin {

/// The status as stock's monitor knows it. docs/status.md says which field is which.
[[nodiscard]] protocol::MonitorReport monitor_report(const Status& status);
/// What other daemons of this project are told beyond that. `held`: since they asked.
[[nodiscard]] protocol::DaemonReport daemon_report(const Status& status, std::uint64_t question,
                                                   std::chrono::microseconds held);

}  // namespace spread::admin
