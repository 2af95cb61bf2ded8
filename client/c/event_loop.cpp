#include "client/c/event_loop.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <limits>

namespace spread::c_api {

namespace {

constexpr long kMicrosecondsPerSecond = 1'000'000;
constexpr long kMicrosecondsPerMillisecond = 1000;
constexpr long kMillisecondsPerSecond = 1000;

constexpr std::uint64_t kQueuedMeanwhileMax = 100;

/// What poll() reports when a watch is to be called. Errors and ends make a descriptor readable and
/// writable, as with select().
short ready_mask(int type) {
    switch (type) {
        case READ_FD: return POLLIN | POLLHUP | POLLERR;
        case WRITE_FD: return POLLOUT | POLLERR;
        default: return POLLPRI;
    }
}

short asked_events(int type) {
    switch (type) {
        case READ_FD: return POLLIN;
        case WRITE_FD: return POLLOUT;
        default: return POLLPRI;
    }
}

}  // namespace

sp_time normalised(long sec, long usec) {
    sec += usec / kMicrosecondsPerSecond;
    usec %= kMicrosecondsPerSecond;
    if (sec > 0 && usec < 0) {
        --sec;
        usec += kMicrosecondsPerSecond;
    } else if (sec < 0 && usec > 0) {
        ++sec;
        usec -= kMicrosecondsPerSecond;
    }
    return {sec, usec};
}

int compare(const sp_time& a, const sp_time& b) {
    if (a.sec != b.sec) {
        return a.sec < b.sec ? -1 : 1;
    }
    return a.usec == b.usec ? 0 : (a.usec < b.usec ? -1 : 1);
}

sp_time monotonic_now() {
    timespec now{};
    static_cast<void>(clock_gettime(CLOCK_MONOTONIC, &now));
    return {now.tv_sec, now.tv_nsec / 1000};
}

void EventLoop::reset() {
    timers_.clear();
    for (auto& watches : watches_) {
        watches.clear();
    }
    threshold_ = LOW_PRIORITY;
    low_turn_ = 0;
}

void EventLoop::queue(TimerFunction function, int code, void* data, const sp_time& delta) {
    static_cast<void>(dequeue(function, code, data));
    const sp_time now = monotonic_now();
    const sp_time due = normalised(now.sec + delta.sec, now.usec + delta.usec);
    timers_.emplace(TimerKey{{due.sec, due.usec}, ++timers_made_}, Timer{function, code, data});
}

bool EventLoop::is_queued(TimerFunction function, int code, void* data) const {
    return std::any_of(timers_.begin(), timers_.end(),
                       [&](const auto& entry) { return entry.second.is(function, code, data); });
}

bool EventLoop::dequeue(TimerFunction function, int code, void* data) {
    const auto found = std::find_if(timers_.begin(), timers_.end(), [&](const auto& entry) {
        return entry.second.is(function, code, data);
    });
    if (found == timers_.end()) {
        return false;
    }
    timers_.erase(found);
    return true;
}

std::vector<EventLoop::Watch>::iterator EventLoop::find(int priority, int descriptor, int type) {
    auto& watches = watches_[static_cast<std::size_t>(priority)];
    return std::find_if(watches.begin(), watches.end(), [&](const Watch& watch) {
        return watch.descriptor == descriptor && watch.type == type;
    });
}

int EventLoop::attach(int descriptor, int type, DescriptorFunction function, int code, void* data,
                      int priority) {
    auto& watches = watches_[static_cast<std::size_t>(priority)];
    const Watch watch{descriptor, type, function, code, data, true};
    if (const auto found = find(priority, descriptor, type); found != watches.end()) {
        *found = watch;
        return 1;
    }
    if (watches.size() >= MAX_FD_EVENTS) {
        return -1;
    }
    watches.push_back(watch);
    return 0;
}

bool EventLoop::detach(int descriptor, int type, int first, int last) {
    bool is_found = false;
    for (int priority = first; priority <= last; ++priority) {
        auto& watches = watches_[static_cast<std::size_t>(priority)];
        if (const auto found = find(priority, descriptor, type); found != watches.end()) {
            watches.erase(found);
            is_found = true;
        }
    }
    return is_found;
}

bool EventLoop::set_active(int descriptor, int type, bool is_active) {
    bool is_found = false;
    for (int priority = LOW_PRIORITY; priority < NUM_PRIORITY; ++priority) {
        auto& watches = watches_[static_cast<std::size_t>(priority)];
        if (const auto found = find(priority, descriptor, type); found != watches.end()) {
            found->is_active = is_active;
            is_found = true;
        }
    }
    return is_found;
}

int EventLoop::active_count(int priority) const {
    const auto& watches = watches_[static_cast<std::size_t>(priority)];
    return static_cast<int>(std::count_if(watches.begin(), watches.end(),
                                          [](const Watch& watch) { return watch.is_active; }));
}

void EventLoop::run() {
    is_stopping_.store(false);
    // Programs know from stock that timers begin after the first round without urgent work.
    bool run_timers = false;
    while (!is_stopping_.load()) {
        if (run_timers) {
            run_due_timers();
            if (is_stopping_.load()) {
                break;
            }
        }
        const bool was_urgent = serve_descriptors(run_timers ? milliseconds_to_next_timer() : 0);
        run_timers = run_timers || !was_urgent;
    }
    is_stopping_.store(false);
}

void EventLoop::run_due_timers() {
    // Those queued meanwhile and due as well belong to this round, but only so many: one that
    // queues itself again at once leaves room for descriptors.
    const std::uint64_t last_made = timers_made_ + kQueuedMeanwhileMax;
    while (!timers_.empty() && !is_stopping_.load()) {
        const auto first = timers_.begin();
        const sp_time due{first->first.first.first, first->first.first.second};
        if (compare(due, monotonic_now()) > 0 || first->first.second > last_made) {
            return;
        }
        const Timer timer = first->second;
        timers_.erase(first);
        timer.function(timer.code, timer.data);
    }
}

int EventLoop::milliseconds_to_next_timer() const {
    if (timers_.empty()) {
        return -1;
    }
    const sp_time now = monotonic_now();
    const auto& due = timers_.begin()->first.first;
    const sp_time left = normalised(due.first - now.sec, due.second - now.usec);
    if (left.sec < 0 || left.usec < 0) {
        return 0;
    }
    if (left.sec > std::numeric_limits<int>::max() / kMillisecondsPerSecond - 1) {
        return std::numeric_limits<int>::max();
    }
    return static_cast<int>(left.sec * kMillisecondsPerSecond +
                            (left.usec + kMicrosecondsPerMillisecond - 1) /
                                kMicrosecondsPerMillisecond);
}

void EventLoop::collect() {
    polled_.clear();
    asked_.clear();
    for (int priority = HIGH_PRIORITY; priority >= threshold_; --priority) {
        for (const Watch& watch : watches_[static_cast<std::size_t>(priority)]) {
            if (watch.is_active) {
                polled_.push_back({watch.descriptor, asked_events(watch.type), 0});
                asked_.push_back({priority, watch.descriptor, watch.type});
            }
        }
    }
}

bool EventLoop::is_ready(std::size_t index) const {
    return (polled_[index].revents & ready_mask(asked_[index].type)) != 0;
}

void EventLoop::call(const Asked& asked) {
    // An earlier callback of this round may have detached it, or made it sleep.
    const auto found = find(asked.priority, asked.descriptor, asked.type);
    if (found != watches_[static_cast<std::size_t>(asked.priority)].end() && found->is_active) {
        const Watch watch = *found;
        watch.function(watch.descriptor, watch.code, watch.data);
    }
}

bool EventLoop::serve_descriptors(int timeout_ms) {
    collect();
    const int count = poll(polled_.data(), polled_.size(), timeout_ms);
    if (count <= 0) {
        return false;
    }
    int urgent = LOW_PRIORITY;
    for (std::size_t i = 0; i < polled_.size(); ++i) {
        if ((polled_[i].revents & POLLNVAL) != 0) {
            // Closed without being detached: nothing to wait for any more.
            static_cast<void>(set_active(asked_[i].descriptor, asked_[i].type, false));
        }
        if (is_ready(i)) {
            urgent = std::max(urgent, asked_[i].priority);
        }
    }
    if (urgent > LOW_PRIORITY) {
        for (std::size_t i = 0; i < asked_.size() && !is_stopping_.load(); ++i) {
            if (asked_[i].priority == urgent && is_ready(i)) {
                call(asked_[i]);
            }
        }
    }
    if (!is_stopping_.load() && threshold_ == LOW_PRIORITY) {
        serve_one_low();
    }
    return urgent > LOW_PRIORITY;
}

void EventLoop::serve_one_low() {
    const auto first = static_cast<std::size_t>(
        std::find_if(asked_.begin(), asked_.end(),
                     [](const Asked& asked) { return asked.priority == LOW_PRIORITY; }) -
        asked_.begin());
    const std::size_t lows = asked_.size() - first;
    for (std::size_t step = 0; step < lows; ++step) {
        const std::size_t turn = (low_turn_ + step) % lows;
        if (is_ready(first + turn)) {
            low_turn_ = turn + 1;
            call(asked_[first + turn]);
            return;
        }
    }
}

}  // namespace spread::c_api
