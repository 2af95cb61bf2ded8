#pragma once

#include <cstdint>

#include "tools/spbench/clock.hpp"

namespace spread::spbench {

/// Arrivals of one open-loop sender: message n is due at start + (n + phase) * interval. Even ones
/// have phases that spread the senders, so that they do not all send at once; random ones a phase
/// of their own for each message, so that nobody can know whose comes next. Computed afresh for
/// each n, so that rounding does not add up.
class Schedule {
  public:
    Schedule() = default;
    /// `rate` is that of all `senders` together, messages per second.
    Schedule(Nanoseconds start, double rate, std::uint64_t sender, std::uint64_t senders,
             bool is_random = false)
        : start_(start),
          interval_(static_cast<double>(kSecond) * static_cast<double>(senders) / rate),
          phase_(static_cast<double>(sender) / static_cast<double>(senders)),
          sender_(sender),
          is_random_(is_random) {}

    [[nodiscard]] Nanoseconds due(std::uint64_t number) const {
        return start_ + static_cast<Nanoseconds>((static_cast<double>(number) + phase_of(number)) *
                                                 interval_);
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
    [[nodiscard]] double phase_of(std::uint64_t number) const {
        if (!is_random_) {
            return phase_;
        }
        // splitmix64 of what is hashed: the same in every run.
        std::uint64_t hash = (number + 1) * 0x9e3779b97f4a7c15U + (sender_ << 40U);
        hash = (hash ^ (hash >> 30U)) * 0xbf58476d1ce4e5b9U;
        hash = (hash ^ (hash >> 27U)) * 0x94d049bb133111ebU;
        return static_cast<double>((hash ^ (hash >> 31U)) >> 11U) * 0x1p-53;
    }

    Nanoseconds start_ = 0;
    double interval_ = 1;
    double phase_ = 0;
    std::uint64_t sender_ = 0;
    bool is_random_ = false;
};

}  // namespace spread::spbench
