#include "tests/sim/sim_cluster.hpp"

#include <algorithm>
#include <set>
#include <sstream>

#include "protocol/byte_reader.hpp"

namespace spread::sim {

using membership::ConfigurationChange;
using membership::ConfigurationKind;
using membership::Delivery;
using membership::EngineOutput;
using protocol::DaemonId;
using protocol::Slice;

namespace {

constexpr std::size_t kInboxMax = 400;  // datagrams a stopped process's sockets hold

std::vector<std::byte> body_of(std::uint64_t message, std::size_t size) {
    std::vector<std::byte> body(size);
    for (std::size_t i = 0; i < 8; ++i) {
        body[i] = static_cast<std::byte>(message >> (8 * i));
    }
    for (std::size_t i = 8; i < size; ++i) {
        body[i] = static_cast<std::byte>(message + i);
    }
    return body;
}

std::uint64_t message_of(const protocol::Message& body) {
    std::array<std::byte, 8> bytes{};
    body.copy_to(bytes);
    protocol::ByteReader reader(bytes);
    return reader.read_le<std::uint64_t>();
}

}  // namespace

SimCluster::SimCluster(std::size_t daemons, std::uint64_t seed,
                       const std::function<void(membership::RingConfig&)>& tune)
    : tune_(tune),
      hosts_(daemons),
      link_(daemons, std::vector<bool>(daemons, true)),
      colours_(daemons, 0),
      network_rng_(seed * 2 + 1),
      entropy_(seed * 2),
      now_(std::chrono::seconds(1)) {
    for (std::size_t i = 0; i < daemons; ++i) {
        hosts_[i].id = DaemonId{static_cast<std::uint32_t>(i + 1)};
        hosts_[i].counter = 1000;
        ids_.push_back(hosts_[i].id);
    }
}

SimCluster::~SimCluster() = default;

void SimCluster::post(Instant at, std::function<void()> action) {
    events_.push(Event{at, order_++, std::move(action)});
}

void SimCluster::at(Duration from_now, std::function<void()> action) {
    post(now_ + from_now, std::move(action));
}

void SimCluster::start(std::size_t daemon) {
    Host& host = hosts_[daemon];
    if (host.engine != nullptr) {
        return;
    }
    membership::RingSettings settings;
    settings.daemons = ids_;
    settings.self = host.id;
    settings.config_hash = 7;
    auto config = membership::RingConfig::settled(settings);
    if (tune_) {
        tune_(config);
    }
    ++host.generation;
    ++host.lives;
    ++host.counter;
    host.engine = std::make_unique<membership::RingEngine>(
        config, protocol::Incarnation{static_cast<std::uint64_t>(now_.time_since_epoch().count())},
        host.counter, protocol::Rng(entropy_.next()), pool_, tracer_);
    host.life = lives_.size();
    host.backlog = 0;
    host.stopped = false;
    host.inbox.clear();
    host.wake_at.reset();
    lives_.push_back(Life{host.id, host.lives, {}, {}, false});
    EngineOutput out;
    host.engine->on_start(now_, out);
    process(host, out);
}

std::size_t SimCluster::add_twin(std::size_t daemon) {
    const std::size_t twin = hosts_.size();
    const DaemonId id = hosts_[daemon].id;
    hosts_.emplace_back();
    hosts_.back().id = id;
    hosts_.back().counter = 1000;
    for (auto& row : link_) {
        row.push_back(true);
    }
    link_.emplace_back(hosts_.size(), true);
    colours_.push_back(colours_[daemon]);
    return twin;
}

void SimCluster::start_all() {
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
        start(i);
    }
}

void SimCluster::crash(std::size_t daemon) {
    Host& host = hosts_[daemon];
    if (host.engine == nullptr) {
        return;
    }
    lives_[host.life].crashed = true;
    host.counter = std::max(host.counter, host.engine->ring_id().counter);
    host.engine.reset();
    host.inbox.clear();
    ++host.generation;
}

void SimCluster::leave(std::size_t daemon) {
    Host& host = hosts_[daemon];
    EngineOutput out;
    host.engine->on_leave(now_, out);
    process(host, out);
    crash(daemon);
}

protocol::Slice SimCluster::goodbye_of(std::size_t daemon) {
    return protocol::encode_empty(
        {protocol::PacketKind::kLeave, 7, hosts_[daemon].id, hosts_[daemon].engine->ring_id()},
        pool_);
}

void SimCluster::partition(std::vector<int> colours) {
    colours_ = std::move(colours);
}

