#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "daemon/driver/ring_queues.hpp"
#include "daemon/driver/wake_signal.hpp"
#include "membership/events.hpp"
#include "protocol/fifo.hpp"

namespace spread::driver {

/// The session side's end of the queues between it and the ring.
class RingPort {
  public:
    /// Both must outlive this object. `ring` wakes the ring side.
    RingPort(RingQueues& queues, WakeSignal& ring) : queues_(queues), ring_(ring) {}

    // To the ring

    /// A message, or control message, for the ring; passed on by push().
    void add(membership::Submission&& submission);
    /// The permission to go on with `ring`; passed on by push().
    void resume(const protocol::RingId& ring) { waiting_control_.push_back(ring); }
    /// The wish to go on without daemons; passed on by push().
    void give_up(GiveUp&& overdue) { waiting_control_.push_back(std::move(overdue)); }
    /// What an operator wants; passed on by push().
    void steer(ControlItem&& wish) { waiting_control_.push_back(std::move(wish)); }
    /// Passes on what there is room for, and wakes the ring for it. Returns the number of clients'
    /// messages passed on.
    std::size_t push();
    /// All ordinary messages are passed on, and the ring takes more.
    [[nodiscard]] bool has_room() const { return waiting_.empty() && queues_.submit_has_room(); }
    /// The same, with so much room that clients may be read again.
    [[nodiscard]] bool is_low() const { return waiting_.empty() && queues_.submit_is_low(); }
    /// Whether push() would pass something on.
    [[nodiscard]] bool can_push() const;
    /// The ring side must wake the session side when there is room again.
    [[nodiscard]] bool waits_for_room() const {
        return !waiting_control_.empty() || !waiting_ahead_.empty() || !has_room();
    }
    /// Ordinary messages that were added and that the ring has not taken yet;
    [[nodiscard]] std::size_t messages_left() const {
        return waiting_.size() + queues_.submissions.size();
    }
    /// those that go ahead of them.
    [[nodiscard]] std::size_t ahead_left() const {
        return waiting_ahead_.size() + queues_.ahead.size();
    }
    /// Of the messages that were added, how many have left for the ring.
    [[nodiscard]] ordering::SendProgress progress() const {
        return {queues_.ordinary_stamped.load(std::memory_order_relaxed),
                queues_.ahead_stamped.load(std::memory_order_relaxed)};
    }
    [[nodiscard]] std::size_t control_left() const {
        return waiting_control_.size() + queues_.control.size();
    }

    // From the ring

    /// Of messages that wait to be taken.
    [[nodiscard]] std::size_t bytes_waiting() const {
        return queues_.delivered_bytes.load(std::memory_order_relaxed);
    }
    [[nodiscard]] bool has_event() { return queues_.deliveries.front() != nullptr; }
    [[nodiscard]] std::optional<membership::DeliveryEvent> next_event();
    /// Events have been taken: wakes the ring side if it waits for room.
    void tell_of_room();
    /// The ring has stopped, and all its events are taken.
    [[nodiscard]] bool is_drained();

  private:
    RingQueues& queues_;
    WakeSignal& ring_;
    /// Those that found their queue full. Few, because clients are not read while there are any,
    /// save for a few bytes of those who may go ahead.
    protocol::Fifo<membership::Submission> waiting_;
    protocol::Fifo<membership::Submission> waiting_ahead_;
    protocol::Fifo<ControlItem> waiting_control_;
};

}  // namespace spread::driver
