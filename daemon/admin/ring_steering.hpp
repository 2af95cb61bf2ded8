#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "daemon/admin/admin_commands.hpp"
#include "daemon/admin/history.hpp"
#include "daemon/admin/status_parts.hpp"
#include "daemon/ring/ring_link.hpp"
#include "membership/ring_config.hpp"
#include "protocol/monitor_wire.hpp"
#include "protocol/roster.hpp"

namespace spread::admin {

/// What operators do to this daemon's part in the ring to try something: by the control socket, or
/// by stock's monitor. Only with DangerousMonitor; logged with whose it is, and remembered. For the
/// thread that runs `io`.
class RingSteering {
  public:
    /// A partition that is not renewed ends after so long, as stock's does.
    static constexpr std::chrono::seconds kPartitionTime{60};

    struct Result {
        bool is_done = false;
        std::string text;  ///< one line
    };

    /// All must outlive this object.
    RingSteering(boost::asio::io_context& io, const StatusParts& parts, History& history,
                 const AdminCommands& commands);
    RingSteering(const RingSteering&) = delete;
    RingSteering& operator=(const RingSteering&) = delete;

    /// Whoever is in another component than this daemon is not heard any more; one component for
    /// all heals; MonitorPartition::kEnd for this daemon stops it. `who` is for the log.
    Result partition(const protocol::MonitorPartition& wanted, const std::string& who);
    Result flow_control(const protocol::MonitorFlowControl& wanted, const std::string& who);
    Result reload(const std::string& who);
    void stop();

    [[nodiscard]] const protocol::Roster& roster() const { return roster_; }
    [[nodiscard]] bool is_allowed() const;

  private:
    void cut_off(const std::vector<std::int16_t>& components);
    void send(daemon::ControlItem wish);
    void note(const std::string& who, std::string what);
    [[nodiscard]] Result refused(const std::string& who, const std::string& what) const;

    const StatusParts parts_;
    History& history_;
    const AdminCommands& commands_;
    const protocol::Roster roster_;
    boost::asio::steady_timer timer_;                  ///< until the partition ends
    std::vector<std::int16_t> components_;             ///< in force; empty: no partition
    std::optional<membership::WindowChange> windows_;  ///< set last
    std::optional<std::chrono::steady_clock::time_point> reloaded_at_;
};

}  // namespace spread::admin
