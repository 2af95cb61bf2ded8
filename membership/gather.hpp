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

    /// `is_start`: nobody is expected yet, so others are waited for before going alone.
    Gather(EngineCore& core, const Sets& sets, bool is_start)
        : core_(core), sets_(sets), agrees_{core.self}, starting_(is_start) {}

    /// Says what we have.
    [[nodiscard]] Next start(const Step& step);

    Next on(const Step& step, const protocol::PacketHeader& from, const DataPacket& packet);
    Next on(const Step& step, const protocol::PacketHeader& from, protocol::Token& token);
    Next on(const Step& step, const protocol::PacketHeader& from, const Hold& hold);
    Next on(const Step& step, const protocol::PacketHeader& from, const Wake& wake);
    Next on(const Step& step, const protocol::PacketHeader& from, const protocol::Join& join);
    Next on(const Step& step, const protocol::PacketHeader& from, protocol::CommitToken& token);
    Next on(const Step& step, const protocol::PacketHeader& from, const protocol::Probe& probe);
    Next on(const Step& step, const protocol::PacketHeader& from, const Leave& leave);
    Next on_timer(const Step& step, RingTimer timer);
    Next on_unreachable(const Step& step, protocol::DaemonId peer);

    /// The join that ended the state before this one counts, too.
    [[nodiscard]] Next on_join(const Step& step, protocol::DaemonId from,
                               const protocol::Join& join);

    void pump(const Step&) {}
    [[nodiscard]] bool prefers_token() const { return false; }
    [[nodiscard]] const Forming* forming() const { return nullptr; }
    [[nodiscard]] const Sets& sets() const { return sets_; }
    void check_invariants() const;

  private:
    [[nodiscard]] protocol::DaemonSet candidates() const { return sets_.proc - sets_.fail; }
    /// Another round: everybody has to agree anew.
    void begin_round(const Step& step);
    void send_join(const Step& step);
    [[nodiscard]] Next check_consensus(const Step& step);
    [[nodiscard]] Next begin_round_and_check(const Step& step);
    [[nodiscard]] Next give_up_waiting(const Step& step);

    EngineCore& core_;
    Sets sets_;
    protocol::DaemonSet agrees_;  ///< whose last join had exactly these sets
    protocol::DaemonSet heard_;   ///< who has joined this gather
    bool starting_;
    bool await_commit_ = false;  ///< all agree; the representative owes a commit token
    bool given_up_ = false;      ///< somebody left us out: do not go alone before the timeout
};

}  // namespace spread::membership
