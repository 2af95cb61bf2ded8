#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "protocol/roster.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

/// Daemons that were heard although they are not in our ring. Hearing a daemon does not mean that
/// it hears us. So a probe lists the daemons its sender hears, and only a probe that lists us leads
/// to a gather: a link that works one way only cannot keep breaking a healthy ring.
class ForeignRings {
  public:
    /// `probe_every` is how often a representative probes at least.
    ForeignRings(std::size_t daemons, protocol::Duration probe_every)
        : probe_every_(probe_every), peers_(daemons) {}

    /// A packet of another ring came from `daemon`. True when it is time to send it a probe.
    [[nodiscard]] bool heard(protocol::Instant now, protocol::DaemonIndex daemon);
    /// Who was heard lately.
    [[nodiscard]] protocol::DaemonSet heard_lately(protocol::Instant now) const;
    /// A new ring is installed: forgets what was heard before.
    void begin_ring();

    /// A member other than the representative probes for foreign rings more rarely.
    [[nodiscard]] protocol::Duration interval(bool representative) const;

    void check_invariants() const;

  private:
    struct Peer {
        std::optional<protocol::Instant> heard;
        std::optional<protocol::Instant> probed;
    };

    protocol::Duration probe_every_;
    std::vector<Peer> peers_;  ///< by configuration position
};

}  // namespace spread::membership
