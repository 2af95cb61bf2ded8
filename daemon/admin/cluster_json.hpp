#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "daemon/admin/status.hpp"
#include "protocol/daemon_report.hpp"
#include "protocol/monitor_wire.hpp"
#include "protocol/roster.hpp"

namespace spread::admin {

/// A configured daemon that was asked how it is.
struct DaemonAnswer {
    std::string daemon;
    std::string address;
    std::optional<protocol::MonitorReport> report{};  ///< nothing: it did not answer
    std::optional<protocol::DaemonReport> more{};     ///< nothing: its release does not tell
    std::optional<std::chrono::microseconds> rtt{};   ///< of a datagram to it and back
};

/// What all daemons say of themselves and of each other, in the order of the configuration, and why
/// those are missing that are missing in `ring`, that of the daemon that asks; with what it knows
/// of `peers`. See docs/status.md.
[[nodiscard]] std::string cluster_json(const std::vector<DaemonAnswer>& answers,
                                       const RingStatus& ring, const protocol::Roster& roster,
                                       const std::vector<PeerStatus>& peers = {});

}  // namespace spread::admin
