#include "tests/sim/ring_side.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "membership/groups/group_wire.hpp"
#include "protocol/ring_wire.hpp"
#include "tests/sim/host.hpp"
#include "tests/sim/luck.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/simulator.hpp"

namespace spread::sim {
namespace {

using membership::Channel;
using membership::ConfigurationChange;
using membership::Delivery;
using protocol::Slice;

/// What the daemon's transport takes in one call, and its driver in one turn.
constexpr std::size_t kBatchMax = 8;
constexpr std::size_t kTurnReceivesMax = kBatchMax * driver::RingDriver::kReceiveCallsMax;

/// Digest of bytes in pieces, the same however they are cut.
class BytesDigest {
  public:
    explicit BytesDigest(std::size_t total) : state_(total) {}

    void add(std::span<const std::byte> bytes) {
        while (!bytes.empty()) {
            if (filled_ == 0 && bytes.size() >= 8) {
                for (std::size_t byte = 0; byte < 8; ++byte) {  // one load, one swap
                    word_ = (word_ << 8U) | static_cast<std::uint64_t>(bytes[byte]);
                }
                bytes = bytes.subspan(8);
                fold();
                continue;
            }
            word_ = (word_ << 8U) | static_cast<std::uint64_t>(bytes.front());
            bytes = bytes.subspan(1);
            if (++filled_ == 8) {
                fold();
            }
        }
    }
    [[nodiscard]] std::uint64_t take() {
        fold();
        return state_;
    }

  private:
    void fold() {
        state_ = (state_ ^ word_) * 0x9e3779b97f4a7c15ULL;
        state_ ^= state_ >> 29U;
        word_ = 0;
        filled_ = 0;
    }