void SimCluster::heal() {
    std::fill(colours_.begin(), colours_.end(), 0);
    for (auto& row : link_) {
        std::fill(row.begin(), row.end(), true);
    }
}

void SimCluster::set_link(std::size_t from, std::size_t to, bool up) {
    link_[from][to] = up;
}

void SimCluster::drop_next(
    std::size_t count,
    std::function<bool(protocol::PacketKind, std::size_t from, std::size_t to)> match) {
    drops_left_ = count;
    drop_match_ = std::move(match);
}

void SimCluster::set_reader_rate(std::size_t daemon, std::size_t per_ms) {
    Host& host = hosts_[daemon];
    const bool limited = host.reader_per_ms != SIZE_MAX;
    host.reader_per_ms = per_ms;
    if (!limited && host.engine != nullptr) {
        EngineOutput out;
        host.engine->set_delivery_room(now_, per_ms, out);
        process(host, out);
        read_some(daemon);
    }
}

void SimCluster::read_some(std::size_t daemon) {
    Host& host = hosts_[daemon];
    if (host.engine == nullptr) {
        return;
    }
    if (host.reader_per_ms > 0) {
        host.backlog -= std::min(host.backlog, host.reader_per_ms);
        EngineOutput out;
        const std::size_t room = host.reader_per_ms == SIZE_MAX ? SIZE_MAX
                                 : host.reader_per_ms > host.backlog
                                     ? host.reader_per_ms - host.backlog
                                     : 0;
        host.engine->set_delivery_room(now_, room, out);
        process(host, out);
        if (host.reader_per_ms == SIZE_MAX) {
            return;
        }
    }
    post(now_ + std::chrono::milliseconds(1), [this, daemon, generation = host.generation] {
        if (hosts_[daemon].generation == generation) {
            read_some(daemon);
        }
    });
}

void SimCluster::pause(std::size_t daemon, bool stopped) {
    Host& host = hosts_[daemon];
    if (host.engine == nullptr || host.stopped == stopped) {
        return;
    }
    host.stopped = stopped;
    if (!stopped) {
        auto inbox = std::move(host.inbox);
        host.inbox.clear();
        for (const Parcel& parcel : inbox) {
            if (host.engine != nullptr) {
                receive(daemon, parcel);
            }
        }
        host.wake_at.reset();
        schedule_deadline(host);
    }
}

bool SimCluster::submit(std::size_t daemon, protocol::Service service, std::size_t bytes) {
    Host& host = hosts_[daemon];
    if (host.engine == nullptr || host.stopped) {
        return false;
    }
    const std::uint64_t message = (std::uint64_t{host.id.value} << 48U) |
                                  (std::uint64_t{host.lives} << 32U) | (host.messages + 1);
    const std::size_t size = std::max<std::size_t>(bytes, 8);
    sizes_[message] = size;  // of the latest attempt, if this one is refused
    membership::Submission submission;
    submission.service = service;
    submission.body = protocol::make_message(body_of(message, size));
    EngineOutput out;
    const auto status = host.engine->submit(std::move(submission));
    host.engine->on_submitted(now_, out);
    if (status == membership::SubmitStatus::kAccepted) {
        ++host.messages;
        lives_[host.life].accepted.push_back(message);
    }
    process(host, out);
    return status == membership::SubmitStatus::kAccepted;
}

void SimCluster::process(Host& host, EngineOutput& out) {
    const auto from = static_cast<std::size_t>(&host - hosts_.data());
    for (const membership::OutboundPacket& packet : out.sends) {
        send(from, packet);
    }
    Life& life = lives_[host.life];
    host.told_missing += out.missing ? 1 : 0;
    for (membership::DeliveryEvent& event : out.deliveries) {
        if (auto* change = std::get_if<ConfigurationChange>(&event)) {
            host.told_missing += change->missing.empty() ? 0 : 1;
            life.events.emplace_back(
                Life::Configuration{change->kind, change->ring_id, change->members});
            if (change->kind == ConfigurationKind::kRegular) {
                // The other thread answers a little later.
                post(now_ + std::chrono::microseconds(200),
                     [this, from, generation = host.generation, ring = change->ring_id] {
                         Host& target = hosts_[from];
                         if (target.generation == generation) {
                             if (target.engine->ring_id() == ring &&
                                 target.engine->state() == membership::RingState::kOperational) {
                                 target.resumed = ring;
                             }
                             EngineOutput resumed;
                             target.engine->resume(now_, ring, resumed);
                             process(target, resumed);
                         }
                     });
            }
        } else {
            const auto& delivery = std::get<Delivery>(event);
            check_delivery(host, delivery);
            life.events.emplace_back(Life::Delivered{delivery.ring_id, delivery.seq, delivery.index,
                                                     delivery.origin, delivery.service,
                                                     message_of(delivery.body)});
            if (host.reader_per_ms != SIZE_MAX) {
                ++host.backlog;
            }
        }
    }
    out.clear();
    schedule_deadline(host);
}

