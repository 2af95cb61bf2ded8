#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <variant>

#include "daemon/host/spsc_queue.hpp"
#include "daemon/host/wakeup.hpp"
#include "membership/events.hpp"
#include "protocol/ids.hpp"

namespace spread::daemon {

/// What must reach the engine past messages that wait: group state, and the permission to go on.
/// Waiting messages may wait for exactly this, so it has a queue of its own.
using ControlItem = std::variant<std::monostate, membership::Submission, protocol::RingId>;

/// Everything ring thread and session thread share: bounded queues and two wake-ups. The session
/// thread is woken by others as well, for their letters.
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
    enum SessionReason : Wakeup::Reasons {
        kDelivery = 1,
        kSubmitRoom = 2,
        kStopped = 4,
        kRingIsYours = 8,
        kMail = 16
    };
    /// Whose thread does the ring's work.
    enum class RingOwner : std::uint32_t { kRingThread, kSessionThread };

    SpscQueue<membership::Submission> submissions{kSubmissionsMax};
    SpscQueue<ControlItem> control{kControlMax};
    SpscQueue<membership::DeliveryEvent> deliveries{kDeliveriesMax};
    /// Bytes inside the queues: added by the producer, taken away by the consumer.
    alignas(kCacheLineBytes) std::atomic<std::size_t> submitted_bytes{0};
    alignas(kCacheLineBytes) std::atomic<std::size_t> delivered_bytes{0};

    Wakeup ring_wakeup;
    Wakeup session_wakeup;
    /// Changed by the owner only, as its last act; but see leave_wanted, with which the ring thread
    /// takes back what nobody may have taken. The queues serve both ways: what was shared by
    /// two threads is then used by one.
    std::atomic<RingOwner> ring_owner{RingOwner::kRingThread};
    std::atomic<bool> ring_wanted{false};   ///< session thread: may have the ring's work
    std::atomic<float> ring_load{1};        ///< ring thread: share of a processor it used of late
    std::atomic<bool> leave_wanted{false};  ///< session thread: leave the ring and stop
    std::atomic<bool> ring_stopped{false};  ///< ring thread: nothing comes any more

    /// Session thread: the ring thread has the work again, if it had not.
    void give_ring_back() {
        ring_wanted.store(false, std::memory_order_relaxed);
        if (ring_owner.exchange(RingOwner::kRingThread, std::memory_order_acq_rel) ==
            RingOwner::kSessionThread) {
            ring_owner.notify_one();
        }
    }
    [[nodiscard]] bool session_has_ring() const {
        return ring_owner.load(std::memory_order_acquire) == RingOwner::kSessionThread;
    }

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
