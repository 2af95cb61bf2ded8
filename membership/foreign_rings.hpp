#pragma once

#include <optional>
#include <vector>

#include "protocol/roster.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

/// When to probe for daemons outside our ring, and when to answer those that are heard.
class ForeignRings {
  public:
    /// `probe_every` is how often a representative probes at least.
    ForeignRings(std::size_t daemons, protocol::Duration probe_every)
        : probe_every_(probe_every), peers_(daemons) {}

    /// A packet of another ring came from `daemon`. True when it is time to answer with a probe:
    /// several times within a probe interval at first, so that rings meet quickly, and once in one
    /// when that has led to nothing.
    [[nodiscard]] bool heard(protocol::Instant now, protocol::DaemonIndex daemon);
    /// A new ring is installed: all begins anew.
    void begin_ring();

    /// A member other than the representative probes for foreign rings more rarely.
    [[nodiscard]] protocol::Duration interval(bool representative) const;

    void check_invariants() const;

  private:
    struct Peer {
        std::optional<protocol::Instant> answered;
        protocol::Duration pause{};
    };

    protocol::Duration probe_every_;
    std::vector<Peer> peers_;  ///< by configuration position
};

}  // namespace spread::membership
