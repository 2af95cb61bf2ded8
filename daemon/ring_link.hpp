#pragma once

#include <atomic>
#include <cstddef>
#include <variant>

#include "daemon/spsc_queue.hpp"
#include "daemon/wakeup.hpp"
#include "membership/events.hpp"
#include "protocol/ids.hpp"

namespace spread::daemon {

/// What must reach the engine past messages that wait: group state, and the permission to go on.
/// Waiting messages may wait for exactly this, so it has a queue of its own.
using ControlItem = std::variant<std::monostate, membership::Submission, protocol::RingId>;

/// Everything ring thread and session thread share: bounded queues and two wake-ups.
///
/// Upward pressure: deliveries beyond the room granted to the engine stay in the engine, whose aru
/// then stops. Downward pressure: the ring thread takes a submission only when the engine has room,
/// and the session thread stops reading clients while the submit queue is full.
struct RingLink {
    static constexpr std::size_t kSubmissionsMax = 512;
    static constexpr std::size_t kSubmittedBytesMax = 4U << 20U;
    static constexpr std::size_t kControlMax = 256;
    static constexpr std::size_t kDeliveriesMax = 4096;
    static constexpr std::size_t kDeliveredBytesMax = 32U << 20U;

    /// Why the ring thread wants to be woken.
    enum RingReason : Wakeup::Reasons { kSubmission = 1, kControl = 2, kDeliveryRoom = 4 };
    /// Why the session thread wants to be woken.
    enum SessionReason : Wakeup::Reasons { kDelivery = 1, kSubmitRoom = 2, kStopped = 4 };

    SpscQueue<membership::Submission> submissions{kSubmissionsMax};
    SpscQueue<ControlItem> control{kControlMax};
    SpscQueue<membership::DeliveryEvent> deliveries{kDeliveriesMax};
    /// Bytes inside the queues: added by the producer, taken away by the consumer.
    alignas(kCacheLineBytes) std::atomic<std::size_t> submitted_bytes{0};
    alignas(kCacheLineBytes) std::atomic<std::size_t> delivered_bytes{0};

    Wakeup ring_wakeup;
    Wakeup session_wakeup;
    std::atomic<bool> leave_wanted{false};  ///< session thread: leave the ring and stop
    std::atomic<bool> ring_stopped{false};  ///< ring thread: nothing comes any more

    /// Session thread: may more be pushed? A single message may exceed the byte limit.
    [[nodiscard]] bool submit_has_room() const {
        return submissions.size() < submissions.capacity() &&
               submitted_bytes.load(std::memory_order_acquire) < kSubmittedBytesMax;
    }
    /// Below this the session thread starts to read clients again.
    [[nodiscard]] bool submit_is_low() const {
        return submissions.size() <= kSubmissionsMax / 2 &&
               submitted_bytes.load(std::memory_order_acquire) <= kSubmittedBytesMax / 2;
    }
    /// Below this the ring thread may grant the engine new room.
    [[nodiscard]] bool deliveries_are_low() const {
        return deliveries.size() <= kDeliveriesMax / 4 &&
               delivered_bytes.load(std::memory_order_acquire) <= kDeliveredBytesMax / 4;
    }
};

}  // namespace spread::daemon
