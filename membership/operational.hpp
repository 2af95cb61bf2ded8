#pragma once

#include <optional>
#include <vector>

#include "membership/engine_core.hpp"
#include "membership/packets.hpp"
#include "membership/ring_timers.hpp"
#include "membership/step.hpp"
#include "membership/token_holder.hpp"
#include "membership/transition.hpp"
#include "protocol/ids.hpp"
#include "protocol/ring_wire.hpp"

namespace spread::membership {

struct Forming;

/// The ring runs: data and tokens circulate, and daemons of other rings are looked for.
class Operational {
  public:
    explicit Operational(EngineCore& core) : core_(core), holder_(core) {}

    Next on(const Step& step, const protocol::PacketHeader& from, const DataPacket& packet);
    Next on(const Step& step, const protocol::PacketHeader& from, protocol::Token& token);
    Next on(const Step& step, const protocol::PacketHeader& from, const Hold& hold);
    Next on(const Step& step, const protocol::PacketHeader& from, const Wake& wake);
    Next on(const Step& step, const protocol::PacketHeader& from, const protocol::Join& join);
    Next on(const Step& step, const protocol::PacketHeader& from, const protocol::Probe& probe);
    Next on(const Step& step, const protocol::PacketHeader& from, const Leave& leave);
    /// A join or probe of the sender has shown how it hears and is heard.
    Next heard(const Step& step, const protocol::PacketHeader& from);
    Next on_timer(const Step& step, RingTimer timer);
    Next on_unreachable(const Step& step, protocol::DaemonId peer);

    /// Messages may wait to be sent.
    void pump(const Step& step);
    /// The ring was installed, after a recovery or without one.
    void start(const Step& step);
    [[nodiscard]] bool prefers_token() const { return holder_.is_close(); }
    [[nodiscard]] const Forming* forming() const { return nullptr; }
    void check_invariants() const { holder_.check_invariants(); }

  private:
    [[nodiscard]] bool is_member(protocol::DaemonId id) const { return core_.ring.is_member(id); }
    void heard_foreign(const Step& step, const protocol::PacketHeader& from);
    /// Since when joins and probes count.
    [[nodiscard]] protocol::Instant evidence_since(const Step& step) const;
    /// Gathers when the evidence says that our ring and others together would make one that is
    /// larger than each of them. `cause` has just said something.
    [[nodiscard]] Next consider_gathering(const Step& step, protocol::DaemonId cause) const;

    // Probes: to all; to strangers by the other ways that a ring would depend on; to all as soon as
    // there is somebody whom we have not said we hear well.
    [[nodiscard]] protocol::Probe probe(const Step& step);
    void on_probe_due(const Step& step);
    [[nodiscard]] protocol::DaemonSet asked_singly(const Step& step) const;
    void tell_who_is_missing(const Step& step);
    void send_probe(const Step& step);
    void answer(const Step& step);
    void tell_whom_we_hear(const Step& step);
    void schedule_probe(const Step& step);

    EngineCore& core_;
    TokenHolder holder_;
    protocol::Instant installed_{};
    std::optional<protocol::Instant> last_probe_;  ///< to all
    std::optional<protocol::Instant> last_answer_;
    std::uint32_t probes_due_ = 0;
    protocol::DaemonSet unanswered_;
    protocol::DaemonSet reported_;  ///< whom it said we hear well
    std::vector<Absence> seen_missing_;
    std::vector<Absence> told_missing_;
    protocol::DaemonSet gave_us_up_;  ///< whose last join left out some of us
};

}  // namespace spread::membership
