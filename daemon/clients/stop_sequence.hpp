#pragma once

#include <chrono>
#include <cstdint>

#include "protocol/time.hpp"

namespace spread::daemon {

/// The order in which the session thread stops, and how long each step may take. First the daemon
/// leaves the ring, which still orders what clients have sent; the other daemons form a new ring at
/// once. Then clients get what was delivered until then, and are closed.
class StopSequence {
  public:
    static constexpr protocol::Duration kLeaveTimeout = std::chrono::milliseconds(400);
    static constexpr protocol::Duration kFlushTimeout = std::chrono::milliseconds(200);

    enum class Phase : std::uint8_t {
        kServing,
        kLeaving,   ///< waits for the ring's last deliveries
        kFlushing,  ///< clients are closed once their queues are written
        kStopped
    };

    [[nodiscard]] Phase phase() const { return phase_; }
    [[nodiscard]] bool is_serving() const { return phase_ == Phase::kServing; }
    [[nodiscard]] bool is_stopped() const { return phase_ == Phase::kStopped; }

    /// False when stopping has begun already.
    [[nodiscard]] bool begin(protocol::Instant now) {
        if (!is_serving()) {
            return false;
        }
        enter(Phase::kLeaving, now + kLeaveTimeout);
        return true;
    }
    /// True once: the clients are to be closed.
    [[nodiscard]] bool leave(protocol::Instant now, bool ring_is_drained) {
        if (phase_ != Phase::kLeaving || (!ring_is_drained && now < until_)) {
            return false;
        }
        enter(Phase::kFlushing, now + kFlushTimeout);
        return true;
    }
    void flush(protocol::Instant now, bool all_is_written) {
        if (phase_ == Phase::kFlushing && (all_is_written || now >= until_)) {
            phase_ = Phase::kStopped;
        }
    }
    /// When the current step is given up. Meaningful only in kLeaving and kFlushing.
    [[nodiscard]] protocol::Instant until() const { return until_; }

  private:
    void enter(Phase phase, protocol::Instant until) {
        phase_ = phase;
        until_ = until;
    }

    Phase phase_ = Phase::kServing;
    protocol::Instant until_{};
};

}  // namespace spread::daemon
