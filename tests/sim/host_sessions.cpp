#include <algorithm>
#include <string>
#include <utility>

#include "tests/sim/host.hpp"
#include "tests/sim/simulator.hpp"
#include "tests/sim/take_if_set.hpp"

namespace spread::sim {
namespace {

using membership::ConfigurationChange;
using protocol::Duration;
using protocol::Slice;

constexpr std::size_t kDeliveriesPerTurnMax = 256;

}  // namespace

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

void Host::start_sessions(protocol::Rng rng) {
    membership::GroupConfig groups;
    for (std::uint32_t i = 1; i <= scenario_.daemons(); ++i) {
        groups.daemons.push_back({protocol::DaemonId{i}, "d" + std::to_string(i)});
    }
    groups.self = id_;
    take_if_set(groups.state_message_bytes_max, scenario_.tunables.state_message_bytes);
    core_ = std::make_unique<session::SessionCore>(session_config(), groups, rng);
}

void Host::end_sessions() {
    core_.reset();
    session_out_.clear();
    session_turn_at_.reset();
    sessions_clogged_ = false;
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
    driver::RingPort& port = ring_->port();
    for (std::size_t i = 0; i < kDeliveriesPerTurnMax && !core_->is_blocked(); ++i) {
        std::optional<membership::DeliveryEvent> event = port.next_event();
        if (!event) {
            break;
        }
        if (const auto* change = std::get_if<ConfigurationChange>(&*event)) {
            give_ring_back();  // telling all clients can take long
            simulator_.note_group_configuration(index_, *change);
        }
        core_->on_ring_event(local_now(), std::move(*event), session_out_);
        apply();
    }
    port.tell_of_room();
    port.push();
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
    if (was_blocked && !core_->is_blocked()) {
        schedule_session_turn(Duration(0));
    } else if (const auto deadline = core_->next_deadline()) {
        schedule_session_turn(simulated(*deadline) - simulator_.now());
    }
    end_session_turn();
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
    for (membership::Submission& submission : out.submissions) {
        ring_->submit(std::move(submission));
    }
    if (out.resume) {
        ring_->resume(*out.resume);
    }
    ring_->port().push();
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

bool Host::are_sessions_quiet() const {
    return backlog_.empty() && core_->groups().phase() == membership::GroupPhase::kStable &&
           std::all_of(served_.begin(), served_.end(), [this](const auto& entry) {
               const Connection& connection = simulator_.connection(entry.second.connection);
               return entry.second.reading && entry.second.queue.empty() &&
                      connection.to_server.empty() && !connection.client_closed;
           });
}

std::uint64_t Host::malformed_messages() const {
    return core_ ? core_->groups().stats().malformed_messages : 0;
}

}  // namespace spread::sim
