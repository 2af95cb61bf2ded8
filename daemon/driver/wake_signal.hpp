#pragma once

#include <atomic>
#include <cstdint>

namespace spread::driver {

/// Wakes a thread that sleeps, and costs no system call while it is awake.
///
/// The sleeper calls arm() with the reasons it wants to be woken for, then looks at its queues once
/// more, and only then sleeps. The other side changes a queue and then calls notify(). Both are
/// read-modify-writes of one word, so one of them comes first: either the sleeper's second look
/// sees the change, or notify() sees the reason armed and calls wake(). A wake-up is never lost; a
/// superfluous one is possible and harmless.
///
/// How a thread sleeps and is woken is the host's: an eventfd in the daemon, an event of the
/// simulator there.
class WakeSignal {
  public:
    using Reasons = std::uint32_t;

    WakeSignal() = default;
    WakeSignal(const WakeSignal&) = delete;
    WakeSignal& operator=(const WakeSignal&) = delete;

    /// Sleeper: from now on these reasons wake it, once each.
    void arm(Reasons reasons) { armed_.exchange(reasons, std::memory_order_acq_rel); }
    /// Sleeper, awake again: nobody needs to make a system call for it. A read-modify-write as
    /// well: a plain store would end the release sequence of an earlier notify(), and the next
    /// arm() would no longer synchronise with it.
    void disarm() { armed_.fetch_and(0, std::memory_order_relaxed); }

    /// Any thread of the other side, after changing what the sleeper looks at. Returns whether the
    /// sleeper had to be woken.
    bool notify(Reasons reason) {
        if ((armed_.fetch_and(~reason, std::memory_order_acq_rel) & reason) == 0) {
            return false;
        }
        wake();
        return true;
    }

  protected:
    ~WakeSignal() = default;

  private:
    virtual void wake() = 0;

    std::atomic<Reasons> armed_{0};
};

}  // namespace spread::driver
