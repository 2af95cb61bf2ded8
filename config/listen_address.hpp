#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "config/ip_address.hpp"

namespace spread::config {

/// Where a TCP server listens, as AdminListen names it.
struct ListenAddress {
    IpAddress address;
    std::uint16_t port = 0;  ///< never 0
};

/// "127.0.0.1:4805", "[::1]:4805"; nothing for anything else, names of hosts included.
[[nodiscard]] std::optional<ListenAddress> parse_listen_address(std::string_view text);

}  // namespace spread::config
