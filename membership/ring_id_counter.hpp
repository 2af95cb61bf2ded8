#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "protocol/ids.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

/// The counter in ring ids. It follows the clock, and for each daemon it grows with every ring.
class RingIdCounter {
  public:
    /// `first` follows from the host's clock and state file.
    explicit RingIdCounter(std::uint64_t first) : first_(first), mine_(first), highest_(first) {}

    /// Whether `counter`, which came from outside, can be genuine. Counters follow the clock and
    /// are far below this bound; above it, counting on might wrap.
    [[nodiscard]] static bool is_possible(std::uint64_t counter) {
        return counter < std::uint64_t{1} << 62U;
    }

    void start(protocol::Instant now) { started_at_ = now; }

    /// The counter of the last ring that this daemon installed or helped to form.
    [[nodiscard]] std::uint64_t mine() const { return mine_; }
    /// The highest counter it has heard of.
    [[nodiscard]] std::uint64_t highest() const { return highest_; }

    /// The counter of a ring formed now: at least two above all known ones, since the number
    /// between belongs to the transitional configuration, and not behind the clock.
    [[nodiscard]] std::uint64_t next(protocol::Instant now) const {
        const auto ticks =
            (now - started_at_) / std::chrono::milliseconds(protocol::kRingCounterMs);
        return std::max(std::max(highest_, mine_) + 2, first_ + static_cast<std::uint64_t>(ticks));
    }
    /// Takes part in a ring with this counter.
    void join(std::uint64_t counter) {
        mine_ = counter;
        hear(counter);
    }
    void hear(std::uint64_t counter) { highest_ = std::max(highest_, counter); }

  private:
    std::uint64_t first_;
    protocol::Instant started_at_{};
    std::uint64_t mine_;
    std::uint64_t highest_;
};

}  // namespace spread::membership
