#include "tests/sim/simulator.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <utility>

#include "membership/trace.hpp"
#include "tests/sim/luck.hpp"

namespace spread::sim {
namespace {

using protocol::Duration;
using protocol::Instant;

constexpr Duration kLocalLatency = std::chrono::microseconds(20);
/// The kernel's answer for a port that nobody has open.
constexpr Duration kUnreachableDelay = std::chrono::microseconds(60);
/// Far more than any healthy run; a storm ends here.
constexpr std::uint64_t kEventsMax = 20'000'000;
constexpr std::size_t kPoolBlocks = std::size_t{1} << 20U;
constexpr std::size_t kTraceLinesMax = 200'000;

const char* name_of(protocol::PacketKind kind) {
    switch (kind) {
        case protocol::PacketKind::kData: return "data";
        case protocol::PacketKind::kToken: return "token";
        case protocol::PacketKind::kJoin: return "join";
        case protocol::PacketKind::kCommit: return "commit-token";
        case protocol::PacketKind::kWake: return "wake";
        case protocol::PacketKind::kHold: return "hold";
        case protocol::PacketKind::kProbe: return "probe";
        case protocol::PacketKind::kLeave: return "goodbye";
        case protocol::PacketKind::kSettings: return "settings";
        case protocol::PacketKind::kAlive: return "alive";
        case protocol::PacketKind::kDataToken: return "data with token";
    }
    return "garbage";
}

std::size_t clients_in(const Scenario& scenario) {
    std::size_t count = 0;
    for (const Step& step : scenario.steps) {
        if (step.action >= Action::kConnect && step.action <= Action::kGarbage) {
            count = std::max<std::size_t>(count, step.who.front() + 1U);
        }
        for (const ClientIndex other : step.privates) {
            count = std::max<std::size_t>(count, other + 1U);
        }
    }
    return count;
}

/// All daemons start at the beginning, and then nothing happens to them but changes of keys.
bool is_about_keys_only(const Scenario& scenario) {
    bool has_changes = false;
    for (const Step& step : scenario.steps) {
        const bool is_of_keys = step.action == Action::kRotate || step.action == Action::kSeal ||
                                step.action == Action::kFillDisk;
        const bool is_first = step.action == Action::kStart && step.when.time_us == 0;
        has_changes = has_changes || is_of_keys;
        if (step.action <= Action::kRates && !is_of_keys && !is_first) {
            return false;
        }
    }
    return has_changes && scenario.tunables.sealed != 0;
}

}  // namespace

Simulator::Simulator(const Scenario& scenario, const RunOptions& options)
    : scenario_(scenario),
      options_(options),
      pool_(std::make_unique<protocol::BufferPool>(2048, kPoolBlocks)),
      rings_([this](checker::LifeId life, protocol::RingId ring, protocol::Seq seq) {
          for (const auto& host : hosts_) {
              if (host->is_up() && host->life() == life) {
                  return host->holds(ring, seq);
              }
          }
          return std::optional<bool>();
      }),
      network_(*this, scenario),
      states_(scenario.daemons()) {
    if (scenario.tunables.sealed != 0) {
        seal_watch_.emplace(*this);
    }
    is_calm_ = is_about_keys_only(scenario);
    is_whole_.resize(scenario.daemons());
    for (std::size_t i = 0; i < scenario.daemons(); ++i) {
        hosts_.push_back(std::make_unique<Host>(*this, static_cast<DaemonIndex>(i), scenario));
    }
    for (std::size_t i = 0; i < clients_in(scenario); ++i) {
        clients_.push_back(
            std::make_unique<Client>(*this, static_cast<ClientIndex>(i), scenario.luck));
    }
}

Simulator::~Simulator() = default;

Verdict Simulator::run() {
    step_since_ = now_;
    advance();
    while (!is_over() && !events_.empty()) {
        const Event event = events_.pop();
        now_ = event.at;
        handle(event);
        if (steady_ && std::exchange(steady_is_due_, false)) {
            watch_steady();
        }
        if (steady_ && now_ >= steady_->look_at) {
            watch_order();
        }
        if (++stats_.events > kEventsMax) {
            fail({"R3", "the run does not end: " + std::to_string(kEventsMax) + " events", {}});
        }
    }
    finish();
    return std::move(verdict_);
}

bool Simulator::is_over() {
    if (verdict_.violation) {
        return true;
    }
    // Both checkers keep their first violation; whoever has one ends the run.
    if (const auto& violation = rings_.violation()) {
        fail(*violation);
    } else if (const auto& other = groups_.violation()) {
        fail(*other);
    }
    return verdict_.violation.has_value() || next_step_ >= scenario_.steps.size();
}

void Simulator::handle(const Event& event) {
    switch (event.kind) {
        case EventKind::kPacket: {
            const Network::Parcel parcel = network_.take(event.slot);
            hosts_[event.subject]->on_packet(parcel);
            return;
        }
        case EventKind::kRingTurn: hosts_[event.subject]->ring_turn(event.generation); return;
        case EventKind::kSessionTurn: hosts_[event.subject]->session_turn(event.generation); return;
        case EventKind::kUnreachable:
            if (hosts_[event.subject]->generation() == event.generation) {
                hosts_[event.subject]->on_peer_unreachable(static_cast<DaemonIndex>(event.slot));
            }
            return;
        case EventKind::kClientTurn:
            if (event.slot < connections_.size()) {
                connections_[event.slot]->client_turn_posted = false;
            }
            clients_[event.subject]->turn(event.slot);
            return;
        case EventKind::kScript:
            script_posted_ = false;
            advance();
            return;
    }
}

void Simulator::finish() {
    if (!verdict_.violation) {
        rings_.finish(settled_);
        groups_.finish(settled_);
        if (const auto& violation = rings_.violation()) {
            fail(*violation);
        } else if (const auto& other = groups_.violation()) {
            fail(*other);
        }
    }
    check_resources();
    stats_.packets_sent = network_.packets_sent();
    stats_.virtual_us = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(now_.time_since_epoch()).count());
    if (now_.time_since_epoch() >= std::chrono::hours(2)) {
        note_reached(Goal::kHours);
    }
    if (!verdict_.violation) {
        verdict_.at_us = stats_.virtual_us;
    }
}

