#pragma once

#include <array>
#include <cstdint>

#include "membership/rotation_times.hpp"
#include "protocol/counters.hpp"
#include "protocol/ids.hpp"
#include "protocol/result.hpp"

namespace spread::membership {

/// What one engine counts: the rows of the table in protocol/counters.hpp, which everybody sees,
/// and what explains some of them.
struct RingStats : protocol::RingCounters {
    std::uint32_t last_mismatched_hash = 0;  ///< the other configuration's hash seen last
    protocol::DaemonId last_mismatched_sender;
    /// Of packets_malformed and packets_other_wire, how many for which reason.
    std::array<std::uint64_t, protocol::kDecodeErrorCount> decode_errors{};
    RotationTimes rotations;
};

}  // namespace spread::membership
