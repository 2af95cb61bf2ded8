#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/ids.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

enum class RingState : std::uint8_t;

/// Why the ring left a state.
enum class ChangeReason : std::uint8_t {
    kStart,
    kTokenLoss,
    kJoinReceived,
    kForeignRing,
    kPeerLeft,
    kPeerUnreachable,
    kNoProgress,
    kStateOverdue,
    kSameIdentity,
    kConsensus,
    kCommitTokenReceived,
    kCommitTimeout,
    kRecoveryTimeout,
    kRecoveryComplete,
    kAlone
};

[[nodiscard]] std::string_view to_string(ChangeReason reason);
[[nodiscard]] std::string_view to_string(RingState state);

/// A ring state change, as the log reports it.
struct StateChange {
    protocol::Instant at;
    protocol::DaemonId self;
    RingState from;
    RingState to;
    ChangeReason reason;
    protocol::DaemonId peer;              ///< whose packet caused it; 0 when none did
    protocol::RingId ring_id;             ///< ring being left or installed
    const protocol::MemberList& members;  ///< installed or aimed at; valid during the call only
};

/// What a recovery has to do: how much of the old ring is sent again, and what is lost of it.
struct RecoveryFacts {
    std::uint64_t expected = 0;  ///< packets that are sent again, by all members
    bool has_hole = false;     ///< a packet that nobody holds is in front of one that somebody does
    bool has_promise = false;  ///< messages were promised to a daemon that does not come along
};

/// Is told what the engine does. Called on the engine's thread; must not call back into it.
class Tracer {
  public:
    virtual ~Tracer() = default;
    virtual void on_state_change(const StateChange& change) = 0;
    /// Recovery has just begun.
    virtual void on_recovery(const RecoveryFacts&) {}
};

/// For hosts that do not listen.
class NullTracer final : public Tracer {
  public:
    void on_state_change(const StateChange&) override {}
};

}  // namespace spread::membership
