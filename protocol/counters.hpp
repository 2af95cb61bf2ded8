#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/ids.hpp"
#include "protocol/time.hpp"

// The table of counters. A row is the only place where a counter is declared: the struct that
// counts, what a snapshot carries, its name in dumps, and its documentation come from
// it. To add one: a row here, and the line that counts.
//
// ROW(type, name, kind, unit, help): `type` is std::uint64_t, or what else to_number() knows. The
// unit "ns" becomes seconds in metrics. The help begins in lower case and has no full stop; metrics
// add both.

namespace spread::protocol {

enum class CounterKind : std::uint8_t {
    kCounter,  ///< only grows, from 0 at the start
    kGauge     ///< what it is now
};

/// Counted by the ring engine.
#define SPREAD_RING_COUNTERS(ROW)                                                                 \
    ROW(std::uint64_t, packets_sent, kCounter, "packets", "new data packets stamped")             \
    ROW(std::uint64_t, packets_received, kCounter, "packets",                                     \
        "data packets of the current ring, first copies")                                         \
    ROW(std::uint64_t, packets_duplicate, kCounter, "packets",                                    \
        "data packets of the current ring, further copies")                                       \
    ROW(std::uint64_t, packets_retransmitted, kCounter, "packets",                                \
        "data packets sent again on request")                                                     \
    ROW(std::uint64_t, retransmissions_requested, kCounter, "packets",                            \
        "data packets asked for on the token")                                                    \
    ROW(std::uint64_t, tokens_received, kCounter, "tokens", "tokens taken")                       \
    ROW(std::uint64_t, tokens_duplicate, kCounter, "tokens", "copies of tokens, and old ones")    \
    ROW(std::uint64_t, tokens_retransmitted, kCounter, "tokens",                                  \
        "tokens sent again for want of a sign that they arrived")                                 \
    ROW(std::uint64_t, token_losses, kCounter, "tokens",                                          \
        "times the ring, or one that formed, was silent for the token loss timeout")              \
    ROW(std::uint64_t, tokens_late, kCounter, "tokens",                                           \
        "times the ring was silent for more than half of the token loss timeout, and went on")    \
    ROW(std::uint64_t, own_pauses, kCounter, "pauses",                                            \
        "times this daemon did not run for more than half of the token loss timeout")             \
    ROW(Duration, own_pause, kCounter, "ns", "time of these pauses of this daemon")               \
    ROW(std::uint64_t, tokens_granted, kCounter, "tokens",                                        \
        "tokens handed to members that asked, by the representative")                             \
    ROW(std::uint64_t, tokens_leased, kCounter, "tokens",                                         \
        "tokens handed to members that were expected to send next")                               \
    ROW(std::uint64_t, leases_recalled, kCounter, "tokens", "leased tokens that were asked back") \
    ROW(std::uint64_t, messages_submitted, kCounter, "messages",                                  \
        "messages taken from the sessions")                                                       \
    ROW(std::uint64_t, messages_delivered, kCounter, "messages",                                  \
        "messages handed to the sessions")                                                        \
    ROW(std::uint64_t, memberships_installed, kCounter, "rings", "regular configurations")        \
    ROW(std::uint64_t, foreign_packets, kCounter, "packets", "packets of other rings")            \
    ROW(std::uint64_t, packets_malformed, kCounter, "packets",                                    \
        "datagrams dropped because they are damaged or not of a ring")                            \
    ROW(std::uint64_t, packets_other_wire, kCounter, "packets",                                   \
        "datagrams dropped because their version of the wire is not spoken here")                 \
    ROW(std::uint64_t, config_hash_mismatches, kCounter, "packets",                               \
        "packets dropped because their daemon runs another configuration")                        \
    ROW(Seq, high_seq, kGauge, "packets", "highest number known on this ring")                    \
    ROW(Seq, my_aru, kGauge, "packets", "received without a hole up to here")                     \
    ROW(Seq, safe_up_to, kGauge, "packets", "received by all members up to here")                 \
    ROW(std::uint64_t, send_queue_messages, kGauge, "messages",                                   \
        "messages that wait for the token")                                                       \
    ROW(Duration, loss_timeout, kGauge, "ns", "silence after which the ring counts as lost")      \
    ROW(std::uint64_t, daemons_left_out, kGauge, "daemons",                                       \
        "left out for a while, since rings with them failed")                                     \
    ROW(Duration, rotation_time, kGauge, "ns",                                                    \
        "smoothed time of rotations in which the token did not rest")                             \
    ROW(std::uint32_t, flow_window, kGauge, "packets",                                            \
        "data packets that all members together may send per rotation")                           \
    ROW(std::uint32_t, wire_version, kGauge, "version", "of the wire that the ring speaks")

/// Counted by the UDP transport.
#define SPREAD_TRANSPORT_COUNTERS(ROW)                                                           \
    ROW(std::uint64_t, datagrams_sent, kCounter, "datagrams",                                    \
        "datagrams handed to the kernel, each copy to a daemon counted")                         \
    ROW(std::uint64_t, datagrams_received, kCounter, "datagrams", "datagrams received")          \
    ROW(std::uint64_t, bytes_sent, kCounter, "bytes",                                            \
        "bytes of datagrams sent, without the headers of UDP and IP")                            \
    ROW(std::uint64_t, bytes_received, kCounter, "bytes",                                        \
        "bytes of datagrams received, without the headers of UDP and IP")                        \
    ROW(std::uint64_t, send_calls, kCounter, "calls", "system calls that sent datagrams")        \
    ROW(std::uint64_t, receive_calls, kCounter, "calls", "system calls that received datagrams") \
    ROW(std::uint64_t, segmented_sends, kCounter, "sends",                                       \
        "runs of datagrams sent as one by segmentation offload")                                 \
    ROW(std::uint64_t, coalesced_receipts, kCounter, "receipts",                                 \
        "runs of datagrams that the kernel gave as one")                                         \
    ROW(std::uint64_t, send_losses, kCounter, "datagrams",                                       \
        "datagrams that the kernel refused; the ring repairs that")                              \
    ROW(std::uint64_t, truncated, kCounter, "receipts",                                          \
        "receipts larger than a block, or of unknown segment size")                              \
    ROW(std::uint64_t, peer_errors, kCounter, "errors", "port-unreachable messages of peers")    \
    ROW(std::uint64_t, foreign_errors, kCounter, "errors",                                       \
        "port-unreachable messages about peers that did not send them")                          \
    ROW(std::uint64_t, unknown_sources, kCounter, "datagrams",                                   \
        "plain datagrams dropped because their sender is not known to be where they come from")  \
    ROW(std::uint64_t, socket_drops, kCounter, "datagrams",                                      \
        "datagrams that the kernel dropped because a receive buffer was full")                   \
    ROW(std::uint64_t, receive_buffer, kGauge, "bytes",                                          \
        "smallest receive buffer for data packets, the kernel's own cost included")

/// Counted where datagrams are sealed and opened; all 0 on a plain ring.
#define SPREAD_SEALING_COUNTERS(ROW)                                                             \
    ROW(std::uint64_t, datagrams_sealed, kCounter, "datagrams", "datagrams sealed")              \
    ROW(std::uint64_t, datagrams_opened, kCounter, "datagrams",                                  \
        "sealed datagrams that were authentic, new and of a proven stream")                      \
    ROW(std::uint64_t, plain_taken, kCounter, "datagrams",                                       \
        "plain datagrams taken although there is a ring key (RingSealing = accept or send)")     \
    ROW(std::uint64_t, rejected_plain, kCounter, "datagrams",                                    \
        "datagrams dropped because they are not sealed (RingSealing = require)")                 \
    ROW(std::uint64_t, rejected_malformed, kCounter, "datagrams",                                \
        "datagrams dropped because their envelope is not one")                                   \
    ROW(std::uint64_t, rejected_sender, kCounter, "datagrams",                                   \
        "sealed datagrams dropped because they name a sender that is not configured, or us")     \
    ROW(std::uint64_t, rejected_key, kCounter, "datagrams",                                      \
        "sealed datagrams dropped because their key is not in the key file")                     \
    ROW(std::uint64_t, rejected_forged, kCounter, "datagrams",                                   \
        "sealed datagrams dropped because they are forged or damaged")                           \
    ROW(std::uint64_t, rejected_replayed, kCounter, "datagrams",                                 \
        "sealed datagrams dropped because their number has come, or is too old")                 \
    ROW(std::uint64_t, rejected_busy, kCounter, "datagrams",                                     \
        "sealed datagrams dropped because too many asked for a key of their own")                \
    ROW(std::uint64_t, unproven, kCounter, "datagrams",                                          \
        "authentic datagrams of streams that have not answered a challenge yet")                 \
    ROW(std::uint64_t, hellos_sent, kCounter, "datagrams", "challenges, answers and key offers") \
    ROW(std::uint64_t, streams_proven, kCounter, "streams",                                      \
        "streams of other daemons that answered a challenge")                                    \
    ROW(std::uint64_t, keys_taken_over, kCounter, "keys", "ring keys that others handed over")

/// Counted where clients' connections begin; all 0 with ClientTLS = off.
#define SPREAD_TLS_COUNTERS(ROW)                                                                \
    ROW(std::uint64_t, handshakes, kCounter, "handshakes",                                      \
        "TLS handshakes of clients that were finished")                                         \
    ROW(std::uint64_t, failures, kCounter, "handshakes",                                        \
        "TLS handshakes of clients that failed, or did not end in time")                        \
    ROW(std::uint64_t, under_way, kGauge, "handshakes", "TLS handshakes that are not finished") \
    ROW(std::uint64_t, refused_plain, kCounter, "clients",                                      \
        "clients refused because they speak in plain text (ClientTLS = require)")               \
    ROW(std::uint64_t, sessions, kGauge, "clients", "clients that are connected by TLS")

[[nodiscard]] constexpr std::uint64_t to_number(std::uint64_t value) {
    return value;
}
[[nodiscard]] constexpr std::uint64_t to_number(std::uint32_t value) {
    return value;
}
[[nodiscard]] constexpr std::uint64_t to_number(Seq value) {
    return value.value;
}
[[nodiscard]] constexpr std::uint64_t to_number(Duration value) {
    return static_cast<std::uint64_t>(value.count());
}

/// A row, to be read at run time.
struct CounterInfo {
    std::string_view name;
    CounterKind kind;
    std::string_view unit;
    std::string_view help;
};

#define SPREAD_COUNTER_FIELD(type, name, kind, unit, help) type name{};
#define SPREAD_COUNTER_INFO(type, name, kind, unit, help) \
    CounterInfo{#name, CounterKind::kind, unit, help},
#define SPREAD_COUNTER_VALUE(type, name, kind, unit, help) to_number(counters.name),

/// Plain numbers with one writer.
struct RingCounters {
    SPREAD_RING_COUNTERS(SPREAD_COUNTER_FIELD)
};
struct TransportCounters {
    SPREAD_TRANSPORT_COUNTERS(SPREAD_COUNTER_FIELD)
};
struct SealingCounters {
    SPREAD_SEALING_COUNTERS(SPREAD_COUNTER_FIELD)
};

struct TlsCounters {
    SPREAD_TLS_COUNTERS(SPREAD_COUNTER_FIELD)
};

inline constexpr std::array kRingCounters = {SPREAD_RING_COUNTERS(SPREAD_COUNTER_INFO)};
inline constexpr std::array kTransportCounters = {SPREAD_TRANSPORT_COUNTERS(SPREAD_COUNTER_INFO)};
inline constexpr std::array kSealingCounters = {SPREAD_SEALING_COUNTERS(SPREAD_COUNTER_INFO)};
inline constexpr std::array kTlsCounters = {SPREAD_TLS_COUNTERS(SPREAD_COUNTER_INFO)};

/// In the order of the rows.
[[nodiscard]] inline std::array<std::uint64_t, kRingCounters.size()> values_of(
    const RingCounters& counters) {
    return {SPREAD_RING_COUNTERS(SPREAD_COUNTER_VALUE)};
}
[[nodiscard]] inline std::array<std::uint64_t, kTransportCounters.size()> values_of(
    const TransportCounters& counters) {
    return {SPREAD_TRANSPORT_COUNTERS(SPREAD_COUNTER_VALUE)};
}
[[nodiscard]] inline std::array<std::uint64_t, kSealingCounters.size()> values_of(
    const SealingCounters& counters) {
    return {SPREAD_SEALING_COUNTERS(SPREAD_COUNTER_VALUE)};
}

[[nodiscard]] inline std::array<std::uint64_t, kTlsCounters.size()> values_of(
    const TlsCounters& counters) {
    return {SPREAD_TLS_COUNTERS(SPREAD_COUNTER_VALUE)};
}

#undef SPREAD_COUNTER_FIELD
#undef SPREAD_COUNTER_INFO
#undef SPREAD_COUNTER_VALUE

}  // namespace spread::protocol
