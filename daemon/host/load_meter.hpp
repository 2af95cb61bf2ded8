#pragma once

#include "protocol/time.hpp"

namespace spread::daemon {

/// How much of a processor a thread uses, over the last finished window. What it waits for is not
/// counted, a processor neither: where processors are scarce, more threads would not help.
class LoadMeter {
  public:
    explicit LoadMeter(protocol::Duration window) : window_(window) {}

    /// The window has lasted long enough; end it.
    [[nodiscard]] bool is_due(protocol::Instant now) const { return now - start_ >= window_; }
    /// `cpu_time` is what the thread has used in all its life; `now` is later than the last reset
    /// or end.
    void end_window(protocol::Instant now, protocol::Duration cpu_time) {
        share_ = static_cast<float>((cpu_time - cpu_start_).count()) /
                 static_cast<float>((now - start_).count());
        start_ = now;
        cpu_start_ = cpu_time;
    }
    /// Starts over.
    void reset(protocol::Instant now, protocol::Duration cpu_time) {
        start_ = now;
        cpu_start_ = cpu_time;
        share_ = 0;
    }

    /// 0 to 1.
    [[nodiscard]] float share() const { return share_; }

  private:
    protocol::Duration window_;
    protocol::Instant start_{};
    protocol::Duration cpu_start_{};
    float share_ = 0;
};

}  // namespace spread::daemon
