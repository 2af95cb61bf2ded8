#pragma once

#include <cstdint>

#include "tools/spbench/clock.hpp"

namespace spread::spbench {

/// Even arrivals of one open-loop sender: message n is due at start + (n + phase) * interval. The
/// phases of the senders are spread, so that they do not all send at once. Computed afresh for each
/// n, so that rounding does not add up.
class Schedule {
  public:
    Schedule() = default;
    /// `rate` is that of all `senders` together, messages per second.
    Schedule(Nanoseconds start, double rate, std::uint64_t sender, std::uint64_t senders)
        : start_(start),
          interval_(static_cast<double>(kSecond) * static_cast<double>(senders) / rate),
          phase_(static_cast<double>(sender) / static_cast<double>(senders)) {}

    [[nodiscard]] Nanoseconds due(std::uint64_t number) const {
        return start_ +
               static_cast<Nanoseconds>((static_cast<double>(number) + phase_) * interval_);
    }
    /// How many messages are due before `time`.
    [[nodiscard]] std::uint64_t due_before(Nanoseconds time) const {
        std::uint64_t low = 0;
        auto high = static_cast<std::uint64_t>(
            time <= start_ ? 0 : static_cast<double>(time - start_) / interval_ + 2);
        while (low < high) {
            const std::uint64_t middle = low + (high - low) / 2;
            if (due(middle) < time) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

  private:
    Nanoseconds start_ = 0;
    double interval_ = 1;
    double phase_ = 0;
};

}  // namespace spread::spbench
