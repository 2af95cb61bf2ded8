#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/configuration.hpp"
#include "tools/spreadctl/finding.hpp"

namespace spread::spreadctl {

/// By which ways a daemon's host was heard: a set of these.
enum Way : std::uint8_t { kToken = 1, kData = 2, kGroup = 4, kFullSized = 8 };

// clang-format off
/// What doctors of the hosts of one configuration send each other while no daemons run:
///
///   offset size field
///   0      8    "SPDOCTOR"
///   8      4    configuration hash, little-endian
///   12     1    the sender's place in the configuration
///   13     1    daemons in it
///   14     8    the sender's clock, milliseconds since 1970
///   22     ..   for each, the ways by which the sender has heard its host
///   ..     ..   zeros, where the datagram is to be long
// clang-format on
struct DoctorPacket {
    std::uint32_t config_hash = 0;
    std::size_t sender = 0;
    std::vector<std::uint8_t> heard;
    std::int64_t clock_ms = 0;
};

/// `bytes`: how long it is at least.
[[nodiscard]] std::vector<std::byte> encode(const DoctorPacket& packet, std::size_t bytes = 0);
[[nodiscard]] std::optional<DoctorPacket> decode_doctor_packet(std::span<const std::byte> datagram);

/// What this doctor heard of each host, and what each doctor says of this host.
struct PathsHeard {
    std::vector<std::uint8_t> heard;                    ///< by configuration position
    std::vector<std::optional<std::uint8_t>> hears_us;  ///< nothing: it has said nothing
    /// How far its clock is ahead of this host's, by the packet that came quickest; nothing: none
    /// came.
    std::vector<std::optional<std::int64_t>> ahead_ms{};
};

/// Every pair of this host and another one, both ways, each port. `by_group`: hosts to which data
/// goes by a group address.
[[nodiscard]] std::vector<Finding> path_findings(const config::Configuration& configuration,
                                                 std::size_t self, const PathsHeard& paths,
                                                 const std::vector<bool>& by_group);

}  // namespace spread::spreadctl
