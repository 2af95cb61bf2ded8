#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "membership/ring_engine.hpp"
#include "protocol/result.hpp"
#include "protocol/ring_wire.hpp"
#include "tests/checker/group_checker.hpp"

namespace spread::sim {

/// 0 is the daemon written "d1", client "c1", group "g1".
using DaemonIndex = std::uint16_t;
using ClientIndex = std::uint16_t;

/// What a file may name at most.
inline constexpr std::size_t kSegmentsMax = 20;
inline constexpr std::size_t kDaemonsMax = 128;
inline constexpr std::size_t kClientsMax = 4000;
inline constexpr std::size_t kGroupsMax = 1000;

/// What the network does to packets, everywhere. Probabilities are in millionths, per packet and
/// receiver.
struct Rates {
    std::uint32_t loss = 0;
    std::uint32_t burst = 0;          ///< a run of losses at one receiver starts
    std::uint32_t burst_packets = 8;  ///< and takes so many packets
    std::uint32_t duplicate = 0;
    std::uint32_t late = 0;  ///< a packet takes `late_us` more
    std::uint32_t late_us = 30000;
    std::uint32_t reorder = 0;      ///< a packet takes up to a few latencies more
    std::uint32_t corrupt = 0;      ///< bits flip, bytes are cut off or added
    std::uint32_t replay = 0;       ///< some older packet of any ring and life comes with it
    std::uint32_t latency_us = 50;  ///< at least
    std::uint32_t jitter_us = 50;   ///< exponential tail with this mean

    friend bool operator==(const Rates&, const Rates&) = default;
};

/// Numbers that hold for a whole run. 0 keeps the product's default where that makes sense.
/// Durations are in microseconds of virtual time.
struct Tunables {
    std::uint32_t token_loss_us = 0;
    std::uint32_t token_loss_max_us = 0;  ///< up to which the loss timeout is learnt
    std::uint32_t token_retransmit_us = 0;
    std::uint32_t token_hold_us = 0;
    std::uint32_t token_settle_us = 0;
    std::uint32_t lease_after_hits = 0;
    std::uint32_t join_us = 0;
    std::uint32_t consensus_us = 0;
    std::uint32_t start_us = 0;
    std::uint32_t merge_detect_us = 0;
    std::uint32_t window = 0;
    std::uint32_t personal_window = 0;
    std::uint32_t accelerated_window = 0;
    std::uint32_t plain = 0;         ///< 1: no accelerated ring
    std::uint32_t window_max = 0;    ///< default: windows that are set are fixed
    std::uint32_t receive_room = 0;  ///< bytes that daemons believe to fit their sockets
    std::uint32_t gap_max = 0;
    std::uint32_t datagram_bytes = 0;
    std::uint32_t send_queue_messages = 0;
    std::uint32_t session_messages = 0;  ///< MaxSessionMessages
    std::uint32_t session_bytes = 0;     ///< MaxSessionBytes
    std::uint32_t queued_bytes = 0;      ///< of all queues to clients together
    std::uint32_t turn_units = 0;        ///< of work on ring events in a turn of the session side
    std::uint32_t socket_bytes = 0;      ///< that the socket to a client takes before it is full
    std::uint32_t password_us = 0;       ///< what checking a password takes; 0: none is asked for
    std::uint32_t session_block_us = 0;  ///< SlowReaderTimeout with policy block; 0: disconnect
    std::uint32_t delivery_queue = 0;    ///< between ring and session side
    std::uint32_t submit_queue = 0;
    std::uint32_t receive_queue = 0;        ///< packets a socket holds; more are lost
    std::uint32_t state_message_bytes = 0;  ///< parts of the group state exchange
    std::uint32_t session_delay_us = 0;     ///< from a delivery until the session side looks
    std::uint32_t port_unreachable = 0;     ///< 1: hosts answer for dead daemons and closed ports
    std::uint32_t sealed = 0;               ///< how the ring is sealed (Sealed); 0: not at all
    std::uint32_t named = 0;                ///< 1: daemons have names in place of addresses
    // How many are left until a multiple of 2^32 is passed; 2^31 more: until an odd one of 2^31.
    std::uint32_t counters_left = 0;  ///< of rings, when the run begins
    std::uint32_t packets_left = 0;   ///< numbers of packets, when a ring begins
    std::uint32_t indices_left = 0;   ///< of views, when a group begins

    friend bool operator==(const Tunables&, const Tunables&) = default;
};

/// When a step is taken. Steps are taken in the order they are written; each waits for its moment
/// after the one before was taken.
struct Moment {
    enum class Kind : std::uint8_t {
        kAt,      ///< virtual time since the run began; at once when it has passed
        kAfter,   ///< so long after the step before
        kPacket,  ///< the `count`-th matching packet is about to be sent (before it is)
        kState    ///< a daemon enters a ring state for the `count`-th time
    };
    Kind kind = Kind::kAfter;
    std::uint64_t time_us = 0;
    protocol::PacketKind packet{};
    std::optional<DaemonIndex> from;  ///< of a packet; or whose state; absent: anybody
    std::optional<DaemonIndex> to;    ///< of a packet
    std::uint32_t pass = 0;           ///< of a commit token: 1 or 2; 0: any
    std::uint32_t count = 1;
    membership::RingState state{};

