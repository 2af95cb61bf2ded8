#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "protocol/time.hpp"

namespace spread::sim {

enum class EventKind : std::uint8_t {
    kPacket,       ///< subject: daemon; slot: packet in flight
    kRingTurn,     ///< subject: daemon
    kSessionTurn,  ///< subject: daemon
    kUnreachable,  ///< subject: daemon that hears; slot: daemon that does not answer
    kClientTurn,   ///< subject: client; slot: its connection
    kScript        ///< the script goes on
};

struct Event {
    protocol::Instant at;
    std::uint64_t order = 0;  ///< of insertion: breaks ties
    std::uint32_t generation = 0;
    std::uint32_t slot = 0;
    std::uint16_t subject = 0;
    EventKind kind{};
};

/// Events by time, ties in the order they were posted. Time jumps from one to the next.
class EventQueue {
  public:
    void post(protocol::Instant at, EventKind kind, std::uint16_t subject, std::uint32_t slot = 0,
              std::uint32_t generation = 0) {
        heap_.push_back({at, ++order_, generation, slot, subject, kind});
        std::push_heap(heap_.begin(), heap_.end(), later);
    }
    [[nodiscard]] bool empty() const { return heap_.empty(); }
    [[nodiscard]] Event pop() {
        std::pop_heap(heap_.begin(), heap_.end(), later);
        const Event event = heap_.back();
        heap_.pop_back();
        return event;
    }

  private:
    static bool later(const Event& a, const Event& b) {
        return a.at != b.at ? a.at > b.at : a.order > b.order;
    }

    std::vector<Event> heap_;
    std::uint64_t order_ = 0;
};

}  // namespace spread::sim
