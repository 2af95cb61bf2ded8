#include <algorithm>

#include "tests/checker/ring_checker_impl.hpp"

// P7: what one member delivered as safe, all deliver.

namespace spread::checker {

namespace {

/// Index of the first entry after `place`.
std::size_t first_behind(const Ring& ring, Place place) {
    const auto at =
        std::upper_bound(ring.entries.begin(), ring.entries.end(), place,
                         [](Place value, const Entry& entry) { return value < entry.place; });
    return static_cast<std::size_t>(at - ring.entries.begin());
}

}  // namespace

void RingChecker::Impl::on_safe(const Life& life, Ring& ring, const Stay& stay,
                                const Entry& entry) {
    const bool regular = life.transition == kNobody;
    if (regular) {
        ring.safe_in_regular = std::max(ring.safe_in_regular, entry.place);
    } else {
        auto& safe = transitions[life.transition].safe;
        const auto at = std::lower_bound(safe.begin(), safe.end(), entry.place);
        if (at == safe.end() || *at != entry.place) {
            safe.insert(at, entry.place);
        }
    }
    for (const Stay& other : ring.stays) {
        if (&other == &stay || other.has_delivered(entry.place) ||
            (!regular && !contains(transitions[life.transition].members, other.daemon))) {
            continue;
        }
        if (other.state == StayState::kLeft || other.state == StayState::kElsewhere) {
            fail_safe(ring, entry, stay, other);
            return;
        }
        if (!regular || !holds || other.state == StayState::kFailed) {
            continue;
        }
        const auto held = holds(LifeId{other.life + 1}, ring.id, protocol::Seq{entry.place.seq});
        if (held == false) {
            fail("P7c",
                 text(life) + " delivers " + text(entry) + " of " + text(ring.id) + ", which " +
                     text(lives[other.life]) + " has not received",
                 show(ring, stay, other));
            return;
        }
    }
}

void RingChecker::Impl::check_safe_owed(const Ring& ring, const Stay& stay) {
    for (std::size_t i = first_behind(ring, stay.last_regular);
         i < ring.entries.size() && ring.entries[i].place <= ring.safe_in_regular; ++i) {
        const Entry& entry = ring.entries[i];
        if (entry.facts.service == protocol::Service::kSafe && !stay.has_delivered(entry.place)) {
            report_owed(ring, entry, stay);
            return;
        }
    }
    for (const Index index : ring.departures) {
        const Transition& transition = transitions[index];
        if (!contains(transition.members, stay.daemon)) {
            continue;
        }
        for (const Place place : transition.safe) {
            if (!stay.has_delivered(place)) {
                report_owed(ring, ring.entries[first_behind(ring, place) - 1], stay);
                return;
            }
        }
    }
}

void RingChecker::Impl::report_owed(const Ring& ring, const Entry& entry, const Stay& stay) {
    // Whoever delivered it in the regular configuration promised most.
    const Stay* deliverer = nullptr;
    for (const Stay& other : ring.stays) {
        if (other.installed && other.has_delivered(entry.place) &&
            (deliverer == nullptr || entry.place <= other.last_regular)) {
            deliverer = &other;
        }
    }
    if (deliverer != nullptr) {
        fail_safe(ring, entry, *deliverer, stay);
    }
}

void RingChecker::Impl::fail_safe(const Ring& ring, const Entry& entry, const Stay& deliverer,
                                  const Stay& other) {
    const bool regular = entry.place <= deliverer.last_regular;
    fail(regular ? "P7a" : "P7b",
         text(lives[deliverer.life]) + " delivered " + text(entry) + " of " + text(ring.id) +
             " in the " + (regular ? "regular" : "transitional") + " configuration, " +
             text(lives[other.life]) + " does not deliver it at all",
         show(ring, deliverer, other));
}

}  // namespace spread::checker
