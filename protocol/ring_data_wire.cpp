#include <algorithm>

#include "protocol/ring_codec.hpp"
#include "protocol/ring_wire.hpp"

namespace spread::protocol {

std::optional<Entry> DataEntries::peek() const {
    if (offset_ + kEntryHeaderBytes > datagram_.size()) {
        return std::nullopt;
    }
    ByteReader reader(datagram_.subspan(offset_));
    Entry entry;
    entry.length = reader.read_le<std::uint16_t>();
    const auto flags = reader.read_le<std::uint8_t>();
    entry.kind = static_cast<MessageKind>(reader.read_le<std::uint8_t>());
    entry.first = (flags & kEntryFirst) != 0;
    entry.last = (flags & kEntryLast) != 0;
    entry.service = static_cast<Service>(flags >> 4U);
    entry.offset = offset_ + static_cast<std::uint32_t>(kEntryHeaderBytes);
    if (entry.length > reader.remaining()) {
        return std::nullopt;
    }
    return entry;
}

Decoded<DataHeader> decode_data(std::span<const std::byte> datagram) {
    ByteReader reader = ring_codec::body_reader(datagram);
    DataHeader data;
    data.seq = Seq{reader.read_le<std::uint64_t>()};
    data.token_seq = TokenSeq{reader.read_le<std::uint64_t>()};
    data.entry_count = reader.read_le<std::uint16_t>();
    const auto zero = reader.read_le<std::uint16_t>();
    if (!reader.ok()) {
        return tl::unexpected(DecodeError::kTruncated);
    }
    if (data.seq.value == 0 || data.entry_count == 0 || zero != 0) {
        return tl::unexpected(DecodeError::kBadValue);
    }
    DataEntries entries(datagram);
    for (std::uint16_t i = 0; i < data.entry_count; ++i) {
        const auto entry = entries.peek();
        if (!entry) {
            return tl::unexpected(DecodeError::kTruncated);
        }
        const auto flags = std::to_integer<std::uint8_t>(datagram[entry->offset - 2]);
        if ((flags & 0x0cU) != 0 ||
            (entry->service != Service::kAgreed && entry->service != Service::kSafe) ||
            (!entry->first && i != 0) || (!entry->last && i + 1 != data.entry_count)) {
            return tl::unexpected(DecodeError::kBadValue);
        }
        entries.skip(*entry);
    }
    if (entries.offset() != datagram.size()) {
        return tl::unexpected(DecodeError::kTrailingBytes);
    }
    return data;
}

DataBuilder::DataBuilder(BufferRef buffer, std::size_t bytes_max)
    : buffer_(std::move(buffer)), bytes_max_(std::min(bytes_max, buffer_->capacity())) {}

std::size_t DataBuilder::room() const {
    const std::size_t used = used_ + kEntryHeaderBytes;
    return used < bytes_max_ ? bytes_max_ - used : 0;
}

std::span<std::byte> DataBuilder::add_entry(std::size_t length, bool first, bool last,
                                            Service service, MessageKind kind) {
    SPREAD_ASSERT(used_ + kEntryHeaderBytes + length <= bytes_max_);
    SPREAD_ASSERT(length <= 0xffff);
    ByteWriter writer(std::span(buffer_->data() + used_, kEntryHeaderBytes));
    writer.write_le(static_cast<std::uint16_t>(length));
    writer.write_le(static_cast<std::uint8_t>((first ? kEntryFirst : 0U) |
                                              (last ? kEntryLast : 0U) |
                                              (static_cast<unsigned>(service) << 4U)));
    writer.write_le(static_cast<std::uint8_t>(kind));
    const std::span<std::byte> payload(buffer_->data() + used_ + kEntryHeaderBytes, length);
    used_ += kEntryHeaderBytes + length;
    ++entry_count_;
    return payload;
}

Slice DataBuilder::finish(const PacketHeader& header, Seq seq, TokenSeq token_seq) {
    SPREAD_ASSERT(entry_count_ > 0);
    const std::span<std::byte> datagram(buffer_->data(), used_);
    ByteWriter writer(datagram);
    ring_codec::write_header(writer, header);
    writer.write_le(seq.value);
    writer.write_le(token_seq.value);
    writer.write_le(entry_count_);
    writer.write_le(std::uint16_t{0});
    ring_codec::seal(datagram);
    return Slice{std::move(buffer_), 0, static_cast<std::uint32_t>(used_)};
}

Decoded<DataToken> decode_data_token(std::span<const std::byte> datagram) {
    ByteReader reader = ring_codec::body_reader(datagram);
    const auto data_bytes = reader.read_le<std::uint16_t>();
    DataToken parts;
    parts.data = reader.read_bytes(data_bytes);
    if (!reader.ok()) {
        return tl::unexpected(DecodeError::kTruncated);
    }
    parts.token = reader.read_bytes(reader.remaining());
    const auto is = [](std::span<const std::byte> packet, PacketKind kind) {
        return packet.size() >= kRingHeaderBytes && packet[3] == static_cast<std::byte>(kind);
    };
    if (!is(parts.data, PacketKind::kData) || !is(parts.token, PacketKind::kToken)) {
        return tl::unexpected(DecodeError::kBadValue);
    }
    return parts;
}

Slice encode_data_token(std::span<const std::byte> data, std::span<const std::byte> token,
                        const PacketHeader& header, BufferPool& pool) {
    return ring_codec::encode(header, kDataTokenBytes + data.size() + token.size(), pool,
                              [&](ByteWriter& writer) {
                                  writer.write_le(static_cast<std::uint16_t>(data.size()));
                                  writer.write_bytes(data);
                                  writer.write_bytes(token);
                              });
}

}  // namespace spread::protocol
