#include "tests/chaos/ring_history.hpp"

#include <limits>
#include <system_error>
#include <utility>

namespace spread::chaos {

using driver::FlightEvent;
using Kind = FlightEvent::Kind;

namespace {

checker::SendLane lane_of(const FlightEvent& event) {
    return (event.flags & FlightEvent::kControl) != 0 ? checker::SendLane::kControl
           : (event.flags & FlightEvent::kAhead) != 0 ? checker::SendLane::kAhead
                                                      : checker::SendLane::kOrdinary;
}

}  // namespace

void RingHistory::begin_life(std::size_t daemon, std::filesystem::path recording) {
    for (Life& life : lives_) {
        life.is_over = life.is_over || life.daemon == daemon;
    }
    lives_.push_back({.daemon = daemon, .recording = std::move(recording)});
}

void RingHistory::read() {
    for (Life& life : lives_) {
        read(life);
    }
}

void RingHistory::read(Life& life) {
    if (life.is_ended || broken_) {
        return;
    }
    if (!life.reader) {
        auto reader = FlightReader::open(life.recording);
        if (!reader) {
            return;
        }
        life.reader.emplace(*std::move(reader));
    }
    while (const auto event = life.reader->next()) {
        life.waiting.push_back(*event);
    }
    if (life.reader->is_overtaken()) {
        broken_ = {"D4", life.recording.string() + " is too small: events are lost", {}};
    }
}

RingHistory::Life* RingHistory::next(std::uint64_t until_ns) {
    Life* first = nullptr;
    for (Life& life : lives_) {
        if (!life.waiting.empty() && life.waiting.front().time_ns < until_ns &&
            (first == nullptr || life.waiting.front().time_ns < first->waiting.front().time_ns)) {
            first = &life;
        }
    }
    return first;
}

void RingHistory::check(std::uint64_t until_ns) {
    read();
    while (Life* const life = violation() ? nullptr : next(until_ns)) {
        const FlightEvent event = life->waiting.front();
        life->waiting.pop_front();
        tell(*life, event);
    }
    for (Life& life : lives_) {
        if (life.is_over && life.waiting.empty()) {
            end(life);
        }
    }
}

/// The first event of a life: those before it of this daemon are over.
void RingHistory::begin(Life& life) {
    for (Life& other : lives_) {
        if (&other != &life && other.daemon == life.daemon && other.id) {
            end(other);
        }
    }
    life.id = checker_.on_start(life.reader->head().self);
}

void RingHistory::end(Life& life) {
    if (std::exchange(life.is_ended, true)) {
        return;
    }
    if (life.id) {
        checker_.on_end(*life.id);
    }
    life.reader.reset();
    std::error_code ignored;
    std::filesystem::remove(life.recording, ignored);
}

void RingHistory::tell_configuration(const Life& life, const FlightEvent& event) {
    ++configurations_;
    membership::ConfigurationChange change;
    change.kind = event.kind == Kind::kRegular ? membership::ConfigurationKind::kRegular
                                               : membership::ConfigurationKind::kTransitional;
    change.ring_id = event.ring();
    change.members = life.reader->head().members_of(event);
    checker_.on_configuration(*life.id, change);
}

void RingHistory::tell(Life& life, const FlightEvent& event) {
    if (!life.id) {
        begin(life);
    }
    const auto service = static_cast<protocol::Service>(event.service);
    const auto kind = static_cast<protocol::MessageKind>(event.message_kind);
    switch (event.kind) {
        case Kind::kNone:
        case Kind::kState:
        case Kind::kRecovery:
        case Kind::kPacket:
        case Kind::kAccepts:  // of a daemon that does not record all
        case Kind::kDeliveries:
        case Kind::kRefused: break;
        case Kind::kTransitional:
        case Kind::kRegular: tell_configuration(life, event); break;
        case Kind::kAccept:
            checker_.on_accept(*life.id, {service, kind, event.a, lane_of(event)});
            break;
        case Kind::kResume: checker_.on_resume(*life.id, event.ring()); break;
        case Kind::kDelivery:
            if (++deliveries_ == hidden_) {
                break;
            }
            checker_.on_delivery(*life.id, {event.ring(), protocol::Seq{event.seq}, event.index},
                                 protocol::DaemonId{static_cast<std::uint32_t>(event.b)},
                                 {service, kind, event.a});
            break;
    }
}

void RingHistory::finish(bool quiet) {
    check(std::numeric_limits<std::uint64_t>::max());
    if (!violation()) {
        checker_.finish(quiet);
    }
}

}  // namespace spread::chaos
