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
    /// Judged by this object's own state, since the ring thread may take back the work that it has
    /// just handed over.
    [[nodiscard]] bool has_ring() const { return !watched_.empty(); }
    /// The ring thread has handed its work over, and this thread has not begun it yet.
    [[nodiscard]] bool is_offered() const { return link_.session_has_ring() && !has_ring(); }
    void note_event(const epoll_event& event);
    /// One turn of the ring's work, if this thread has it and there is something to do.
    void work();
    [[nodiscard]] bool has_work() { return has_ring() && ring_->has_work(); }
    [[nodiscard]] std::optional<protocol::Instant> next_deadline() const {
        return has_ring() ? ring_->next_deadline() : std::nullopt;
    }

    /// Gives the work back if this thread has it, and does not ask for it for a while.
    void give_back();
    /// `writes` clients are to be written to. Gives the work back if the ring would have to wait
    /// too long for that.
    void weigh_writes(std::size_t writes);
    /// To be called at the end of a turn, which took `turn`.
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
