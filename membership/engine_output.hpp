#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "membership/events.hpp"
#include "membership/path_size.hpp"
#include "protocol/buffer.hpp"
#include "protocol/ids.hpp"
#include "protocol/time.hpp"

// What the ring engine gives its host to carry out. A header of its own so that transports know
// datagrams and destinations, and nothing of the engine.

namespace spread::membership {

/// Whom a datagram is for. The transport knows addresses; the engine knows daemons.
enum class Destination : std::uint8_t {
    kDaemon,  ///< one daemon
    kAll      ///< every configured daemon that can be reached, except this one
};

/// Which socket a datagram belongs to: tokens travel apart from data so that the reader can choose
/// which to drain first (except in a DataToken).
enum class Channel : std::uint8_t { kData, kToken };

/// By which way a datagram came, as its receiver's sockets tell it.
enum class Arrival : std::uint8_t {
    kUnicast,  ///< data, sent to this daemon's address
    kGroup,    ///< data, sent to a multicast or broadcast address
    kToken
};

/// What says that a datagram arrived as it was sent. The tag of a seal does so better than the
/// checksum inside, which then need not be looked at.
enum class Vouched : std::uint8_t { kByChecksum, kByTag };

/// Of a datagram that was sent by `channel`, and to a group address or not.
[[nodiscard]] constexpr Arrival arrival_by(Channel channel, bool to_group) {
    if (channel == Channel::kToken) {
        return Arrival::kToken;
    }
    return to_group ? Arrival::kGroup : Arrival::kUnicast;
}

struct OutboundPacket {
    Destination destination = Destination::kAll;
    Channel channel = Channel::kData;
    protocol::DaemonId to;     ///< for kDaemon
    protocol::Slice datagram;  ///< immutable
};

/// What one call produced. Owned and reused by the caller, who clears it.
struct EngineOutput {
    std::vector<OutboundPacket> sends;      ///< transmit in this order, token included
    std::vector<DeliveryEvent> deliveries;  ///< hand upward in this order
    /// Set when it has changed: whom a datagram for all is sent to by itself as well, from these
    /// sends on, because the group address does not reach it.
    std::optional<protocol::MemberList> one_by_one;

    /// Set when it is not what the last configuration, or the last of these, said.
    std::optional<std::vector<Absence>> missing;

    /// Set when this daemon was found not to have run for so long that it gives nobody up for it.
    std::optional<protocol::Duration> not_run_for;
    /// A ring begins whose datagrams are shorter, because this member does not get longer ones.
    std::optional<PathSize::Narrow> narrow;
    /// A daemon has shown its settings, which differ from ours.
    std::optional<std::pair<protocol::DaemonId, std::string>> settings;

    void clear() {
        narrow.reset();
        settings.reset();
        missing.reset();
        not_run_for.reset();
        sends.clear();
        deliveries.clear();
        one_by_one.reset();
    }
};

}  // namespace spread::membership
