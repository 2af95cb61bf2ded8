#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "protocol/ids.hpp"

namespace spread::membership {

/// What the group layer knows of the configuration: daemons in file order. Names are 1..19 bytes.
struct GroupConfig {
    struct Daemon {
        protocol::DaemonId id;
        std::string name;
    };
    std::vector<Daemon> daemons;
    protocol::DaemonId self;
    /// Bytes of one state message at most; a table that needs more travels in several parts. At
    /// least kGroupStateBytesMin of group_wire.hpp is used.
    std::size_t state_message_bytes_max = 100000;
};

}  // namespace spread::membership