/// Everything that held a packet is gone: so must be the packets.
void Simulator::check_resources() {
    for (const auto& host : hosts_) {
        host->check_retransmissions();
        if (const std::uint64_t bad = host->malformed_messages(); bad > 0) {
            fail({"R5",
                  "d" + std::to_string(host->id().value) + " dropped " + std::to_string(bad) +
                      " ring messages as malformed",
                  {}});
        }
    }
    clients_.clear();
    hosts_.clear();
    connections_.clear();
    network_.clear();
    if (const std::size_t left = pool_->blocks_in_use(); left > 0) {
        fail({"R2", std::to_string(left) + " packet buffers were not returned", {}});
        // Its destructor insists that all have come back.
        static_cast<void>(pool_.release());
    }
}

void Simulator::fail(checker::Violation violation) {
    if (verdict_.violation) {
        return;
    }
    verdict_.at_us = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(now_.time_since_epoch()).count());
    if (options_.trace != TraceLevel::kNone) {
        add_trace("--", '#', violation.property + " " + violation.summary);
    }
    verdict_.violation = std::move(violation);
}

void Simulator::digest(std::uint64_t value) {
    verdict_.digest =
        mixed(verdict_.digest, value ^ static_cast<std::uint64_t>(now_.time_since_epoch().count()));
}

void Simulator::engine_digest(std::uint64_t value) {
    verdict_.engine_digest = mixed(verdict_.engine_digest, value);
}

// Hooks ---------------------------------------------------------------------------------------

bool Simulator::about_to_send(DaemonIndex from, DaemonIndex to, PacketLabel label) {
    const std::uint32_t generation = hosts_[from]->generation();
    if (next_step_ < scenario_.steps.size() && !moment_came_) {
        const Moment& moment = scenario_.steps[next_step_].when;
        if (moment.kind == Moment::Kind::kPacket && carries(label.kind, moment.packet) &&
            (!moment.from || *moment.from == from) && (!moment.to || *moment.to == to) &&
            (moment.pass == 0 || moment.pass == label.pass) && --matches_left_ == 0) {
            moment_came_ = true;
            advance();
        }
    }
    return hosts_[from]->generation() == generation;
}

void Simulator::note_unreachable(DaemonIndex from, DaemonIndex to, bool rejects) {
    // A host that is there answers; one that is cut off does not.
    if (scenario_.tunables.port_unreachable != 0 && (rejects || !hosts_[to]->is_up()) &&
        network_.is_up(from, to) && network_.is_up(to, from)) {
        post(kUnreachableDelay, EventKind::kUnreachable, from, to, hosts_[from]->generation());
    }
}

void Simulator::note_state(DaemonIndex daemon, membership::RingState state) {
    states_[daemon] = state;
    steady_is_due_ = true;
}

void Simulator::on_state(DaemonIndex daemon) {
    if (next_step_ < scenario_.steps.size() && !moment_came_) {
        const Moment& moment = scenario_.steps[next_step_].when;
        if (moment.kind == Moment::Kind::kState && states_[daemon] == moment.state &&
            (!moment.from || *moment.from == daemon) && --matches_left_ == 0) {
            moment_came_ = true;
            advance();
        }
    }
}

void Simulator::note_group_configuration(DaemonIndex daemon,
                                         const membership::ConfigurationChange& change) {
    std::vector<std::string> members;
    members.reserve(change.members.size());
    for (const protocol::DaemonId member : change.members) {
        members.push_back("d" + std::to_string(member.value));
    }
    groups_.on_daemon_configuration("d" + std::to_string(daemon + 1),
                                    change.kind == membership::ConfigurationKind::kTransitional,
                                    members);
}

void Simulator::note_counters(std::uint64_t counter, std::uint64_t incarnation) {
    highest_counter_ = std::max(highest_counter_, counter);
    highest_incarnation_ = std::max(highest_incarnation_, incarnation);
}

