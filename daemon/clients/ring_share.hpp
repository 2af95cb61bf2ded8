#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "daemon/clients/work_sharing.hpp"
#include "daemon/host/event_set.hpp"
#include "daemon/host/load_meter.hpp"
#include "daemon/ring/ring_link.hpp"
#include "daemon/ring/ring_thread.hpp"
#include "protocol/time.hpp"

namespace spread::daemon {

/// The ring's work in the session thread, while WorkSharing says so: watches the ring's sockets
/// beside those of the clients, and turns the ring. All functions are for the session thread.
class RingShare {
  public:
    /// Marks the events of the ring's sockets in `events`, above the ring's own marks.
    static constexpr std::uint64_t kMark = std::uint64_t{1} << 62U;

    /// `link` and `events` must outlive this object.
    RingShare(RingLink& link, EventSet& events, WorkSharing::Limits limits)
        : link_(link), events_(events), policy_(limits), load_(WorkSharing::kWindow) {}

    /// Without a ring nothing is shared. `ring` must outlive this object.
    void share_work_of(RingThread& ring) { ring_ = &ring; }

    void start(protocol::Instant now);
    /// By our own state: the ring thread may take back what it has just handed over.
    [[nodiscard]] bool has_ring() const { return !watched_.empty(); }
    /// The ring's thread has handed its work over, and we do not have it yet.
    [[nodiscard]] bool is_offered() const { return link_.session_has_ring() && !has_ring(); }
    void note_event(const epoll_event& event);
    /// One turn of the ring's work, if that is ours and there is some.
    void work();
    [[nodiscard]] bool has_work() { return has_ring() && ring_->has_work(); }
    [[nodiscard]] std::optional<protocol::Instant> next_deadline() const {
        return has_ring() ? ring_->next_deadline() : std::nullopt;
    }

    /// Gives the work back if we have it, and asks for it no more for a while.
    void give_back();
    /// This many clients are to be written to: too many for the ring to wait for?
    void weigh_writes(std::size_t writes);
    /// At the end of a turn that has taken so long.
    void weigh_turn(protocol::Instant now, protocol::Duration turn);

  private:
    [[nodiscard]] bool watch();
    void give_back_overloaded();

    RingLink& link_;
    EventSet& events_;
    RingThread* ring_ = nullptr;
    WorkSharing policy_;
    LoadMeter load_;
    std::vector<RingThread::Watched> watched_;  ///< while we have the ring's work
    std::vector<epoll_event> ring_events_;
};

}  // namespace spread::daemon
