#include "tests/sim/name_side.hpp"

#include <string>
#include <utility>

#include "protocol/ring_wire.hpp"
#include "tests/sim/sim_roster.hpp"

namespace spread::sim {
namespace {

using config::IpAddress;
using protocol::DaemonId;
using protocol::Instant;

constexpr std::uint16_t kPort = 4803;

IpAddress ip_of(Names::Address address) {
    IpAddress ip;
    ip.bytes = {10, static_cast<std::uint8_t>(address >> 16U),
                static_cast<std::uint8_t>(address >> 8U), static_cast<std::uint8_t>(address)};
    return ip;
}

Names::Address number_of(const IpAddress& ip) {
    return Names::Address{ip.bytes[1]} << 16U | Names::Address{ip.bytes[2]} << 8U | ip.bytes[3];
}

config::Configuration configuration_of(std::size_t daemons) {
    config::Configuration configuration;
    configuration.segments.emplace_back().port = kPort;
    for (std::size_t i = 1; i <= daemons; ++i) {
        config::Daemon daemon;
        daemon.name = "d" + std::to_string(i);
        daemon.host = daemon.name;
        daemon.id = static_cast<std::uint32_t>(i);
        configuration.daemons.push_back(std::move(daemon));
    }
    return configuration;
}

}  // namespace

NameSide::NameSide(const Names& names, Setup setup)
    : names_(names),
      setup_(std::move(setup)),
      roster_(roster_of(setup_.daemons)),
      book_(configuration_of(setup_.daemons), setup_.self, setup_.patience) {}

/// Mostly a name server nearby.
protocol::Duration NameSide::pause() {
    return setup_.luck.chance(1, 10)
               ? protocol::Duration(std::chrono::microseconds(setup_.luck.below(3'000'000)))
               : protocol::Duration(std::chrono::microseconds(setup_.luck.below(2'000)));
}

void NameSide::work(Instant now) {
    while (!asked_.empty() && asked_.begin()->first <= now) {
        const DaemonIndex peer = asked_.begin()->second;
        asked_.erase(asked_.begin());
        std::vector<IpAddress> found;
        if (const Names::Address address = names_.look_up(setup_.self, peer); address != 0) {
            found.push_back(ip_of(address));
        }
        book_.on_answer(now, peer, found);
    }
    if (now < book_.next_deadline()) {
        return;
    }
    for (const auto& wanted : book_.take_wanted(now)) {
        asked_.emplace(now + pause(), static_cast<DaemonIndex>(wanted.peer));
    }
    if (book_.tick(now)) {
        tell();
    }
}

void NameSide::tell() {
    for (DaemonIndex peer = 0; peer < setup_.daemons; ++peer) {
        std::vector<Names::Address> ways;
        for (const IpAddress& way : book_.ways(peer)) {
            ways.push_back(number_of(way));
        }
        const auto& claim = book_.claim(peer);
        setup_.tell(peer, std::move(ways), claim ? number_of(*claim) : 0);
    }
}

Instant NameSide::next_deadline() const {
    return asked_.empty() ? book_.next_deadline()
                          : std::min(asked_.begin()->first, book_.next_deadline());
}

void NameSide::on_authentic(Instant now, DaemonId sender, Names::Address source) {
    if (const auto peer = roster_.find(sender)) {
        book_.on_authentic(now, *peer, ip_of(source));
        work(now);
    }
}

void NameSide::on_claim(Instant now, DaemonId sender, Names::Address source) {
    if (const auto peer = roster_.find(sender)) {
        book_.on_claim(now, *peer, ip_of(source));
        work(now);
    }
}

bool NameSide::admits(Instant now, std::span<const std::byte> datagram, Names::Address source) {
    const auto header = protocol::decode_header(datagram);
    const auto peer = header ? roster_.find(header->sender) : std::nullopt;
    if (!peer || header->config_hash != setup_.config_hash) {
        return true;
    }
    const bool is_resent = header->kind == protocol::PacketKind::kData;
    const bool is_admitted = book_.on_plain(now, *peer, is_resent, ip_of(source), kPort);
    work(now);
    return is_admitted;
}

void NameSide::set_members(Instant now, const protocol::MemberList& members) {
    book_.set_present(now, roster_.set_of(members));
    work(now);
}

}  // namespace spread::sim
