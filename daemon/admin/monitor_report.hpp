#pragma once

#include "daemon/admin/status.hpp"
#include "protocol/monitor_wire.hpp"

namespace spread::admin {

/// The status as stock's monitor knows it. docs/status.md says which field is which.
[[nodiscard]] protocol::MonitorReport monitor_report(const Status& status);

}  // namespace spread::admin
