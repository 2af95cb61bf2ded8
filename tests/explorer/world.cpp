#include "tests/explorer/world.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <tuple>

#include "membership/ring_timers.hpp"
#include "tests/explorer/fingerprint.hpp"

namespace spread::explorer {

using membership::Arrival;
using membership::Channel;
using membership::ConfigurationChange;
using membership::ConfigurationKind;
using membership::Delivery;
using membership::Destination;
using membership::EngineOutput;
using membership::RingEngine;
using membership::RingState;
using protocol::DaemonId;
using protocol::Instant;
using protocol::PacketKind;

namespace {

constexpr std::size_t kDatagramBytes = 200;
/// A state of the groups fits into one packet.
constexpr std::size_t kDatagramBytesOfGroups = 700;
constexpr std::size_t kPoolBlocks = 100000;
constexpr auto kHop = std::chrono::microseconds(20);
/// Peace has to come within.
constexpr auto kPeaceWithin = std::chrono::seconds(8);
constexpr int kPeaceSteps = 60000;
constexpr int kBootSteps = 20000;

const char* name_of_kind(PacketKind kind) {
    switch (kind) {
        case PacketKind::kData: return "data";
        case PacketKind::kToken: return "token";
        case PacketKind::kJoin: return "join";
        case PacketKind::kCommit: return "commit token";
        case PacketKind::kWake: return "wake";
        case PacketKind::kHold: return "hold";
        case PacketKind::kProbe: return "probe";
        case PacketKind::kLeave: return "goodbye";
        case PacketKind::kDataToken: return "data with token";
        case PacketKind::kSettings: return "settings";
        case PacketKind::kAlive: return "alive";
    }
    return "nothing known";
}

std::uint64_t digest_of(const protocol::Message& body) {
    std::vector<std::byte> scratch;
    Hash hash;
    hash.add(body.contiguous(scratch));
    return hash.value();
}

membership::RingConfig config_of(const Setup& setup, std::size_t daemon) {
    membership::RingSettings settings;
    for (std::uint32_t i = 1; i <= setup.daemons; ++i) {
        settings.daemons.push_back(DaemonId{i});
    }
    settings.self = DaemonId{static_cast<std::uint32_t>(daemon + 1)};
    settings.config_hash = 7;
    settings.accelerated = setup.accelerated;
    settings.window = 8;
    settings.personal_window = 4;
    settings.window_max = 8;
    settings.accelerated_window = 2;
    settings.gap_max = 16;
    settings.datagram_bytes_max = setup.groups ? kDatagramBytesOfGroups : kDatagramBytes;
    settings.lease_after_hits = setup.lease_after_hits;
    settings.send_queue_messages_max = 100;
    membership::RingConfig config = membership::RingConfig::settled(settings);
    config.group_mates = config.daemons;
    return config;
}

}  // namespace

Reached World::reached;

World::World(const Setup& setup)
    : setup_(setup),
      pool_(1024, kPoolBlocks),
      nodes_(setup.daemons),
      now_(std::chrono::seconds(1000)) {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        start(i);
    }
    if (!setup.from_boot) {
        settle_at_first();
    }
    is_peace_ = false;
}

void World::settle_at_first() {
    for (int step = 0; step < kBootSteps; ++step) {
        if (packets_.empty() && is_one_ring() && is_at_rest() &&
            holds_token(*nodes_.front().engine)) {
            return;
        }
        static_cast<void>(let_time_pass());
    }
}

// What may happen -------------------------------------------------------------------------------

std::vector<Move> World::deliveries() const {
    std::vector<Move> out;
    std::set<std::tuple<std::size_t, std::size_t, bool>> streams;
    for (std::size_t i = 0; i < packets_.size() && i < setup_.overtaking; ++i) {
        const Packet& packet = packets_[i];
        if (streams.emplace(packet.from, packet.to, packet.by_token_socket).second ||
            setup_.any_order) {
            out.push_back({Move::Kind::kDeliver, i});
        }
    }
    return out;
}

