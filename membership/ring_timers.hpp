#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "protocol/time.hpp"

namespace spread::membership {

/// In the order in which timers fire that are due together.
enum class RingTimer : std::uint8_t {
    kTokenLoss,        ///< the ring, or the forming ring, is silent
    kTokenRetransmit,  ///< the successor shows no sign of the token we sent
    kTokenRest,        ///< the rest or lease of the token ends
    kWake,             ///< we asked for a resting token and it did not come
    kJoin,             ///< repeat our join
    kConsensus,        ///< give up on those who do not agree
    kMergeDetect,      ///< look for daemons outside the ring
    kChallenge,        ///< ask a member again that is said to be gone
    kAlive             ///< the ring is silent for longer than usual: say that we are well
};

inline constexpr std::size_t kRingTimerCount = 9;

/// At these somebody is given up for want of a sign.
inline constexpr std::array kGivingUp = {RingTimer::kTokenLoss, RingTimer::kConsensus,
                                         RingTimer::kChallenge};

/// One slot per purpose; there are no handles and hence no races with cancelled timers.
class RingTimers {
  public:
    void set(RingTimer timer, protocol::Instant at) { slot(timer) = at; }
    void set(RingTimer timer, std::optional<protocol::Instant> at) { slot(timer) = at; }
    /// Sets it unless it is due earlier.
    void bring_forward(RingTimer timer, protocol::Instant at) {
        auto& due = slot(timer);
        due = due ? std::min(*due, at) : at;
    }
    /// If it is set, it is not due before `at`.
    void put_off(RingTimer timer, protocol::Instant at) {
        auto& due = slot(timer);
        due = due ? std::optional(std::max(*due, at)) : due;
    }
    void clear(RingTimer timer) { slot(timer).reset(); }
    void clear_all() { slots_ = {}; }

    [[nodiscard]] bool is_set(RingTimer timer) const {
        return slots_[static_cast<std::size_t>(timer)].has_value();
    }
    [[nodiscard]] bool is_due(RingTimer timer, protocol::Instant now) const {
        const auto& at = slots_[static_cast<std::size_t>(timer)];
        return at && *at <= now;
    }
    /// True when `timer` is due; it is cleared then.
    [[nodiscard]] bool take_due(RingTimer timer, protocol::Instant now) {
        const bool due = is_due(timer, now);
        if (due) {
            clear(timer);
        }
        return due;
    }
    /// When the first of them is due.
    [[nodiscard]] std::optional<protocol::Instant> earliest() const {
        std::optional<protocol::Instant> earliest;
        for (const auto& at : slots_) {
            if (at && (!earliest || *at < *earliest)) {
                earliest = at;
            }
        }
        return earliest;
    }

  private:
    [[nodiscard]] std::optional<protocol::Instant>& slot(RingTimer timer) {
        return slots_[static_cast<std::size_t>(timer)];
    }

    std::array<std::optional<protocol::Instant>, kRingTimerCount> slots_;
};

}  // namespace spread::membership
