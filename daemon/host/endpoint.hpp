#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "config/ip_address.hpp"

namespace spread::daemon {

/// A socket address of either IP family.
struct Endpoint {
    sockaddr_storage storage{};
    socklen_t length = 0;

    [[nodiscard]] int family() const { return storage.ss_family; }
    [[nodiscard]] const sockaddr* address() const;
    [[nodiscard]] sockaddr* address();
    /// "10.0.0.1:4803", "[fe80::1%eth0]:4803"; for a Unix socket "unix".
    [[nodiscard]] std::string to_string() const;
    [[nodiscard]] std::uint16_t port() const;

    /// Same address and port; the scope is not compared.
    friend bool operator==(const Endpoint& a, const Endpoint& b);
};

/// `scope_id` counts for link-local IPv6 addresses without a "%interface" of their own.
[[nodiscard]] Endpoint make_endpoint(const config::IpAddress& address, std::uint16_t port,
                                     unsigned scope_id = 0);

/// The all-zero address of `family`.
[[nodiscard]] config::IpAddress any_address(config::IpAddress::Family family);

/// The IP address inside a socket address; unspecified IPv4 for other families.
[[nodiscard]] config::IpAddress ip_of(const sockaddr* address);

}  // namespace spread::daemon
