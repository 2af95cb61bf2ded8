#pragma once

#include <poll.h>
#include <sp.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace spread::c_api {

using TimerFunction = void (*)(int code, void* data);
using DescriptorFunction = void (*)(int descriptor, int code, void* data);

/// Normalised: both fields of one sign, less than a million microseconds.
[[nodiscard]] sp_time normalised(long sec, long usec);
[[nodiscard]] int compare(const sp_time& a, const sp_time& b);
[[nodiscard]] sp_time monotonic_now();

/// The loop behind sp_events.h: timers and descriptors of three priorities. For one thread.
///
/// A round: timers that are due, in order of time; then a wait for descriptors, up to the next
/// timer; then all ready descriptors of the highest priority above LOW that has any; then at most
/// one of LOW, in turns, if the threshold is LOW.
class EventLoop {
  public:
    void reset();

    void queue(TimerFunction function, int code, void* data, const sp_time& delta);
    [[nodiscard]] bool is_queued(TimerFunction function, int code, void* data) const;
    [[nodiscard]] bool dequeue(TimerFunction function, int code, void* data);

    /// 0, 1 when it replaced another, -1 when there are too many.
    [[nodiscard]] int attach(int descriptor, int type, DescriptorFunction function, int code,
                             void* data, int priority);
    /// Whether there was one, at any of the priorities from `first` to `last`.
    [[nodiscard]] bool detach(int descriptor, int type, int first, int last);
    [[nodiscard]] bool set_active(int descriptor, int type, bool is_active);
    [[nodiscard]] int active_count(int priority) const;
    void set_threshold(int priority) { threshold_ = priority; }

    void run();
    /// Only stores to an atomic, so signal handlers may.
    void stop() { is_stopping_.store(true); }

  private:
    struct Timer {
        TimerFunction function;
        int code;
        void* data;

        [[nodiscard]] bool is(TimerFunction f, int c, const void* d) const {
            return function == f && code == c && data == d;
        }
    };
    struct Watch {
        int descriptor;
        int type;
        DescriptorFunction function;
        int code;
        void* data;
        bool is_active;
    };
    /// What poll() is asked, and which watch asks.
    struct Asked {
        int priority;
        int descriptor;
        int type;
    };
    /// Due time and number of the call that queued it: equal times run in the order queued.
    using TimerKey = std::pair<std::pair<long, long>, std::uint64_t>;

    void run_due_timers();
    [[nodiscard]] int milliseconds_to_next_timer() const;
    /// Waits and serves; true when a descriptor above LOW was ready.
    bool serve_descriptors(int timeout_ms);
    void collect();
    [[nodiscard]] bool is_ready(std::size_t index) const;
    void call(const Asked& asked);
    void serve_one_low();
    [[nodiscard]] std::vector<Watch>::iterator find(int priority, int descriptor, int type);

    std::map<TimerKey, Timer> timers_;
    std::uint64_t timers_made_ = 0;
    std::array<std::vector<Watch>, NUM_PRIORITY> watches_;
    int threshold_ = LOW_PRIORITY;
    std::size_t low_turn_ = 0;
    std::atomic<bool> is_stopping_{false};
    std::vector<pollfd> polled_;
    std::vector<Asked> asked_;  // parallel to polled_
};

}  // namespace spread::c_api
