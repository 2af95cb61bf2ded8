#include "sealing/ring_seal.hpp"

#include <algorithm>

#include "protocol/assert.hpp"
#include "protocol/byte_reader.hpp"

namespace spread::sealing {
namespace {

using protocol::DaemonId;
using protocol::Instant;

/// For how long the second copy of a challenge, by the other port, is not answered again.
constexpr protocol::Duration kAnswerOnce = std::chrono::milliseconds(5);
/// Every so many numbers of an epoch's second half its successor's key is looked after.
constexpr std::uint64_t kLookAheadEvery = 256;

protocol::Roster roster_with(const protocol::MemberList& daemons) {
    std::vector<protocol::RosterEntry> entries;
    for (const DaemonId daemon : daemons) {
        entries.push_back({daemon, std::to_string(daemon.value)});
    }
    return protocol::Roster(std::move(entries));
}

}  // namespace

RingSeal::RingSeal(Setup setup, Entropy& entropy)
    : roster_(roster_with(setup.daemons)),
      self_(setup.self),
      keys_(std::move(setup.keys)),
      mode_(setup.mode),
      suite_(setup.suite),
      backend_(setup.backend),
      entropy_(entropy),
      sending_(setup.backend, Use::kSeal) {
    SPREAD_ASSERT(!keys_.empty());
    stream_ = StreamId{random()};
    peers_.reserve(setup.daemons.size());
    for (const DaemonId daemon : setup.daemons) {
        peers_.emplace_back(daemon);
    }
}

void RingSeal::change(Mode mode, KeyRing keys) {
    SPREAD_ASSERT(!keys.empty());
    mode_ = mode;
    keys_ = std::move(keys);
    sending_.keep_only(keys_);
    for (Peer& peer : peers_) {
        peer.keep_only(keys_);
    }
}

std::uint64_t RingSeal::random() {
    std::array<std::byte, 8> bytes{};
    std::uint64_t value = 0;
    while (value == 0) {
        entropy_.fill(bytes);
        value = protocol::ByteReader(bytes).read_le<std::uint64_t>();
    }
    return value;
}

// Out -----------------------------------------------------------------------------------------

void RingSeal::begin_batch(Instant now) {
    std::array<std::byte, 4> bytes{};
    entropy_.fill(bytes);
    // A generator that was cloned with its machine repeats itself; the clock has gone on.
    hedge_ = protocol::ByteReader(bytes).read_le<std::uint32_t>() ^
             static_cast<std::uint32_t>(now.time_since_epoch().count());
}

void RingSeal::seal(std::span<const std::byte> text, std::span<std::byte> out) {
    seal_with(keys_.in_use(), text, out);
}

void RingSeal::seal_with(const RingKey& key, std::span<const std::byte> text,
                         std::span<std::byte> out) {
    SPREAD_ASSERT(!text.empty());
    SPREAD_ASSERT(out.size() == text.size() + kSealRoomBytes);
    const Envelope envelope{suite_, key.id, self_, stream_, ++number_, hedge_};
    const auto head = out.first<kEnvelopeBytes>();
    write_envelope(envelope, head);
    const auto name = Contexts::Name::of(envelope);
    Aead* aead = sending_.find(name);
    if (aead == nullptr) {
        aead =
            &sending_.add(name, datagram_key(key.secret, suite_, self_, stream_, envelope.epoch()));
    }
    aead->seal(nonce_of(head), head, text, out.data() + kEnvelopeBytes, out.last<kTagBytes>());
    ++counters_.datagrams_sealed;
}

// In ------------------------------------------------------------------------------------------

RingSeal::Opened RingSeal::open(Instant now, const protocol::Slice& datagram, std::uint8_t way) {
    const auto envelope = read_envelope(datagram.bytes());
    if (!envelope) {
        last_ = {};
        return refuse(Refusal::kMalformed);
    }
    last_ = *envelope;
    Peer* peer = find_peer(last_.sender);
    if (peer == nullptr) {
        return refuse(Refusal::kSender);
    }
    const RingKey* key = keys_.find(last_.key);
    if (key == nullptr) {
        introduce_key(now, *peer);
        return refuse(Refusal::kKey);
    }
    const Arriving at{now, datagram, way, last_, *key, *peer};
    return peer->current && peer->current->id == last_.stream ? open_current(at) : open_other(at);
}

bool RingSeal::takes_plain() {
    if (mode_ == Mode::kRequire) {
        ++counters_.rejected_plain;
        return false;
    }
    ++counters_.plain_taken;
    return true;
}

Peer* RingSeal::find_peer(DaemonId daemon) {
    const auto place = daemon == self_ ? std::nullopt : roster_.find(daemon);
    return place ? &peers_[*place] : nullptr;
}

RingSeal::Opened RingSeal::refuse(Refusal refusal) {
    switch (refusal) {
        case Refusal::kNone: break;
        case Refusal::kPlain: ++counters_.rejected_plain; break;
        case Refusal::kMalformed: ++counters_.rejected_malformed; break;
        case Refusal::kSender: ++counters_.rejected_sender; break;
        case Refusal::kKey: ++counters_.rejected_key; break;
        case Refusal::kForged: ++counters_.rejected_forged; break;
        case Refusal::kReplayed: ++counters_.rejected_replayed; break;
        case Refusal::kBusy: ++counters_.rejected_busy; break;
        case Refusal::kUnproven: ++counters_.unproven; break;
    }
    return {refusal};
}

RingSeal::Opened RingSeal::open_current(const Arriving& at) {
    PeerStream& stream = *at.peer.current;
    if (!stream.window.is_new(at.envelope.number)) {
        return open_late(at);
    }
    if (const Refusal refusal = decrypt(at, &stream.contexts); refusal != Refusal::kNone) {
        return refuse(refusal);
    }
    return accept(at, stream);
}

/// What is authentic, and of the current stream.
RingSeal::Opened RingSeal::accept(const Arriving& at, PeerStream& stream) {
    const bool is_newest = at.envelope.number > stream.window.high();
    stream.window.take(at.envelope.number);
    ++counters_.datagrams_opened;
    prepare_next_epoch(at, stream.contexts);
    at.peer.seals_with = Contexts::Name::of(at.envelope);
    OpenedDatagram text = text_of(at);
    text.is_newest = is_newest;
    if (is_hello(text.text.bytes())) {
        if (const auto hello = hello_in(at)) {
            on_hello(at, *hello, at.peer.answers, true);
        }
        return {};
    }
    if (at.key.role == KeyRole::kOffer) {
        offer(at);
    }
    return {Refusal::kNone, std::move(text)};
}

/// The window rejects it. Hellos bring their own freshness and are looked at all the same: two
/// daemons that were both put back would stay deaf to each other.
RingSeal::Opened RingSeal::open_late(const Arriving& at) {
    PeerStream& stream = *at.peer.current;
    if (at.peer.may_be_put_back(at.now) && at.peer.looks_back.take(at.now)) {
        ask(at, stream.window.high());
    }
    if (at.slice.length == kSealedHelloBytes && at.peer.late_hellos.take(at.now) &&
        decrypt(at, &stream.contexts) == Refusal::kNone) {
        if (const auto hello = hello_in(at)) {
            on_hello(at, *hello, at.peer.answers, false);
        }
    }
    return refuse(Refusal::kReplayed);
}

/// Of a stream that is not the current one: a new life, a second daemon of that name, or a
/// recording. An answer to our challenge tells.
RingSeal::Opened RingSeal::open_other(const Arriving& at) {
    Peer& peer = at.peer;
    const StreamId id = at.envelope.stream;
    const bool is_previous = peer.previous && peer.previous->id == id;
    Stranger* stranger = peer.find_stranger(id);
    Contexts* contexts = is_previous           ? &peer.previous->contexts
                         : stranger != nullptr ? &stranger->contexts
                                               : nullptr;
    if (const Refusal refusal = decrypt(at, contexts); refusal != Refusal::kNone) {
        return refuse(refusal);
    }
    if (stranger == nullptr) {
        stranger = &peer.add_stranger(id, backend_);
        if (!is_previous) {
            stranger->contexts.add(Contexts::Name::of(at.envelope),
                                   key_of(at, at.envelope.epoch()));
        }
    }
    stranger->seen = at.now;
    const OpenedDatagram text = text_of(at);
    if (!is_hello(text.text.bytes())) {
        peer.held = text;
    } else if (const auto hello = hello_in(at)) {
        if (proves(at, *hello)) {
            const auto kept = promote(at);
            on_hello(at, *hello, peer.answers, true);
            return {Refusal::kNone, kept};
        }
        on_hello(at, *hello, stranger->answers, false);
    }
    if (stranger->asks.take(at.now)) {
        ask(at, 0);
    }
    return refuse(Refusal::kUnproven);
}

/// In place. Only what proves to be authentic may take the place of a key in `contexts`, which is
/// null for a stream that nothing authentic has come of yet.
Refusal RingSeal::decrypt(const Arriving& at, Contexts* contexts) {
    const auto name = Contexts::Name::of(at.envelope);
    Aead* aead = contexts != nullptr ? contexts->find(name) : nullptr;
    const bool is_known = aead != nullptr;
    if (!is_known) {
        if (!derivations_.take(at.now)) {
            return Refusal::kBusy;
        }
        if (!trial_ || trial_suite_ != name.suite) {
            trial_suite_ = name.suite;
            trial_ = make_aead(backend_, name.suite, Use::kOpen);
        }
        trial_->set_key(key_of(at, name.epoch).bytes());
        aead = trial_.get();
    }
    const Text bytes(at.slice.buffer->data() + at.slice.offset, at.slice.length);
    const auto head = bytes.first<kEnvelopeBytes>();
    const Text text = bytes.subspan(kEnvelopeBytes, bytes.size() - kSealRoomBytes);
    if (!aead->open(nonce_of(head), head, text, text.data(), bytes.last<kTagBytes>())) {
        return Refusal::kForged;
    }
    if (!is_known && contexts != nullptr) {
        contexts->add(name, key_of(at, name.epoch));
    }
    return Refusal::kNone;
}

Secret RingSeal::key_of(const Arriving& at, std::uint64_t epoch) const {
    return datagram_key(at.key.secret, at.envelope.suite, at.envelope.sender, at.envelope.stream,
                        epoch);
}

/// So that no datagram has to wait for, or be refused, the key of a new epoch.
void RingSeal::prepare_next_epoch(const Arriving& at, Contexts& contexts) const {
    constexpr std::uint64_t kEpochNumbers = std::uint64_t{1} << kEpochBits;
    if (at.envelope.number % kEpochNumbers < kEpochNumbers / 2 ||
        at.envelope.number % kLookAheadEvery != 0) {
        return;
    }
    auto next = Contexts::Name::of(at.envelope);
    ++next.epoch;
    if (contexts.find(next) == nullptr) {
        contexts.add(next, key_of(at, next.epoch));
    }
}

OpenedDatagram RingSeal::text_of(const Arriving& at) {
    return {{at.slice.buffer, at.slice.offset + static_cast<std::uint32_t>(kEnvelopeBytes),
             at.slice.length - static_cast<std::uint32_t>(kSealRoomBytes)},
            at.way,
            at.envelope.stream,
            at.envelope.number};
}

/// The hello that a decrypted datagram is; it does not stay in memory that others will use.
std::optional<Hello> RingSeal::hello_in(const Arriving& at) {
    const Text text(at.slice.buffer->data() + at.slice.offset + kEnvelopeBytes,
                    at.slice.length - kSealRoomBytes);
    const auto hello = read_hello(text);
    return hello ? std::optional(*hello) : std::nullopt;
}

// Challenges ----------------------------------------------------------------------------------

bool RingSeal::proves(const Arriving& at, const Hello& hello) const {
    const auto& challenge = at.peer.challenge;
    return challenge && hello.answer == challenge->value &&
           at.now - challenge->since <= 2 * Peer::kChallengeRepeated;
}

/// The stream of `at` is in use. Returns what was kept of it.
std::optional<OpenedDatagram> RingSeal::promote(const Arriving& at) {
    Peer& peer = at.peer;
    if (peer.current && peer.changes_too_often(at.now)) {
        events_.push_back({SealEvent::Kind::kTwoLives, peer.id, {}});
    }
    peer.promote(at.envelope.stream, backend_);
    peer.challenge.reset();
    ++counters_.streams_proven;
    ReplayWindow& window = peer.current->window;
    if (window.is_new(at.envelope.number)) {
        window.take(at.envelope.number);
    }
    auto held = std::exchange(peer.held, std::nullopt);
    if (!held || held->stream != at.envelope.stream || !window.is_new(held->number)) {
        return std::nullopt;
    }
    window.take(held->number);
    ++counters_.datagrams_opened;
    held->is_newest = true;  // with the answer that is being opened
    return held;
}

void RingSeal::on_hello(const Arriving& at, const Hello& hello, Allowance& answers,
                        bool is_proven) {
    if (hello.ask != 0) {
        if (hello.about == stream_ && hello.high > number_) {
            events_.push_back({SealEvent::Kind::kPutBack, at.peer.id, {}});
            return;
        }
        const bool is_copy =
            hello.ask == at.peer.answered && at.now - at.peer.answered_at < kAnswerOnce;
        if (!is_copy && answers.take(at.now)) {
            answer(at, hello.ask);
        }
    }
    if (is_proven && hello.lacks_key && at.key.role == KeyRole::kOffer) {
        offer(at);
    }
    if (is_proven && hello.offered.value != 0) {
        take_offer(at, hello);
    }
}

/// Under the key that it was asked under: who asks may have no other.
void RingSeal::answer(const Arriving& at, std::uint64_t challenge) {
    at.peer.answered = challenge;
    at.peer.answered_at = at.now;
    Hello hello;
    hello.answer = challenge;
    send_hello(at.now, at.peer.id, at.key, hello);
}

/// `high` other than 0: whether it has been put back.
void RingSeal::ask(const Arriving& at, std::uint64_t high) {
    Peer& peer = at.peer;
    if (!peer.asks.take(at.now)) {
        return;
    }
    if (!peer.challenge || at.now - peer.challenge->since > Peer::kChallengeRepeated) {
        peer.challenge = Peer::Challenge{random(), at.now};
    }
    Hello hello;
    hello.ask = peer.challenge->value;
    hello.about = at.envelope.stream;
    hello.high = high;
    send_hello(at.now, peer.id, at.key, hello);
}

void RingSeal::send_hello(Instant now, DaemonId to, const RingKey& key, const Hello& hello) {
    std::array<std::byte, kHelloBytes> text{};
    write_hello(hello, text);
    for (const bool by_token_port : {false, true}) {
        OutgoingHello out;
        out.to = to;
        out.by_token_port = by_token_port;
        begin_batch(now);
        seal_with(key, text, out.bytes);
        ++counters_.hellos_sent;
        hellos_.push_back(out);
    }
}

// Keys that are handed over -------------------------------------------------------------------

void RingSeal::offer(const Arriving& at) {
    if (!at.peer.offers.take(at.now)) {
        return;
    }
    send_hello(at.now, at.peer.id, at.key, offer_of(at.key));
}

/// A daemon uses a key that we do not have: it was changed while we were away, or on both sides of
/// a partition. It is told so under those that it may know, and told ours under those that we have
/// given up.
void RingSeal::introduce_key(Instant now, Peer& peer) {
    // All at once, or one of the keys would never have its turn.
    if (!peer.introductions.take(now)) {
        return;
    }
    for (const RingKey& key : keys_.keys()) {
        if (key.role == KeyRole::kKeep) {
            continue;
        }
        Hello hello = key.role == KeyRole::kOffer ? offer_of(key) : Hello{};
        hello.lacks_key = true;
        send_hello(now, peer.id, key, hello);
    }
}

Hello RingSeal::offer_of(const RingKey& under) const {
    Hello hello;
    hello.offered = keys_.in_use().id;
    hello.wrapped = wrap(keys_.in_use().secret, wrapping_key(under.secret));
    return hello;
}

/// Under the key that we seal with: the successor of that, unless we have it and have given it up
/// (one that we have given up comes back by who uses it being told to, not by being offered). Under
/// one that we have given up ourselves: a key to understand the sender with, who has taken another
/// turn.
void RingSeal::take_offer(const Arriving& at, const Hello& hello) {
    const RingKey* const known = keys_.find(hello.offered);
    const bool is_successor =
        at.key.id == keys_.in_use().id && (known == nullptr || known->role == KeyRole::kKeep);
    const bool is_for_later =
        known == nullptr && at.key.role == KeyRole::kOffer && !keys_.is_full();
    if (!is_successor && !is_for_later) {
        return;
    }
    const DaemonId from = at.peer.id;
    const auto key = unwrap(hello.wrapped, wrapping_key(at.key.secret));
    if (!key || key_id(*key) != hello.offered) {
        return;
    }
    // Both invalidate at.key.
    const std::string note = "from daemon " + std::to_string(from.value);
    if (is_successor) {
        keys_.take_over(*key, note);
    } else {
        keys_.add(*key, note);
    }
    ++counters_.keys_taken_over;
    events_.push_back({is_successor ? SealEvent::Kind::kKeyTaken : SealEvent::Kind::kKeyKept, from,
                       hello.offered});
}

}  // namespace spread::sealing
