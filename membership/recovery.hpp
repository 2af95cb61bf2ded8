#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "membership/engine_core.hpp"
#include "membership/forming.hpp"
#include "membership/packets.hpp"
#include "membership/recovery_plan.hpp"
#include "membership/ring_timers.hpp"
#include "membership/step.hpp"
#include "membership/transition.hpp"
#include "ordering/ring_order.hpp"
#include "ordering/send_queue.hpp"
#include "protocol/ids.hpp"
#include "protocol/ring_wire.hpp"

namespace spread::membership {

/// The members that come from one old ring exchange its packets over the new ring, as ordinary
/// messages, until every member has announced that it holds them all. Then the new ring is
/// installed (Totem, TOCS 1995, section 5.3).
///
/// A member that has all of them sets its bit in the token's completion bitmap. That is a promise
/// to deliver them (the obligation set); a full bitmap installs the ring.
class Recovery {
  public:
    /// `token`: the commit token of the second pass, whose every member is filled in.
    Recovery(EngineCore& core, Forming forming, const protocol::CommitToken& token);

    Next on(const Step& step, const protocol::PacketHeader& from, const DataPacket& packet);
    Next on(const Step& step, const protocol::PacketHeader& from, protocol::Token& token);
    Next on(const Step& step, const protocol::PacketHeader& from, const protocol::Join& join);
    Next on(const Step& step, const protocol::PacketHeader& from, protocol::CommitToken& token);
    Next on(const Step& step, const protocol::PacketHeader& from, const Hold& hold);
    Next on(const Step& step, const protocol::PacketHeader& from, const Leave& leave);
    /// A join or probe of the sender has shown how it hears and is heard.
    Next heard(const Step&, const protocol::PacketHeader&) { return Stay{}; }
    Next on_timer(const Step& step, RingTimer timer);
    Next on_unreachable(const Step& step, protocol::DaemonId peer);

    void pump(const Step&) {}
    [[nodiscard]] bool prefers_token() const { return false; }
    [[nodiscard]] const Forming* forming() const { return &forming_; }
    [[nodiscard]] const RecoveryPlan& plan() const { return plan_; }
    void check_invariants() const;

    // The new ring, for the engine that installs it.
    [[nodiscard]] std::unique_ptr<ordering::RingOrder> take_order() { return std::move(order_); }
    [[nodiscard]] std::vector<protocol::Incarnation> take_incarnations() {
        return std::move(incarnations_);
    }

  private:
    [[nodiscard]] Next visit(const Step& step, protocol::Token& token);
    void queue_packets_to_resend();
    /// Moves the old packets that have come into the old ring's window.
    void take_recovered();
    void take_old_packet(protocol::Message&& body);
    /// Sets our bit on the token if we have everything; true if all bits are set.
    [[nodiscard]] bool complete(protocol::Token& token);

    EngineCore& core_;
    Forming forming_;
    RecoveryPlan plan_;
    std::unique_ptr<ordering::RingOrder> order_;       ///< of the new ring
    ordering::SendQueue queue_;                        ///< old packets this member has to send
    std::vector<protocol::Incarnation> incarnations_;  ///< by position in forming_.members
    std::uint64_t received_ = 0;                       ///< of plan_.expected
    bool promised_ = false;                            ///< our completion bit is on the token
};

/// Delivers what the installed ring still owes, around the transitional configuration that leads to
/// `next_ring` (Moser et al., ICDCS 1994).
void finish_old_ring(EngineCore& core, const Step& step, const RecoveryPlan& plan,
                     const protocol::RingId& next_ring);

}  // namespace spread::membership
