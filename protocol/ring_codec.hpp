#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "protocol/assert.hpp"
#include "protocol/buffer.hpp"
#include "protocol/byte_reader.hpp"
#include "protocol/byte_writer.hpp"
#include "protocol/ids.hpp"
#include "protocol/result.hpp"
#include "protocol/ring_wire.hpp"
#include "protocol/roster.hpp"

// What the codecs of the ring wire share; for ring_*.cpp in this directory.

namespace spread::protocol::ring_codec {

[[nodiscard]] RingId read_ring_id(ByteReader& reader);
void write_ring_id(ByteWriter& writer, const RingId& id);
void write_header(ByteWriter& writer, const PacketHeader& header);
/// Writes the checksum into a datagram that is complete but for it.
void seal(std::span<std::byte> datagram);

/// Returns nothing, and the reader fails, if more members are announced than bytes are left for.
[[nodiscard]] MemberList read_members(ByteReader& reader, std::size_t count);
void write_members(ByteWriter& writer, const MemberList& members);

/// A set of daemons or members: u16 bytes of its bitmap, bitmap.
[[nodiscard]] inline std::size_t set_bytes(const DaemonSet& set) {
    return sizeof(std::uint16_t) + set.bitmap_bytes();
}
[[nodiscard]] Decoded<DaemonSet> read_set(ByteReader& reader);
void write_set(ByteWriter& writer, const DaemonSet& set);

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
