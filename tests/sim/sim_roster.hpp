#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "protocol/roster.hpp"

namespace spread::sim {

/// The daemons of a scenario: d1, d2, and so on.
inline protocol::Roster roster_of(std::size_t daemons) {
    std::vector<protocol::RosterEntry> entries;
    for (std::uint32_t i = 1; i <= daemons; ++i) {
        entries.push_back({protocol::DaemonId{i}, "d" + std::to_string(i)});
    }
    return protocol::Roster(std::move(entries));
}

}  // namespace spread::sim