    std::uint64_t state_;
    std::uint64_t word_ = 0;
    std::size_t filled_ = 0;
};

std::uint64_t digest_of(const protocol::Message& body) {
    BytesDigest digest(body.size());
    for (std::size_t i = 0; i < body.slice_count(); ++i) {
        digest.add(body.slice(i).bytes());
    }
    return digest.take();
}

std::uint64_t digest_of(const Slice& datagram) {
    BytesDigest digest(datagram.length);
    digest.add(datagram.bytes());
    return digest.take();
}

/// As in the daemon, though nobody reads it here.
constexpr std::size_t kFlightEvents = 64;

checker::MessageFacts facts_of(const membership::Submission& submission) {
    const checker::SendLane lane = submission.control ? checker::SendLane::kControl
                                   : submission.ahead ? checker::SendLane::kAhead
                                                      : checker::SendLane::kOrdinary;
    return {submission.service, submission.kind, digest_of(submission.body), lane};
}

}  // namespace

void RingSide::Signal::wake() {
    if (!side_.is_dead_) {
        (side_.host_.*wake_)();
    }
}

RingSide::RingSide(Host& host, Simulator& simulator, DaemonIndex index, Setup setup)
    : host_(host),
      simulator_(simulator),
      index_(index),
      life_(setup.life),
      request_ranges_max_(protocol::rtr_ranges_max(setup.driver.config.datagram_bytes_max)),
      receive_queue_max_(setup.receive_queue_max),
      entropy_(setup.entropy),
      taken_{simulator.now()},
      queues_(setup.limits),
      ring_signal_(*this, &Host::wake_ring),
      session_signal_(*this, &Host::wake_sessions),
      port_(queues_, ring_signal_),
      flight_(kFlightEvents),
      driver_(
          [&] {
              if (setup.names) {
                  start_names(*setup.names, setup.driver.config);
                  setup.driver.checks_sources = true;
              }
              setup.driver.flight = flight_;
              setup.driver.sealed = sealed_traffic(setup);
              return std::move(setup.driver);
          }(),
          queues_, session_signal_, *this, *this, simulator.pool()) {}

std::unique_ptr<driver::SealedTraffic> RingSide::sealed_traffic(Setup& from) {
    if (!from.mode) {
        return nullptr;
    }
    sealing::RingSeal::Setup setup;
    for (std::uint32_t i = 1; i <= simulator_.scenario().daemons(); ++i) {
        setup.daemons.push_back(protocol::DaemonId{i});
    }
    setup.self = setup.daemons[index_];
    setup.keys = std::move(from.keys);
    setup.mode = *from.mode;
    setup.suite = index_ % 4 == 3 ? sealing::Suite::kChaCha20Poly1305 : sealing::Suite::kAes256Gcm;
    setup.backend = sealing::best_backend();
    return std::make_unique<driver::SealedTraffic>(std::move(setup), entropy_);
}

void RingSide::start_names(protocol::Rng luck, const membership::RingConfig& config) {
    NameSide::Setup setup{
        simulator_.scenario().daemons(),
        index_,
        config.token_loss_timeout,
        config.config_hash,
        luck,
        [this](DaemonIndex to, std::vector<Names::Address> ways, Names::Address claim) {
            simulator_.network().set_ways(index_, to, std::move(ways), claim);
        }};
    for (DaemonIndex to = 0; to < setup.daemons; ++to) {
        simulator_.network().set_ways(index_, to, {}, 0);
    }
    names_.emplace(simulator_.network().names(), std::move(setup));
}

// Turns ---------------------------------------------------------------------------------------

void RingSide::start() {
    is_in_turn_ = true;
    driver_.start(host_.local_now());
    tell_of_state();
    is_in_turn_ = false;
}

bool RingSide::turn(bool is_slow) {
    is_in_turn_ = true;
    is_slow_ = is_slow;
    received_ = 0;
    simulator_.engine_digest(
        static_cast<std::uint64_t>(host_.local_now().time_since_epoch().count()));
    if (names_) {
        names_->work(host_.local_now());
    }
    const std::size_t waiting = queues_.submissions.size();
    const bool must_take = waiting > 0 && driver_.engine().send_queue_has_room();
    driver_.work(host_.local_now());
    turn_received_ += received_;
    bool is_over = true;
    if (!is_dead_) {
        tell_of_taken();
        if ((must_take && queues_.submissions.size() == waiting) || !queues_.control.empty()) {
            simulator_.fail({"R4",
                             "d" + std::to_string(index_ + 1) +
                                 " refused a message although its queue had room",
                             {}});
        }
        is_over = !is_slow || !is_readable() || turn_received_ >= kTurnReceivesMax;
    }
    if (driver_.seal() != nullptr) {
        const std::uint64_t taken = driver_.seal()->counters().plain_taken;
        if (driver_.seal()->mode() != sealing::Mode::kRequire) {
            plain_taken_ = taken;
        } else if (taken > plain_taken_) {
            simulator_.fail({"S5", "a plain datagram is taken where sealing is required", {}});
        }
    }
    if (!is_dead_ && is_over) {
        turn_received_ = 0;
        driver_.finish(host_.local_now());
    }
    tell_of_state();
    note_windows();
    is_in_turn_ = false;
    return is_over;
}

// Sockets -------------------------------------------------------------------------------------

std::optional<protocol::Instant> RingSide::next_deadline() const {
    auto deadline = driver_.next_deadline();
    if (names_ && names_->next_deadline() < protocol::Instant::max()) {
        deadline = std::min(deadline.value_or(protocol::Instant::max()), names_->next_deadline());
    }
    return deadline;
}

void RingSide::arrive(const Network::Parcel& parcel) {
    auto& socket = parcel.arrival == membership::Arrival::kToken ? token_socket_ : data_socket_;
    if (socket.size() >= receive_queue_max_) {
        simulator_.trace(TraceLevel::kPackets, index_, 'x',
                         [] { return std::string("receive queue overflow"); });
        return;
    }
    socket.push_back(parcel);
}

bool RingSide::receive(Channel channel, driver::Inbox& inbox) {
    auto& socket = channel == Channel::kData ? data_socket_ : token_socket_;
    const std::size_t most = is_slow_ ? 1 : kBatchMax;
    if (is_dead_ || socket.empty() || (is_slow_ && received_ > 0)) {
        return false;
    }
    for (std::size_t i = 0; i < most && !socket.empty(); ++i) {
        const Network::Parcel parcel = std::move(socket.front());
        socket.pop_front();
        ++received_;
        simulator_.engine_digest(digest_of(parcel.datagram));
        source_ = parcel.source;
        // Others may have the same bytes, and opening changes them.
        inbox.take(parcel.arrival, sealing::is_sealed(parcel.datagram.bytes())
                                       ? copy_of_datagram(parcel.datagram)
                                       : parcel.datagram);
    }
    return true;
}

void RingSide::read_errors(driver::Inbox& inbox) {
    for (const protocol::DaemonId peer : std::exchange(unreachable_, {})) {
        inbox.note_unreachable(peer);
    }
}

void RingSide::send(std::span<const membership::OutboundPacket> packets) {
    send_by(&Network::send, packets);
}

void RingSide::greet(std::span<const membership::OutboundPacket> packets) {
    send_by(&Network::greet, packets);
}

void RingSide::send_by(Sending way, std::span<const membership::OutboundPacket> packets) {
    for (const membership::OutboundPacket& packet : packets) {
        if (is_dead_) {
            return;
        }
        simulator_.engine_digest(digest_of(packet.datagram));
        note_requests(packet);
        if (SealWatch* watch = simulator_.seal_watch()) {
            watch->on_sent(packet.datagram, driver_.seal()->mode() == sealing::Mode::kRequire);
        }
        // False as well when a step of the script ended this life.
        static_cast<void>((simulator_.network().*way)(index_, packet));
    }
    tell_of_state();
}

void RingSide::send_one_by_one(const protocol::MemberList& daemons) {
    if (!is_dead_) {
        simulator_.network().send_one_by_one(index_, daemons);
    }
}

// What the checker hears ----------------------------------------------------------------------

void RingSide::submit(membership::Submission&& submission) {
    if (submission.control) {
        if (submission.kind == protocol::MessageKind::kGroupState) {
            note_state_part(submission);
        }
        control_facts_.emplace_back(facts_of(submission));
    } else {
        (submission.ahead ? ahead_facts_ : message_facts_).push_back(facts_of(submission));
    }
    port_.add(std::move(submission));
}

void RingSide::resume(const protocol::RingId& ring) {
    control_facts_.emplace_back(ring);
    port_.resume(ring);
}

void RingSide::give_up(driver::GiveUp&& overdue) {
    control_facts_.emplace_back(overdue);
    port_.give_up(std::move(overdue));
}

void RingSide::steer(driver::SealingChange&& change) {
    control_facts_.emplace_back(std::monostate());
    port_.steer(std::move(change));
}

/// What has left the queues is with the engine.
void RingSide::tell_of_taken() {
    while (control_facts_.size() > port_.control_left()) {
        const ControlFact& fact = control_facts_.front();
        if (const auto* message = std::get_if<checker::MessageFacts>(&fact)) {
            simulator_.rings().on_accept(life_, *message);
        } else if (const auto* ring = std::get_if<protocol::RingId>(&fact)) {
            simulator_.rings().on_resume(life_, *ring);
        }
        control_facts_.pop_front();
    }
    while (ahead_facts_.size() > port_.ahead_left()) {
        simulator_.rings().on_accept(life_, ahead_facts_.front());
        ahead_facts_.pop_front();
    }
    while (message_facts_.size() > port_.messages_left()) {
        simulator_.rings().on_accept(life_, message_facts_.front());
        message_facts_.pop_front();
    }
}

void RingSide::on_output(const membership::EngineOutput& out) {
    if (is_dead_) {
        return;
    }
    if (SealWatch* watch = simulator_.seal_watch()) {
        for (const membership::OutboundPacket& packet : out.sends) {
            watch->on_said(packet.datagram.bytes());
        }
    }
    tell_of_taken();  // first: a ring of one delivers at once
    for (const membership::DeliveryEvent& event : out.deliveries) {
        observe(event);
    }
}

bool RingSide::admits(std::span<const std::byte> datagram) {
    return is_dead_ || names_->admits(host_.local_now(), datagram, source_);
}

void RingSide::on_opened(const sealing::OpenedDatagram& opened) {
    if (names_ && opened.is_newest && !is_dead_) {
        names_->on_authentic(host_.local_now(), driver_.seal()->last_envelope().sender, source_);
    }
    if (SealWatch* watch = simulator_.seal_watch(); watch != nullptr && !is_dead_) {
        watch->on_opened(taken_, opened);
        refused_since_.erase(opened.stream);
    }
}

void RingSide::on_refused(sealing::Refusal refusal, const sealing::Envelope& envelope) {
    if (names_ && refusal == sealing::Refusal::kUnproven && !is_dead_) {
        names_->on_claim(host_.local_now(), envelope.sender, source_);
    }
    if (!is_dead_) {
        const auto [since, is_first] =
            refused_since_.try_emplace(envelope.stream, simulator_.now());
        simulator_.check_refused(index_, refusal, envelope, since->second);
    }
}

void RingSide::on_seal_event(const sealing::SealEvent& event, const sealing::KeyRing& keys) {
    if (const auto order = sealing::order_of(event, keys); order && !is_dead_) {
        host_.order_key(*order);
    }
}

void RingSide::observe(const membership::DeliveryEvent& event) {
    if (const auto* change = std::get_if<ConfigurationChange>(&event)) {
        host_.note_configuration();
        simulator_.check_stirred(index_, *change);
        simulator_.digest(mixed(change->ring_id.counter, change->members.size()));
        simulator_.engine_digest(mixed(change->ring_id.counter, change->members.size()));
        simulator_.note_counters(change->ring_id.counter, 0);
        simulator_.note_configuration();
        simulator_.trace(TraceLevel::kStates, index_, '*', [&] {
            std::string line = change->kind == membership::ConfigurationKind::kRegular
                                   ? "regular"
                                   : "transitional";
            line += " (d" + std::to_string(change->ring_id.representative.value) + "," +
                    std::to_string(change->ring_id.counter) + ") {";
            for (const protocol::DaemonId member : change->members) {
                line += " d" + std::to_string(member.value);
            }
            return line + " }";
        });
        note_ring(*change);
        if (names_ && change->kind == membership::ConfigurationKind::kRegular) {
            names_->set_members(host_.local_now(), change->members);
        }
        simulator_.rings().on_configuration(life_, *change);
        return;
    }
    const auto& delivery = std::get<Delivery>(event);
    const std::uint64_t digest = digest_of(delivery.body);
    simulator_.digest(mixed(digest, delivery.seq.value));
    simulator_.engine_digest(mixed(digest, delivery.seq.value));
    simulator_.note_delivery();
    note_number(delivery.seq);
    simulator_.trace(TraceLevel::kPackets, index_, '<', [&] {
        return "delivers " + std::to_string(delivery.seq.value) + "." +
               std::to_string(delivery.index) + " kind " +
               std::to_string(static_cast<int>(delivery.kind)) + " of d" +
               std::to_string(delivery.origin.value);
    });
    simulator_.rings().on_delivery(life_, {delivery.ring_id, delivery.seq, delivery.index},
                                   delivery.origin, {delivery.service, delivery.kind, digest});
}

void RingSide::keep_counter(std::uint64_t ring_counter) {
    if (!is_dead_) {
        host_.keep_counter(ring_counter);
    }
}

void RingSide::on_state_change(const membership::StateChange& change) {
    if (is_dead_) {
        return;
    }
    state_changed_ = true;
    simulator_.note_state(index_, change.to);
    using membership::RingState;
    if (change.from == RingState::kRecovery && change.to == RingState::kGather) {
        ++interrupted_;
    } else if (change.to == RingState::kOperational) {
        if (const auto times = std::exchange(interrupted_, 0); times >= 2) {
            simulator_.note_reached(times == 2 ? Goal::kInterruptedTwice
                                               : Goal::kInterruptedThrice);
        }
    }
    simulator_.trace(TraceLevel::kStates, index_, '~', [&] {
        std::string line(membership::to_string(change.from));
        line += "->";
        line += membership::to_string(change.to);
        line += "  ";
        line += membership::to_string(change.reason);
        if (change.peer) {
            line += " d" + std::to_string(change.peer.value);
        }
        line += " {";
        for (const protocol::DaemonId member : change.members) {
            line += " d" + std::to_string(member.value);
        }
        return line + " }";
    });
}

void RingSide::on_recovery(const membership::RecoveryFacts& facts) {
    if (is_dead_) {
        return;
    }
    if (facts.has_hole) {
        simulator_.note_reached(facts.has_promise ? Goal::kHoleAndPromise : Goal::kHole);
    }
    if (facts.has_promise) {
        simulator_.note_reached(Goal::kPromise);
    }
}

/// The script may wait for a state; not before the packets of the change are out.
void RingSide::tell_of_state() {
    if (!is_dead_ && std::exchange(state_changed_, false)) {
        simulator_.on_state(index_);
    }
}

// What is reached ------------------------------------------------------------------------------

void RingSide::note_windows() {
    constexpr std::uint32_t kWide = 512;
    if (is_dead_) {
        return;
    }
    const membership::RingStats& stats = driver_.engine().stats();
    if (stats.flow_window > kWide) {
        simulator_.note_reached(Goal::kWindowBeyond512);
    }
    if (stats.high_seq.value - stats.safe_up_to.value > kWide) {
        simulator_.note_reached(Goal::kManyPacketsHeld);
    }
}

void RingSide::note_requests(const membership::OutboundPacket& packet) {
    // Twelve bytes each.
    if (packet.channel != Channel::kToken || packet.datagram.length < 12 * request_ranges_max_) {
        return;
    }
    const auto token = protocol::decode_token(packet.datagram.bytes());
    if (token && token->rtr.size() >= request_ranges_max_) {
        simulator_.note_reached(Goal::kFullRequestList);
    }
}

void RingSide::note_ring(const ConfigurationChange& change) {
    if (change.kind != membership::ConfigurationKind::kRegular) {
        return;
    }
    if (change.members.size() >= 64) {
        simulator_.note_reached(Goal::kLargeRing);
    }
    if (change.members.size() == protocol::kDaemonsMax) {
        simulator_.note_reached(Goal::kLargestRing);
    }
    const std::uint64_t before = std::exchange(ring_counter_, change.ring_id.counter);
    const std::uint64_t half = ring_counter_ >> 31U;
    if (before != 0 && before >> 31U != half) {
        simulator_.note_reached(half % 2 == 0 ? Goal::kCounterPasses32Bits
                                              : Goal::kCounterPasses31Bits);
    }
    last_number_ = {};
}

void RingSide::note_number(protocol::Seq seq) {
    const std::uint64_t before = std::exchange(last_number_, seq).value;
    if (before != 0 && before >> 31U != seq.value >> 31U) {
        simulator_.note_reached(before >> 31U == 0 ? Goal::kPacketsPass31Bits
                                                   : Goal::kPacketsPass32Bits);
    }
}

void RingSide::note_state_part(const membership::Submission& submission) {
    std::vector<std::byte> scratch;
    const auto part = membership::decode_group_state(submission.body.contiguous(scratch));
    if (part && part->part > 0) {
        simulator_.note_reached(Goal::kSeveralParts);
    }
}

bool RingSide::is_empty() const {
    return port_.control_left() == 0 && port_.ahead_left() == 0 && port_.messages_left() == 0 &&
           queues_.deliveries.empty();
}

}  // namespace spread::sim
