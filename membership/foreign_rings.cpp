#include "membership/foreign_rings.hpp"

namespace spread::membership {
namespace {

/// How many times more rarely a member other than the representative probes.
constexpr int kMemberProbeFactor = 4;

/// Probes of the slowest prober during which a daemon that was heard once counts as heard.
constexpr int kHeardFor = 3;

}  // namespace

bool ForeignRings::heard(protocol::Instant now, protocol::DaemonIndex daemon) {
    Peer& peer = peers_[daemon];
    peer.heard = now;
    if (peer.probed && now - *peer.probed < probe_every_ / 8) {
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

}  // namespace spread::membership
