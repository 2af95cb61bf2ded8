#include "daemon/driver/flight_recorder.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>
#include <variant>

#include "protocol/assert.hpp"

namespace spread::driver {
namespace {

using Kind = FlightEvent::Kind;

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;
/// What a digest is made of, by offsets in a client's frame: service and beginning of the sender's
/// name, the rest of a short one, length of the body, ...
constexpr std::array<std::size_t, 3> kHeadAt{0, 8, 40};
constexpr std::size_t kHeadBytes = 48;
/// ... and the end.
constexpr std::size_t kTailBytes = 16;

constexpr std::uint64_t kRefusalPauseNs = 1'000'000'000;

// Places of the small fields in the third word.
constexpr unsigned kServiceBit = 8;
constexpr unsigned kMessageKindBit = 16;
constexpr unsigned kFlagsBit = 24;
constexpr unsigned kIndexBit = 32;
constexpr unsigned kFromBit = 48;
constexpr unsigned kToBit = 56;
constexpr unsigned kRepresentativeBit = 32;  // of the fifth
constexpr unsigned kCountBit = FlightEvent::kCountBit;

template <typename Field>
constexpr std::uint64_t at(unsigned bit, Field field) {
    return static_cast<std::uint64_t>(field) << bit;
}

template <typename Field>
constexpr Field field_at(std::uint64_t word, unsigned bit) {
    return static_cast<Field>(word >> bit);
}

/// Products that do not wait for each other, each by an odd number that fits into an instruction.
inline std::uint64_t digest_of(std::size_t size, const std::byte* head, const std::byte* tail) {
    const auto word_at = [](const std::byte* bytes) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes, sizeof word);
        return word;
    };
    std::uint64_t state = size * 0x1b873593;
    state += word_at(head + kHeadAt[0]) * 0x2545f491;
    state += word_at(head + kHeadAt[1]) * 0x5851f42d;
    state += word_at(head + kHeadAt[2]) * 0x4c957f2d;
    state += word_at(tail) * 0x6c078965;
    state += word_at(tail + sizeof(std::uint64_t)) * 0x7ed558cd;
    return (state ^ (state >> 32U)) * kGolden;
}

/// Of a short message, or one in pieces. Behind the end are zeros.
std::uint64_t digest_of_copy(const protocol::Message& body) {
    std::array<std::byte, kHeadBytes + kTailBytes> bytes{};
    const std::size_t size = body.size();
    const std::size_t tail = std::min(size, kTailBytes);
    body.copy_to(std::span(bytes).first(kHeadBytes));
    body.copy_to(std::span(bytes).subspan(kHeadBytes, tail), size - tail);
    return digest_of(size, bytes.data(), bytes.data() + kHeadBytes);
}

}  // namespace

std::uint64_t flight_digest(const protocol::Message& body) {
    const std::size_t size = body.size();
    if (body.slice_count() == 1 && size >= kHeadBytes + kTailBytes) [[likely]] {
        const std::byte* const bytes = body.slice(0).bytes().data();
        return digest_of(size, bytes, bytes + (size - kTailBytes));
    }
    return digest_of_copy(body);
}

// Events as words -----------------------------------------------------------------------------

FlightEvent event_of(const FlightWords& words) {
    FlightEvent event;
    event.number = words[0];
    event.time_ns = words[1];
    event.kind = field_at<Kind>(words[2] & 0xffU, 0);
    event.service = field_at<std::uint8_t>(words[2], kServiceBit);
    event.message_kind = field_at<std::uint8_t>(words[2], kMessageKindBit);
    event.flags = field_at<std::uint8_t>(words[2], kFlagsBit);
    event.index = field_at<std::uint16_t>(words[2], kIndexBit);
    event.from = field_at<std::uint8_t>(words[2], kFromBit);
    event.to = field_at<std::uint8_t>(words[2], kToBit);
    event.ring_counter = words[3];
    event.ring_nonce = field_at<std::uint32_t>(words[4], 0);
    event.ring_representative = field_at<std::uint32_t>(words[4], kRepresentativeBit);
    event.seq = words[5];
    event.a = words[6];
    event.b = words[7];
    return event;
}

FlightWords words_of(const FlightEvent& event) {
    return {event.number,
            event.time_ns,
            at(0, event.kind) | at(kServiceBit, event.service) |
                at(kMessageKindBit, event.message_kind) | at(kFlagsBit, event.flags) |
                at(kIndexBit, event.index) | at(kFromBit, event.from) | at(kToBit, event.to),
            event.ring_counter,
            event.ring_nonce | at(kRepresentativeBit, event.ring_representative),
            event.seq,
            event.a,
            event.b};
}

std::optional<FlightWords> words_in(const FlightSlot& slot) {
    FlightWords words{};
    for (std::size_t i = 0; i < words.size(); ++i) {
        words[i] = slot.words[i].load(std::memory_order_acquire);  // before the second look
    }
    if (words[0] == 0 || slot.words[0].load(std::memory_order_relaxed) != words[0]) {
        return std::nullopt;
    }
    return words;
}

std::optional<FlightEvent> event_in(const FlightSlot& slot) {
    const auto words = words_in(slot);
    return words ? std::optional(event_of(*words)) : std::nullopt;
}

// Recording -----------------------------------------------------------------------------------

FlightRecorder::FlightRecorder(std::span<FlightSlot> slots, protocol::MemberList daemons,
                               Detail detail)
    : slots_(slots.empty() ? std::span(&none_, 1) : slots),
      last_slot_(slots_.size() - 1),
      detail_(detail),
      daemons_(std::move(daemons)) {
    SPREAD_ASSERT(std::has_single_bit(slots_.size()));
}