std::vector<Move> World::timers() const {
    std::vector<Move> out;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        for (std::size_t timer = 0; is_up(i) && timer < membership::kRingTimerCount; ++timer) {
            if (is_timer_set(*nodes_[i].engine, timer)) {
                out.push_back({Move::Kind::kTimer, i, timer});
            }
        }
    }
    return out;
}

void World::moves(std::vector<Move>& out) const {
    out = deliveries();
    if (dropped_ < setup_.drops) {
        for (std::size_t i = 0, count = out.size(); i < count; ++i) {
            out.push_back({Move::Kind::kDrop, out[i].what});
        }
    }
    if (fired_ < setup_.timers) {
        const auto due = timers();
        out.insert(out.end(), due.begin(), due.end());
    }
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        if (is_up(i) && submitted_ < setup_.messages) {
            out.push_back({Move::Kind::kSubmit, i});
        }
        if (is_up(i) && setup_.groups && toggled_ < setup_.joins) {
            out.push_back({Move::Kind::kToggle, i});
        }
        if (is_up(i) && crashed_ < setup_.crashes) {
            out.push_back({Move::Kind::kCrash, i});
        }
        if (!is_up(i) && setup_.restarts) {
            out.push_back({Move::Kind::kRestart, i});
        }
    }
}

std::string World::name_of(const Move& move) const {
    switch (move.kind) {
        case Move::Kind::kDeliver:
        case Move::Kind::kDrop: {
            const Packet& packet = packets_[move.what];
            return std::string(move.kind == Move::Kind::kDrop ? "lose " : "deliver ") +
                   name_of_kind(packet.kind) + " " + name_of_daemon(packet.from) + " to " +
                   name_of_daemon(packet.to);
        }
        case Move::Kind::kTimer:
            return "timer " + std::to_string(move.timer) + " at " + name_of_daemon(move.what);
        case Move::Kind::kSubmit: return "submit at " + name_of_daemon(move.what);
        case Move::Kind::kToggle: return "join or leave at " + name_of_daemon(move.what);
        case Move::Kind::kCrash: return "crash " + name_of_daemon(move.what);
        case Move::Kind::kRestart: return "restart " + name_of_daemon(move.what);
    }
    return "";
}

void World::make(const Move& move) {
    switch (move.kind) {
        case Move::Kind::kDeliver: deliver(move.what); break;
        case Move::Kind::kDrop:
            ++dropped_;
            packets_.erase(packets_.begin() + static_cast<std::ptrdiff_t>(move.what));
            break;
        case Move::Kind::kTimer:
            ++fired_;
            call(move.what, [&](RingEngine& engine, EngineOutput& out) {
                make_due(engine, move.timer, now_);
                engine.on_deadline(now_, out);
            });
            break;
        case Move::Kind::kSubmit: submit(move.what); break;
        case Move::Kind::kToggle:
            ++toggled_;
            toggle(move.what);
            break;
        case Move::Kind::kCrash: crash(move.what); break;
        case Move::Kind::kRestart: start(move.what); break;
    }
}

std::uint64_t World::fingerprint() const {
    Hash hash;
    for (const std::uint32_t used : {dropped_, fired_, submitted_, toggled_, crashed_}) {
        hash.add(used);
    }
    for (const Node& node : nodes_) {
        hash.add(node.engine != nullptr);
        hash.add(node.history);
        hash.add(node.counter);
        if (node.engine) {
            add_engine(hash, *node.engine);
        }
    }
    for (const Packet& packet : packets_) {
        hash.add(packet.digest);
        hash.add(packet.to * 2 + (packet.by_token_socket ? 1 : 0));
    }
    return hash.value();
}

// What happens ----------------------------------------------------------------------------------

template <typename Call>
void World::call(std::size_t daemon, const Call& action) {
    Node& node = nodes_[daemon];
    if (!is_peace_) {
        forget_times(*node.engine, 100 + daemon);
    }
    EngineOutput out;
    action(*node.engine, out);
    node.counter = std::max(node.counter, node.engine->ring_counter());
    carry_out(daemon, out);
}

