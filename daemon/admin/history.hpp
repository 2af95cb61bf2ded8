#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace spread::admin {

using WallTime = std::chrono::system_clock::time_point;

/// Something that an operator may want to know of later.
struct Event {
    std::uint64_t number = 0;  ///< counts from 1; set by the history
    WallTime at;
    /// A stable word: "ring_changed", "peer_missing", "client_dropped" ...
    std::string event;
    std::string subject;  ///< a daemon or a client; may be empty
    std::string cause;    ///< a stable word: of membership::Cause, of session::CloseReason
    std::string text;     ///< for people, one line
    std::optional<std::chrono::microseconds> took{};
    /// Of "ring_changed": which ring begins, "REPRESENTATIVE.COUNTER", the same at all its members;
    /// and who is in it.
    std::string ring{};
    std::vector<std::string> members{};
};

/// The last events, in order. For any thread; nobody waits for longer than an event takes to copy.
class History {
  public:
    static constexpr std::size_t kEventsMax = 1000;

    void add(Event event);
    /// The newest `most` at most of those with higher numbers than `after`, oldest first.
    [[nodiscard]] std::vector<Event> events(std::size_t most, std::uint64_t after = 0) const;
    /// How many of that word since then, as far as it is remembered.
    [[nodiscard]] std::size_t count(std::string_view event, WallTime since) const;

  private:
    mutable std::mutex mutex_;
    std::deque<Event> events_;
    std::uint64_t last_ = 0;
};

}  // namespace spread::admin
