#pragma once

#include <optional>

#include "daemon/host/endpoint.hpp"

namespace spread::daemon {

/// What the kernel was told of a datagram that it had sent (IP_RECVERR, ip(7)).
struct SendError {
    Endpoint destination;           ///< of the datagram
    bool port_unreachable = false;  ///< nobody listens there
    /// The destination's own address says so. Of anybody else it is hearsay: a forged ICMP message
    /// needs no more than an address and two ports.
    bool by_destination = false;
};

/// The next message of the error queue of UDP socket `fd`; nullopt at its end.
[[nodiscard]] std::optional<SendError> next_error(int fd);

}  // namespace spread::daemon
