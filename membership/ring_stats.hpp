#pragma once

#include <array>
#include <cstdint>

#include "protocol/ids.hpp"
#include "protocol/result.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

/// Counters of one engine, plain integers with one writer. Monotonic unless stated.
struct RingStats {
    std::uint64_t packets_sent = 0;      ///< new data packets stamped
    std::uint64_t packets_received = 0;  ///< data packets of the current ring, first copies
    std::uint64_t packets_duplicate = 0;
    std::uint64_t packets_retransmitted = 0;  ///< data packets sent again on request
    std::uint64_t retransmissions_requested = 0;
    std::uint64_t tokens_received = 0;
    std::uint64_t tokens_duplicate = 0;
    std::uint64_t tokens_retransmitted = 0;
    std::uint64_t token_losses = 0;
    std::uint64_t tokens_granted = 0;   ///< to members that asked; counted by the representative
    std::uint64_t tokens_leased = 0;    ///< to members that were expected to send next
    std::uint64_t leases_recalled = 0;  ///< of these, how many were asked back
    std::uint64_t messages_submitted = 0;
    std::uint64_t messages_delivered = 0;
    std::uint64_t memberships_installed = 0;  ///< regular configurations
    std::uint64_t foreign_packets = 0;        ///< of other rings
    std::uint64_t config_hash_mismatches = 0;
    std::uint32_t last_mismatched_hash = 0;  ///< gauge: the other hash seen last
    protocol::DaemonId last_mismatched_sender;
    std::array<std::uint64_t, protocol::kDecodeErrorCount> decode_errors{};

    protocol::Seq high_seq;                 ///< gauge: highest number known on this ring
    protocol::Seq my_aru;                   ///< gauge: received without a hole up to here
    protocol::Seq safe_up_to;               ///< gauge: received by all up to here
    std::uint64_t send_queue_messages = 0;  ///< gauge
    protocol::Duration rotation_time{};     ///< gauge: smoothed token rotation time when busy
    std::uint32_t flow_window = 0;          ///< gauge: packets per rotation allowed to all members
};

}  // namespace spread::membership
