#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/admin/status.hpp"
#include "protocol/monitor_wire.hpp"
#include "protocol/roster.hpp"

namespace spread::admin {

/// A configured daemon that was asked how it is.
struct DaemonAnswer {
    std::string daemon;
    std::string address;
    std::optional<protocol::MonitorReport> report;  ///< nothing: it did not answer
};

/// What all daemons say of themselves, in the order of the configuration, and why those are missing
/// that are `missing` in the ring of the daemon that asks; see docs/status.md.
[[nodiscard]] std::string cluster_json(const std::vector<DaemonAnswer>& answers,
                                       const std::vector<MissingStatus>& missing,
                                       const protocol::Roster& roster);

}  // namespace spread::admin
