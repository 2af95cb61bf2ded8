#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <system_error>

#include "daemon/host/unique_fd.hpp"

namespace spread::daemon {

/// Wakes a thread that sleeps in poll or epoll, and costs no system call while it is awake.
///
/// The sleeper calls arm() with the reasons it wants to be woken for, then looks at its queues once
/// more, and only then sleeps. The other side changes a queue and then calls notify(). Both are
/// read-modify-writes of one word, so one of them comes first: either the sleeper's second look
/// sees the change, or notify() sees the reason armed and writes the eventfd. A wake-up is never
/// lost; a superfluous one is possible and harmless.
class Wakeup {
  public:
    using Reasons = std::uint32_t;

    Wakeup() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
        if (!fd_) {
            throw std::system_error(errno, std::generic_category(), "cannot create an eventfd");
        }
    }

    /// Readable after a wake-up; for poll or epoll.
    [[nodiscard]] int fd() const { return fd_.get(); }

    /// Sleeper: from now on these reasons write the eventfd, once each.
    void arm(Reasons reasons) { armed_.exchange(reasons, std::memory_order_acq_rel); }
    /// Sleeper, awake again: spares the others the system call. A read-modify-write as well: a
    /// plain store would end the release sequence of an earlier notify(), and the next arm() would
    /// no longer synchronise with it.
    void disarm() { armed_.fetch_and(0, std::memory_order_relaxed); }
    /// Sleeper: forgets wake-ups that were written.
    void drain() {
        std::uint64_t count = 0;
        while (::read(fd_.get(), &count, sizeof count) < 0 && errno == EINTR) {
        }
    }

    /// Other side, any thread of it, after changing what the sleeper looks at. Returns whether it
    /// had to be woken.
    bool notify(Reasons reason) {
        if ((armed_.fetch_and(~reason, std::memory_order_acq_rel) & reason) == 0) {
            return false;
        }
        const std::uint64_t one = 1;
        while (::write(fd_.get(), &one, sizeof one) < 0 && errno == EINTR) {
        }
        return true;
    }

  private:
    UniqueFd fd_;
    std::atomic<Reasons> armed_{0};
};

}  // namespace spread::daemon
