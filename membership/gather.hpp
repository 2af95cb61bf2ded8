#pragma once

#include "membership/engine_core.hpp"
#include "membership/packets.hpp"
#include "membership/ring_timers.hpp"
#include "membership/step.hpp"
#include "membership/transition.hpp"
#include "protocol/ids.hpp"
#include "protocol/ring_wire.hpp"
#include "protocol/roster.hpp"

namespace spread::membership {

struct Forming;

/// Finding out who should be in the next ring: daemons exchange joins until all candidates have
/// said the same (Totem, TOCS 1995, section 5.1).
class Gather {
  public:
    struct Sets {
        protocol::DaemonSet proc;  ///< everybody heard of
        protocol::DaemonSet fail;  ///< of these, who is to be left out
    };

    /// `is_start`: the daemon starts and waits for others before it forms a ring of one.
    Gather(EngineCore& core, const Sets& sets, bool is_start)
        : core_(core), sets_(sets), agrees_{core.self}, starting_(is_start) {}

    /// Sends the first join.
    [[nodiscard]] Next start(const Step& step);

    Next on(const Step& step, const protocol::PacketHeader& from, const DataPacket& packet);
    Next on(const Step& step, const protocol::PacketHeader& from, protocol::Token& token);
    Next on(const Step& step, const protocol::PacketHeader& from, const protocol::Join& join);
    Next on(const Step& step, const protocol::PacketHeader& from, protocol::CommitToken& token);
    Next on(const Step& step, const protocol::PacketHeader& from, const Leave& leave);
    Next on_timer(const Step& step, RingTimer timer);
    Next on_unreachable(const Step& step, protocol::DaemonId peer);

    /// A join; also the one that ended the state before this one.
    [[nodiscard]] Next on_join(const Step& step, protocol::DaemonId from,
                               const protocol::Join& join);

    void pump(const Step&) {}
    [[nodiscard]] bool prefers_token() const { return false; }
    [[nodiscard]] const Forming* forming() const { return nullptr; }
    [[nodiscard]] const Sets& sets() const { return sets_; }
    void check_invariants() const;

  private:
    [[nodiscard]] protocol::DaemonSet candidates() const { return sets_.proc - sets_.fail; }
    /// The sets have changed: all candidates have to agree anew.
    void begin_round(const Step& step);
    void send_join(const Step& step);
    [[nodiscard]] Next check_consensus(const Step& step);
    [[nodiscard]] Next begin_round_and_check(const Step& step);
    [[nodiscard]] Next give_up_waiting(const Step& step);

    EngineCore& core_;
    Sets sets_;
    protocol::DaemonSet agrees_;  ///< daemons whose last join had exactly these sets
    protocol::DaemonSet heard_;   ///< who has joined this gather
    bool starting_;
    bool await_commit_ = false;  ///< all agree; the representative owes a commit token
    bool given_up_ = false;      ///< a daemon left us out: no ring of one before the timeout
};

}  // namespace spread::membership
