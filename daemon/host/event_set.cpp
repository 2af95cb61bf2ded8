#include "daemon/host/event_set.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>

namespace spread::daemon {

EventSet::EventSet() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (!epoll_) {
        throw std::system_error(errno, std::generic_category(), "cannot create an epoll set");
    }
}

bool EventSet::add(int fd, std::uint32_t events, std::uint64_t mark) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = mark;
    return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void EventSet::change(int fd, std::uint32_t events, std::uint64_t mark) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = mark;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void EventSet::remove(int fd) {
    epoll_event ignored{};  // kernels before 2.6.9 wanted one
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, &ignored);
}

std::span<const epoll_event> EventSet::wait(std::span<epoll_event> events,
                                            std::optional<protocol::Duration> timeout) {
    const int most = static_cast<int>(events.size());
    int count = -1;
    if (timeout && *timeout <= protocol::Duration::zero()) {
        count = ::epoll_wait(epoll_.get(), events.data(), most, 0);
    } else if (!timeout) {
        count = ::epoll_wait(epoll_.get(), events.data(), most, -1);
    } else {
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*timeout);
        timespec left{};
        left.tv_sec = seconds.count();
        left.tv_nsec = std::chrono::nanoseconds(*timeout - seconds).count();
        count = ::epoll_pwait2(epoll_.get(), events.data(), most, &left, nullptr);
        if (count < 0 && (errno == ENOSYS || errno == EPERM)) {
            // Kernels before 5.11, and containers that filter system calls, know milliseconds only.
            const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(*timeout).count();
            count = ::epoll_wait(epoll_.get(), events.data(), most,
                                 static_cast<int>(std::min<std::int64_t>(rounded, 60'000)));
        }
    }
    return events.first(static_cast<std::size_t>(std::max(count, 0)));
}

}  // namespace spread::daemon
