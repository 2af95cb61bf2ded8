#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "protocol/time.hpp"

namespace spread::daemon {

/// Decides whether the session thread does the ring's work as well. As long as one processor is
/// enough for both, that saves a wake-up between the two threads for each message. A large fan-out
/// or a busy thread must not keep the ring waiting.
///
/// The work is asked for when both threads together have used less than `calm_share` of a processor
/// for a while, and given back when one thread, doing both, uses more than `busy_share`, takes too
/// long for a turn, or has too many clients to write to. Each time that happens soon after, it has
/// to be calm for twice as long before the work is asked for again.
///
/// Pure: shares and times are arguments.
class WorkSharing {
  public:
    struct Limits {
        float calm_share = 0.7F;
        float busy_share = 0.85F;
    };

    /// Shares of a processor are taken over windows of this length.
    static constexpr protocol::Duration kWindow = std::chrono::milliseconds(30);
    /// For how long it has to be calm: kCalmMin at first, doubled up to kCalmMax when the work had
    /// to be given back soon.
    static constexpr protocol::Duration kCalmMin = std::chrono::milliseconds(20);
    static constexpr protocol::Duration kCalmMax = std::chrono::milliseconds(1000);
    /// No turn should come near the time after which a token counts as lost.
    static constexpr protocol::Duration kTurnMax = std::chrono::milliseconds(50);
    /// A turn that writes to more clients than this belongs to a large fan-out. Large turns are
    /// good for that but not for the ring, so each gets its own thread.
    static constexpr std::size_t kWritesMax = 128;

    explicit WorkSharing(Limits limits) : limits_(limits) {}

    void start(protocol::Instant now) { calm_since_ = now; }

    // While the ring thread does the ring's work:

    enum class Wish : std::uint8_t { kNone, kWorkWanted, kNotWanted };
    /// At the end of a window, with the shares of both threads.
    [[nodiscard]] Wish weigh_apart(protocol::Instant now, float own_share, float ring_share) {
        if (own_share + ring_share > limits_.calm_share) {
            calm_since_ = now;
            return Wish::kNotWanted;
        }
        return now - calm_since_ >= calm_needed_ ? Wish::kWorkWanted : Wish::kNone;
    }
    void on_taken(protocol::Instant now) { taken_at_ = now; }

    // While the session thread does both:

    [[nodiscard]] bool is_too_busy(float share) const { return share > limits_.busy_share; }
    [[nodiscard]] static bool is_too_long(protocol::Duration turn) { return turn > kTurnMax; }
    [[nodiscard]] static bool is_large_fan_out(std::size_t writes) { return writes > kWritesMax; }

    /// Given back for reasons that have nothing to do with load.
    void on_given_back(protocol::Instant now) { calm_since_ = now; }
    /// Given back because it was too much. The next calm time is longer, unless the work was kept
    /// for long.
    void on_overload(protocol::Instant now) {
        const bool was_short = now - taken_at_ < kCalmMax;
        calm_needed_ = was_short ? std::min(2 * calm_needed_, kCalmMax) : kCalmMin;
    }
    /// The work cannot be taken at all for now.
    void on_unable() { calm_needed_ = kCalmMax; }

    [[nodiscard]] protocol::Duration calm_needed() const { return calm_needed_; }

  private:
    Limits limits_;
    protocol::Duration calm_needed_ = kCalmMin;
    protocol::Instant calm_since_{};
    protocol::Instant taken_at_{};
};

}  // namespace spread::daemon
