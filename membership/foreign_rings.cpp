#include "membership/foreign_rings.hpp"

#include <algorithm>

#include "protocol/assert.hpp"

namespace spread::membership {
namespace {

/// Members other than the representative probe at this multiple of the probe interval.
constexpr int kMemberProbeFactor = 4;

/// The first pause between answers, as a part of the probe interval.
constexpr int kFirstPausePart = 8;

}  // namespace

bool ForeignRings::heard(protocol::Instant now, protocol::DaemonIndex daemon) {
    Peer& peer = peers_[daemon];
    if (peer.answered && now - *peer.answered < peer.pause) {
        return false;
    }
    peer.answered = now;
    peer.pause = std::clamp(2 * peer.pause, probe_every_ / kFirstPausePart, probe_every_);
    return true;
}

void ForeignRings::begin_ring() {
    std::fill(peers_.begin(), peers_.end(), Peer{});
}

protocol::Duration ForeignRings::interval(bool representative) const {
    return probe_every_ * (representative ? 1 : kMemberProbeFactor);
}

void ForeignRings::check_invariants() const {
    for (const Peer& peer : peers_) {
        SPREAD_ASSERT(peer.answered.has_value() == (peer.pause > protocol::Duration::zero()));
        SPREAD_ASSERT(peer.pause <= probe_every_);
    }
}

}  // namespace spread::membership
