#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "config/configuration.hpp"
#include "config/ip_address.hpp"
#include "daemon/host/endpoint.hpp"
#include "daemon/ring/foreign_datagram.hpp"
#include "membership/absence.hpp"
#include "membership/events.hpp"
#include "membership/last_heard.hpp"
#include "membership/received_from.hpp"
#include "membership/ring_engine.hpp"
#include "membership/rotation_times.hpp"
#include "membership/trace.hpp"
#include "protocol/ids.hpp"
#include "protocol/roster.hpp"
#include "protocol/time.hpp"

namespace spread::daemon {

/// What the ring could not read.
struct RefusedDatagram {
    protocol::Instant at{};
    Endpoint source;
    ForeignDatagram what;
};

/// "TokenTimeout is 400 ms there, 250 ms here", of a daemon.
using SettingsDifferences = std::vector<std::pair<protocol::DaemonId, std::string>>;

/// The ring as it was at one moment, for other threads.
struct RingFacts {
    protocol::Instant at{};
    membership::RingState state{};
    protocol::RingId ring;
    protocol::MemberList members;
    // By configuration position.
    membership::LastHeard last_heard{0};
    membership::ReceivedFrom received_from{0};
    std::uint32_t settings_sum = 0;  ///< see RingEngine
    protocol::MemberList cut_off;    ///< by an operator
    std::uint32_t personal_window = 0;
    std::uint32_t accelerated_window = 0;
    std::uint32_t window_limit = 0;
    membership::RotationTimes rotations{};
    /// By place, of a ring whose daemons have names in place of addresses.
    std::vector<std::optional<config::IpAddress>> addresses{};
    std::optional<RefusedDatagram> refused{};  ///< the last one
    SettingsDifferences differences{};         ///< of those that have shown their settings
    protocol::DaemonSet other_settings{};      ///< whose settings differ now, by place
    std::pair<protocol::Duration, protocol::Duration> token_timeout{};  ///< as set: least, most

    /// Where `daemon`, at `place`, is now, as far as is known.
    [[nodiscard]] static std::optional<config::IpAddress> address_of(const RingFacts* facts,
                                                                     const config::Daemon& daemon,
                                                                     std::size_t place) {
        if (daemon.host.empty()) {
            return daemon.address;
        }
        return facts != nullptr && place < facts->addresses.size() ? facts->addresses[place]
                                                                   : std::nullopt;
    }
};

/// Hears what changes in the ring, on whichever thread does the ring's work, in order.
class RingObserver {
  public:
    virtual ~RingObserver() = default;
    virtual void on_state_change(const membership::StateChange& change) = 0;
    /// A regular configuration.
    virtual void on_installed(const membership::ConfigurationChange& change) = 0;
    /// Who is missing, or why, has changed since.
    virtual void on_missing(std::span<const membership::Absence> missing) = 0;
    /// Whom a group address does not reach, for a while already; sent to one by one meanwhile.
    virtual void on_without_group(const protocol::MemberList& daemons) = 0;
    /// What `daemon` has otherwise in its file, for people; not what was told last.
    virtual void on_difference(protocol::DaemonId daemon, const std::string& difference) = 0;
};

}  // namespace spread::daemon
