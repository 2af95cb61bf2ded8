#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

#include "daemon/driver/wake_signal.hpp"
#include "daemon/host/unique_fd.hpp"

namespace spread::daemon {

/// Wakes a thread that sleeps in poll or epoll, by an eventfd.
class Wakeup final : public driver::WakeSignal {
  public:
    Wakeup() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
        if (!fd_) {
            throw std::system_error(errno, std::generic_category(), "cannot create an eventfd");
        }
    }

    /// Readable after a wake-up; for poll or epoll.
    [[nodiscard]] int fd() const { return fd_.get(); }

    /// Sleeper: forgets wake-ups that were written.
    void drain() {
        std::uint64_t count = 0;
        while (::read(fd_.get(), &count, sizeof count) < 0 && errno == EINTR) {
        }
    }

  private:
    void wake() override {
        const std::uint64_t one = 1;
        while (::write(fd_.get(), &one, sizeof one) < 0 && errno == EINTR) {
        }
    }

    UniqueFd fd_;
};

}  // namespace spread::daemon
