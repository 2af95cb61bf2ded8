#pragma once

#include "protocol/time.hpp"

namespace spread::daemon {

/// How much of its time a thread that sleeps between turns is awake, over the last finished window
/// of at least `window`. A thread that waits for a processor counts as awake.
class LoadMeter {
  public:
    explicit LoadMeter(protocol::Duration window) : window_(window) {}

    /// The thread is about to sleep, or looks up from its work. True when a window has ended.
    bool pause(protocol::Instant now) {
        awake_ += now - since_;
        since_ = now;
        const protocol::Duration span = now - window_start_;
        if (span < window_) {
            return false;
        }
        share_ = static_cast<float>(awake_.count()) / static_cast<float>(span.count());
        awake_ = {};
        window_start_ = now;
        return true;
    }
    /// The thread has slept until `now`.
    void resume(protocol::Instant now) { since_ = now; }
    /// Starts over.
    void reset(protocol::Instant now) {
        awake_ = {};
        since_ = window_start_ = now;
        share_ = 0;
    }

    /// 0 to 1.
    [[nodiscard]] float share() const { return share_; }

  private:
    protocol::Duration window_;
    protocol::Duration awake_{};
    protocol::Instant since_{};
    protocol::Instant window_start_{};
    float share_ = 0;
};

}  // namespace spread::daemon
