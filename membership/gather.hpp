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
/// said the same (Totem, TOCS 1995, section 5.1) and that they hear all others well: each join goes
/// out by every way that the ring will depend on, and says what its sender has heard (Hearing).
class Gather {
  public:
    struct Sets {
        protocol::DaemonSet proc;  ///< everybody heard of
        protocol::DaemonSet fail;  ///< of these, who is to be left out

        friend bool operator==(const Sets&, const Sets&) = default;
    };

    /// `is_start`: the daemon starts and waits for others before it forms a ring of one.
    Gather(EngineCore& core, const Sets& sets, bool is_start)
        : core_(core), sets_(sets), starting_(is_start) {}

    /// Sends the first join.
    [[nodiscard]] Next start(const Step& step);
    /// The same, when a join ended the state before this one; it counts here.
    [[nodiscard]] Next start(const Step& step, protocol::DaemonId from, const protocol::Join& join);

    Next on(const Step& step, const protocol::PacketHeader& from, const DataPacket& packet);
    Next on(const Step& step, const protocol::PacketHeader& from, protocol::Token& token);
    Next on(const Step& step, const protocol::PacketHeader& from, const protocol::Join& join);
    Next on(const Step& step, const protocol::PacketHeader& from, protocol::CommitToken& token);
    Next on(const Step& step, const protocol::PacketHeader& from, const Leave& leave);
    /// A join or probe of the sender has shown how it hears and is heard.
    Next heard(const Step& step, const protocol::PacketHeader& from);
    Next on_timer(const Step& step, RingTimer timer);
    Next on_unreachable(const Step& step, protocol::DaemonId peer);

    void pump(const Step&) {}
    [[nodiscard]] bool prefers_token() const { return false; }
    [[nodiscard]] const Forming* forming() const { return nullptr; }
    [[nodiscard]] const Sets& sets() const { return sets_; }
    void check_invariants() const;

  private:
    [[nodiscard]] protocol::DaemonSet candidates() const { return sets_.proc - sets_.fail; }
    /// Takes over what a join says of the sets; true when they have changed.
    [[nodiscard]] bool take(const protocol::Join& join, protocol::DaemonIndex sender);
    /// Whether `join` says what we say, and that its sender hears all candidates well.
    [[nodiscard]] bool agrees(const Step& step, const protocol::Join& join,
                              protocol::DaemonIndex sender) const;
    [[nodiscard]] bool hears_all(const Step& step, protocol::DaemonIndex daemon) const;
    /// The sets have changed: all candidates have to agree anew.
    void begin_round(const Step& step);
    void send_join(const Step& step);
    [[nodiscard]] Next check_consensus(const Step& step);
    [[nodiscard]] Next begin_round_and_check(const Step& step);
    [[nodiscard]] Next give_up_waiting(const Step& step);
    /// Some candidates have not agreed in time: the ring goes on without the worst connected.
    [[nodiscard]] Next leave_out(const Step& step);

    EngineCore& core_;
    Sets sets_;
    protocol::DaemonSet agrees_;    ///< who has joined with exactly these sets, and hears them well
    protocol::DaemonSet reported_;  ///< whom our last join said we hear well
    protocol::DaemonSet heard_;     ///< who has joined this gather
    protocol::Instant began_{};
    bool starting_;
    bool sets_are_sent_ = false;  ///< our last join had these sets
    bool second_look_ = false;    ///< a silent candidate is heard by others: one more timeout
    bool await_commit_ = false;   ///< all agree; the representative owes a commit token
    bool given_up_ = false;       ///< a daemon left us out: no ring of one before the timeout
};

}  // namespace spread::membership