void World::Watcher::on_state_change(const membership::StateChange& change) {
    if (!is_peace_ && change.from == RingState::kRecovery && change.to == RingState::kGather) {
        ++reached.interrupted;
    }
}

void World::Watcher::on_recovery(const membership::RecoveryFacts& facts) {
    if (is_peace_) {
        return;
    }
    ++reached.recoveries;
    reached.with_packets += facts.expected > 0 ? 1 : 0;
    reached.with_hole += facts.has_hole ? 1 : 0;
    reached.with_promise += facts.has_promise ? 1 : 0;
    reached.with_both += facts.has_hole && facts.has_promise ? 1 : 0;
}

void World::carry_out(std::size_t daemon, EngineOutput& out) {
    std::optional<PacketKind> last;
    for (const membership::OutboundPacket& packet : out.sends) {
        const auto header = protocol::decode_header(packet.datagram.bytes());
        const bool repeats =
            last == header->kind && (*last == PacketKind::kJoin || *last == PacketKind::kProbe);
        send(daemon, packet, repeats);
        last = header->kind;
    }
    Node& node = nodes_[daemon];
    for (membership::DeliveryEvent& event : out.deliveries) {
        node.delivered.push_back(std::move(event));
    }
    look(daemon);
}

/// In order, though looking at one may bring others.
void World::look(std::size_t daemon) {
    Node& node = nodes_[daemon];
    if (node.is_looking) {
        return;
    }
    node.is_looking = true;
    while (!node.delivered.empty()) {
        const membership::DeliveryEvent event = std::move(node.delivered.front());
        node.delivered.pop_front();
        observe(daemon, event);
    }
    node.is_looking = false;
}

void World::send(std::size_t daemon, const membership::OutboundPacket& packet, bool joins_last) {
    const bool to_all = packet.destination == Destination::kAll;
    const auto kind = protocol::decode_header(packet.datagram.bytes())->kind;
    const Arrival arrival = membership::arrival_by(packet.channel, to_all);
    for (std::size_t to = 0; to < nodes_.size(); ++to) {
        if (to == daemon || !is_up(to) || (!to_all && packet.to.value != to + 1)) {
            continue;
        }
        Hash digest;
        digest.add(packet.datagram);
        if (joins_last) {
            const auto same = std::find_if(
                packets_.rbegin(), packets_.rend(),
                [&](const Packet& each) { return each.from == daemon && each.to == to; });
            if (same != packets_.rend() && same->kind == kind) {
                same->datagrams.emplace_back(arrival, packet.datagram);
                digest.add(same->digest);
                same->digest = digest.value();
                continue;
            }
        }
        packets_.push_back({daemon,
                            to,
                            packet.channel == Channel::kToken,
                            kind,
                            {{arrival, packet.datagram}},
                            digest.value()});
    }
}

void World::observe_configuration(std::size_t daemon, const ConfigurationChange& change) {
    Node& node = nodes_[daemon];
    Hash history;
    history.add(node.history);
    history.add(static_cast<std::uint64_t>(change.kind) + 1);
    history.add(change.ring_id);
    for (const DaemonId member : change.members) {
        history.add(member.value);
    }
    node.history = history.value();
    checker_.on_configuration(node.life, change);
    if (!setup_.groups && change.kind == ConfigurationKind::kRegular) {
        resume(daemon, change.ring_id);
    }
}

void World::observe(std::size_t daemon, const membership::DeliveryEvent& event) {
    Node& node = nodes_[daemon];
    if (const auto* change = std::get_if<ConfigurationChange>(&event)) {
        observe_configuration(daemon, *change);
    } else {
        const auto& delivery = std::get<Delivery>(event);
        const std::uint64_t body = digest_of(delivery.body);
        Hash history;
        history.add(node.history);
        history.add(delivery.ring_id);
        history.add(delivery.seq.value);
        history.add(delivery.index);
        history.add(body);
        node.history = history.value();
        checker_.on_delivery(node.life, {delivery.ring_id, delivery.seq, delivery.index},
                             delivery.origin, {delivery.service, delivery.kind, body});
    }
    if (node.groups) {
        pass_on(daemon, event);
    }
}

