#include "membership/claims.hpp"

#include <algorithm>
#include <utility>

namespace spread::membership {

void Claims::note(protocol::Instant now, protocol::DaemonIndex daemon, protocol::Incarnation life,
                  std::uint64_t number, protocol::Incarnation member) {
    Peer& peer = peers_[daemon];
    auto& [latest, other] = peer.lives;
    if (life < member && latest.incarnation == life) {
        if (other.incarnation != member) {
            other = Life{member, 0};
        }
        std::swap(latest, other);
    }
    if (latest.incarnation == life) {
        latest.number = std::max(latest.number, number);
        return;
    }
    if (other.incarnation != life) {
        other = std::exchange(latest, Life{life, number});
        return;
    }
    if (number <= other.number) {
        return;  // a copy
    }
    other.number = number;
    std::swap(latest, other);
    if (peer.turns == 0 || now - peer.last_turn > kQuiet) {
        peer.turns = 0;
        peer.first_turn = now;
    }
    ++peer.turns;
    peer.last_turn = now;
    if (peer.turns >= kTurns && now - peer.first_turn >= kAtLeast) {
        peer.claimed_until = now + kQuiet;
    }
}

}  // namespace spread::membership
