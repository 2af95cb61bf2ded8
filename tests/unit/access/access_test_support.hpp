#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostics.hpp"
#include "config/ip_address.hpp"
#include "daemon/access/peer_address.hpp"

namespace spread::access {

/// The peer with this address; "" is a client of the Unix socket.
inline PeerAddress peer(std::string_view text) {
    if (text.empty()) {
        return PeerAddress::unix_socket();
    }
    const auto address = config::parse_ip(text);
    if (!address) {
        throw std::invalid_argument("no address: " + std::string(text));
    }
    return PeerAddress::of(*address);
}

/// One line per problem, without the file name.
inline std::vector<std::string> lines_of(const std::vector<config::Diagnostic>& diagnostics) {
    std::vector<std::string> lines;
    for (const config::Diagnostic& diagnostic : diagnostics) {
        lines.push_back(config::format(diagnostic, "").substr(1));
    }
    return lines;
}

}  // namespace spread::access
