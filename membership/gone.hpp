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
    /// When our kernel refused last to send to it; by configuration position.
    std::vector<protocol::Instant> refused;
    bool own_address = false;  ///< our own address is not on this host
    /// An operator wants these not to be heard until then.
    protocol::DaemonSet cut_off;
    protocol::Instant cut_off_until = protocol::Instant::min();

    [[nodiscard]] bool is_cut_off(protocol::Instant now, protocol::DaemonIndex daemon) const {
        return now < cut_off_until && cut_off.contains(daemon);
    }

    /// It runs, in a way that keeps it out: what was known before is over.
    void found(protocol::DaemonSet Gone::*in, protocol::DaemonIndex daemon) {
        forget(daemon);
        (this->*in).insert(daemon);
    }

    void forget(protocol::DaemonIndex daemon) {
        for (auto* set : {&left, &port_closed, &other_config, &other_wire}) {
            set->erase(daemon);
        }
    }
};

}  // namespace spread::membership