void SimCluster::check_delivery(const Host& host, const Delivery& delivery) {
    const std::size_t size = delivery.body.size();
    std::vector<std::byte> body(std::max<std::size_t>(size, 8));
    delivery.body.copy_to(std::span(body).first(size));
    const std::uint64_t message = size < 8 ? 0 : message_of(delivery.body);
    const auto sent = sizes_.find(message);
    if (sent == sizes_.end() || sent->second != size || body != body_of(message, size) ||
        message >> 48U != delivery.origin.value) {
        std::ostringstream line;
        line << "P1a d" << host.id.value << " delivered " << size << " bytes of m" << std::hex
             << message << ", which nobody sent like this";
        delivery_violations_.push_back(line.str());
    }
    if (delivery.origin == host.id && delivery.ring_id != host.resumed) {
        std::ostringstream line;
        line << "R d" << host.id.value << " sent m" << std::hex << message
             << " before it was told to resume";
        delivery_violations_.push_back(line.str());
    }
}

std::vector<std::string> SimCluster::check(bool settled) const {
    auto violations = check_history(lives_, settled);
    violations.insert(violations.begin(), delivery_violations_.begin(), delivery_violations_.end());
    return violations;
}

void SimCluster::schedule_deadline(Host& host) {
    if (host.engine == nullptr) {
        return;
    }
    const auto deadline = host.engine->next_deadline();
    if (!deadline || (host.wake_at && *host.wake_at <= *deadline)) {
        return;
    }
    host.wake_at = *deadline;
    const auto index = static_cast<std::size_t>(&host - hosts_.data());
    post(std::max(*deadline, now_), [this, index, generation = host.generation, due = *deadline] {
        Host& target = hosts_[index];
        if (target.generation != generation || target.stopped || target.wake_at != due) {
            return;  // an earlier one has taken its place
        }
        target.wake_at.reset();
        EngineOutput out;
        target.engine->on_deadline(now_, out);
        process(target, out);
    });
}

void SimCluster::send(std::size_t from, const membership::OutboundPacket& packet) {
    ++packets_sent_;
    if (const auto header = protocol::decode_header(packet.datagram.bytes())) {
        if (header->kind != protocol::PacketKind::kData) {
            last_sent_[{from, header->kind}] = packet.datagram;
        } else if (const auto data = protocol::decode_data(packet.datagram.bytes());
                   data && !data_sent_.emplace(header->ring_id.counter, data->seq.value).second) {
            bytes_resent_ += packet.datagram.length;
        }
    }
    for (std::size_t to = 0; to < hosts_.size(); ++to) {
        const bool addressed = packet.destination == membership::Destination::kAll
                                   ? to != from
                                   : hosts_[to].id == packet.to;
        if (!addressed) {
            continue;
        }
        const bool is_closed =
            hosts_[to].rejects || (port_unreachable_ && hosts_[to].engine == nullptr);
        if (is_closed && packet.destination == membership::Destination::kDaemon &&
            colours_[from] == colours_[to]) {
            post(now_ + faults_.latency_min,
                 [this, from, id = packet.to, generation = hosts_[from].generation] {
                     Host& host = hosts_[from];
                     if (host.generation == generation && !host.stopped) {
                         EngineOutput out;
                         host.engine->on_peer_unreachable(now_, id, out);
                         process(host, out);
                     }
                 });
        }
        const bool to_group = packet.destination == membership::Destination::kAll;
        transmit(from, to, {packet.datagram, membership::arrival_by(packet.channel, to_group)});
    }
}

