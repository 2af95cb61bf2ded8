#pragma once

#include <cstddef>
#include <vector>

#include "protocol/roster.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

/// What is known of daemons that are not in the ring, other than whom they hear; until they are
/// heard again.
struct Gone {
    explicit Gone(std::size_t daemons) : refused(daemons, protocol::Instant::min()) {}

    protocol::DaemonSet left;
    protocol::DaemonSet port_closed;
    protocol::DaemonSet other_config;
    protocol::DaemonSet other_wire;
    protocol::DaemonSet stalled;
    /// When our kernel refused last to send to it; by configuration position.
    std::vector<protocol::Instant> refused;
    bool own_address = false;  ///< our own address is not on this host

    void forget(protocol::DaemonIndex daemon) {
        for (auto* set : {&left, &port_closed, &other_config, &other_wire}) {
            set->erase(daemon);
        }
    }
};

}  // namespace spread::membership
