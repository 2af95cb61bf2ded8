#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ordering/submission.hpp"
#include "protocol/buffer.hpp"
#include "protocol/ids.hpp"
#include "protocol/message.hpp"
#include "protocol/ring_wire.hpp"

namespace spread::bench {

/// UDP payload of a data packet on Ethernet; the engine's default.
inline constexpr std::size_t kDatagramBytes = 1452;
/// What a daemon's pool gives out.
inline constexpr std::size_t kBlockBytes = 2048;
inline constexpr std::size_t kBlocksMax = 1U << 20U;

inline const protocol::RingId kRing{protocol::DaemonId{1}, 2, 3000};

/// Bytes on the ring of a client's message to one group.
[[nodiscard]] constexpr std::size_t frame_bytes_of(std::size_t payload) {
    return 48 + 32 + payload;
}

[[nodiscard]] protocol::PacketHeader packet_header(protocol::PacketKind kind);
/// "d1", "d2" ...; ids 1, 2 ...
[[nodiscard]] std::string daemon_name(std::size_t index);
/// Of client `number`, as group members are called: "#u17#d1".
[[nodiscard]] std::string private_group(std::size_t number, std::size_t daemon = 0);
/// A multicast of `payload` bytes to `group`, as a client of "d1" sends it.
[[nodiscard]] std::vector<std::byte> multicast_frame(const std::string& group, std::size_t payload,
                                                     std::string_view sender);
/// As `multicast_frame`, on the ring.
[[nodiscard]] protocol::Message frame_of(std::size_t payload);
/// A message for the ring that shares `frame`.
[[nodiscard]] ordering::Submission submission_of(const protocol::Message& frame);
/// A datagram with one entry of `bytes`.
[[nodiscard]] protocol::Slice data_packet(protocol::BufferPool& pool, std::uint64_t seq,
                                          std::size_t bytes);

}  // namespace spread::bench
