#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>

namespace spread::membership {

/// How much may be done in one turn of the host's loop: the group layer stops when the budget is
/// spent and goes on in the next turn. One unit is roughly a microsecond: a group looked at, a
/// member moved, a frame queued for eight clients, 4 kB queued for clients. A single step may
/// overdraw it.
class WorkBudget {
  public:
    explicit WorkBudget(std::size_t units) : left_(units) {}
    [[nodiscard]] static WorkBudget unlimited() {
        return WorkBudget(std::numeric_limits<std::size_t>::max());
    }

    void spend(std::size_t units) { left_ -= std::min(units, left_); }
    /// A frame goes to so many clients.
    void spend_on_frame(std::size_t recipients, std::size_t bytes) {
        spend(recipients / kRecipientsPerUnit + recipients * bytes / kClientBytesPerUnit);
    }
    [[nodiscard]] bool is_spent() const { return left_ == 0; }

  private:
    static constexpr std::size_t kRecipientsPerUnit = 8;
    static constexpr std::size_t kClientBytesPerUnit = 4096;

    std::size_t left_;
};

}  // namespace spread::membership
