#include "tests/stress/loop.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>

namespace spread::stress {

Loop::Loop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (!epoll_) {
        throw std::runtime_error("cannot make an epoll: " + client::system_error_text(errno));
    }
}

void Loop::watch(int fd, std::uint32_t events, Handler handler) {
    const std::uint64_t id = ++last_id_;
    epoll_event event{};
    event.events = events;
    event.data.u64 = id;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
        throw std::runtime_error("cannot watch a socket: " + client::system_error_text(errno));
    }
    watched_[id] = std::make_shared<Watched>(Watched{fd, std::move(handler)});
    id_of_[fd] = id;
}

void Loop::change(int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = id_of_.at(fd);
    epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Loop::forget(int fd) {
    const auto found = id_of_.find(fd);
    if (found == id_of_.end()) {
        return;
    }
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    watched_.erase(found->second);
    id_of_.erase(found);
}

Loop::Timer Loop::after(Clock::duration delay, std::function<void()> action) {
    const Timer timer = ++last_id_;
    const auto at = Clock::now() + delay;
    timers_.emplace(std::pair(at, timer), std::move(action));
    due_.emplace(timer, at);
    return timer;
}

void Loop::cancel(Timer timer) {
    const auto found = due_.find(timer);
    if (found != due_.end()) {
        timers_.erase({found->second, timer});
        due_.erase(found);
    }
}

void Loop::fire_timers() {
    const auto now = Clock::now();
    while (!timers_.empty() && timers_.begin()->first.first <= now) {
        auto node = timers_.extract(timers_.begin());
        due_.erase(node.key().second);
        node.mapped()();
    }
}

void Loop::turn(Clock::duration longest) {
    auto wait = longest;
    if (!timers_.empty()) {
        wait = std::clamp(timers_.begin()->first.first - Clock::now(), Clock::duration(0), longest);
    }
    std::array<epoll_event, 256> events{};
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
    const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                 static_cast<int>(ms));
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        const auto found = watched_.find(event.data.u64);
        if (found != watched_.end()) {
            const auto kept = found->second;  // the handler may forget itself
            kept->handler(event.events);
        }
    }
    fire_timers();
}

void Loop::run_for(Clock::duration time) {
    const auto end = Clock::now() + time;
    for (auto now = Clock::now(); now < end; now = Clock::now()) {
        turn(end - now);
    }
}

}  // namespace spread::stress