void World::pass_on(std::size_t daemon, membership::DeliveryEvent event) {
    const bool is_transition =
        std::holds_alternative<ConfigurationChange>(event) &&
        std::get<ConfigurationChange>(event).kind == ConfigurationKind::kTransitional;
    GroupSide& groups = *nodes_[daemon].groups;
    const bool was_pending = groups.engine().pending_exchange().has_value();
    GroupSide::Output out;
    groups.on_event(std::move(event), out);
    if (!is_peace_ && was_pending) {
        reached.exchanges += out.resume ? 1 : 0;
        reached.exchanges_in_transition += is_transition ? 1 : 0;
    }
    take(daemon, out);
}

void World::take(std::size_t daemon, GroupSide::Output& out) {
    for (membership::Submission& submission : out.submissions) {
        accept(daemon, std::move(submission));
    }
    if (out.resume) {
        resume(daemon, *out.resume);
    }
}

void World::resume(std::size_t daemon, protocol::RingId ring) {
    checker_.on_resume(nodes_[daemon].life, ring);
    EngineOutput out;
    nodes_[daemon].engine->resume(now_, ring, out);
    carry_out(daemon, out);
}

void World::accept(std::size_t daemon, membership::Submission submission) {
    checker_.on_accept(
        nodes_[daemon].life,
        {submission.service, submission.kind, digest_of(submission.body),
         submission.control ? checker::SendLane::kControl : checker::SendLane::kOrdinary});
    call(daemon, [&](RingEngine& engine, EngineOutput& out) {
        static_cast<void>(engine.submit(std::move(submission)));
        engine.on_submitted(now_, out);
    });
}

void World::toggle(std::size_t daemon) {
    Node& node = nodes_[daemon];
    Hash history;
    history.add(node.history);
    history.add(node.sent);
    node.history = history.value();
    GroupSide::Output out;
    node.groups->toggle(out);
    take(daemon, out);
}

void World::start(std::size_t daemon) {
    Node& node = nodes_[daemon];
    ++node.lives;
    ++node.counter;
    node.life = checker_.on_start(DaemonId{static_cast<std::uint32_t>(daemon + 1)});
    node.engine =
        std::make_unique<RingEngine>(config_of(setup_, daemon), protocol::Incarnation{node.lives},
                                     node.counter, protocol::Rng(100 + daemon), pool_, tracer_);
    if (setup_.groups) {
        node.groups =
            std::make_unique<GroupSide>(nodes_.size(), daemon, node.lives, group_checker_);
    }
    call(daemon, [&](RingEngine& engine, EngineOutput& out) { engine.on_start(now_, out); });
    if (setup_.groups && joins_at_start(daemon)) {
        toggle(daemon);
    }
}

void World::crash(std::size_t daemon) {
    ++crashed_;
    Node& node = nodes_[daemon];
    checker_.on_end(node.life);
    if (node.groups) {
        node.groups->end();
    }
    node.groups.reset();
    node.engine.reset();
    std::erase_if(packets_, [&](const Packet& packet) { return packet.to == daemon; });
}

void World::submit(std::size_t daemon) {
    Node& node = nodes_[daemon];
    const auto service =
        submitted_++ % 2 == 0 ? protocol::Service::kSafe : protocol::Service::kAgreed;
    ++node.sent;
    if (!node.groups) {
        submit_plain(daemon, service);
        return;
    }
    GroupSide::Output out;
    node.groups->send(service, setup_.message_bytes, out);
    take(daemon, out);
}

void World::submit_plain(std::size_t daemon, protocol::Service service) {
    const Node& node = nodes_[daemon];
    std::vector<std::byte> bytes(setup_.message_bytes);
    bytes[0] = static_cast<std::byte>(daemon + 1);
    bytes[1] = static_cast<std::byte>(node.sent);
    bytes[2] = static_cast<std::byte>(node.lives);
    membership::Submission submission;
    submission.service = service;
    submission.body = protocol::make_message(bytes);
    accept(daemon, std::move(submission));
}

