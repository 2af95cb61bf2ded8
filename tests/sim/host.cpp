#include "tests/sim/host.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "tests/sim/luck.hpp"
#include "tests/sim/simulator.hpp"

namespace spread::sim {
namespace {

using membership::ConfigurationChange;
using membership::Delivery;
using protocol::Duration;
using protocol::Instant;
using protocol::Slice;

constexpr std::size_t kReceiveQueueMax = 4096;
constexpr std::size_t kDeliveriesMax = 4096;
constexpr std::size_t kSubmissionsMax = 512;
constexpr std::size_t kDeliveriesPerTurnMax = 256;
/// What a wake-up of the other thread costs.
/// How often a daemon may have to send a packet again, on average: there may be many receivers, and
/// any of them may lose it several times.
constexpr std::uint64_t kResentPerPacket = 20;
constexpr Duration kHandover = std::chrono::microseconds(10);
/// Simulated daemons start here, so that counters made of seconds look as they do in life.
constexpr std::uint64_t kEpochMs = 1700000000000;

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

void take_if_set(Duration& target, std::uint32_t us) {
    if (us != 0) {
        target = std::chrono::microseconds(us);
    }
}

template <typename T>
void take_if_set(T& target, std::uint32_t value) {
    if (value != 0) {
        target = value;
    }
}

}  // namespace

Host::Host(Simulator& simulator, DaemonIndex index, const Scenario& scenario)
    : simulator_(simulator),
      scenario_(scenario),
      index_(index),
      id_{index + 1U},
      // Clocks of different machines have nothing to do with one another.
      local_base_(std::chrono::seconds(1000 + 77 * index)),
      receive_queue_max_(kReceiveQueueMax),
      deliveries_max_(kDeliveriesMax),
      submit_queue_max_(kSubmissionsMax) {
    take_if_set(receive_queue_max_, scenario.tunables.receive_queue);
    take_if_set(deliveries_max_, scenario.tunables.delivery_queue);
    take_if_set(submit_queue_max_, scenario.tunables.submit_queue);
}

Host::~Host() = default;

// Configuration -------------------------------------------------------------------------------

membership::RingConfig Host::ring_config() const {
    membership::RingConfig config;
    for (std::uint32_t i = 1; i <= scenario_.daemons(); ++i) {
        config.daemons.push_back(protocol::DaemonId{i});
    }
    config.self = id_;
    config.config_hash = 7 + config_version_;
    const Tunables& t = scenario_.tunables;
    take_if_set(config.token_loss_timeout, t.token_loss_us);
    take_if_set(config.token_retransmit_timeout, t.token_retransmit_us);
    take_if_set(config.token_hold_timeout, t.token_hold_us);
    take_if_set(config.token_settle_timeout, t.token_settle_us);
    take_if_set(config.lease_after_hits, t.lease_after_hits);
    take_if_set(config.join_timeout, t.join_us);
    take_if_set(config.consensus_timeout, t.consensus_us);
    take_if_set(config.start_timeout, t.start_us);
    take_if_set(config.merge_detect_timeout, t.merge_detect_us);
    take_if_set(config.window, t.window);
    take_if_set(config.personal_window, t.personal_window);
    take_if_set(config.accelerated_window, t.accelerated_window);
    if (t.window != 0 || t.personal_window != 0) {
        config.window_max = config.window;
    }
    take_if_set(config.window_max, t.window_max);
    take_if_set(config.receive_room_bytes, t.receive_room);
    take_if_set(config.gap_max, t.gap_max);
    take_if_set(config.datagram_bytes_max, t.datagram_bytes);
    take_if_set(config.send_queue_messages_max, t.send_queue_messages);
    config.accelerated = t.plain == 0;
    // As the daemon derives it: others take a held token for lost unless it moves in time.
    config.token_hold_timeout =
        std::min(config.token_hold_timeout, config.token_loss_timeout * 2 / 5);
    return config;
}

session::SessionConfig Host::session_config() const {
    session::SessionConfig config;
    config.daemon_name = "d" + std::to_string(index_ + 1);
    take_if_set(config.session_messages_max, scenario_.tunables.session_messages);
    if (scenario_.tunables.session_block_us != 0) {
        config.slow_reader_policy = session::SlowReaderPolicy::kBlock;
        config.slow_reader_timeout = std::chrono::microseconds(scenario_.tunables.session_block_us);
    }
    return config;
}

// Life ----------------------------------------------------------------------------------------

void Host::start(StateFate fate) {
    if (engine_) {
        return;
    }
    const auto wall_ms = [this] {
        const auto since = simulator_.now().time_since_epoch();
        const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
        return kEpochMs + static_cast<std::uint64_t>(ms + wall_offset_us_ / 1000);
    };
    const auto& found = fate == StateFate::kStale ? stored_before_ : stored_;
    if (fate != StateFate::kKept && lives_ > 0) {
        // A machine that lost its disk, or got an old one back, is away for longer than its rings
        // ran ahead of the clock.
        const std::uint64_t needed_ms =
            std::max((simulator_.highest_counter() + 2) * protocol::kRingCounterMs,
                     simulator_.highest_incarnation() + 1);
        if (wall_ms() < needed_ms) {
            wall_offset_us_ += static_cast<std::int64_t>(needed_ms - wall_ms()) * 1000;
        }
    }
    const daemon::DaemonState state =
        daemon::next_state(fate == StateFate::kLost ? std::nullopt : found, wall_ms());
    stored_before_ = stored_;
    stored_ = state;
    simulator_.note_counters(state.ring_counter, state.incarnation);

    ++lives_;
    ++generation_;
    life_ = simulator_.rings().on_start(id_);
    auto rng = stream(scenario_.luck, "daemon", (std::uint64_t{index_} << 32U) + lives_);
    engine_ = std::make_unique<membership::RingEngine>(
        ring_config(), protocol::Incarnation{state.incarnation}, state.ring_counter,
        protocol::Rng(rng.next()), simulator_.pool(), static_cast<membership::Tracer&>(*this));
    membership::GroupConfig groups;
    for (std::uint32_t i = 1; i <= scenario_.daemons(); ++i) {
        groups.daemons.push_back({protocol::DaemonId{i}, "d" + std::to_string(i)});
    }
    groups.self = id_;
    take_if_set(groups.state_message_bytes_max, scenario_.tunables.state_message_bytes);
    core_ =
        std::make_unique<session::SessionCore>(session_config(), groups, protocol::Rng(rng.next()));
    paused_ = false;
    busy_until_ = simulator_.now();
    simulator_.trace(TraceLevel::kStates, index_, '^', [&] {
        return "starts, incarnation " + std::to_string(state.incarnation) + ", counter " +
               std::to_string(state.ring_counter);
    });
    grant_room();
    engine_->on_start(local_now(), out_);
    dispatch();
    schedule_deadline();
}

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

void Host::end_life() {
    check_retransmissions();
    simulator_.rings().on_end(life_);
    ++generation_;
    engine_.reset();
    core_.reset();
    out_.clear();
    session_out_.clear();
    data_socket_.clear();
    token_socket_.clear();
    deliveries_.clear();
    submissions_.clear();
    control_.clear();
    ring_turn_at_.reset();
    session_turn_at_.reset();
    state_changed_ = false;
    paused_ = false;
    sessions_clogged_ = false;
    slow_ = Duration(0);
    drop_connections();
}

void Host::drop_connections() {
    for (const auto& [id, served] : served_) {
        simulator_.close_by_server(served.connection);
    }
    served_.clear();
    for (const std::uint32_t connection : backlog_) {
        simulator_.close_by_server(connection);
    }
    backlog_.clear();
}

void Host::crash() {
    if (engine_) {
        simulator_.trace(TraceLevel::kStates, index_, '!', [] { return std::string("crashes"); });
        end_life();
    }
}

void Host::leave() {
    if (!engine_) {
        return;
    }
    simulator_.trace(TraceLevel::kStates, index_, '!', [] { return std::string("leaves"); });
    const std::uint32_t generation = generation_;
    engine_->on_leave(local_now(), out_);
    dispatch();
    if (generation == generation_) {
        end_life();
    }
}

void Host::pause(bool stopped) {
    if (!engine_ || paused_ == stopped) {
        return;
    }
    paused_ = stopped;
    if (!stopped) {
        ring_turn_at_.reset();
        session_turn_at_.reset();
        schedule_ring_turn(simulator_.now());
        schedule_session_turn(Duration(0));
    }
}

void Host::clog_sessions(bool on) {
    sessions_clogged_ = on;
    if (!on && engine_) {
        schedule_session_turn(Duration(0));
    }
}

void Host::drift(std::int64_t ppm) {
    local_base_ = local_now();
    simulated_base_ = simulator_.now();
    drift_ppm_ = ppm;
    schedule_deadline();
}

// Time ----------------------------------------------------------------------------------------

Instant Host::local_now() const {
    const std::int64_t passed = (simulator_.now() - simulated_base_).count();
    return local_base_ + Duration(passed + passed / 1000 * drift_ppm_ / 1000);
}

Instant Host::simulated(Instant local) const {
    const std::int64_t wanted = (local - local_base_).count();
    std::int64_t passed = wanted - wanted / 1000 * drift_ppm_ / 1000;
    // The division above is off by second-order terms; never early.
    while (passed + passed / 1000 * drift_ppm_ / 1000 < wanted) {
        passed +=
            std::max<std::int64_t>(1, (wanted - passed - passed / 1000 * drift_ppm_ / 1000) / 2);
    }
    return simulated_base_ + Duration(passed);
}

void Host::schedule_ring_turn(Instant at) {
    at = std::max({at, busy_until_, simulator_.now()});
    if (paused_ || !engine_ || (ring_turn_at_ && *ring_turn_at_ <= at)) {
        return;
    }
    ring_turn_at_ = at;
    simulator_.post(at - simulator_.now(), EventKind::kRingTurn, index_, 0, generation_);
}

void Host::schedule_session_turn(Duration delay) {
    const Instant at =
        simulator_.now() + delay + std::chrono::microseconds(scenario_.tunables.session_delay_us);
    if (paused_ || !engine_ || (session_turn_at_ && *session_turn_at_ <= at)) {
        return;
    }
    session_turn_at_ = at;
    simulator_.post(at - simulator_.now(), EventKind::kSessionTurn, index_, 0, generation_);
}

void Host::schedule_deadline() {
    if (engine_) {
        if (const auto deadline = engine_->next_deadline()) {
            schedule_ring_turn(simulated(*deadline));
        }
    }
}

// Ring side -----------------------------------------------------------------------------------

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

// Session side --------------------------------------------------------------------------------

void Host::on_connect(std::uint32_t connection) {
    backlog_.push_back(connection);
    schedule_session_turn(kHandover);
}

void Host::on_client_activity() {
    schedule_session_turn(kHandover);
}

void Host::session_turn(std::uint32_t generation) {
    if (generation != generation_ || paused_ || session_turn_at_ != simulator_.now()) {
        return;
    }
    session_turn_at_.reset();
    if (sessions_clogged_) {
        return;
    }
    const bool had_deliveries = !deliveries_.empty();
    for (std::size_t i = 0;
         i < kDeliveriesPerTurnMax && !deliveries_.empty() && !core_->is_blocked(); ++i) {
        membership::DeliveryEvent event = std::move(deliveries_.front());
        deliveries_.pop_front();
        if (const auto* change = std::get_if<ConfigurationChange>(&event)) {
            simulator_.note_group_configuration(index_, *change);
        }
        core_->on_ring_event(local_now(), std::move(event), session_out_);
        apply();
    }
    if (had_deliveries) {
        schedule_ring_turn(simulator_.now() + kHandover);  // there is room again
    }
    accept_connections();
    const bool was_blocked = core_->is_blocked();
    if (!was_blocked) {
        read_clients();
    }
    for (auto it = served_.begin(); it != served_.end();) {
        const auto next = std::next(it);
        flush(it->first, it->second);
        it = next;
    }
    if (const auto deadline = core_->next_deadline(); deadline && *deadline <= local_now()) {
        core_->on_deadline(local_now(), session_out_);
        apply();
    }
    if ((was_blocked || !deliveries_.empty()) && !core_->is_blocked()) {
        schedule_session_turn(Duration(0));
    } else if (const auto deadline = core_->next_deadline()) {
        schedule_session_turn(simulated(*deadline) - simulator_.now());
    }
}

void Host::accept_connections() {
    std::vector<std::uint32_t> backlog;
    backlog.swap(backlog_);
    for (const std::uint32_t connection : backlog) {
        const protocol::SessionId id = core_->on_accept(local_now(), "sim", session_out_);
        simulator_.connection(connection).session = id;
        served_[id].connection = connection;
        apply();
    }
}

void Host::read_clients() {
    std::vector<protocol::SessionId> ids;
    for (const auto& [id, served] : served_) {
        const Connection& connection = simulator_.connection(served.connection);
        if (!connection.to_server.empty() || connection.client_closed) {
            ids.push_back(id);
        }
    }
    for (const protocol::SessionId id : ids) {
        if (const auto found = served_.find(id); found != served_.end()) {
            read_one(id, found->second);
        }
    }
}

void Host::read_one(protocol::SessionId id, Served& served) {
    const std::uint32_t number = served.connection;
    while (may_read()) {
        const auto found = served_.find(id);
        if (found == served_.end() || !found->second.reading) {
            return;
        }
        Connection& connection = simulator_.connection(number);
        if (connection.to_server.empty()) {
            break;
        }
        Slice& front = connection.to_server.front();
        Slice bytes = front;
        if (connection.chunk != 0 && bytes.length > connection.chunk) {
            bytes.length = connection.chunk;
            front.offset += connection.chunk;
            front.length -= connection.chunk;
        } else {
            connection.to_server.pop_front();
        }
        core_->on_bytes(local_now(), id, std::move(bytes), session_out_);
        apply();
    }
    const auto found = served_.find(id);
    const Connection& connection = simulator_.connection(number);
    if (found != served_.end() && found->second.reading && connection.client_closed &&
        connection.to_server.empty()) {
        found->second.reading = false;
        found->second.queue.clear();
        core_->on_peer_closed(local_now(), id, session_out_);
        apply();
    }
}

void Host::apply() {
    if (session_out_.writes.empty() && session_out_.stops.empty() && session_out_.closes.empty() &&
        session_out_.submissions.empty() && !session_out_.resume) {
        session_out_.clear();
        return;
    }
    session::SessionOutput out;
    std::swap(out, session_out_);
    for (session::SessionOutput::Write& write : out.writes) {
        for (const protocol::SessionId id : write.sessions) {
            const auto found = served_.find(id);
            if (found == served_.end()) {
                // A reply inside on_accept(): the connection is known a moment later.
                continue;
            }
            found->second.queue.push_back(write.bytes);
        }
    }
    for (const protocol::SessionId id : out.stops) {
        if (const auto found = served_.find(id); found != served_.end()) {
            found->second.reading = false;
            found->second.queue.clear();
        }
    }
    for (const session::SessionOutput::Close& each : out.closes) {
        const auto found = served_.find(each.session);
        if (found == served_.end()) {
            continue;
        }
        simulator_.trace(TraceLevel::kStates, index_, '-', [&] { return "closes " + each.detail; });
        if (each.flush) {
            found->second.reading = false;
            found->second.closing = true;
            flush(each.session, found->second);
        } else {
            close(each.session);
        }
    }
    const bool any = !out.submissions.empty() || out.resume;
    for (membership::Submission& submission : out.submissions) {
        if (submission.control) {
            control_.emplace_back(std::move(submission));
        } else {
            submissions_.push_back(std::move(submission));
        }
    }
    if (out.resume) {
        control_.emplace_back(*out.resume);
    }
    if (any) {
        schedule_ring_turn(simulator_.now() + kHandover);
    }
}

void Host::flush(protocol::SessionId id, Served& served) {
    Connection& connection = simulator_.connection(served.connection);
    std::size_t messages = 0;
    std::size_t bytes = 0;
    while (!served.queue.empty()) {
        const std::size_t size = served.queue.front().size();
        if (!connection.client_closed && !connection.to_client.empty() &&
            connection.to_client_bytes + size > kSocketBytes) {
            break;
        }
        if (!connection.client_closed) {
            connection.to_client_bytes += size;
            connection.to_client.push_back(std::move(served.queue.front()));
        }
        served.queue.pop_front();
        ++messages;
        bytes += size;
    }
    if (messages > 0) {
        core_->on_sent(id, messages, bytes);
        simulator_.wake_client(served.connection);
    }
    if (served.closing && served.queue.empty()) {
        close(id);
    }
}

void Host::close(protocol::SessionId id) {
    const auto found = served_.find(id);
    simulator_.close_by_server(found->second.connection);
    served_.erase(found);
}

// Looking inside ------------------------------------------------------------------------------

bool Host::is_quiet() const {
    const membership::RingStats& stats = engine_->stats();
    return engine_->state() == membership::RingState::kOperational && deliveries_.empty() &&
           submissions_.empty() && control_.empty() && backlog_.empty() &&
           stats.send_queue_messages == 0 && stats.my_aru == stats.high_seq &&
           stats.safe_up_to == stats.high_seq &&
           core_->groups().phase() == membership::GroupPhase::kStable &&
           std::all_of(served_.begin(), served_.end(), [this](const auto& entry) {
               const Connection& connection = simulator_.connection(entry.second.connection);
               return entry.second.reading && entry.second.queue.empty() &&
                      connection.to_server.empty() && !connection.client_closed;
           });
}

std::optional<bool> Host::holds(protocol::RingId ring, protocol::Seq seq) const {
    if (!engine_ || engine_->ring_id() != ring ||
        engine_->state() == membership::RingState::kRecovery) {
        return std::nullopt;
    }
    return engine_->stats().my_aru >= seq;
}

std::uint64_t Host::malformed_messages() const {
    return core_ ? core_->groups().stats().malformed_messages : 0;
}

}  // namespace spread::sim
