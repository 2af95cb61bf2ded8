#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "protocol/roster.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

/// Daemons that were heard although they are in no ring of ours. Hearing somebody does not mean
/// being heard: a probe tells whom we hear, and only who is named in an answer is gathered with, so
/// that a link that works one way only cannot keep breaking a healthy ring.
class ForeignRings {
  public:
    /// `probe_every` is how often a representative probes at least.
    ForeignRings(std::size_t daemons, protocol::Duration probe_every)
        : probe_every_(probe_every), peers_(daemons) {}

    /// A packet of another ring came from `daemon`. True when it is time to send it a probe.
    [[nodiscard]] bool heard(protocol::Instant now, protocol::DaemonIndex daemon);
    /// Who was heard lately.
    [[nodiscard]] protocol::DaemonSet heard_lately(protocol::Instant now) const;
    /// Another ring of ours: what was heard before says nothing.
    void begin_ring();

    /// A member other than the representative probes for foreign rings more rarely.
    [[nodiscard]] protocol::Duration interval(bool representative) const;

  private:
    struct Peer {
        std::optional<protocol::Instant> heard;
        std::optional<protocol::Instant> probed;
    };

    protocol::Duration probe_every_;
    std::vector<Peer> peers_;  ///< by configuration position
};

}  // namespace spread::membership
