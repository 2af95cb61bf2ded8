#include "tools/spreadctl/path_report.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "daemon/ring/foreign_datagram.hpp"
#include "protocol/byte_reader.hpp"
#include "protocol/byte_writer.hpp"
#include "protocol/roster.hpp"
#include "protocol/routing.hpp"

namespace spread::spreadctl {
namespace {

constexpr std::string_view kMagic = daemon::ForeignDatagram::kDoctorMagic;
constexpr std::size_t kHeaderBytes = 22;
/// Histories of two hosts are hard to compare beyond.
constexpr std::int64_t kClockMsMax = 1000;

/// One direction of a pair.
struct Direction {
    std::string from;
    std::string to;
    std::string address;  ///< of the receiver
    std::uint16_t port = 0;
    std::string groups;  ///< group addresses
    bool by_group = false;
};

std::vector<Finding> findings_of(const Direction& direction, std::uint8_t ways) {
    const std::string pair = direction.from + " -> " + direction.to;
    const std::string data = fmt::format("UDP {}:{}", direction.address, direction.port);
    const std::string token =
        fmt::format("UDP {}:{}", direction.address, protocol::token_port_of(direction.port));
    const auto open = [&](const std::string& port) {
        return fmt::format("open {} on the host of {} for {}", port, direction.to, direction.from);
    };
    std::vector<Finding> out;
    const auto has = [ways](Way way) { return (ways & way) != 0; };
    if (!has(kData)) {
        out.push_back(bad(pair + " data", "nothing arrives", open(data)));
    }
    if (!has(kToken)) {
        out.push_back(bad(pair + " tokens", "nothing arrives", open(token)));
    }
    if (has(kData) && !has(kFullSized)) {
        out.push_back(bad(pair + " large packets", "small ones arrive, full-sized ones do not",
                          "look at the MTU of the path, or set DatagramBytes"));
    }
    if (direction.by_group && !has(kGroup)) {
        out.push_back(doubtful(pair + " multicast", direction.groups + " does not arrive",
                               "daemons will send to each other one by one; look at IGMP snooping "
                               "without a querier"));
    }
    if (out.empty()) {
        out.push_back(good(pair, fmt::format("{}, {} and full-sized packets arrive{}", data, token,
                                             direction.by_group ? ", multicast too" : "")));
    }
    return out;
}

/// `ahead_ms` contains the time on the way, which is short.
Finding clock_finding(const std::string& name, std::int64_t ahead_ms) {
    const std::int64_t off = ahead_ms < 0 ? -ahead_ms : ahead_ms;
    const std::string text =
        fmt::format("{} ms {} this host's", off, ahead_ms < 0 ? "behind" : "ahead of");
    return off <= kClockMsMax ? good(name + " clock", text)
                              : doubtful(name + " clock", text,
                                         "run an NTP client on both hosts; logs and histories "
                                         "cannot be compared");
}

}  // namespace

std::vector<std::byte> encode(const DoctorPacket& packet, std::size_t bytes) {
    std::vector<std::byte> out(std::max(bytes, kHeaderBytes + packet.heard.size()));
    protocol::ByteWriter writer(out);
    writer.write_bytes(std::as_bytes(std::span(kMagic)));
    writer.write_le(packet.config_hash);
    writer.write_le(static_cast<std::uint8_t>(packet.sender));
    writer.write_le(static_cast<std::uint8_t>(packet.heard.size()));
    writer.write_le(static_cast<std::uint64_t>(packet.clock_ms));
    writer.write_bytes(std::as_bytes(std::span(packet.heard)));
    return out;
}

std::optional<DoctorPacket> decode_doctor_packet(std::span<const std::byte> datagram) {
    protocol::ByteReader reader(datagram);
    const auto magic = reader.read_bytes(kMagic.size());
    DoctorPacket out;
    out.config_hash = reader.read_le<std::uint32_t>();
    out.sender = reader.read_le<std::uint8_t>();
    const std::size_t daemons = reader.read_le<std::uint8_t>();
    out.clock_ms = static_cast<std::int64_t>(reader.read_le<std::uint64_t>());
    for (const std::byte ways : reader.read_bytes(daemons)) {
        out.heard.push_back(std::to_integer<std::uint8_t>(ways));
    }
    const bool is_ours = reader.ok() && std::ranges::equal(magic, std::as_bytes(std::span(kMagic)));
    return is_ours && out.sender < daemons ? std::optional(std::move(out)) : std::nullopt;
}

std::vector<Finding> path_findings(const config::Configuration& configuration, std::size_t self,
                                   const PathsHeard& paths, const std::vector<bool>& by_group) {
    std::vector<Finding> out;
    const auto direction = [&](std::size_t from, std::size_t to, bool group) {
        const config::Daemon& receiver = configuration.daemons[to];
        const config::Segment& segment = configuration.segments[receiver.segment];
        std::string groups;
        for (const config::IpAddress& address : segment.addresses) {
            groups += (groups.empty() ? "" : ", ") + address.to_string();
        }
        return Direction{configuration.daemons[from].name,
                         receiver.name,
                         receiver.address.to_string(),
                         segment.port,
                         groups,
                         group};
    };
    for (std::size_t peer = 0; peer < configuration.daemons.size(); ++peer) {
        if (peer == self) {
            continue;
        }
        const std::string& name = configuration.daemons[peer].name;
        if (paths.heard[peer] == 0 && !paths.hears_us[peer]) {
            out.push_back(doubtful(name, "nothing heard of a doctor there",
                                   "run spreadctl doctor there at the same time, with its daemon "
                                   "stopped; if one runs, UDP is blocked on the way"));
            continue;
        }
        for (Finding& each :
             findings_of(direction(peer, self, by_group[peer]), paths.heard[peer])) {
            out.push_back(std::move(each));
        }
        if (peer < paths.ahead_ms.size() && paths.ahead_ms[peer]) {
            out.push_back(clock_finding(name, *paths.ahead_ms[peer]));
        }
        const Direction there = direction(self, peer, by_group[peer]);
        if (!paths.hears_us[peer]) {
            out.push_back(doubtful(there.from + " -> " + there.to, "its doctor has not said yet",
                                   "run both for longer (--wait)"));
            continue;
        }
        for (Finding& each : findings_of(there, *paths.hears_us[peer])) {
            out.push_back(std::move(each));
        }
    }
    return out;
}

}  // namespace spread::spreadctl
