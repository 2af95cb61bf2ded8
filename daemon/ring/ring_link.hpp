#pragma once

#include <atomic>

#include "daemon/driver/ring_queues.hpp"
#include "daemon/host/wakeup.hpp"

namespace spread::daemon {

using driver::ControlItem;

/// Everything ring thread and session thread share: the queues, two wake-ups, and how busy the ring
/// thread is. The session thread is woken by others as well, for the tasks that
/// they post.
struct RingLink : driver::RingQueues {
    Wakeup ring_wakeup;
    Wakeup session_wakeup;
    std::atomic<float> ring_load{1};  ///< ring thread: share of a processor it used of late

    /// Session thread: the ring thread has the work again, if it had not.
    void give_ring_back() {
        if (take_ring_back()) {
            ring_owner.notify_one();
        }
    }
};

}  // namespace spread::daemon
