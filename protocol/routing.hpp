#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "protocol/ids.hpp"

namespace spread::protocol {

/// A segment as routing sees it.
struct RouteSegment {
    MemberList daemons;  ///< file order
    /// Addresses that reach the whole segment with one send: multicast, or the broadcast address of
    /// the network the segment lives on. 0 when the segment can only be reached daemon by daemon.
    std::size_t group_addresses = 0;
};

/// Where one copy of a datagram for everybody goes. The plan depends on the configuration alone,
/// never on who is alive: a datagram reaches each daemon without the help of a third one.
struct RoutePlan {
    std::size_t own_segment = 0;      ///< index into the segments planned for
    std::size_t group_addresses = 0;  ///< send to each of the own segment's group addresses
    MemberList unicast;               ///< and once to each of these, in file order

    friend bool operator==(const RoutePlan&, const RoutePlan&) = default;
};

/// Plans how `self` reaches all other configured daemons:
/// - the own segment by its group addresses when another daemon lives in it, else not at all;
///   without a group address each of its daemons by unicast;
/// - daemons of other segments by unicast. Stock sends one copy to the first live daemon of a
///   segment, which repeats it locally; a datagram then depends on that daemon's
///   life, and every crash of it loses packets of others. Copies are cheaper than that.
/// Used by the daemon's UDP transport and by the simulator. `self` must be in one segment.
[[nodiscard]] RoutePlan plan_route(std::span<const RouteSegment> segments, DaemonId self);

/// Tokens travel on the port after the data port, which is never the last one: the configuration
/// refuses that.
[[nodiscard]] constexpr std::uint16_t token_port_of(std::uint16_t data_port) {
    return static_cast<std::uint16_t>(data_port + 1);
}

}  // namespace spread::protocol
