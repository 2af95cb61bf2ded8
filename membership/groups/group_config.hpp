#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/roster.hpp"

namespace spread::membership {

/// What the group layer knows of the configuration: daemons in file order. Names are 1..19 bytes.
struct GroupConfig {
    std::vector<protocol::RosterEntry> daemons;
    protocol::DaemonId self;  ///< must be among them
    /// Bytes of one state message at most; a table that needs more travels in several parts. At
    /// least kGroupStateBytesMin of group_wire.hpp is used.
    std::size_t state_message_bytes_max = 100000;
    /// Views of a group that begins to exist count on from here. All daemons have the same; another
    /// than 0 is for tests, which come to the end of the numbers so.
    std::int32_t index_before_first = 0;
};

}  // namespace spread::membership