    friend bool operator==(const Moment&, const Moment&) = default;
};

enum class StateFate : std::uint8_t {
    kKept,
    kLost,  ///< the state file is gone; the clock runs right
    kStale  ///< it is an older one; the clock runs right
};

/// What a firewall, a switch without multicast, or a narrow path takes away.
enum class Way : std::uint8_t {
    kToken,  ///< the token port
    kData,   ///< the data port, whatever address it was sent to
    kGroup,  ///< what was sent to a group address
    kLarge   ///< datagrams of more than three quarters of the largest
};

enum class Action : std::uint8_t {
    // Daemons: `who`.
    kStart,  ///< those that are not up; `fate` of their state file; all when `who` is empty
    kCrash,
    kLeave,  ///< orderly stop
    kPause,  ///< the process stops; packets wait in its sockets
    kContinue,
    kSlow,          ///< each handler of the ring side takes `value` us more; 0 ends it
    kClogSessions,  ///< the session side takes nothing (value 1) or goes on (0)
    kDrift,         ///< its clock runs `value` ppm fast (signed)
    kStepClock,     ///< its wall clock jumps by `value` us (signed); seen at the next start
    kRotate,        ///< its operator wants another ring key
    kFillDisk,      ///< its keys cannot be written (value 1), or can be again (0)
    kSeal,          ///< it seals in another way: accept (value 0), send (1), require (2)
    kRelease,       ///< it restarts as one that speaks the ring's wire up to version `value`
    kMove,          ///< it gets an address that nobody had; several: each the one of the next
    kAnswerNames,   ///< its resolver answers as Names::Answers says, by `value`
    kConfigure,     ///< it reads another version of the configuration: restarts with hash `value`
    // Network.
    kPartition,  ///< `parts`; daemons in none of them are alone
    kHeal,       ///< every link works, no partition, nothing clogged
    kLink,       ///< from who[0] to who[1], one way: up (value 1) or down (0)
    kClog,       ///< packets from who[0] to who[1] wait (value 1) or come now at once (0)
    kBlock,      ///< `way` from who[0] to who[1]: nothing arrives (value 1), or it does again (0)
    kRumour,     ///< the kernel of who[0] says that nobody listens at who[1]
    kDelay,      ///< packets of `packet` (absent: any), `from`, `to` take `value` us more
    kDrop,       ///< the next `value` packets of `packet` (absent: any), `from`, `to`
    kRates,      ///< `rates` from now on
    // Clients: who[0] is the client.
    kConnect,     ///< to daemon who[1]; `flag`: wants memberships
    kJoin,        ///< groups[0]
    kLeaveGroup,  ///< groups[0]
    kSend,        ///< `value` messages of `bytes` to `groups` and `privates`; `flag`: self-discard
    kDisconnect,  ///< orderly
    kAbort,       ///< closes the connection; inside a multicast, after `value` bytes of it
    kStall,       ///< stops (1) or goes on (0) reading
    kGarbage,     ///< writes `value` random bytes
    // Checks.
    kSteady,         ///< from here on L4 holds for `who`, until the next one; nobody: it is over
    kExpectRegular,  ///< all of `who` share one regular configuration of exactly them; its wire has
                     ///< version `value`, 0: any
    kExpectState,    ///< `state` at who[0]
    kExpectView,     ///< the latest view of groups[0] at client who[0] names exactly `privates`
    kSettle  ///< L: common configurations, everything delivered, silence; bound in `within_us`
};

struct Step {
    Moment when;
    Action action{};
    std::vector<std::uint16_t> who;
    std::vector<std::vector<DaemonIndex>> parts;
    std::int64_t value = 0;
    StateFate fate = StateFate::kKept;
    Way way{};
    std::optional<protocol::PacketKind> packet;
    std::optional<DaemonIndex> from;
    std::optional<DaemonIndex> to;
    Rates rates;
    checker::ClientService service = checker::ClientService::kAgreed;
    std::uint32_t bytes = 0;
    std::vector<std::uint16_t> groups;
    std::vector<ClientIndex> privates;  ///< clients as private destinations, or as members
    bool flag = false;
    membership::RingState state{};
    std::uint64_t within_us = 0;  ///< of an expectation

    friend bool operator==(const Step&, const Step&) = default;
};

/// A run as plain data: cluster, numbers, steps. Printed and read as text (docs/correctness.md);
/// the generator writes it, shrinking cuts it, the simulator obeys it.
struct Scenario {
    std::string title;                          ///< first comment of the file
    std::uint64_t luck = 1;                     ///< seed of all that is drawn while running
    std::vector<std::uint16_t> segments = {3};  ///< daemons per segment, d1 first
    Tunables tunables;
    std::vector<Step> steps;

    [[nodiscard]] std::size_t daemons() const {
        std::size_t sum = 0;
        for (const std::uint16_t count : segments) {
            sum += count;
        }
        return sum;
    }
    friend bool operator==(const Scenario&, const Scenario&) = default;
};

/// What a bad scenario file says: one line with its number.
struct ScenarioError {
    std::size_t line = 0;
    std::string text;
};

/// What parse_scenario() reads back: equal for every scenario in which fields that an action does
/// not use have their defaults.
[[nodiscard]] std::string format(const Scenario& scenario);
[[nodiscard]] std::string format(const Step& step);         ///< its moment and what it does
[[nodiscard]] std::string format_action(const Step& step);  ///< only what it does
[[nodiscard]] protocol::Result<Scenario, ScenarioError> parse_scenario(std::string_view text);

}  // namespace spread::sim
