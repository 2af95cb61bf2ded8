#include "tests/sim/network.hpp"

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

#include "sealing/envelope.hpp"
#include "tests/sim/luck.hpp"
#include "tests/sim/ring_settings.hpp"
#include "tests/sim/simulator.hpp"

namespace spread::sim {
namespace {

constexpr std::size_t kKindOffset = 3;
constexpr std::size_t kPassOffset = 40;
constexpr std::size_t kSamplesMax = 64;
/// Every so-manieth packet is recorded.
constexpr std::uint64_t kSampleEvery = 13;
/// Of each kind the first ones stay for good: some kinds are few among many.
constexpr std::uint8_t kFirstsOfKind = 3;

bool happens(std::uint64_t luck, std::uint32_t millionths) {
    return luck % 1000000 < millionths;
}

protocol::Slice copy_of(const protocol::Slice& datagram, std::size_t extra = 0) {
    protocol::Slice copy{
        protocol::BufferRef::allocate(std::max<std::size_t>(datagram.length + extra, 1)), 0,
        datagram.length};
    const auto bytes = datagram.bytes();
    std::copy(bytes.begin(), bytes.end(), copy.buffer->data());
    return copy;
}

}  // namespace

PacketLabel label_of(const protocol::Slice& datagram) {
    const auto bytes = datagram.bytes();
    PacketLabel label;
    if (bytes.size() > kKindOffset) {
        label.kind = static_cast<protocol::PacketKind>(bytes[kKindOffset]);
    }
    if (label.kind == protocol::PacketKind::kCommit && bytes.size() > kPassOffset) {
        label.pass = static_cast<std::uint32_t>(bytes[kPassOffset]);
    }
    return label;
}

Network::Network(Simulator& simulator, const Scenario& scenario)
    : simulator_(simulator),
      luck_(mixed(scenario.luck, 0x6e6574)),
      daemons_(scenario.daemons()),
      large_bytes_(3 * timeouts_of(scenario.tunables).datagram_bytes_max / 4),
      segment_mates_(daemons_),
      unicasts_(daemons_),
      one_by_one_(daemons_),
      names_(daemons_),
      has_names_(scenario.tunables.named != 0),
      links_(daemons_ * daemons_),
      colours_(daemons_, 0),
      burst_left_(daemons_, 0) {
    std::vector<protocol::RouteSegment> segments;
    std::uint32_t next = 0;
    // Who has a name has no group address.
    for (const std::uint16_t count :
         has_names_ ? std::vector<std::uint16_t>(daemons_, 1) : scenario.segments) {
        protocol::RouteSegment segment;
        for (std::uint16_t i = 0; i < count; ++i) {
            segment.daemons.push_back(protocol::DaemonId{++next});
        }
        segment.group_addresses = count > 1 ? 1 : 0;
        segments.push_back(std::move(segment));
    }
    for (std::size_t self = 0; self < daemons_; ++self) {
        const protocol::DaemonId id{static_cast<std::uint32_t>(self + 1)};
        const protocol::RoutePlan plan = protocol::plan_route(segments, id);
        if (plan.group_addresses > 0) {
            for (const protocol::DaemonId mate : segments[plan.own_segment].daemons) {
                if (mate != id) {
                    segment_mates_[self].push_back(static_cast<DaemonIndex>(mate.value - 1));
                }
            }
        }
        for (const protocol::DaemonId other : plan.unicast) {
            unicasts_[self].push_back(static_cast<DaemonIndex>(other.value - 1));
        }
    }
}

void Network::partition(const std::vector<std::vector<DaemonIndex>>& parts) {
    // Whoever is in no part is alone.
    std::iota(colours_.begin(), colours_.end(), static_cast<int>(parts.size()));
    for (std::size_t part = 0; part < parts.size(); ++part) {
        for (const DaemonIndex daemon : parts[part]) {
            colours_[daemon] = static_cast<int>(part);
        }
    }
}

void Network::heal() {
    std::fill(colours_.begin(), colours_.end(), 0);
    filters_.clear();
    delays_.clear();
    std::fill(burst_left_.begin(), burst_left_.end(), 0);
    for (std::size_t from = 0; from < daemons_; ++from) {
        for (std::size_t to = 0; to < daemons_; ++to) {
            set_link(static_cast<DaemonIndex>(from), static_cast<DaemonIndex>(to), true);
            clog(static_cast<DaemonIndex>(from), static_cast<DaemonIndex>(to), false);
            link(static_cast<DaemonIndex>(from), static_cast<DaemonIndex>(to)).blocked = {};
        }
    }
}

void Network::set_link(DaemonIndex from, DaemonIndex to, bool up) {
    link(from, to).up = up;
}

void Network::clog(DaemonIndex from, DaemonIndex to, bool on) {
    Link& target = link(from, to);
    target.clogged = on;
    if (!on) {
        for (Parcel& parcel : target.held) {
            schedule(to, std::move(parcel), protocol::Duration(0));
        }
        target.held.clear();
    }
}

void Network::block(Way way, DaemonIndex from, DaemonIndex to, bool on) {
    link(from, to).blocked[static_cast<std::size_t>(way)] = on;
}

bool Network::is_blocked(const Link& link, const Parcel& parcel) const {
    const auto is = [&link](Way way) { return link.blocked[static_cast<std::size_t>(way)]; };
    const bool by_token_port = parcel.arrival == membership::Arrival::kToken;
    return is(by_token_port ? Way::kToken : Way::kData) ||
           (parcel.arrival == membership::Arrival::kGroup && is(Way::kGroup)) ||
           (parcel.datagram.length > large_bytes_ && is(Way::kLarge));
}

void Network::drop_next(const Step& filter) {
    filters_.push_back({filter.packet, filter.from, filter.to, filter.value});
}

void Network::delay(const Step& filter) {
    delays_.push_back({filter.packet, filter.from, filter.to, filter.value});
}

bool Network::send(DaemonIndex from, const membership::OutboundPacket& packet) {
    SealWatch* const watch = simulator_.seal_watch();
    const PacketLabel label =
        label_of(watch != nullptr ? watch->plain_of(packet.datagram) : packet.datagram);
    const Names::Address source = names_.address_of(from);
    const Parcel direct{packet.datagram, membership::arrival_by(packet.channel, false), source};
    ++packets_sent_;
    if (rates_.replay > 0) {
        record(direct, label.kind);
    }
    if (packet.destination == membership::Destination::kDaemon) {
        return send_to(from, static_cast<DaemonIndex>(packet.to.value - 1), direct, label);
    }
    const Parcel to_group{packet.datagram, membership::arrival_by(packet.channel, true), source};
    for (const DaemonIndex to : segment_mates_[from]) {
        if (!send_to(from, to, to_group, label)) {
            return false;
        }
    }
    for (const auto* list : {&unicasts_, &one_by_one_}) {
        if (list == &one_by_one_ && packet.channel == membership::Channel::kToken) {
            break;  // those never go to a group
        }
        for (const DaemonIndex to : (*list)[from]) {
            ++packets_sent_;
            if (!send_to(from, to, direct, label)) {
                return false;
            }
        }
    }
    return true;
}

void Network::send_one_by_one(DaemonIndex from, const protocol::MemberList& daemons) {
    one_by_one_[from].clear();
    for (const protocol::DaemonId id : daemons) {
        one_by_one_[from].push_back(static_cast<DaemonIndex>(id.value - 1));
    }
}

bool Network::send_to(DaemonIndex from, DaemonIndex to, const Parcel& parcel, PacketLabel label) {
    if (!simulator_.about_to_send(from, to, label)) {
        return false;
    }
    if (has_names_) {
        send_by_ways(from, to, parcel, label);
    } else {
        simulator_.note_unreachable(from, to, rejects(from, to, parcel));
        transmit(from, to, parcel, label);
    }
    return true;
}

bool Network::greet(DaemonIndex from, const membership::OutboundPacket& packet) {
    greets_ = true;
    const bool is_alive = send(from, packet);
    greets_ = false;
    return is_alive;
}

void Network::set_ways(DaemonIndex from, DaemonIndex to, std::vector<Names::Address> ways,
                       Names::Address claim) {
    link(from, to).ways = std::move(ways);
    link(from, to).claim = claim;
}

/// To whoever has the addresses now.
void Network::send_by_ways(DaemonIndex from, DaemonIndex to, const Parcel& parcel,
                           PacketLabel label) {
    std::vector<Names::Address> ways = link(from, to).ways;
    if (greets_ && link(from, to).claim != 0) {
        ways.push_back(link(from, to).claim);
    }
    for (const Names::Address way : ways) {
        const auto there = names_.who_is_at(way);
        if (!there) {
            simulator_.trace_packet(from, to, parcel.datagram, "nobody is there");
            continue;
        }
        if (there == to) {
            simulator_.note_unreachable(from, to, rejects(from, to, parcel));
        }
        transmit(from, *there, parcel, label);
    }
}

bool Network::rejects(DaemonIndex from, DaemonIndex to, const Parcel& parcel) {
    const Way port = parcel.arrival == membership::Arrival::kToken ? Way::kToken : Way::kData;
    return parcel.arrival != membership::Arrival::kGroup &&
           link(from, to).blocked[static_cast<std::size_t>(port)];
}

bool Network::applies(const Filter& filter, DaemonIndex from, DaemonIndex to, PacketLabel label) {
    return (!filter.kind || carries(label.kind, *filter.kind)) &&
           (!filter.from || *filter.from == from) && (!filter.to || *filter.to == to);
}

protocol::Duration Network::delay_on_purpose(DaemonIndex from, DaemonIndex to,
                                             PacketLabel label) const {
    protocol::Duration sum{0};
    for (const Filter& filter : delays_) {
        if (applies(filter, from, to, label)) {
            sum += std::chrono::microseconds(filter.left);
        }
    }
    return sum;
}

bool Network::is_filtered(DaemonIndex from, DaemonIndex to, PacketLabel label) {
    for (Filter& filter : filters_) {
        if (filter.left > 0 && applies(filter, from, to, label)) {
            --filter.left;
            return true;
        }
    }
    return false;
}

void Network::transmit(DaemonIndex from, DaemonIndex to, const Parcel& parcel, PacketLabel label) {
    Link& target = link(from, to);
    const std::uint64_t base =
        mixed(luck_, (std::uint64_t{from} << 48U) ^ (std::uint64_t{to} << 32U) ^ target.packets++);
    const auto luck = [base](Question question) {
        return mixed(base, static_cast<std::uint64_t>(question));
    };
    const char* fate = nullptr;
    if (!target.up || colours_[from] != colours_[to]) {
        fate = "no link";
    } else if (is_blocked(target, parcel)) {
        fate = "blocked";
    } else if (is_filtered(from, to, label)) {
        fate = "dropped on purpose";
    } else if (burst_left_[to] > 0) {
        --burst_left_[to];
        fate = "burst";
    } else if (rates_.burst > 0 && happens(luck(Question::kBurst), rates_.burst)) {
        burst_left_[to] = rates_.burst_packets;
        fate = "burst";
    } else if (rates_.loss > 0 && happens(luck(Question::kLoss), rates_.loss)) {
        fate = "lost";
    }
    simulator_.trace_packet(from, to, parcel.datagram, fate);
    if (fate != nullptr) {
        return;
    }
    if (rates_.replay > 0 && happens(luck(Question::kReplay), rates_.replay)) {
        schedule(to, recorded(luck(Question::kReplayWhich)), delay_of(base));
    }
    if (simulator_.seal_watch() != nullptr && rates_.replay > 0 &&
        happens(luck(Question::kForge), rates_.replay)) {
        schedule(to, forged(luck(Question::kForgeHow)), delay_of(base));
    }
    const bool twice =
        rates_.duplicate > 0 && happens(luck(Question::kDuplicate), rates_.duplicate);
    for (int copy = 0; copy < (twice ? 2 : 1); ++copy) {
        const std::uint64_t chosen = copy == 0 ? base : mixed(base, 77);
        const auto ask = [chosen](Question question) {
            return mixed(chosen, static_cast<std::uint64_t>(question));
        };
        protocol::Duration delay =
            delay_of(ask(Question::kJitter)) + delay_on_purpose(from, to, label);
        if (rates_.late > 0 && happens(ask(Question::kLate), rates_.late)) {
            delay += std::chrono::microseconds(rates_.late_us);
        }
        if (rates_.reorder > 0 && happens(ask(Question::kReorder), rates_.reorder)) {
            delay += std::chrono::microseconds(ask(Question::kReorderBy) %
                                               (8ULL * (rates_.latency_us + rates_.jitter_us) + 1));
        }
        Parcel arrives = parcel;
        if (rates_.corrupt > 0 && happens(ask(Question::kCorrupt), rates_.corrupt)) {
            arrives.datagram = corrupted(parcel.datagram, ask(Question::kCorruptHow));
        }
        if (target.clogged) {
            target.held.push_back(std::move(arrives));
        } else {
            schedule(to, std::move(arrives), delay);
        }
    }
}

protocol::Duration Network::delay_of(std::uint64_t luck) const {
    // An exponential tail from integers: each halving of the luck adds ln 2 of the mean. The same
    // on every platform, unlike std::log.
    const auto halvings = static_cast<std::uint64_t>(std::countr_zero(luck | (1ULL << 20U)));
    const std::uint64_t within = (luck >> 32U) % 1000;
    const std::uint64_t tail = rates_.jitter_us * (halvings * 1000 + within) * 693 / 1000;
    return std::chrono::microseconds(rates_.latency_us) + std::chrono::nanoseconds(tail);
}

protocol::Slice Network::corrupted(const protocol::Slice& datagram, std::uint64_t luck) const {
    constexpr std::uint32_t kExtraMax = 16;
    protocol::Slice copy = copy_of(datagram, kExtraMax);
    const std::uint64_t choice = luck >> 8U;
    switch (luck % 4) {
        case 0: copy.length = static_cast<std::uint32_t>(choice % (datagram.length + 1)); break;
        case 1: {
            const auto extra = static_cast<std::uint32_t>(1 + choice % kExtraMax);
            for (std::uint32_t i = 0; i < extra; ++i) {
                copy.buffer->data()[copy.length++] = static_cast<std::byte>(choice >> i);
            }
            break;
        }
        default:
            for (std::uint64_t i = 0; i <= luck % 3 && datagram.length > 0; ++i) {
                const std::uint64_t where = mixed(choice, i);
                copy.buffer->data()[where % datagram.length] ^=
                    static_cast<std::byte>(1U << (where >> 32U) % 8);
            }
    }
    return copy;
}

Network::Parcel Network::forged(std::uint64_t luck) const {
    const Parcel& seen = recorded(luck);
    const std::uint64_t choice = mixed(luck, 1);
    Parcel made{copy_of(seen.datagram), seen.arrival, seen.source};
    const std::span<std::byte> bytes(made.datagram.buffer->data(), made.datagram.length);
    const std::size_t head = std::min(bytes.size(), sealing::kEnvelopeBytes);
    switch ((luck >> 32U) % 8) {
        case 0: bytes[choice % head] ^= static_cast<std::byte>(1U << (choice >> 32U) % 8); break;
        case 1: {  // one's envelope around another's text
            const auto other = recorded(choice).datagram.bytes();
            std::copy_n(other.begin(), std::min(head, other.size()), bytes.begin());
            break;
        }
        case 2: bytes[head - 8] = std::byte{1}; break;                    // of another epoch
        case 3: bytes[head / 2] = static_cast<std::byte>(choice); break;  // of another stream
        case 4: bytes[head / 8] = static_cast<std::byte>(choice); break;  // under an unknown key
        case 5: bytes[head - 7] = std::byte{1}; break;                    // far ahead: 2^40
        case 6: bytes[head / 4] = static_cast<std::byte>(choice); break;  // of another sender
        default: made.datagram = simulator_.seal_watch()->plain_of(seen.datagram);
    }
    return made;
}

void Network::record(const Parcel& parcel, protocol::PacketKind kind) {
    if (const auto which = static_cast<std::size_t>(kind);
        which < firsts_of_.size() && firsts_of_[which] < kFirstsOfKind) {
        ++firsts_of_[which];
        firsts_.push_back({copy_of(parcel.datagram), parcel.arrival, parcel.source});
    }
    if (packets_sent_ % kSampleEvery != 0) {
        return;
    }
    Parcel copy{copy_of(parcel.datagram), parcel.arrival, parcel.source};
    if (samples_.size() < kSamplesMax) {
        samples_.push_back(std::move(copy));
    } else {
        // The first half stays: recordings of lives that have long ended.
        constexpr std::size_t kHalf = kSamplesMax / 2;
        samples_[kHalf + packets_sent_ / kSampleEvery * 7 % kHalf] = std::move(copy);
    }
}

const Network::Parcel& Network::recorded(std::uint64_t luck) const {
    const std::size_t which = luck % (firsts_.size() + samples_.size());
    return which < firsts_.size() ? firsts_[which] : samples_[which - firsts_.size()];
}

void Network::schedule(DaemonIndex to, Parcel parcel, protocol::Duration delay) {
    std::uint32_t slot = 0;
    if (free_slots_.empty()) {
        slot = static_cast<std::uint32_t>(in_flight_.size());
        in_flight_.push_back(std::move(parcel));
    } else {
        slot = free_slots_.back();
        free_slots_.pop_back();
        in_flight_[slot] = std::move(parcel);
    }
    latest_arrival_ = std::max(latest_arrival_, simulator_.now() + delay);
    simulator_.post(delay, EventKind::kPacket, to, slot);
}

Network::Parcel Network::take(std::uint32_t slot) {
    free_slots_.push_back(slot);
    return std::exchange(in_flight_[slot], {});
}

void Network::clear() {
    in_flight_.clear();
    free_slots_.clear();
    for (Link& each : links_) {
        each.held.clear();
    }
}

}  // namespace spread::sim
