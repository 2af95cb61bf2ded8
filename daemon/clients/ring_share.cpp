#include "daemon/clients/ring_share.hpp"

#include "daemon/host/clock.hpp"

namespace spread::daemon {

void RingShare::start(protocol::Instant now) {
    policy_.start(now);
    load_.reset(now, thread_cpu_time());
}

void RingShare::note_event(const epoll_event& event) {
    epoll_event of_ring = event;
    of_ring.data.u64 = 0;
    of_ring.data.u32 = static_cast<std::uint32_t>(event.data.u64 & ~kMark);
    ring_events_.push_back(of_ring);
}

void RingShare::work() {
    if (!link_.session_has_ring() || (!has_ring() && !watch())) {
        return;
    }
    if (ring_events_.empty() && !ring_->has_work()) {
        const auto deadline = ring_->next_deadline();
        if (!deadline || *deadline > now()) {
            return;
        }
    }
    ring_->work_on(ring_events_);
    ring_events_.clear();
}

/// The ring's thread has handed its work over.
bool RingShare::watch() {
    for (const RingThread::Watched& each : ring_->watched()) {
        if (!events_.add(each.fd, EPOLLIN, kMark | each.mark)) {
            // The kernel has no room to watch it; both threads go on for a long while.
            policy_.on_unable();
            give_back();
            return false;
        }
        watched_.push_back(each);
    }
    policy_.on_taken(now());
    load_.reset(now(), thread_cpu_time());
    return true;
}

void RingShare::give_back() {
    for (const RingThread::Watched& each : watched_) {
        events_.remove(each.fd);
    }
    watched_.clear();
    ring_events_.clear();
    if (!link_.session_has_ring()) {
        link_.ring_wanted.store(false, std::memory_order_relaxed);
        return;
    }
    policy_.on_given_back(now());
    link_.give_ring_back();
}

void RingShare::give_back_overloaded() {
    policy_.on_overload(now());
    give_back();
}

void RingShare::weigh_writes(std::size_t writes) {
    if (has_ring() && WorkSharing::is_large_fan_out(writes)) {
        give_back_overloaded();
    }
}

void RingShare::weigh_turn(protocol::Instant now, protocol::Duration turn) {
    if (ring_ == nullptr) {
        return;
    }
    if (has_ring() && WorkSharing::is_too_long(turn)) {
        give_back_overloaded();
    }
    if (!load_.is_due(now)) {
        return;
    }
    load_.end_window(now, thread_cpu_time());
    if (has_ring()) {
        if (policy_.is_too_busy(load_.share())) {
            give_back_overloaded();
        }
        return;
    }
    switch (
        policy_.weigh_apart(now, load_.share(), link_.ring_load.load(std::memory_order_relaxed))) {
        case WorkSharing::Wish::kWorkWanted:
            link_.ring_wanted.store(true, std::memory_order_release);
            break;
        case WorkSharing::Wish::kNotWanted:
            link_.ring_wanted.store(false, std::memory_order_relaxed);
            break;
        case WorkSharing::Wish::kNone: break;
    }
}

}  // namespace spread::daemon
