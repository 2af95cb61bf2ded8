#pragma once

#include <algorithm>

#include "protocol/time.hpp"

namespace spread::sealing {

/// So many times a second, and at first, or after a pause, `burst` times at once.
class Allowance {
  public:
    constexpr Allowance(int per_second, int burst)
        : interval_(protocol::Duration(std::chrono::seconds(1)) / per_second),
          ahead_(interval_ * (burst - 1)) {}

    /// False: not now.
    [[nodiscard]] bool take(protocol::Instant now) {
        const protocol::Instant due = is_fresh_ ? now : std::max(due_, now);
        if (due - now > ahead_) {
            return false;
        }
        is_fresh_ = false;
        due_ = due + interval_;
        return true;
    }

  private:
    protocol::Duration interval_;
    protocol::Duration ahead_;
    protocol::Instant due_{};  ///< of the next one, at an even pace
    bool is_fresh_ = true;
};

}  // namespace spread::sealing
