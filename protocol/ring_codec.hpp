#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "protocol/assert.hpp"
#include "protocol/buffer.hpp"
#include "protocol/byte_reader.hpp"
#include "protocol/byte_writer.hpp"
#include "protocol/ids.hpp"
#include "protocol/result.hpp"
#include "protocol/ring_wire.hpp"

// What the codecs of the ring wire share; for ring_*.cpp in this directory.

namespace spread::protocol::ring_codec {

inline constexpr std::size_t kMemberBitmapBytesMax = (kRingMembersMax + 7) / 8;

[[nodiscard]] RingId read_ring_id(ByteReader& reader);
void write_ring_id(ByteWriter& writer, const RingId& id);
void write_header(ByteWriter& writer, const PacketHeader& header);
/// Writes the checksum into a datagram that is complete but for it.
void seal(std::span<std::byte> datagram);

/// Returns nothing, and the reader fails, if more members are announced than bytes are left for.
[[nodiscard]] MemberList read_members(ByteReader& reader, std::size_t count);
void write_members(ByteWriter& writer, const MemberList& members);

/// `bitmap` keeps its memory.
void read_bitmap(ByteReader& reader, std::size_t bytes, std::vector<std::uint8_t>& bitmap);
void write_bitmap(ByteWriter& writer, const std::vector<std::uint8_t>& bitmap);

/// Truncation and left-over bytes, the last check of every decoder.
[[nodiscard]] std::optional<DecodeError> check_end(const ByteReader& reader);
/// Behind the header.
[[nodiscard]] ByteReader body_reader(std::span<const std::byte> datagram);

/// From the pool where it fits a block, else from the heap.
[[nodiscard]] BufferRef buffer_for(std::size_t bytes, BufferPool& pool);

/// Encodes header and body of `bytes` in all; `body` writes what follows the header.
template <typename Body>
Slice encode(const PacketHeader& header, std::size_t bytes, BufferPool& pool, Body body) {
    BufferRef buffer = buffer_for(bytes, pool);
    const std::span<std::byte> datagram(buffer->data(), bytes);
    ByteWriter writer(datagram);
    write_header(writer, header);
    body(writer);
    SPREAD_ASSERT(writer.remaining() == 0);
    seal(datagram);
    return Slice{std::move(buffer), 0, static_cast<std::uint32_t>(bytes)};
}

}  // namespace spread::protocol::ring_codec
