#pragma once

#include <cstddef>

#include "protocol/time.hpp"

namespace spread::daemon {

/// Makes a thread that handles many small frames run less often and do more each time. By default
/// a thread that wakes up may preempt the one that runs; with SCHED_BATCH it waits for its turn. On
/// an idle processor that makes no difference; on a busy one clients write and read several
/// messages before the daemon looks at them. With little to do the thread has the default policy,
/// so that no message waits.
///
/// All functions are for the thread itself. A thread whose policy somebody has chosen is left
/// alone.
class BatchScheduling {
  public:
    /// Over how long frames are counted.
    static constexpr auto kWindow = std::chrono::milliseconds(30);
    /// Batches begin at kOnRate frames per second and end below kOffRate.
    static constexpr double kOnRate = 30'000;
    static constexpr double kOffRate = 15'000;

    /// When the thread begins.
    void begin(protocol::Instant now);
    /// Frames read from clients or queued for them.
    void count(std::size_t frames) { frames_ += frames; }
    /// To be called in each turn; cheap unless a window has ended.
    void weigh(protocol::Instant now) {
        if (now - window_start_ >= kWindow) {
            end_window(now);
        }
    }
    [[nodiscard]] bool is_on() const { return is_on_; }

  private:
    void end_window(protocol::Instant now);

    bool may_change_ = false;
    bool is_on_ = false;
    std::size_t frames_ = 0;
    protocol::Instant window_start_{};
};

}  // namespace spread::daemon