std::optional<ClientIndex> Simulator::client_named(std::string_view private_name) const {
    // "#c12#d3"
    if (private_name.substr(0, 2) != "#c") {
        return std::nullopt;
    }
    unsigned number = 0;
    const auto [end, error] =
        std::from_chars(private_name.data() + 2, private_name.data() + private_name.size(), number);
    if (error != std::errc() || number == 0 || number > clients_.size()) {
        return std::nullopt;
    }
    return static_cast<ClientIndex>(number - 1);
}

// Connections ---------------------------------------------------------------------------------

std::optional<std::uint32_t> Simulator::connect(ClientIndex client, DaemonIndex daemon) {
    if (!hosts_[daemon]->is_up()) {
        return std::nullopt;
    }
    const auto number = static_cast<std::uint32_t>(connections_.size());
    auto connection = std::make_unique<Connection>();
    connection->client = client;
    connection->daemon = daemon;
    connection->host_generation = hosts_[daemon]->generation();
    connections_.push_back(std::move(connection));
    hosts_[daemon]->on_connect(number);
    return number;
}

void Simulator::write_to_server(std::uint32_t number, protocol::Slice bytes) {
    Connection& connection = *connections_[number];
    if (!connection.server_closed && !connection.client_closed) {
        connection.to_server.push_back(std::move(bytes));
        hosts_[connection.daemon]->on_client_activity();
    }
}

std::optional<protocol::Message> Simulator::read_from_server(std::uint32_t number) {
    Connection& connection = *connections_[number];
    if (connection.to_client.empty()) {
        return std::nullopt;
    }
    protocol::Message message = std::move(connection.to_client.front());
    connection.to_client.pop_front();
    connection.to_client_bytes -= message.size();
    if (connection.to_client.empty() && !connection.server_closed) {
        hosts_[connection.daemon]->on_client_activity();  // it may write on
    }
    return message;
}

void Simulator::close_by_client(std::uint32_t number) {
    Connection& connection = *connections_[number];
    connection.client_closed = true;
    connection.to_client.clear();
    connection.to_client_bytes = 0;
    if (!connection.server_closed) {
        hosts_[connection.daemon]->on_client_activity();
    }
}

void Simulator::shut_down_by_server(std::uint32_t number) {
    connections_[number]->server_shut = true;
    wake_client(number);
}

void Simulator::close_by_server(std::uint32_t number) {
    Connection& connection = *connections_[number];
    connection.server_closed = true;
    connection.to_server.clear();
    wake_client(number);
}

void Simulator::wake_client(std::uint32_t number) {
    Connection& connection = *connections_[number];
    if (!connection.client_turn_posted && !connection.client_closed) {
        connection.client_turn_posted = true;
        post(kLocalLatency, EventKind::kClientTurn, connection.client, number);
    }
}

bool Simulator::accepted_by_living(const Connection& connection) const {
    const Host& host = *hosts_[connection.daemon];
    return host.is_up() && host.generation() == connection.host_generation;
}

// Tracing -------------------------------------------------------------------------------------

void Simulator::add_trace(const std::string& who, char mark, const std::string& text) {
    const auto us =
        std::chrono::duration_cast<std::chrono::microseconds>(now_.time_since_epoch()).count();
    if (static_cast<std::uint64_t>(us) < options_.trace_from_us ||
        verdict_.trace.size() >= kTraceLinesMax) {
        return;
    }
    std::string strip;
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
        strip += !hosts_[i]->is_up()      ? '-'
                 : hosts_[i]->is_paused() ? 'z'
                                          : "OGCR"[static_cast<std::size_t>(states_[i])];
    }
    char head[64];
    std::snprintf(head, sizeof head, "%4lld.%06lld %-3s ", static_cast<long long>(us / 1000000),
                  static_cast<long long>(us % 1000000), who.c_str());
    verdict_.trace.push_back(head + strip + " " + mark + " " + text);
}

void Simulator::trace_packet(DaemonIndex from, DaemonIndex to, const protocol::Slice& datagram,
                             const char* fate) {
    trace(TraceLevel::kPackets, from, fate != nullptr ? 'x' : '>', [&] {
        const protocol::Slice plain = seal_watch_ ? seal_watch_->plain_of(datagram) : datagram;
        const PacketLabel label = label_of(plain);
        std::string line = name_of(label.kind);
        if (label.pass != 0) {
            line += " pass " + std::to_string(label.pass);
        }
        if (const auto header = protocol::decode_header(plain.bytes())) {
            line += " (d" + std::to_string(header->ring_id.representative.value) + "," +
                    std::to_string(header->ring_id.counter) + ")";
            if (label.kind == protocol::PacketKind::kData) {
                if (const auto data = protocol::decode_data(plain.bytes())) {
                    line += " seq " + std::to_string(data->seq.value);
                }
            }
        }
        line += " to d" + std::to_string(to + 1);
        return fate != nullptr ? line + ": " + fate : line;
    });
}

Verdict run(const Scenario& scenario, const RunOptions& options) {
    return Simulator(scenario, options).run();
}

}  // namespace spread::sim
