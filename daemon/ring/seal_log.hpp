#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "daemon/host/endpoint.hpp"
#include "daemon/host/logging.hpp"
#include "protocol/roster.hpp"
#include "protocol/time.hpp"
#include "sealing/ring_seal.hpp"

namespace spread::daemon {

/// What operators read of the sealing of a ring: who is not understood, why, and what to do. One
/// line per cause and daemon, then one in ten seconds.
class SealLog {
  public:
    /// `file` is RingKeyFile; empty: there is none, and nothing is told.
    SealLog(protocol::Roster roster, std::string file)
        : roster_(std::move(roster)), file_(std::move(file)) {}

    void on_start(const sealing::RingSeal& seal);
    void on_refused(protocol::Instant now, const Endpoint& source, sealing::Refusal refusal,
                    const sealing::Envelope& envelope, const sealing::KeyRing& keys);
    void on_event(const sealing::SealEvent& event);
    /// Says every ten minutes that plain datagrams are taken, if they are.
    void tick(protocol::Instant now, const sealing::RingSeal& seal);

  private:
    /// What to say of a datagram that was not taken; empty: nothing.
    [[nodiscard]] std::string text_of(sealing::Refusal refusal, const sealing::Envelope& envelope,
                                      const sealing::KeyRing& keys) const;
    [[nodiscard]] std::string who(const Endpoint& source, protocol::DaemonId daemon) const;

    protocol::Roster roster_;
    std::string file_;
    /// By cause and claimed sender; ids that are not configured share one.
    std::map<std::pair<sealing::Refusal, std::uint32_t>, RateLimit> limits_;
    std::map<std::uint32_t, std::pair<protocol::Instant, protocol::Instant>> unproven_;
    std::uint64_t plain_told_ = 0;
    protocol::Instant plain_told_at_{};
};

}  // namespace spread::daemon
