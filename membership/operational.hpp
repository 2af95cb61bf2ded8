#pragma once

#include <optional>

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
    /// To one daemon, or to all.
    void send_probe(const Step& step, std::optional<protocol::DaemonId> to);
    void schedule_probe(const Step& step);

    EngineCore& core_;
    TokenHolder holder_;
};

}  // namespace spread::membership