void World::deliver(std::size_t packet) {
    const Packet taken = std::move(packets_[packet]);
    packets_.erase(packets_.begin() + static_cast<std::ptrdiff_t>(packet));
    for (const auto& each : taken.datagrams) {
        call(taken.to, [&](RingEngine& engine, EngineOutput& out) {
            engine.on_packet(now_, each.first, each.second, out);
        });
    }
}

// Peace -----------------------------------------------------------------------------------------

bool World::let_time_pass() {
    if (!packets_.empty()) {
        now_ += kHop;
        deliver(0);
        return true;
    }
    std::optional<Instant> first;
    std::size_t whose = 0;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        const auto deadline = is_up(i) ? nodes_[i].engine->next_deadline() : std::nullopt;
        if (deadline && (!first || *deadline < *first)) {
            first = deadline;
            whose = i;
        }
    }
    if (!first) {
        return false;
    }
    now_ = std::max(now_, *first);
    call(whose, [&](RingEngine& engine, EngineOutput& out) { engine.on_deadline(now_, out); });
    return true;
}

bool World::is_one_ring() const {
    std::size_t alive = 0;
    std::optional<protocol::RingId> ring;
    for (const Node& node : nodes_) {
        alive += node.engine ? 1 : 0;
    }
    return std::all_of(nodes_.begin(), nodes_.end(), [&](const Node& node) {
        if (!node.engine) {
            return true;
        }
        if (!ring) {
            ring = node.engine->ring_id();
        }
        return node.engine->state() == RingState::kOperational && node.engine->ring_id() == *ring &&
               node.engine->members().size() == alive;
    });
}

bool World::is_at_rest() const {
    return std::all_of(nodes_.begin(), nodes_.end(), [](const Node& node) {
        const bool rests = !node.engine || explorer::is_at_rest(*node.engine);
        return rests &&
               (!node.groups || node.groups->engine().phase() == membership::GroupPhase::kStable);
    });
}

bool World::has_problem() const {
    return checker_.violation() || group_checker_.violation() ||
           std::any_of(nodes_.begin(), nodes_.end(),
                       [](const Node& node) { return node.groups && node.groups->is_garbled(); });
}

std::string World::problem() const {
    for (const auto* found : {&checker_.violation(), &group_checker_.violation()}) {
        if (*found) {
            return (*found)->property + " " + (*found)->summary;
        }
    }
    return has_problem() ? "W1 a client got what no daemon sends" : "";
}

std::string World::make_peace() {
    is_peace_ = true;
    const Instant end = now_ + kPeaceWithin;
    for (int step = 0; now_ < end && step < kPeaceSteps; ++step) {
        if (packets_.empty() && is_one_ring() && is_at_rest()) {
            checker_.finish(true);
            if (setup_.groups) {
                group_checker_.finish(true);
            }
            return problem();
        }
        if (!let_time_pass()) {
            break;
        }
        if (std::string found = problem(); !found.empty()) {
            return found;
        }
    }
    return "L1 no rest:" + reality();
}

std::string World::reality() const {
    std::string out;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        out += " " + name_of_daemon(i) + " ";
        if (!is_up(i)) {
            out += "down";
            continue;
        }
        const RingEngine& engine = *nodes_[i].engine;
        const auto& stats = engine.stats();
        out += std::string(membership::to_string(engine.state())) + " with " +
               std::to_string(engine.members().size()) + ", has " +
               std::to_string(stats.my_aru.value) + " of " + std::to_string(stats.high_seq.value) +
               ", safe " + std::to_string(stats.safe_up_to.value) + ", queue " +
               std::to_string(stats.send_queue_messages);
        if (nodes_[i].groups) {
            out += ", groups " + nodes_[i].groups->text();
        }
    }
    return out;
}

}  // namespace spread::explorer