void FlightRecorder::set_time(protocol::Instant now) {
    time_ns_ = std::max(time_ns_, static_cast<std::uint64_t>(now.time_since_epoch().count()));
}

/// Whoever reads meanwhile, or after the process died, sees by the number whether an event is whole
/// (a sequence lock).
inline void FlightRecorder::write(std::uint64_t what, const protocol::RingId& ring,
                                  std::uint64_t seq, std::uint64_t a, std::uint64_t b) {
    auto& words = slots_[written_ & last_slot_].words;
    words[0].store(0, std::memory_order_relaxed);
    const auto store = [&words](std::size_t i, std::uint64_t word) {
        words[i].store(word, std::memory_order_release);  // after the 0
    };
    store(1, time_ns_);
    store(2, what);
    store(3, ring.counter);
    store(4, ring.nonce | at(kRepresentativeBit, ring.representative.value));
    store(5, seq);
    store(6, a);
    store(7, b);
    store(0, ++written_);
    __builtin_prefetch(&slots_[written_ & last_slot_], 1);
}

void FlightRecorder::note(const membership::StateChange& change) {
    write(at(0, Kind::kState) | at(kFromBit, change.from) | at(kToBit, change.to), change.ring_id,
          0, static_cast<std::uint64_t>(change.reason), change.peer.value);
}

void FlightRecorder::note(const membership::RecoveryFacts& facts) {
    const auto flags = (facts.has_hole ? FlightEvent::kHole : 0U) |
                       (facts.has_promise ? FlightEvent::kPromise : 0U);
    write(at(0, Kind::kRecovery) | at(kFlagsBit, flags), {}, facts.expected, 0, 0);
}

void FlightRecorder::note(std::span<const membership::DeliveryEvent> events) {
    Run run;
    for (const membership::DeliveryEvent& event : events) {
        const auto* delivery = std::get_if<membership::Delivery>(&event);
        if (delivery == nullptr) {
            note_run(std::exchange(run, {}));
            note_configuration(std::get<membership::ConfigurationChange>(event));
        } else if (detail_ == Detail::kMessages) {
            note_message(*delivery);
        } else if (run.count > 0 && delivery->origin == run.origin &&
                   delivery->ring_id == run.ring) {
            ++run.count;
            run.last = delivery->seq.value;
        } else {
            note_run(run);
            run = {delivery->ring_id, delivery->origin, 1, delivery->seq.value,
                   delivery->seq.value};
        }
    }
    note_run(run);
}

void FlightRecorder::note_run(const Run& run) {
    if (run.count > 0) {
        write(at(0, Kind::kDeliveries), run.ring, run.first, run.last,
              run.origin.value | at(kCountBit, run.count));
    }
}

void FlightRecorder::note_message(const membership::Delivery& delivery) {
    write(at(0, Kind::kDelivery) | at(kServiceBit, delivery.service) |
              at(kMessageKindBit, delivery.kind) | at(kIndexBit, delivery.index),
          delivery.ring_id, delivery.seq.value, flight_digest(delivery.body),
          delivery.origin.value);
}

void FlightRecorder::note_configuration(const membership::ConfigurationChange& change) {
    static_assert(protocol::kDaemonsMax <= 128);
    std::array<std::uint64_t, 2> members{};
    for (std::size_t i = 0; i < daemons_.size(); ++i) {
        if (std::find(change.members.begin(), change.members.end(), daemons_[i]) !=
            change.members.end()) {
            members[i / 64] |= std::uint64_t{1} << (i % 64U);
        }
    }
    write(at(0, change.kind == membership::ConfigurationKind::kRegular ? Kind::kRegular
                                                                       : Kind::kTransitional),
          change.ring_id, 0, members[0], members[1]);
}

void FlightRecorder::note_resume(const protocol::RingId& ring) {
    write(at(0, Kind::kResume), ring, 0, 0, 0);
}

FlightRecorder::Offered FlightRecorder::about(const membership::Submission& submission) const {
    if (detail_ == Detail::kRuns) {
        return {};
    }
    return {at(0, Kind::kAccept) | at(kServiceBit, submission.service) |
                at(kMessageKindBit, submission.kind) |
                at(kFlagsBit, submission.control ? FlightEvent::kControl
                              : submission.ahead ? FlightEvent::kAhead
                                                 : 0U),
            flight_digest(submission.body)};
}

void FlightRecorder::note_accepted(const Offered& message) {
    if (detail_ == Detail::kRuns) {
        ++accepted_;
    } else {
        write(message.what, {}, 0, message.digest, 0);
    }
}

void FlightRecorder::note_submitted() {
    if (accepted_ > 0) {
        write(at(0, Kind::kAccepts), {}, std::exchange(accepted_, 0), 0, 0);
    }
}

void FlightRecorder::note_packet(const protocol::PacketHeader& header) {
    write(at(0, Kind::kPacket) | at(kMessageKindBit, header.kind), header.ring_id, 0, 0,
          header.sender.value);
}

void FlightRecorder::note_refused(std::uint64_t why) {
    ++refused_;
    if (time_ns_ >= refusals_from_ns_) {
        refusals_from_ns_ = time_ns_ + kRefusalPauseNs;
        write(at(0, Kind::kRefused), {}, refused_, why, 0);
    }
}

}  // namespace spread::driver
