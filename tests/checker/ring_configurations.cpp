#include <algorithm>
#include <utility>

#include "tests/checker/ring_checker_impl.hpp"

// P2 and P4: which configurations follow one another, at whom, and what was delivered in them.

namespace spread::checker {

using membership::ConfigurationChange;
using protocol::DaemonId;
using protocol::MemberList;
using protocol::RingId;

namespace {

/// A member of `part` that is not in `whole`.
std::optional<DaemonId> outside(const MemberList& part, const MemberList& whole) {
    const auto at = std::find_if(part.begin(), part.end(),
                                 [&](DaemonId daemon) { return !contains(whole, daemon); });
    return at == part.end() ? std::nullopt : std::optional(*at);
}

}  // namespace

Index RingChecker::Impl::ring_at(const RingId& id) {
    const auto [at, is_new] = ring_index.try_emplace(id, static_cast<Index>(rings.size()));
    if (is_new) {
        rings.emplace_back().id = id;
    }
    return at->second;
}

/// What holds for both kinds.
bool RingChecker::Impl::check_ring(const Life& life, const Ring& ring,
                                   const ConfigurationChange& change) {
    if (!contains(change.members, life.daemon)) {
        fail("P2a", text(life) + " is no member of " + text(change.ring_id) + " " +
                        text(change.members) + ", which it installs");
        return false;
    }
    const Stay* stay = ring.stay_of(life.daemon);
    if (stay != nullptr && stay->installed) {
        const Life& before = lives[stay->life];
        const bool itself = &before == &life;
        fail(itself ? "P2a" : "P2g",
             text(life) + " installs " + text(ring.id) +
                 (itself ? " twice" : ", which " + text(before) + " installed before it"),
             show(ring, *stay));
        return false;
    }
    const std::uint64_t last = daemons[life.daemon].last_counter;
    if (change.ring_id.counter <= last) {
        fail("P2g", text(life) + " installs " + text(change.ring_id) +
                        " after a ring with counter " + std::to_string(last));
        return false;
    }
    return true;
}

void RingChecker::Impl::on_transitional(Index self, const ConfigurationChange& change) {
    const Index to = ring_at(change.ring_id);
    Life& life = lives[self];
    if (life.transition != kNobody) {
        fail("P2c", text(life) + " installs a transitional configuration for " +
                        text(change.ring_id) + " inside another one");
        return;
    }
    if (!check_ring(life, rings[to], change)) {
        return;
    }
    // Before its first ring a daemon is alone on a nameless one of its own.
    const MemberList before =
        life.ring == kNobody ? MemberList{life.daemon} : rings[life.ring].members;
    if (const auto stranger = outside(change.members, before)) {
        fail("P2c", text(life) + " comes to " + text(change.ring_id) + " with d" +
                        std::to_string(stranger->value) + ", who was not on its last ring " +
                        text(before));
        return;
    }
    const Index index = transition_at(life, to, change.members);
    if (violation || !check_way(life, rings[to], change.members)) {
        return;
    }
    life.transition = index;
    Transition& transition = transitions[index];
    if (life.ring != kNobody) {
        Stay& stay = stay_of(life);
        stay.left_by = index;
        if (transition.first_in != kNobody) {
            const Stay& first = stay_of(rings[life.ring], lives[transition.first_in]);
            if (first.last_regular != stay.last_regular) {
                fail_atomicity(life, stay, first, "regular");
                return;
            }
        }
    }
    if (transition.first_in == kNobody) {
        transition.first_in = self;
    }
}

/// The record of a transitional configuration, made if need be. Its name for clients is its first
/// member and the counter of the ring that follows.
Index RingChecker::Impl::transition_at(const Life& life, Index to, const MemberList& members) {
    for (const Index index : rings[to].arrivals) {
        const Transition& other = transitions[index];
        if (other.members.front() != members.front()) {
            continue;
        }
        const Life& first = lives[other.first_in];
        if (other.members != members) {
            fail("P2b", text(life) + " and " + text(first) +
                            " name different members of the transitional configuration of d" +
                            std::to_string(members.front().value) + " for " + text(rings[to].id) +
                            ": " + text(members) + ", " + text(other.members));
        } else if (other.from != life.ring) {
            fail("P2d", text(life) + " and " + text(first) +
                            " share the transitional configuration " + text(members) + " for " +
                            text(rings[to].id) + " but come from " + ring_text(life.ring) +
                            " and " + ring_text(other.from));
        }
        return index;
    }
    const auto index = static_cast<Index>(transitions.size());
    Transition& made = transitions.emplace_back();
    made.from = life.ring;
    made.to = to;
    made.members = members;
    rings[to].arrivals.push_back(index);
    if (life.ring != kNobody) {
        rings[life.ring].departures.push_back(index);
    }
    return index;
}

/// Those who have come to `ring` already and are said to come along did so.
bool RingChecker::Impl::check_way(const Life& life, const Ring& ring, const MemberList& members) {
    for (const DaemonId member : members) {
        const Stay* stay = ring.stay_of(member);
        if (stay != nullptr && stay->installed && transitions[stay->came_by].members != members) {
            fail("P2f", text(life) + " comes to " + text(ring.id) + " with " + text(members) +
                            ", but " + text(lives[stay->life]) + " came with " +
                            text(transitions[stay->came_by].members));
            return false;
        }
    }
    return true;
}

void RingChecker::Impl::fail_atomicity(const Life& life, const Stay& stay, const Stay& first,
                                       std::string_view part) {
    const Ring& ring = rings[life.ring];
    fail("P4",
         text(life) + " and " + text(lives[first.life]) +
             " go on together but do not deliver the same messages in the " + std::string(part) +
             " configuration of " + text(ring.id),
         show(ring, stay, first));
}

void RingChecker::Impl::on_regular(Index self, const ConfigurationChange& change) {
    const Index to = ring_at(change.ring_id);
    Life& life = lives[self];
    const Ring& ring = rings[to];
    if (life.transition == kNobody) {
        fail("P2c", text(life) + " installs " + text(ring.id) +
                        " without a transitional configuration before it");
        return;
    }
    if (!check_ring(life, ring, change)) {
        return;
    }
    const Transition& transition = transitions[life.transition];
    if (transition.to != to) {
        fail("P2d", text(life) + " installs " + text(ring.id) +
                        " behind a transitional configuration for " + ring_text(transition.to));
        return;
    }
    if (!ring.members.empty() && ring.members != change.members) {
        fail("P2b", "members of " + text(ring.id) + " differ: " + text(change.members) + " at " +
                        text(life) + ", " + text(ring.members) + " before");
        return;
    }
    if (const auto stranger = outside(transition.members, change.members)) {
        fail("P2c", text(life) + " comes to " + text(ring.id) + " with d" +
                        std::to_string(stranger->value) + ", who is no member");
        return;
    }
    for (const Index index : ring.arrivals) {
        const Transition& other = transitions[index];
        if (index != life.transition && contains(other.members, life.daemon)) {
            fail("P2f", text(lives[other.first_in]) + " comes to " + text(ring.id) + " with " +
                            text(other.members) + ", but " + text(life) + " comes with " +
                            text(transition.members));
            return;
        }
    }
    if (life.ring != kNobody) {
        leave_ring(self);
    }
    if (ring.members.empty()) {
        open_ring(to, change.members);
    }
    enter_ring(self, to);
    miss_expected(self);
}

void RingChecker::Impl::open_ring(Index to, const MemberList& members) {
    Ring& ring = rings[to];
    ring.members = members;
    ring.stays.resize(members.size());
    for (std::size_t i = 0; i < members.size(); ++i) {
        Stay& stay = ring.stays[i];
        stay.daemon = members[i];
        const auto daemon = daemons.find(members[i]);
        if (daemon == daemons.end() || lives[daemon->second.life].ended) {
            stay.state = StayState::kFailed;
        } else {
            stay.life = daemon->second.life;
            lives[stay.life].expected.push_back(to);
        }
    }
}

void RingChecker::Impl::enter_ring(Index self, Index to) {
    Life& life = lives[self];
    Stay& stay = *rings[to].stay_of(life.daemon);
    stay.life = self;
    stay.state = StayState::kOn;
    stay.installed = true;
    stay.epoch = ++life.epoch;
    stay.came_by = life.transition;
    life.ring = to;
    life.seat = static_cast<Index>(&stay - rings[to].stays.data());
    life.transition = kNobody;
    daemons[life.daemon].last_counter = rings[to].id.counter;
}

void RingChecker::Impl::leave_ring(Index self) {
    const Life& life = lives[self];
    const Ring& ring = rings[life.ring];
    Stay& stay = stay_of(life);
    Transition& transition = transitions[life.transition];
    if (transition.first_out == kNobody) {
        transition.first_out = self;
    } else {
        const Stay& first = stay_of(ring, lives[transition.first_out]);
        if (first.behind != stay.behind) {
            fail_atomicity(life, stay, first, "transitional");
            return;
        }
    }
    stay.state = StayState::kLeft;
    check_safe_owed(ring, stay);
    for (const Lane& lane : life.lanes) {
        if (const Accepted* missed = lane.missed()) {
            fail("P3",
                 text(life) + " leaves " + text(ring.id) + " without its own " + text(*missed),
                 show(ring, stay));
        }
    }
}

/// Rings that named this life, which has gone another way.
void RingChecker::Impl::miss_expected(Index self) {
    for (const Index index : std::exchange(lives[self].expected, {})) {
        Ring& ring = rings[index];
        Stay& stay = *ring.stay_of(lives[self].daemon);
        if (stay.state == StayState::kExpected) {
            stay.state = StayState::kElsewhere;
            check_safe_owed(ring, stay);
        }
    }
}

void RingChecker::Impl::end_life(Life& life) {
    life.ended = true;
    if (life.ring != kNobody) {
        stay_of(life).state = StayState::kFailed;
    }
    for (const Index index : life.expected) {
        Stay& stay = *rings[index].stay_of(life.daemon);
        if (stay.state == StayState::kExpected) {
            stay.state = StayState::kFailed;
        }
    }
}

/// P2e.
void RingChecker::Impl::check_last_configuration(const Life& life) {
    if (life.transition != kNobody) {
        fail("P2e", text(life) + " stays in a transitional configuration for " +
                        ring_text(transitions[life.transition].to));
        return;
    }
    if (life.ring == kNobody) {
        return;
    }
    const Ring& ring = rings[life.ring];
    for (const Stay& stay : ring.stays) {
        if (stay.state != StayState::kOn || lives[stay.life].transition != kNobody) {
            fail("P2e",
                 text(life) + " stays on " + text(ring.id) + " " + text(ring.members) + ", d" +
                     std::to_string(stay.daemon.value) + " does not",
                 show(ring, stay_of(life), stay));
            return;
        }
    }
}

}  // namespace spread::checker
