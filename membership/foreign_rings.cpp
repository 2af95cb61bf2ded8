#include "membership/foreign_rings.hpp"

#include "protocol/assert.hpp"

namespace spread::membership {
namespace {

/// How many times more rarely a member other than the representative probes.
constexpr int kMemberProbeFactor = 4;

/// How often a daemon that is heard is probed, at most, in the time between two probes for all.
constexpr int kProbesPerInterval = 8;

/// Probes of the slowest prober during which a daemon that was heard once counts as heard.
constexpr int kHeardFor = 3;

}  // namespace

bool ForeignRings::heard(protocol::Instant now, protocol::DaemonIndex daemon) {
    Peer& peer = peers_[daemon];
    peer.heard = now;
    if (peer.probed && now - *peer.probed < probe_every_ / kProbesPerInterval) {
        return false;
    }
    peer.probed = now;
    return true;
}

protocol::DaemonSet ForeignRings::heard_lately(protocol::Instant now) const {
    protocol::DaemonSet lately;
    for (std::size_t i = 0; i < peers_.size(); ++i) {
        if (peers_[i].heard &&
            now - *peers_[i].heard < kHeardFor * kMemberProbeFactor * probe_every_) {
            lately.insert(i);
        }
    }
    return lately;
}

void ForeignRings::begin_ring() {
    for (Peer& peer : peers_) {
        peer.heard.reset();
    }
}

protocol::Duration ForeignRings::interval(bool representative) const {
    return probe_every_ * (representative ? 1 : kMemberProbeFactor);
}

void ForeignRings::check_invariants() const {
    for (const Peer& peer : peers_) {
        // Whoever is heard has been probed then or not long before.
        SPREAD_ASSERT(!peer.heard || (peer.probed && *peer.probed <= *peer.heard));
        SPREAD_ASSERT(!peer.heard || *peer.heard == *peer.probed ||
                      *peer.heard - *peer.probed < probe_every_ / kProbesPerInterval);
    }
}

}  // namespace spread::membership
