#include "protocol/ring_codec.hpp"

#include <array>

#include "protocol/checksum.hpp"

namespace spread::protocol {
namespace {

constexpr std::byte kMagic0{'S'};
constexpr std::byte kMagic1{'R'};
constexpr std::size_t kChecksumOffset = 4;
constexpr std::size_t kAfterChecksum = 8;

/// Also for daemons that are not on the sender's ring, and may speak another version.
constexpr bool is_for_all(PacketKind kind) {
    switch (kind) {
        case PacketKind::kJoin:
        case PacketKind::kProbe:
        case PacketKind::kLeave:
        case PacketKind::kSettings: return true;
        case PacketKind::kData:
        case PacketKind::kToken:
        case PacketKind::kCommit:
        case PacketKind::kWake:
        case PacketKind::kHold:
        case PacketKind::kDataToken:
        case PacketKind::kAlive: break;
    }
    return false;
}

std::uint32_t checksum(std::span<const std::byte> datagram) {
    return crc32c(datagram.subspan(kAfterChecksum), crc32c(datagram.first(kChecksumOffset)));
}

/// Everything but the checksum, which is put into `sum`.
Decoded<PacketHeader> read_header(std::span<const std::byte> datagram, std::uint32_t& sum) {
    ByteReader reader(datagram);
    const auto magic = reader.read_bytes(2);
    if (magic.size() == 2 && (magic[0] != kMagic0 || magic[1] != kMagic1)) {
        return tl::unexpected(DecodeError::kBadMagic);
    }
    const auto version = reader.read_le<std::uint8_t>();
    if (reader.ok() && (version < kRingWireLeast || version > kRingWireGreatest)) {
        return tl::unexpected(DecodeError::kBadVersion);
    }
    PacketHeader header;
    header.version = version;
    const auto kind = reader.read_le<std::uint8_t>();
    sum = reader.read_le<std::uint32_t>();
    header.config_hash = reader.read_le<std::uint32_t>();
    header.sender = DaemonId{reader.read_le<std::uint32_t>()};
    header.ring_id = ring_codec::read_ring_id(reader);
    if (!reader.ok()) {
        return tl::unexpected(DecodeError::kTruncated);
    }
    if (kind < static_cast<std::uint8_t>(kFirstPacketKind) ||
        kind > static_cast<std::uint8_t>(kLastPacketKind)) {
        return tl::unexpected(DecodeError::kBadKind);
    }
    header.kind = static_cast<PacketKind>(kind);
    return header;
}

}  // namespace

bool is_ring_datagram(std::span<const std::byte> datagram) {
    return datagram.size() >= 2 && datagram[0] == kMagic0 && datagram[1] == kMagic1;
}

Decoded<PacketHeader> decode_header(std::span<const std::byte> datagram) {
    std::uint32_t sum = 0;
    auto header = read_header(datagram, sum);
    if (header && checksum(datagram) != sum) {
        return tl::unexpected(DecodeError::kBadChecksum);
    }
    return header;
}

Decoded<PacketHeader> decode_part_header(std::span<const std::byte> part) {
    std::uint32_t sum = 0;
    return read_header(part, sum);
}

std::optional<OtherVersion> read_other_version(std::span<const std::byte> datagram) {
    std::uint32_t sum = 0;
    const auto header = read_header(datagram, sum);
    if (header || header.error() != DecodeError::kBadVersion) {
        return std::nullopt;
    }
    ByteReader reader(datagram.subspan(2));
    OtherVersion other;
    other.version = reader.read_le<std::uint8_t>();
    static_cast<void>(reader.read_le<std::uint8_t>());  // the kind, which may be a new one
    sum = reader.read_le<std::uint32_t>();
    other.config_hash = reader.read_le<std::uint32_t>();
    other.sender = DaemonId{reader.read_le<std::uint32_t>()};
    return reader.ok() && checksum(datagram) == sum ? std::optional(other) : std::nullopt;
}

namespace ring_codec {

RingId read_ring_id(ByteReader& reader) {
    RingId id;
    id.representative = DaemonId{reader.read_le<std::uint32_t>()};
    id.nonce = reader.read_le<std::uint32_t>();
    id.counter = reader.read_le<std::uint64_t>();
    return id;
}

void write_ring_id(ByteWriter& writer, const RingId& id) {
    writer.write_le(id.representative.value);
    writer.write_le(id.nonce);
    writer.write_le(id.counter);
}

void write_header(ByteWriter& writer, const PacketHeader& header) {
    const std::uint8_t version = is_for_all(header.kind) ? kRingWireCommon : header.version;
    writer.write_bytes(
        std::array{kMagic0, kMagic1, std::byte{version}, static_cast<std::byte>(header.kind)});
    writer.write_le(std::uint32_t{0});  // the checksum, once all is written
    writer.write_le(header.config_hash);
    writer.write_le(header.sender.value);
    write_ring_id(writer, header.ring_id);
}

void seal(std::span<std::byte> datagram) {
    ByteWriter writer(datagram.subspan(kChecksumOffset));
    writer.write_le(checksum(datagram));
}

MemberList read_members(ByteReader& reader, std::size_t count) {
    MemberList members;
    if (count * sizeof(std::uint32_t) > reader.remaining()) {
        reader.skip(reader.remaining() + 1);  // makes the reader fail, without reserving anything
        return members;
    }
    members.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        members.push_back(DaemonId{reader.read_le<std::uint32_t>()});
    }
    return members;
}

void write_members(ByteWriter& writer, const MemberList& members) {
    for (const DaemonId id : members) {
        writer.write_le(id.value);
    }
}

Decoded<DaemonSet> read_set(ByteReader& reader) {
    const auto bytes = reader.read_le<std::uint16_t>();
    if (bytes > DaemonSet::kBitmapBytesMax) {
        return tl::unexpected(DecodeError::kBadLength);
    }
    const auto set = DaemonSet::read_bitmap(reader, bytes);
    return set ? Decoded<DaemonSet>(*set) : tl::unexpected(DecodeError::kTruncated);
}

void write_set(ByteWriter& writer, const DaemonSet& set) {
    writer.write_le(static_cast<std::uint16_t>(set.bitmap_bytes()));
    set.write_bitmap(writer);
}

std::optional<DecodeError> check_end(const ByteReader& reader) {
    if (!reader.ok()) {
        return DecodeError::kTruncated;
    }
    if (reader.remaining() != 0) {
        return DecodeError::kTrailingBytes;
    }
    return std::nullopt;
}

ByteReader body_reader(std::span<const std::byte> datagram) {
    ByteReader reader(datagram);
    reader.skip(kRingHeaderBytes);
    return reader;
}

BufferRef buffer_for(std::size_t bytes, BufferPool& pool) {
    SPREAD_ASSERT(bytes <= kRingDatagramBytesMax);
    return bytes <= pool.block_bytes() ? pool.acquire_or_heap() : BufferRef::allocate(bytes);
}

}  // namespace ring_codec
}  // namespace spread::protocol
