#include <algorithm>
#include <utility>

#include "tests/checker/ring_checker_impl.hpp"

// P1, P3, P5, P6 and R1: which messages are delivered where, and in which order.

namespace spread::checker {

void RingChecker::Impl::on_delivery(Index self, const Position& position, const Entry& entry) {
    Life& life = lives[self];
    if (life.ring == kNobody || rings[life.ring].id != position.ring) {
        fail("P1c", text(life) + " delivers " + text(entry) + " of " + text(position.ring) +
                        " on " + ring_text(life.ring));
        return;
    }
    Ring& ring = rings[life.ring];
    Stay& stay = stay_of(life);
    if (entry.place <= stay.last()) {
        const bool again =
            stay.has_delivered(entry.place) &&
            std::any_of(ring.entries.begin(), ring.entries.end(),
                        [&](const Entry& each) { return each.place == entry.place; });
        fail(again ? "P1b" : "P6a",
             text(life) + " delivers " + text(entry) + " of " + text(ring.id) +
                 (again ? " twice" : " after what is behind it in the order"),
             show(ring, stay));
        return;
    }
    if (!skip_to(life, ring, stay, entry)) {
        return;
    }
    if (stay.next == ring.entries.size() || ring.entries[stay.next].place != entry.place) {
        if (!add_entry(life, ring, stay.next, entry)) {
            return;
        }
    }
    const Entry known = ring.entries[stay.next];
    if (known.origin != entry.origin || known.facts != entry.facts) {
        const Stay* other = somebody_with(ring, entry.place);
        fail("P6b",
             "two messages at one place of " + text(ring.id) + ": " + text(entry) + " at " +
                 text(life) + ", " + text(known) + " elsewhere",
             other == nullptr ? show(ring, stay) : show(ring, stay, *other));
        return;
    }
    if (!check_past(life, ring, stay, known) ||
        (known.origin == life.daemon && !take_own(life, ring, stay, known))) {
        return;
    }
    ++stay.next;
    if (life.transition == kNobody) {
        stay.last_regular = entry.place;
    } else {
        stay.behind.push_back(entry.place);
        check_against_first_out(life, ring, stay);
    }
    if (entry.facts.service == protocol::Service::kSafe) {
        on_safe(life, ring, stay, known);
    }
}

/// Moves over what the life leaves out in front of `entry`: nothing in a regular configuration,
/// behind a hole nothing of those who come along.
bool RingChecker::Impl::skip_to(const Life& life, const Ring& ring, Stay& stay,
                                const Entry& entry) {
    const bool regular = life.transition == kNobody;
    for (; stay.next < ring.entries.size() && ring.entries[stay.next].place < entry.place;
         ++stay.next) {
        const Entry& left_out = ring.entries[stay.next];
        if (left_out.origin == life.daemon) {
            fail("P3",
                 text(life) + " delivers " + text(entry) + " of " + text(ring.id) +
                     " without its own " + text(left_out),
                 show(ring, stay));
            return false;
        }
        if (regular || contains(transitions[life.transition].members, left_out.origin)) {
            const Stay* other = somebody_with(ring, left_out.place);
            fail(regular ? "P6c" : "P6d",
                 text(life) + " delivers " + text(entry) + " of " + text(ring.id) + " without " +
                     text(left_out) + (regular ? "" : ", whose sender comes along"),
                 other == nullptr ? show(ring, stay) : show(ring, stay, *other));
            return false;
        }
        stay.left_out.push_back(left_out);
    }
    return true;
}

/// Nothing that is left out may be in the past of what is delivered behind it.
bool RingChecker::Impl::check_past(const Life& life, const Ring& ring, const Stay& stay,
                                   const Entry& entry) {
    if (stay.left_out.empty()) {
        return true;
    }
    const Stay& origin = *ring.stay_of(entry.origin);
    const Accepted* message = lives[origin.life].lane(entry.lane).at(origin.epoch, entry.place);
    for (const Entry& left_out : stay.left_out) {
        const bool is_earlier = left_out.origin == entry.origin && left_out.lane == entry.lane;
        if (is_earlier || (message != nullptr && message->epoch == origin.epoch &&
                           left_out.place <= message->after)) {
            const Stay* other = somebody_with(ring, left_out.place);
            fail("P5",
                 text(life) + " delivers " + text(entry) + " of " + text(ring.id) + " without " +
                     text(left_out) +
                     (is_earlier ? ", which was sent before it"
                                 : ", which its sender had delivered before it sent it"),
                 other == nullptr ? show(ring, stay) : show(ring, stay, *other));
            return false;
        }
    }
    return true;
}

const Stay* RingChecker::Impl::somebody_with(const Ring& ring, Place place) {
    const auto at = std::find_if(ring.stays.begin(), ring.stays.end(), [&](const Stay& stay) {
        return stay.installed && stay.has_delivered(place);
    });
    return at == ring.stays.end() ? nullptr : &*at;
}

/// A place nobody has delivered before.
bool RingChecker::Impl::add_entry(const Life& life, Ring& ring, std::size_t at, Entry entry) {
    if (!bind(life, ring, entry) ||
        (at < ring.entries.size() && !check_passed_over(life, ring, entry))) {
        return false;
    }
    ring.entries.insert(ring.entries.begin() + static_cast<std::ptrdiff_t>(at), entry);
    return true;
}

/// Others have delivered what is behind `entry` without knowing of it.
bool RingChecker::Impl::check_passed_over(const Life& life, Ring& ring, const Entry& entry) {
    for (Stay& stay : ring.stays) {
        if (!stay.installed || stay.last() < entry.place) {
            continue;
        }
        const bool regular = entry.place < stay.last_regular;
        if (regular || contains(transitions[stay.left_by].members, entry.origin)) {
            fail(regular ? "P6c" : "P6d",
                 text(lives[stay.life]) + " delivered " + text(ring.entries[stay.next - 1]) +
                     " of " + text(ring.id) + " without " + text(entry) + ", which " + text(life) +
                     " delivers" + (regular ? "" : "; the sender came along"),
                 show(ring, stay));
            return false;
        }
        ++stay.next;
        stay.left_out.push_back(entry);
    }
    return true;
}

/// Finds the message of the origin that stands at a new place.
bool RingChecker::Impl::bind(const Life& life, Ring& ring, Entry& entry) {
    Stay* stay = ring.stay_of(entry.origin);
    if (stay == nullptr || !stay->installed) {
        fail("P1a", text(life) + " delivers " + text(entry) + " of " + text(ring.id) +
                        ", which its origin never installed");
        return false;
    }
    Life& origin = lives[stay->life];
    Lane::Bound bound = Lane::Bound::kUnknown;
    for (const SendLane lane : {SendLane::kOrdinary, SendLane::kAhead, SendLane::kControl}) {
        const Lane::Bound here = origin.lane(lane).bind(entry.facts, stay->epoch, entry.place);
        if (here != Lane::Bound::kUnknown) {
            entry.lane = lane;
            bound = here;
        }
        if (here == Lane::Bound::kFine) {
            break;
        }
    }
    if (bound == Lane::Bound::kFine) {
        return check_binding(ring, *stay, entry);
    }
    const std::string what =
        text(life) + " delivers " + text(entry) + " of " + text(ring.id) + ", ";
    if (bound == Lane::Bound::kUnknown) {
        fail("P1a", what + "which its origin never sent", show(ring, *stay));
    } else if (bound == Lane::Bound::kTaken) {
        fail("P1b",
             what + "the same message as " + text(*origin.lane(entry.lane).find(entry.facts)),
             show(ring, *stay));
    } else {
        fail(&origin == &life ? "P3" : "P5", what + "which its origin did not send next",
             show(ring, *stay));
    }
    return false;
}

bool RingChecker::Impl::check_binding(const Ring& ring, const Stay& stay, const Entry& entry) {
    const Life& origin = lives[stay.life];
    const Accepted* message = origin.lane(entry.lane).at(stay.epoch, entry.place);
    if (message == nullptr) {
        return true;
    }
    if (message->epoch > stay.epoch) {
        fail("P1d",
             text(entry) + " has a place on " + text(ring.id) + ", which " + text(origin) +
                 " had left before it sent it",
             show(ring, stay));
    } else if (message->epoch == stay.epoch && entry.place < message->after) {
        fail("P5",
             text(entry) + " of " + text(ring.id) + " was sent after " + text(origin) +
                 " delivered " + text(message->after) + " but stands before it",
             show(ring, stay));
    } else if (entry.lane != SendLane::kControl && !stay.resumed) {
        fail("R1",
             text(entry) + " of " + text(ring.id) + " was sent before " + text(origin) + " resumed",
             show(ring, stay));
    } else if (stay.state == StayState::kLeft) {
        fail("P3", text(origin) + " left " + text(ring.id) + " without its own " + text(entry),
             show(ring, stay));
    }
    return !violation;
}

/// A life's own message comes back.
bool RingChecker::Impl::take_own(Life& life, const Ring& ring, const Stay& stay,
                                 const Entry& entry) {
    Lane& lane = life.lane(entry.lane);
    if (lane.deliver(stay.epoch, entry.place)) {
        return true;
    }
    const Accepted* due = lane.next();
    fail("P3",
         text(life) + " delivers its own " + text(entry) + " of " + text(ring.id) +
             (due == nullptr ? " without having sent it"
                             : " without " + text(*due) + ", which it sent earlier"),
         show(ring, stay));
    return false;
}

/// P4 as soon as it shows: who has gone the same way has delivered the same.
void RingChecker::Impl::check_against_first_out(const Life& life, const Ring& ring,
                                                const Stay& stay) {
    const Transition& transition = transitions[life.transition];
    if (transition.first_out == kNobody) {
        return;
    }
    const Stay& first = stay_of(ring, lives[transition.first_out]);
    const std::size_t at = stay.behind.size() - 1;
    if (at >= first.behind.size() || first.behind[at] != stay.behind[at]) {
        fail_atomicity(life, stay, first, "transitional");
    }
}

}  // namespace spread::checker
