#pragma once

#include <cstddef>

#include "protocol/time.hpp"

namespace spread::daemon {

/// Has a thread that handles many small frames run less often and do more each time. The kernel
/// lets a thread that wakes up push aside whoever runs; with SCHED_BATCH it waits for its turn,
/// which makes no difference on an idle processor, and on a busy one lets clients write, and read,
/// several messages before the daemon looks at them. Where little is to be done a message should
/// not have to wait, and the policy is the default one.
///
/// All functions are for the thread itself. A thread whose policy somebody has chosen is left
/// alone.
class BatchScheduling {
  public:
    /// Over how long frames are counted.
    static constexpr auto kWindow = std::chrono::milliseconds(30);
    /// Frames per second from which on, and below which no longer, the thread works in batches.
    static constexpr double kOnRate = 30'000;
    static constexpr double kOffRate = 15'000;

    /// When the thread begins.
    void begin(protocol::Instant now);
    /// Frames read from clients or queued for them.
    void count(std::size_t frames) { frames_ += frames; }
    /// Now and then; cheap unless a window has ended.
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
