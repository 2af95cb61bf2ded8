#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "tests/sim/scenario.hpp"

/// The words of scenario files, one table per kind: writing, reading and shrinking go through them.
namespace spread::sim {

template <typename Value>
struct Word {
    std::string_view name;
    Value value;
};

inline constexpr std::array<Word<protocol::PacketKind>, 10> kPacketWords{{
    {"data", protocol::PacketKind::kData},
    {"token", protocol::PacketKind::kToken},
    {"join", protocol::PacketKind::kJoin},
    {"commit-token", protocol::PacketKind::kCommit},
    {"wake", protocol::PacketKind::kWake},
    {"hold", protocol::PacketKind::kHold},
    {"probe", protocol::PacketKind::kProbe},
    {"leave", protocol::PacketKind::kLeave},
    {"data-token", protocol::PacketKind::kDataToken},
    {"alive", protocol::PacketKind::kAlive},
}};

inline constexpr std::array<Word<membership::RingState>, 4> kStateWords{{
    {"operational", membership::RingState::kOperational},
    {"gather", membership::RingState::kGather},
    {"commit", membership::RingState::kCommit},
    {"recovery", membership::RingState::kRecovery},
}};

inline constexpr std::array<Word<checker::ClientService>, 6> kServiceWords{{
    {"unreliable", checker::ClientService::kUnreliable},
    {"reliable", checker::ClientService::kReliable},
    {"fifo", checker::ClientService::kFifo},
    {"causal", checker::ClientService::kCausal},
    {"agreed", checker::ClientService::kAgreed},
    {"safe", checker::ClientService::kSafe},
}};

inline constexpr std::array<Word<StateFate>, 2> kFateWords{{
    {"lost-state", StateFate::kLost},
    {"stale-state", StateFate::kStale},
}};

inline constexpr std::array<Word<Way>, 4> kWayWords{{
    {"token", Way::kToken},
    {"data", Way::kData},
    {"group", Way::kGroup},
    {"large", Way::kLarge},
}};

enum class Unit : std::uint8_t {
    kCount,
    kDuration,  ///< microseconds, written with a unit
    kShare      ///< millionths, written in percent
};

template <typename Owner>
struct Field {
    std::string_view name;
    std::uint32_t Owner::*member;
    Unit unit;
};

inline constexpr std::array<Field<Tunables>, 37> kTunableFields{{
    {"token_loss", &Tunables::token_loss_us, Unit::kDuration},
    {"token_loss_max", &Tunables::token_loss_max_us, Unit::kDuration},
    {"token_retransmit", &Tunables::token_retransmit_us, Unit::kDuration},
    {"token_hold", &Tunables::token_hold_us, Unit::kDuration},
    {"token_settle", &Tunables::token_settle_us, Unit::kDuration},
    {"lease_after_hits", &Tunables::lease_after_hits, Unit::kCount},
    {"join", &Tunables::join_us, Unit::kDuration},
    {"consensus", &Tunables::consensus_us, Unit::kDuration},
    {"start", &Tunables::start_us, Unit::kDuration},
    {"merge_detect", &Tunables::merge_detect_us, Unit::kDuration},
    {"window", &Tunables::window, Unit::kCount},
    {"personal_window", &Tunables::personal_window, Unit::kCount},
    {"accelerated_window", &Tunables::accelerated_window, Unit::kCount},
    {"plain", &Tunables::plain, Unit::kCount},
    {"window_max", &Tunables::window_max, Unit::kCount},
    {"receive_room", &Tunables::receive_room, Unit::kCount},
    {"gap_max", &Tunables::gap_max, Unit::kCount},
    {"datagram_bytes", &Tunables::datagram_bytes, Unit::kCount},
    {"send_queue_messages", &Tunables::send_queue_messages, Unit::kCount},
    {"session_messages", &Tunables::session_messages, Unit::kCount},
    {"session_bytes", &Tunables::session_bytes, Unit::kCount},
    {"queued_bytes", &Tunables::queued_bytes, Unit::kCount},
    {"turn_units", &Tunables::turn_units, Unit::kCount},
    {"socket_bytes", &Tunables::socket_bytes, Unit::kCount},
    {"password", &Tunables::password_us, Unit::kDuration},
    {"session_block", &Tunables::session_block_us, Unit::kDuration},
    {"delivery_queue", &Tunables::delivery_queue, Unit::kCount},
    {"submit_queue", &Tunables::submit_queue, Unit::kCount},
    {"receive_queue", &Tunables::receive_queue, Unit::kCount},
    {"state_message_bytes", &Tunables::state_message_bytes, Unit::kCount},
    {"session_delay", &Tunables::session_delay_us, Unit::kDuration},
    {"port_unreachable", &Tunables::port_unreachable, Unit::kCount},
    {"sealed", &Tunables::sealed, Unit::kCount},
    {"named", &Tunables::named, Unit::kCount},
    {"counters_left", &Tunables::counters_left, Unit::kCount},
    {"packets_left", &Tunables::packets_left, Unit::kCount},
    {"indices_left", &Tunables::indices_left, Unit::kCount},
}};
static_assert(sizeof(Tunables) == kTunableFields.size() * sizeof(std::uint32_t));

inline constexpr std::array<Field<Rates>, 11> kRateFields{{
    {"loss", &Rates::loss, Unit::kShare},
    {"burst", &Rates::burst, Unit::kShare},
    {"burst_packets", &Rates::burst_packets, Unit::kCount},
    {"duplicate", &Rates::duplicate, Unit::kShare},
    {"late", &Rates::late, Unit::kShare},
    {"late_by", &Rates::late_us, Unit::kDuration},
    {"reorder", &Rates::reorder, Unit::kShare},
    {"corrupt", &Rates::corrupt, Unit::kShare},
    {"replay", &Rates::replay, Unit::kShare},
    {"latency", &Rates::latency_us, Unit::kDuration},
    {"jitter", &Rates::jitter_us, Unit::kDuration},
}};
static_assert(sizeof(Rates) == kRateFields.size() * sizeof(std::uint32_t));

inline constexpr std::uint32_t kShareWhole = 1000000;

/// Actions that are a word and the daemons they are about, with a fixed value.
struct DaemonAction {
    std::string_view name;
    Action action;
    std::int64_t value;
};

inline constexpr std::array<DaemonAction, 16> kDaemonActions{{
    {"crash", Action::kCrash, 0},
    {"stop", Action::kLeave, 0},
    {"pause", Action::kPause, 0},
    {"continue", Action::kContinue, 0},
    {"clog-sessions", Action::kClogSessions, 1},
    {"unclog-sessions", Action::kClogSessions, 0},
    {"rotate", Action::kRotate, 0},
    {"fill-disk", Action::kFillDisk, 1},
    {"empty-disk", Action::kFillDisk, 0},
    {"seal-accept", Action::kSeal, 0},
    {"seal-send", Action::kSeal, 1},
    {"seal-require", Action::kSeal, 2},
    {"move", Action::kMove, 0},
    {"names-current", Action::kAnswerNames, 0},
    {"names-fail", Action::kAnswerNames, 1},
    {"names-old", Action::kAnswerNames, 2},
}};

template <typename Table, typename Value>
[[nodiscard]] constexpr std::string_view word_of(const Table& table, Value value) {
    for (const auto& word : table) {
        if (word.value == value) {
            return word.name;
        }
    }
    return "?";
}

template <typename Table>
[[nodiscard]] constexpr auto find_word(const Table& table, std::string_view name) ->
    typename Table::const_pointer {
    for (const auto& word : table) {
        if (word.name == name) {
            return &word;
        }
    }
    return nullptr;
}

}  // namespace spread::sim
