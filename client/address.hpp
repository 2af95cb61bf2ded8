#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "client/codec/error.hpp"

namespace spread::client {

inline constexpr std::uint16_t kDefaultPort = 4803;

/// Where a daemon listens.
///
///   4803              Unix socket /tmp/4803 (as the stock libraries take it)
///   4803@host         TCP; host is a name, an IPv4 or an IPv6 address, with or without [ ]
///   /run/spread.sock  Unix socket by path
///   (empty)           the default port's Unix socket
///
/// Any of them may be preceded by `ns:NAME:`, which opens the socket inside the network namespace
/// /run/netns/NAME.
struct Address {
    std::string text;               ///< as given, for messages
    std::string network_namespace;  ///< empty: where we are
    std::string unix_path;          ///< empty for TCP
    std::string host;               ///< empty for Unix sockets
    std::uint16_t port = kDefaultPort;

    [[nodiscard]] bool is_unix() const { return !unix_path.empty(); }
};

/// The grammar above; stock's rules where stock has some (CP 2.2).
[[nodiscard]] Result<Address> parse_address(std::string_view text);

}  // namespace spread::client
