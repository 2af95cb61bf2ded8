#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "daemon/session/key_messages.hpp"
#include "membership/groups/group_wire.hpp"
#include "protocol/session_wire.hpp"
#include "tests/sim/client.hpp"
#include "tests/sim/connection.hpp"
#include "tests/sim/host.hpp"
#include "tests/sim/simulator.hpp"
#include "tests/sim/take_if_set.hpp"

namespace spread::sim {
namespace {

using membership::ConfigurationChange;
using protocol::Duration;
using protocol::Slice;

/// What a handshake is read ahead while requests must wait, as in the daemon.
constexpr std::size_t kHandshakeBytesMax = protocol::kConnectBytesMax + protocol::kAuthChoiceBytes;

}  // namespace

session::SessionConfig Host::session_config() const {
    session::SessionConfig config;
    config.daemon_name = "d" + std::to_string(index_ + 1);
    const Tunables& tunables = scenario_.tunables;
    take_if_set(config.max_session_messages, tunables.session_messages);
    take_if_set(config.max_session_bytes, tunables.session_bytes);
    take_if_set(config.queued_bytes_max, tunables.queued_bytes);
    if (tunables.password_us != 0) {
        config.auth.allowed = {"NULL", "PWORD"};
    }
    if (scenario_.tunables.session_block_us != 0) {
        config.slow_reader_policy = session::SlowReaderPolicy::kBlock;
        config.slow_reader_timeout = std::chrono::microseconds(scenario_.tunables.session_block_us);
    }
    return config;
}

void Host::start_sessions(protocol::Rng rng) {
    membership::GroupConfig groups;
    for (std::uint32_t i = 1; i <= scenario_.daemons(); ++i) {
        groups.daemons.push_back({protocol::DaemonId{i}, "d" + std::to_string(i)});
    }
    groups.self = id_;
    take_if_set(groups.state_message_bytes_max, scenario_.tunables.state_message_bytes);
    groups.index_before_first = static_cast<std::int32_t>(0U - scenario_.tunables.indices_left);
    core_ = std::make_unique<session::SessionCore>(session_config(), groups, rng,
                                                   keys_ ? &keys_->agreement() : nullptr);
    core_->set_hang_up_probe([this](protocol::SessionId id) {
        const auto found = served_.find(id);
        return found == served_.end() ||
               simulator_.connection(found->second.connection).client_closed;
    });
}

void Host::start_keys() {
    if (!mode_) {
        return;
    }
    keys_ = std::make_unique<KeySide>(scenario_.daemons(), id_, key_disk_,
                                      protocol::Rng(key_luck_.next()),
                                      [this](Duration delay) { schedule_session_turn(delay); });
}

void Host::rotate_key() {
    if (!ring_ || !keys_) {
        return;
    }
    sealing::Secret key;
    for (std::byte& byte : key.bytes()) {
        byte = static_cast<std::byte>(key_luck_.next());
    }
    simulator_.seal_watch()->add_key(key);
    // Refused while another one is under way.
    if (keys_->agreement().rotate(key).empty()) {
        session::submit_key_messages(keys_->agreement(), session_out_);
        apply();
    }
}

void Host::seal_as(sealing::Mode mode) {
    if (mode_) {
        mode_ = mode;
    }
    if (ring_ && keys_) {
        driver::SealingChange change;
        change.mode = mode;
        ring_->steer(std::move(change));
        ring_->port().push();
    }
}

void Host::work_on_keys() {
    if (auto keys = keys_ ? keys_->work(local_now(), session_out_) : nullptr) {
        driver::SealingChange change;
        change.keys = std::move(keys);
        ring_->steer(std::move(change));
        apply();
        ring_->port().push();
    }
}

std::string Host::keys_text() const {
    std::string text;
    if (ring_ && ring_->driver().seal() != nullptr) {
        for (const sealing::RingKey& key : ring_->driver().seal()->keys().keys()) {
            text += " " + std::string(to_string(key.role)) + " " + to_string(key.id);
        }
    }
    return text;
}

void Host::end_sessions() {
    core_.reset();
    keys_.reset();
    session_out_.clear();
    session_turn_at_.reset();
    sessions_clogged_ = false;
    verdicts_.clear();
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
    if (sessions_clogged_ || !begin_session_turn()) {
        return;
    }
    take_deliveries();
    work_on_keys();
    ring_->port().push();
    answer_passwords();
    accept_connections();
    const bool was_blocked = core_->is_blocked();
    note_writable();
    write_wanted();
    read_clients();
    if (const auto deadline = core_->next_deadline(); deadline && *deadline <= local_now()) {
        core_->on_deadline(local_now(), session_out_);
        apply();
    }
    write_wanted();
    if (was_blocked && !core_->is_blocked()) {
        schedule_session_turn(Duration(0));
    } else if (const auto deadline = core_->next_deadline()) {
        schedule_session_turn(std::max(Duration(0), simulated(*deadline) - simulator_.now()));
    }
    if (!verdicts_.empty()) {
        schedule_session_turn(verdicts_.front().at - simulator_.now());
    }
    end_session_turn();
}

/// As SessionServer does.
void Host::take_deliveries() {
    driver::RingPort& port = ring_->port();
    const auto apply_delivered = [this] {
        apply();
        while (const auto id = core_->next_early_write()) {
            write(*id);
        }
    };
    std::size_t turn_units = 2000;
    take_if_set(turn_units, scenario_.tunables.turn_units);
    core_->begin_turn(turn_units, port.progress());
    if (core_->has_work() && !core_->is_blocked()) {
        core_->work(local_now(), session_out_);
        apply_delivered();
    }
    for (std::size_t i = 0; i < core_->events_per_turn() && !core_->is_blocked(); ++i) {
        std::optional<membership::DeliveryEvent> event;
        if (core_->turn_is_spent() || !(event = port.next_event())) {
            break;
        }
        const auto* change = std::get_if<ConfigurationChange>(&*event);
        if (change != nullptr) {
            give_ring_back();  // telling all clients can take long
            simulator_.note_group_configuration(index_, *change);
        }
        core_->on_ring_event(local_now(), std::move(*event), session_out_);
        if (change != nullptr &&
            core_->groups().phase() == membership::GroupPhase::kExchangeTransitional) {
            simulator_.note_reached(Goal::kExchangeInterrupted);
        }
        apply_delivered();
    }
    port.tell_of_room();
}

/// As the password thread does, one after the other.
void Host::answer_passwords() {
    while (!verdicts_.empty() && verdicts_.front().at <= simulator_.now()) {
        const Verdict verdict = verdicts_.front();
        verdicts_.pop_front();
        core_->on_password(local_now(), verdict.session, verdict.is_right, session_out_);
        apply();
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
        if (!connection.to_server.empty() || (connection.client_closed && !served.end_was_read)) {
            ids.push_back(id);
        }
    }
    for (const protocol::SessionId id : ids) {
        while (read_one(id)) {
        }
    }
}

/// True if there may be more to read.
bool Host::read_one(protocol::SessionId id) {
    const auto found = served_.find(id);
    const session::Reading reading = core_->reading(id);
    const bool pressed = !ring_->port().has_room() || core_->is_blocked();
    if (found == served_.end() || reading == session::Reading::kOver ||
        reading == session::Reading::kPaused ||
        (pressed && reading == session::Reading::kRequests)) {
        return false;
    }
    Connection& connection = simulator_.connection(found->second.connection);
    if (connection.to_server.empty()) {
        if (connection.client_closed) {
            found->second.end_was_read = true;
            core_->on_peer_closed(local_now(), id, session_out_);
            apply();
        }
        return false;
    }
    std::uint32_t most = connection.chunk != 0 ? connection.chunk : ~std::uint32_t{0};
    if (pressed) {
        most = std::min(most, static_cast<std::uint32_t>(reading == session::Reading::kAhead
                                                             ? session::Overtaking::kQuantum
                                                             : kHandshakeBytesMax));
    }
    Slice& front = connection.to_server.front();
    Slice bytes = front;
    if (bytes.length > most) {
        bytes.length = most;
        front.offset += most;
        front.length -= most;
    } else {
        connection.to_server.pop_front();
    }
    core_->on_bytes(local_now(), id, std::move(bytes), session_out_);
    apply();
    return true;
}

void Host::apply() {
    if (session_out_.empty()) {
        return;
    }
    session::SessionOutput out;
    std::swap(out, session_out_);
    for (const session::SessionOutput::Close& each : out.closes) {
        simulator_.trace(TraceLevel::kStates, index_, '-', [&] { return "closes " + each.detail; });
        if (const auto found = served_.find(each.session); found != served_.end()) {
            // Bounds that a single turn can exceed end sessions whose socket is empty, too.
            Connection& connection = simulator_.connection(found->second.connection);
            const Tunables& bounds = scenario_.tunables;
            connection.read_too_slowly = each.reason == session::CloseReason::kSlowReader &&
                                         (found->second.is_full || bounds.session_messages != 0 ||
                                          bounds.session_bytes != 0 || bounds.queued_bytes != 0);
        }
    }
    for (const protocol::SessionId id : out.shutdowns) {
        if (const auto found = served_.find(id); found != served_.end()) {
            simulator_.shut_down_by_server(found->second.connection);
        }
    }
    for (const protocol::SessionId id : out.releases) {
        if (const auto found = served_.find(id); found != served_.end()) {
            simulator_.close_by_server(found->second.connection);
            served_.erase(found);
        }
    }
    for (const session::SessionOutput::PasswordCheck& check : out.password_checks) {
        const Duration takes = std::chrono::microseconds(scenario_.tunables.password_us);
        verdicts_.push_back(
            {simulator_.now() + takes, check.session, check.password == kRightPassword});
        schedule_session_turn(takes);
    }
    for (membership::Submission& submission : out.submissions) {
        check_disconnect(submission);
        ring_->submit(std::move(submission));
    }
    if (out.resume) {
        ring_->resume(*out.resume);
    }
    if (out.overdue) {
        ring_->give_up({out.overdue->ring, std::move(out.overdue->owing)});
    }
    ring_->port().push();
}

/// W2: an end without a goodbye waits for stability (GS 2.2).
void Host::check_disconnect(const membership::Submission& submission) {
    if (submission.kind != protocol::MessageKind::kDisconnect ||
        submission.service == protocol::Service::kSafe) {
        return;
    }
    std::vector<std::byte> scratch;
    const auto name = membership::decode_disconnect(submission.body.contiguous(scratch));
    const auto client = name ? simulator_.client_named(name->view()) : std::nullopt;
    if (!client || !simulator_.client(*client).said_goodbye(name->view())) {
        const std::string who = name ? name->string() : "a client without a name";
        simulator_.fail({"W2", "the abrupt end of " + who + " is not ordered as safe", {}});
    }
}

std::size_t Host::socket_bytes() const {
    const std::uint32_t set = scenario_.tunables.socket_bytes;
    return set != 0 ? set : kSocketBytes;
}

/// Clients have read: sockets that were full take bytes again.
void Host::note_writable() {
    for (auto& [id, served] : served_) {
        const Connection& connection = simulator_.connection(served.connection);
        if (served.is_full &&
            (connection.client_closed || connection.to_client_bytes < socket_bytes())) {
            served.is_full = false;
            core_->on_writable(id);
        }
    }
}

void Host::write_wanted() {
    while (const auto id = core_->next_write()) {
        write(*id);
    }
    apply();
}

/// As much as the socket takes, cut where it is full.
void Host::write(protocol::SessionId id) {
    Served& served = served_.at(id);
    Connection& connection = simulator_.connection(served.connection);
    if (connection.client_closed) {
        core_->on_write_failed(id, session_out_);
        return;
    }
    std::size_t bytes = 0;
    core_->outbound(id).for_each_slice([&](Slice slice, std::size_t skip) {
        slice.offset += static_cast<std::uint32_t>(skip);
        slice.length -= static_cast<std::uint32_t>(skip);
        const std::size_t room =
            socket_bytes() - std::min(socket_bytes(), connection.to_client_bytes);
        const bool fits = slice.length <= room;
        slice.length = static_cast<std::uint32_t>(std::min<std::size_t>(slice.length, room));
        if (slice.length > 0) {
            bytes += slice.length;
            connection.to_client_bytes += slice.length;
            connection.to_client.emplace_back(std::move(slice));
        }
        return fits;
    });
    if (bytes > 0) {
        simulator_.wake_client(served.connection);
    }
    if (bytes == 0 || core_->on_sent(local_now(), id, bytes, session_out_)) {
        served.is_full = true;
        core_->on_write_blocked(id);
    }
}

// Looking inside ------------------------------------------------------------------------------

bool Host::are_sessions_quiet() const {
    return backlog_.empty() && verdicts_.empty() && !core_->has_work() &&
           (!keys_ || keys_->is_quiet()) &&
           core_->groups().phase() == membership::GroupPhase::kStable &&
           std::all_of(served_.begin(), served_.end(), [this](const auto& entry) {
               const Connection& connection = simulator_.connection(entry.second.connection);
               const session::Reading reading = core_->reading(entry.first);
               return (reading == session::Reading::kRequests ||
                       reading == session::Reading::kAhead ||
                       reading == session::Reading::kHandshake) &&
                      core_->outbound(entry.first).empty() && connection.to_server.empty() &&
                      !connection.client_closed;
           });
}

std::uint64_t Host::malformed_messages() const {
    return core_ ? core_->groups().stats().malformed_messages : 0;
}

}  // namespace spread::sim