void SimCluster::transmit(std::size_t from, std::size_t to, const Parcel& parcel) {
    const Slice& datagram = parcel.datagram;
    if (!link_[from][to] || colours_[from] != colours_[to] || hosts_[to].rejects) {
        return;
    }
    if (const auto path = narrow_.find({from, to});
        path != narrow_.end() && datagram.length > path->second) {
        return;
    }
    if (drops_left_ > 0) {
        const auto header = protocol::decode_header(datagram.bytes());
        using enum protocol::PacketKind;
        const bool is_match =
            header && (header->kind == kDataToken
                           ? drop_match_(kData, from, to) || drop_match_(kToken, from, to)
                           : drop_match_(header->kind, from, to));
        if (is_match) {
            --drops_left_;
            return;
        }
    }
    if (chance(faults_.loss)) {
        return;
    }
    const int copies = chance(faults_.duplication) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
        Duration delay = faults_.latency_min +
                         Duration(static_cast<Duration::rep>(network_rng_.below(
                             static_cast<std::uint64_t>(faults_.latency_jitter.count()) + 1)));
        if (chance(faults_.late)) {
            delay += faults_.late_by;
        }
        Parcel arrives = parcel;
        if (chance(faults_.corruption)) {
            Slice& copy = arrives.datagram;
            copy.buffer = protocol::BufferRef::allocate(datagram.length);
            copy.offset = 0;
            const auto bytes = datagram.bytes();
            std::copy(bytes.begin(), bytes.end(), copy.buffer->data());
            if (network_rng_.chance(1, 3)) {
                copy.length = static_cast<std::uint32_t>(network_rng_.below(datagram.length + 1));
            } else {
                copy.buffer->data()[network_rng_.below(datagram.length)] ^=
                    static_cast<std::byte>(1U << network_rng_.below(8));
            }
        }
        post(now_ + delay, [this, to, arrives] { receive(to, arrives); });
    }
}

void SimCluster::receive(std::size_t to, const Parcel& parcel) {
    Host& host = hosts_[to];
    if (host.engine == nullptr) {
        return;
    }
    if (host.stopped) {
        if (host.inbox.size() < kInboxMax) {
            host.inbox.push_back(parcel);
        }
        return;
    }
    EngineOutput out;
    host.engine->on_packet(now_, parcel.arrival, parcel.datagram, out);
    process(host, out);
}

void SimCluster::run_for(Duration duration) {
    static_cast<void>(run_until([] { return false; }, duration));
}

bool SimCluster::run_until(const std::function<bool()>& condition, Duration limit) {
    const Instant end = now_ + limit;
    std::uint64_t steps = 0;
    while (!events_.empty() && events_.top().at <= end) {
        if (steps++ % 16 == 0 && condition()) {
            return true;
        }
        // The action is moved out before it runs: it may post events.
        Event event = std::move(const_cast<Event&>(events_.top()));  // NOLINT: popped at once
        events_.pop();
        now_ = event.at;
        event.action();
    }
    now_ = end;
    return condition();
}

bool SimCluster::is_stable() const {
    protocol::MemberList up;
    for (const Host& host : hosts_) {
        if (host.engine != nullptr) {
            up.push_back(host.id);
        }
    }
    return std::all_of(hosts_.begin(), hosts_.end(), [&](const Host& host) {
        return host.engine == nullptr ||
               (host.engine->state() == membership::RingState::kOperational &&
                host.engine->members() == up);
    });
}

std::vector<std::uint64_t> SimCluster::delivered(std::size_t daemon) const {
    std::vector<std::uint64_t> result;
    for (const Life::Event& event : lives_[hosts_[daemon].life].events) {
        if (const auto* delivery = std::get_if<Life::Delivered>(&event)) {
            result.push_back(delivery->message);
        }
    }
    return result;
}

bool SimCluster::is_quiet() const {
    if (!is_stable()) {
        return false;
    }
    std::optional<protocol::Seq> high;
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
        const Host& host = hosts_[i];
        if (host.engine == nullptr) {
            continue;
        }
        const auto& stats = host.engine->stats();
        if (stats.send_queue_messages > 0 || stats.my_aru != stats.high_seq ||
            stats.safe_up_to != stats.high_seq || (high && *high != stats.high_seq)) {
            return false;
        }
        high = stats.high_seq;
        const auto got = delivered(i);
        const std::set<std::uint64_t> mine(got.begin(), got.end());
        for (const std::uint64_t message : lives_[host.life].accepted) {
            if (!mine.contains(message)) {
                return false;
            }
        }
    }
    return true;
}

void SimCluster::HostTracer::on_state_change(const membership::StateChange& change) {
    if (cluster_.trace_.size() > 5000) {
        return;
    }
    std::ostringstream line;
    line << std::chrono::duration<double>(change.at.time_since_epoch()).count() << " d"
         << change.self.value << ' ' << to_string(change.from) << "->" << to_string(change.to)
         << "  " << to_string(change.reason);
    if (change.peer) {
        line << " d" << change.peer.value;
    }
    line << "  ring (d" << change.ring_id.representative.value << ',' << change.ring_id.counter
         << ") {";
    for (const DaemonId id : change.members) {
        line << " d" << id.value;
    }
    line << " }";
    cluster_.trace_.push_back(line.str());
}

}  // namespace spread::sim
