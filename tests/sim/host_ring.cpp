#include <algorithm>
#include <string>
#include <utility>

#include "tests/sim/host.hpp"
#include "tests/sim/luck.hpp"
#include "tests/sim/ring_settings.hpp"
#include "tests/sim/simulator.hpp"

namespace spread::sim {
namespace {

using membership::ConfigurationChange;
using membership::Delivery;
using protocol::Slice;

/// How often a daemon may have to send a packet again, on average: there may be many receivers, and
/// any of them may lose it several times.
constexpr std::uint64_t kResentPerPacket = 20;

/// The same however the bytes are cut into slices.
std::uint64_t digest_of(const protocol::Message& body) {
    std::uint64_t state = body.size();
    std::uint64_t word = 0;
    std::size_t filled = 0;
    const auto fold = [&] {
        state = (state ^ word) * 0x9e3779b97f4a7c15ULL;
        state ^= state >> 29U;
        word = 0;
        filled = 0;
    };
    for (std::size_t i = 0; i < body.slice_count(); ++i) {
        auto bytes = body.slice(i).bytes();
        while (!bytes.empty()) {
            if (filled == 0 && bytes.size() >= 8) {
                for (std::size_t byte = 0; byte < 8; ++byte) {  // one load, one swap
                    word = (word << 8U) | static_cast<std::uint64_t>(bytes[byte]);
                }
                bytes = bytes.subspan(8);
                fold();
                continue;
            }
            word = (word << 8U) | static_cast<std::uint64_t>(bytes.front());
            bytes = bytes.subspan(1);
            if (++filled == 8) {
                fold();
            }
        }
    }
    fold();
    return state;
}

}  // namespace

membership::RingConfig Host::ring_config() const {
    return ring_config_of(scenario_.tunables, static_cast<std::uint32_t>(scenario_.daemons()), id_,
                          7 + config_version_);
}

void Host::end_ring() {
    check_retransmissions();
    engine_.reset();
    out_.clear();
    data_socket_.clear();
    token_socket_.clear();
    ring_turn_at_.reset();
    state_changed_ = false;
    slow_ = protocol::Duration(0);
}

void Host::on_packet(const Slice& datagram) {
    if (!engine_) {
        return;
    }
    const protocol::PacketKind kind = label_of(datagram).kind;
    auto& socket = kind == protocol::PacketKind::kToken || kind == protocol::PacketKind::kCommit
                       ? token_socket_
                       : data_socket_;
    if (socket.size() >= receive_queue_max_) {
        simulator_.trace(TraceLevel::kPackets, index_, 'x',
                         [] { return std::string("receive queue overflow"); });
        return;
    }
    socket.push_back(datagram);
    schedule_ring_turn(simulator_.now());
}

void Host::on_peer_unreachable(DaemonIndex peer) {
    if (!engine_ || paused_) {
        return;
    }
    engine_->on_peer_unreachable(local_now(), protocol::DaemonId{peer + 1U}, out_);
    dispatch();
    schedule_deadline();
}

void Host::ring_turn(std::uint32_t generation) {
    if (generation != generation_ || paused_ || ring_turn_at_ != simulator_.now()) {
        return;
    }
    ring_turn_at_.reset();
    if (simulator_.now() < busy_until_) {
        schedule_ring_turn(busy_until_);
        return;
    }
    grant_room();
    take_control();
    take_submissions();
    dispatch();
    while (generation == generation_ && receive_one()) {
        dispatch();
        if (generation != generation_) {
            return;
        }
        take_submissions();
        dispatch();
        if (slow_.count() > 0) {
            busy_until_ = simulator_.now() + slow_;
            break;
        }
    }
    if (generation != generation_) {
        return;
    }
    if (!data_socket_.empty() || !token_socket_.empty()) {
        schedule_ring_turn(busy_until_);
        return;  // what the deadline waits for may be among them
    }
    if (const auto deadline = engine_->next_deadline(); deadline && *deadline <= local_now()) {
        engine_->on_deadline(local_now(), out_);
        dispatch();
    }
    schedule_deadline();
}

bool Host::receive_one() {
    const bool token_first = engine_->read_preference() == membership::ReadPreference::kTokenFirst;
    auto& first = token_first ? token_socket_ : data_socket_;
    auto& second = token_first ? data_socket_ : token_socket_;
    auto& socket = !first.empty() ? first : second;
    if (socket.empty()) {
        return false;
    }
    const Slice datagram = std::move(socket.front());
    socket.pop_front();
    engine_->on_packet(local_now(), datagram, out_);
    return true;
}

void Host::grant_room() {
    const std::size_t used = deliveries_.size();
    engine_->set_delivery_room(local_now(), used < deliveries_max_ ? deliveries_max_ - used : 0,
                               out_);
}

bool Host::submit(membership::Submission& submission) {
    const checker::MessageFacts facts{submission.service, submission.kind, submission.control,
                                      digest_of(submission.body)};
    // Told first: a ring of one delivers before the call returns.
    if (!submission.control && !engine_->send_queue_has_room()) {
        return false;
    }
    simulator_.rings().on_accept(life_, facts);
    if (engine_->submit(std::move(submission)) != membership::SubmitStatus::kAccepted) {
        simulator_.fail(
            {"R4",
             "d" + std::to_string(id_.value) + " refused a message although its queue had room",
             {}});
    }
    return true;
}

void Host::take_control() {
    while (engine_ && !control_.empty()) {
        ControlItem item = std::move(control_.front());
        control_.pop_front();
        if (auto* submission = std::get_if<membership::Submission>(&item)) {
            static_cast<void>(submit(*submission));
        } else {
            const auto& ring = std::get<protocol::RingId>(item);
            simulator_.rings().on_resume(life_, ring);
            engine_->resume(local_now(), ring, out_);
        }
    }
    if (engine_) {
        engine_->on_submitted(local_now(), out_);
    }
}

void Host::take_submissions() {
    bool taken = false;
    while (!submissions_.empty() && engine_->send_queue_has_room() &&
           submit(submissions_.front())) {
        submissions_.pop_front();
        taken = true;
    }
    if (taken) {
        engine_->on_submitted(local_now(), out_);
        schedule_session_turn(kHandover);
    }
}

void Host::observe(const membership::DeliveryEvent& event) {
    if (const auto* change = std::get_if<ConfigurationChange>(&event)) {
        ++configurations_;
        simulator_.digest(mixed(change->ring_id.counter, change->members.size()));
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
        simulator_.rings().on_configuration(life_, *change);
        return;
    }
    const auto& delivery = std::get<Delivery>(event);
    const std::uint64_t digest = digest_of(delivery.body);
    simulator_.digest(mixed(digest, delivery.seq.value));
    simulator_.note_delivery();
    simulator_.trace(TraceLevel::kPackets, index_, '<', [&] {
        return "delivers " + std::to_string(delivery.seq.value) + "." +
               std::to_string(delivery.index) + " kind " +
               std::to_string(static_cast<int>(delivery.kind)) + " of d" +
               std::to_string(delivery.origin.value);
    });
    simulator_.rings().on_delivery(life_, {delivery.ring_id, delivery.seq, delivery.index},
                                   delivery.origin,
                                   {delivery.service, delivery.kind,
                                    delivery.kind == protocol::MessageKind::kGroupState, digest});
}

void Host::dispatch() {
    if (engine_) {  // before anybody hears of it
        stored_->ring_counter = std::max(stored_->ring_counter, engine_->ring_counter());
    }
    if (out_.deliveries.empty() && out_.sends.empty() && !state_changed_) {
        return;
    }
    // A step of the script may end this life while packets are being sent.
    membership::EngineOutput out;
    std::swap(out, out_);
    if (!out.deliveries.empty()) {
        for (membership::DeliveryEvent& event : out.deliveries) {
            observe(event);
            deliveries_.push_back(std::move(event));
        }
        schedule_session_turn(kHandover);
    }
    const std::uint32_t generation = generation_;
    for (const membership::OutboundPacket& packet : out.sends) {
        if (!simulator_.network().send(index_, packet) || generation != generation_) {
            return;
        }
    }
    out.clear();
    if (out_.sends.empty() && out_.deliveries.empty()) {
        std::swap(out, out_);  // keeps the capacity
    }
    if (state_changed_) {
        state_changed_ = false;
        simulator_.on_state(index_);
    }
}

void Host::on_state_change(const membership::StateChange& change) {
    state_changed_ = true;
    simulator_.note_state(index_, change.to);
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

// Looking inside ------------------------------------------------------------------------------

void Host::check_retransmissions() const {
    if (!engine_) {
        return;
    }
    const membership::RingStats& stats = engine_->stats();
    const std::uint64_t held = stats.packets_sent + stats.packets_received;
    if (stats.packets_retransmitted > stats.tokens_received + kResentPerPacket * held) {
        simulator_.fail({"R3",
                         "d" + std::to_string(id_.value) + " sent " +
                             std::to_string(stats.packets_retransmitted) +
                             " packets again, having seen " + std::to_string(held),
                         {}});
    }
}

bool Host::is_ring_quiet() const {
    const membership::RingStats& stats = engine_->stats();
    return engine_->state() == membership::RingState::kOperational &&
           stats.send_queue_messages == 0 && stats.my_aru == stats.high_seq &&
           stats.safe_up_to == stats.high_seq;
}

std::optional<bool> Host::holds(protocol::RingId ring, protocol::Seq seq) const {
    if (!engine_ || engine_->ring_id() != ring ||
        engine_->state() == membership::RingState::kRecovery) {
        return std::nullopt;
    }
    return engine_->stats().my_aru >= seq;
}

}  // namespace spread::sim
