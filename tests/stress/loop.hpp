#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "client/socket.hpp"
#include "tests/support/deadline.hpp"

namespace spread::stress {

using Clock = std::chrono::steady_clock;

/// How long what must happen may take: for loaded machines, no measure of speed.
inline constexpr auto kPatience = std::chrono::minutes(5);

[[nodiscard]] inline double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Waits for thousands of sockets, and for moments, from one thread.
class Loop {
  public:
    using Handler = std::function<void(std::uint32_t events)>;
    /// A moment that is waited for; ids are never reused.
    using Timer = std::uint64_t;

    Loop();

    /// Calls `handler` with epoll events. Errors and hang-ups are always among them.
    void watch(int fd, std::uint32_t events, Handler handler);
    void change(int fd, std::uint32_t events);
    /// Must be called before the descriptor is closed. The handler may do so itself.
    void forget(int fd);

    Timer after(Clock::duration delay, std::function<void()> action);
    void cancel(Timer timer);

    /// Waits for at most `longest`, and does what came up.
    void turn(Clock::duration longest);
    void run_for(Clock::duration time);

    /// Runs until `condition` holds; false when it does not in time.
    template <typename Condition>
    [[nodiscard]] bool run_until(Condition condition,
                                 std::chrono::milliseconds patience = support::kPatience) {
        const support::Deadline deadline(patience);
        while (!condition()) {
            if (deadline.passed()) {
                return false;
            }
            turn(std::chrono::milliseconds(20));
        }
        return true;
    }

  private:
    struct Watched {
        int fd;
        Handler handler;
    };

    void fire_timers();

    client::FileDescriptor epoll_;
    std::uint64_t last_id_ = 0;
    /// Events carry the id, not the descriptor: the kernel gives numbers of closed ones away again.
    std::unordered_map<std::uint64_t, std::shared_ptr<Watched>> watched_;
    std::unordered_map<int, std::uint64_t> id_of_;
    std::map<std::pair<Clock::time_point, Timer>, std::function<void()>> timers_;
    std::unordered_map<Timer, Clock::time_point> due_;
};

}  // namespace spread::stress
