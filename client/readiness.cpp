#include "client/readiness.hpp"

#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace spread::client {

namespace {

void control(int epoll, int operation, int descriptor, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = descriptor;
    static_cast<void>(epoll_ctl(epoll, operation, descriptor, &event));
}

}  // namespace

Result<Readiness> Readiness::create(int wakeup) {
    Readiness readiness;
    readiness.epoll_ = FileDescriptor(epoll_create1(EPOLL_CLOEXEC));
    readiness.room_ = FileDescriptor(epoll_create1(EPOLL_CLOEXEC));
    readiness.timer_ = FileDescriptor(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
    if (!readiness.epoll_ || !readiness.room_ || !readiness.timer_) {
        return fail(ErrorCode::kCouldNotConnect,
                    "no descriptor to wait on: " + system_error_text(errno));
    }
    control(readiness.epoll_.get(), EPOLL_CTL_ADD, wakeup, EPOLLIN);
    control(readiness.epoll_.get(), EPOLL_CTL_ADD, readiness.timer_.get(), EPOLLIN);
    return readiness;
}

void Readiness::watch(int socket, bool wants_write) {
    control_both(EPOLL_CTL_ADD, socket, wants_write);
}

void Readiness::set_wants_write(int socket, bool wants_write) {
    control_both(EPOLL_CTL_MOD, socket, wants_write);
}

void Readiness::control_both(int operation, int socket, bool wants_write) {
    const std::uint32_t out = wants_write ? EPOLLOUT : 0U;
    control(epoll_.get(), operation, socket, EPOLLIN | out);
    control(room_.get(), operation, socket, out);
}

void Readiness::arm(Deadline deadline) {
    if (deadline == armed_) {
        return;
    }
    armed_ = deadline;
    itimerspec when{};
    if (deadline != Deadline{}) {
        // The steady clock is CLOCK_MONOTONIC here; zero would disarm what is due at once.
        const auto since = std::max<std::chrono::nanoseconds>(deadline.time_since_epoch(),
                                                              std::chrono::nanoseconds(1));
        const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
        when.it_value.tv_sec = static_cast<time_t>(seconds.count());
        when.it_value.tv_nsec = static_cast<long>((since - seconds).count());
    }
    static_cast<void>(timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr));
}

}  // namespace spread::client
