#pragma once

#include <array>
#include <compare>
#include <cstdint>

#include "config/ip_address.hpp"

namespace spread::access {

/// Where a client connects from, as rules see it.
///
/// An IPv4 client that reaches an IPv6 socket has an IPv4-mapped address (::ffff:a.b.c.d); it
/// counts as the IPv4 address it is, so that one rule fits it on every listener.
struct PeerAddress {
    enum class Kind : std::uint8_t { kUnix, kV4, kV6 };
    Kind kind = Kind::kUnix;
    std::array<std::uint8_t, 16> bytes{};  ///< network order; the first 4 for IPv4, the rest zero

    /// A client of the Unix socket.
    [[nodiscard]] static PeerAddress unix_socket() { return {}; }
    /// A client of a TCP socket. The scope of an IPv6 address plays no part.
    [[nodiscard]] static PeerAddress of(const config::IpAddress& address);

    /// What one client may take the addresses of at will: this host (as unix_socket()), an IPv6
    /// network of 64 bits, or the address itself.
    [[nodiscard]] PeerAddress place() const;

    friend bool operator==(const PeerAddress&, const PeerAddress&) = default;
    friend auto operator<=>(const PeerAddress&, const PeerAddress&) = default;
};

}  // namespace spread::access
