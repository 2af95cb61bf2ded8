#pragma once

#include <cstdint>
#include <string>

#include "config/configuration.hpp"

namespace spread::daemon {

/// node1 to node3 with ids 1 to 3 at 10.0.0.1 to 10.0.0.3, in one segment with a group address.
inline config::Configuration three_nodes() {
    config::Configuration out;
    config::Segment segment;
    segment.addresses = {*config::parse_ip("239.192.0.7")};
    for (std::uint8_t i = 1; i <= 3; ++i) {
        config::Daemon daemon;
        daemon.name = "node" + std::to_string(i);
        daemon.id = i;
        daemon.address = *config::parse_ip("10.0.0." + std::to_string(i));
        out.daemons.push_back(daemon);
        segment.daemons.push_back(i - 1U);
    }
    out.segments.push_back(segment);
    return out;
}

}  // namespace spread::daemon
