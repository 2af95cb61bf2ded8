#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <variant>

#include "daemon/driver/spsc_queue.hpp"
#include "daemon/driver/wake_signal.hpp"
#include "membership/events.hpp"
#include "membership/ring_config.hpp"
#include "protocol/ids.hpp"
#include "protocol/time.hpp"
#include "sealing/ring_seal.hpp"

namespace spread::driver {

/// These daemons are members of `ring`, but their group state does not come.
struct GiveUp {
    protocol::RingId ring;
    protocol::MemberList daemons;
};

/// Packets of these daemons are not heard until then; see RingEngine::cut_off().
struct CutOff {
    protocol::MemberList daemons;
    protocol::Instant until;
};

/// From now on the ring is sealed so, with these keys; without effect on a ring without a key.
struct SealingChange {
    std::optional<sealing::Mode> mode{};       ///< none: as it is
    std::unique_ptr<sealing::KeyRing> keys{};  ///< null: as they are
};

/// What must overtake the messages that wait for the ring: group state, the permission to resume,
/// the wish to go on without daemons, and what operators want. Those messages may be waiting for
/// exactly this, so it has a queue of its own.
using ControlItem = std::variant<std::monostate, membership::Submission, protocol::RingId, GiveUp,
                                 CutOff, membership::WindowChange, SealingChange>;

/// Bounds of the queues. Only tests and the simulator take others.
struct QueueLimits {
    std::size_t submissions = 512;
    std::size_t submitted_bytes = 4U << 20U;
    std::size_t ahead = 512;
    std::size_t control = 256;
    std::size_t deliveries = 4096;
    std::size_t delivered_bytes = 32U << 20U;
};

/// The bounded queues between the ring side (RingDriver) and the session side, and who of the two
/// threads does the ring's work. Each side is one thread at a time.
///
/// Upward pressure: deliveries beyond the room granted to the engine stay in the engine, whose aru
/// then stops. Downward pressure: the ring side takes a submission only when the engine has room,
/// and the session side stops reading clients while the submit queue is full.
struct RingQueues {
    /// Why the ring side wants to be woken.
    enum RingReason : WakeSignal::Reasons {
        kSubmission = 1,
        kControl = 2,
        kDeliveryRoom = 4,
        kAhead = 8
    };
    /// Why the session side wants to be woken.
    enum SessionReason : WakeSignal::Reasons {
        kDelivery = 1,
        kSubmitRoom = 2,
        kStopped = 4,
        kRingIsYours = 8,
        kTask = 16
    };
    /// Which thread does the ring's work.
    enum class RingOwner : std::uint32_t { kRingThread, kSessionThread };

    explicit RingQueues(const QueueLimits& bounds = {})
        : limits(bounds),
          submissions(bounds.submissions),
          ahead(bounds.ahead),
          control(bounds.control),
          deliveries(bounds.deliveries) {}

    const QueueLimits limits;
    SpscQueue<membership::Submission> submissions;
    /// What overtakes them, and is taken even while the engine has no room for them.
    SpscQueue<membership::Submission> ahead;
    SpscQueue<ControlItem> control;
    SpscQueue<membership::DeliveryEvent> deliveries;
    /// Bytes inside the queues: added by the producer, taken away by the consumer.
    alignas(kCacheLineBytes) std::atomic<std::size_t> submitted_bytes{0};
    alignas(kCacheLineBytes) std::atomic<std::size_t> delivered_bytes{0};
    /// Ring side: how many of `submissions` and of `ahead` are stamped whole.
    alignas(kCacheLineBytes) std::atomic<std::uint64_t> ordinary_stamped{0};
    std::atomic<std::uint64_t> ahead_stamped{0};

    /// Changed by the owner only, as its last act. The exception is hand_ring_over() when
    /// leave_wanted is set: the session thread may not look any more, so the ring thread takes the
    /// work back. The queues are used in the same way while one thread has both ends.
    std::atomic<RingOwner> ring_owner{RingOwner::kRingThread};
    std::atomic<bool> ring_wanted{false};   ///< session side: asks for the ring's work
    std::atomic<bool> leave_wanted{false};  ///< session side: leave the ring and stop
    std::atomic<bool> ring_stopped{false};  ///< ring side: nothing comes any more

    /// Ring thread, between two turns: hands its work over if the session thread wants it. True:
    /// the session thread has the work now and must be woken (kRingIsYours).
    [[nodiscard]] bool hand_ring_over() {
        if (!ring_wanted.load(std::memory_order_acquire) ||
            leave_wanted.load(std::memory_order_acquire)) {
            return false;
        }
        ring_wanted.store(false, std::memory_order_relaxed);
        ring_owner.store(RingOwner::kSessionThread);
        if (leave_wanted.load()) {
            static_cast<void>(take_ring_back());  // nobody might take it any more
            return false;
        }
        return true;
    }
    /// Session thread: gives the work back. True if the session thread had it: the ring thread
    /// may be asleep and must be woken.
    [[nodiscard]] bool take_ring_back() {
        ring_wanted.store(false, std::memory_order_relaxed);
        return ring_owner.exchange(RingOwner::kRingThread, std::memory_order_acq_rel) ==
               RingOwner::kSessionThread;
    }
    [[nodiscard]] bool session_has_ring() const {
        return ring_owner.load(std::memory_order_acquire) == RingOwner::kSessionThread;
    }

    /// Session side: may more be pushed? A single message may exceed the byte limit.
    [[nodiscard]] bool submit_has_room() const {
        return submissions.size() < limits.submissions &&
               submitted_bytes.load(std::memory_order_acquire) < limits.submitted_bytes;
    }
    /// Below this the session side starts to read clients again.
    [[nodiscard]] bool submit_is_low() const {
        return submissions.size() <= limits.submissions / 2 &&
               submitted_bytes.load(std::memory_order_acquire) <= limits.submitted_bytes / 2;
    }
    /// Below this the ring side may grant the engine new room.
    [[nodiscard]] bool deliveries_are_low() const {
        return deliveries.size() <= limits.deliveries / 4 &&
               delivered_bytes.load(std::memory_order_acquire) <= limits.delivered_bytes / 4;
    }
};

}  // namespace spread::driver
