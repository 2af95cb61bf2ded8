#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/roster.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

struct EngineCore;

/// Why a configured daemon is not in the ring. A closed list.
enum class Cause : std::uint8_t {
    kUnknown,
    kLeft,          ///< it said goodbye
    kPortClosed,    ///< its host says that nobody listens there
    kSilent,        ///< nobody in the ring hears it
    kTokenPort,     ///< packets to a token port do not arrive
    kDataPort,      ///< packets to a data port do not arrive
    kMulticast,     ///< a group address does not get through, and nothing else was tried yet
    kLargePackets,  ///< only small datagrams arrive
    kOneWay,        ///< one hears the other, who hears nothing
    kNoProgress,    ///< rings with it failed, though it is heard well
    kOtherConfig,   ///< it runs another configuration
    kOtherWire,     ///< it speaks another version of the wire
    kSameIdentity,  ///< several hosts claim to be it
    kOwnPause,      ///< this daemon was not run
    kOwnAddress,    ///< this daemon has lost its address
    kSendError,     ///< the kernel refuses to send to it
    kPartition      ///< an operator has cut it off, to try something
};

/// Its word in status, events and metrics: "token_port". Words are never changed.
[[nodiscard]] std::string_view to_string(Cause cause);

/// A configured daemon that is not in the ring.
struct Absence {
    protocol::DaemonId daemon;
    Cause cause = Cause::kUnknown;
    /// Of a bad link: at whom packets do not arrive, and whose. One of them is `daemon`.
    protocol::DaemonId hearer;
    protocol::DaemonId speaker;
    /// Of kSameIdentity: the two lives.
    std::array<protocol::Incarnation, 2> claimants{};
    /// Of a bad link: further members whose link with `daemon`, in the same direction, is bad in
    /// the same way, by place in the configuration.
    protocol::DaemonSet others{};

    friend bool operator==(const Absence&, const Absence&) = default;
};

/// Who is missing in the installed ring, in configuration order, and why as far as joins and probes
/// have shown it.
[[nodiscard]] std::vector<Absence> absences(const EngineCore& core, protocol::Instant now);

}  // namespace spread::membership
