#include "protocol/ring_wire.hpp"

#include <algorithm>
#include <array>

#include "protocol/byte_reader.hpp"
#include "protocol/byte_writer.hpp"
#include "protocol/checksum.hpp"

namespace spread::protocol {
namespace {

constexpr std::byte kMagic0{'S'};
constexpr std::byte kMagic1{'R'};
constexpr std::size_t kChecksumOffset = 4;
constexpr std::size_t kAfterChecksum = 8;
constexpr std::uint16_t kTokenIdle = 0x0001;
constexpr std::uint16_t kTokenGrant = 0x0002;
constexpr std::uint16_t kTokenLease = 0x0004;
constexpr std::size_t kMemberBitmapBytesMax = (kRingMembersMax + 7) / 8;
constexpr std::size_t kCommitMemberFixedBytes = 5;
constexpr std::size_t kCommitMemberFilledBytes = 8 + 16 + 8 + 8 + 2 + 2;

std::uint32_t checksum(std::span<const std::byte> datagram) {
    return crc32c(datagram.subspan(kAfterChecksum), crc32c(datagram.first(kChecksumOffset)));
}

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
    writer.write_bytes(std::array{kMagic0, kMagic1, std::byte{kRingWireVersion},
                                  static_cast<std::byte>(header.kind)});
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

std::vector<std::uint8_t> read_bitmap(ByteReader& reader, std::size_t bytes) {
    std::vector<std::uint8_t> bitmap;
    for (const std::byte b : reader.read_bytes(bytes)) {
        bitmap.push_back(std::to_integer<std::uint8_t>(b));
    }
    return bitmap;
}

void write_bitmap(ByteWriter& writer, const std::vector<std::uint8_t>& bitmap) {
    for (const std::uint8_t b : bitmap) {
        writer.write_le(b);
    }
}

/// Truncation and left-over bytes, the last check of every decoder.
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

/// Size of the bitmap of held packets.
std::size_t held_bytes(const CommitMember& member) {
    if (member.held.empty()) {
        return 0;
    }
    const SeqRange& last = member.held.back();
    return (last.first - member.aru + last.count - 1 + 7) / 8;
}

std::vector<std::uint8_t> held_bitmap(const CommitMember& member) {
    std::vector<std::uint8_t> bitmap(held_bytes(member));
    for (const SeqRange& range : member.held) {
        const std::uint64_t first = range.first - member.aru - 1;
        for (std::uint64_t bit = first; bit < first + range.count; ++bit) {
            bitmap[bit / 8] |= static_cast<std::uint8_t>(1U << (bit % 8));
        }
    }
    return bitmap;
}

std::vector<SeqRange> held_ranges(Seq aru, const std::vector<std::uint8_t>& bitmap) {
    std::vector<SeqRange> ranges;
    for (std::size_t bit = 0; bit < 8 * bitmap.size(); ++bit) {
        if ((bitmap[bit / 8] >> (bit % 8) & 1U) == 0) {
            continue;
        }
        const Seq seq = aru + 1 + bit;
        if (!ranges.empty() && ranges.back().first + ranges.back().count == seq) {
            ++ranges.back().count;
        } else {
            ranges.push_back({seq, 1});
        }
    }
    return ranges;
}

std::size_t commit_member_bytes(const CommitMember& member) {
    return kCommitMemberFixedBytes +
           (member.filled ? kCommitMemberFilledBytes + held_bytes(member) + member.obligation.size()
                          : 0);
}

}  // namespace

Decoded<PacketHeader> decode_header(std::span<const std::byte> datagram) {
    ByteReader reader(datagram);
    const auto magic = reader.read_bytes(2);
    if (magic.size() == 2 && (magic[0] != kMagic0 || magic[1] != kMagic1)) {
        return tl::unexpected(DecodeError::kBadMagic);
    }
    const auto version = reader.read_le<std::uint8_t>();
    if (reader.ok() && version != kRingWireVersion) {
        return tl::unexpected(DecodeError::kBadVersion);
    }
    PacketHeader header;
    const auto kind = reader.read_le<std::uint8_t>();
    const auto sum = reader.read_le<std::uint32_t>();
    header.config_hash = reader.read_le<std::uint32_t>();
    header.sender = DaemonId{reader.read_le<std::uint32_t>()};
    header.ring_id = read_ring_id(reader);
    if (!reader.ok()) {
        return tl::unexpected(DecodeError::kTruncated);
    }
    if (kind < static_cast<std::uint8_t>(PacketKind::kData) ||
        kind > static_cast<std::uint8_t>(PacketKind::kDataToken)) {
        return tl::unexpected(DecodeError::kBadKind);
    }
    header.kind = static_cast<PacketKind>(kind);
    if (checksum(datagram) != sum) {
        return tl::unexpected(DecodeError::kBadChecksum);
    }
    return header;
}

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
    ByteReader reader = body_reader(datagram);
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
    write_header(writer, header);
    writer.write_le(seq.value);
    writer.write_le(token_seq.value);
    writer.write_le(entry_count_);
    writer.write_le(std::uint16_t{0});
    seal(datagram);
    return Slice{std::move(buffer_), 0, static_cast<std::uint32_t>(used_)};
}

Decoded<Token> decode_token(std::span<const std::byte> datagram, std::vector<SeqRange> ranges) {
    const auto header = decode_header(datagram);
    if (!header) {
        return tl::unexpected(header.error());
    }
    ByteReader reader = body_reader(datagram);
    Token token;
    token.ring_id = header->ring_id;
    token.sender = header->sender;
    token.token_seq = TokenSeq{reader.read_le<std::uint64_t>()};
    token.seq = Seq{reader.read_le<std::uint64_t>()};
    token.aru = Seq{reader.read_le<std::uint64_t>()};
    token.aru_id = DaemonId{reader.read_le<std::uint32_t>()};
    token.fcc = reader.read_le<std::uint32_t>();
    token.backlog = reader.read_le<std::uint32_t>();
    token.to = DaemonId{reader.read_le<std::uint32_t>()};
    token.window = reader.read_le<std::uint32_t>();
    token.window_limit = reader.read_le<std::uint32_t>();
    token.lost = reader.read_le<std::uint32_t>();
    const auto flags = reader.read_le<std::uint16_t>();
    const auto rtr_count = reader.read_le<std::uint16_t>();
    if (!reader.ok()) {
        return tl::unexpected(DecodeError::kTruncated);
    }
    if (rtr_count > kRtrRangesMax) {
        return tl::unexpected(DecodeError::kBadLength);
    }
    if (token.aru > token.seq || flags > (kTokenIdle | kTokenGrant | kTokenLease)) {
        return tl::unexpected(DecodeError::kBadValue);
    }
    token.idle = (flags & kTokenIdle) != 0;
    token.grant = (flags & kTokenGrant) != 0;
    token.lease = (flags & kTokenLease) != 0;
    token.rtr = std::move(ranges);
    token.rtr.clear();
    token.rtr.reserve(rtr_count);
    for (std::uint16_t i = 0; i < rtr_count; ++i) {
        const Seq first{reader.read_le<std::uint64_t>()};
        const auto count = reader.read_le<std::uint32_t>();
        if (!reader.ok()) {
            return tl::unexpected(DecodeError::kTruncated);
        }
        if (first.value == 0 || count == 0 || first > token.seq || count > token.seq - first + 1) {
            return tl::unexpected(DecodeError::kBadValue);
        }
        token.rtr.push_back(SeqRange{first, count});
    }
    const auto bitmap_bytes = reader.read_le<std::uint16_t>();
    if (reader.ok() && bitmap_bytes > kMemberBitmapBytesMax) {
        return tl::unexpected(DecodeError::kBadLength);
    }
    token.complete = read_bitmap(reader, bitmap_bytes);
    if (const auto error = check_end(reader)) {
        return tl::unexpected(*error);
    }
    return token;
}

Slice encode_token(const Token& token, std::uint32_t config_hash, BufferPool& pool) {
    const std::size_t bytes =
        kRingHeaderBytes + 56 + 12 * token.rtr.size() + 2 + token.complete.size();
    const PacketHeader header{PacketKind::kToken, config_hash, token.sender, token.ring_id};
    return encode(header, bytes, pool, [&](ByteWriter& writer) {
        writer.write_le(token.token_seq.value);
        writer.write_le(token.seq.value);
        writer.write_le(token.aru.value);
        writer.write_le(token.aru_id.value);
        writer.write_le(token.fcc);
        writer.write_le(token.backlog);
        writer.write_le(token.to.value);
        writer.write_le(token.window);
        writer.write_le(token.window_limit);
        writer.write_le(token.lost);
        writer.write_le(static_cast<std::uint16_t>((token.idle ? kTokenIdle : 0) |
                                                   (token.grant ? kTokenGrant : 0) |
                                                   (token.lease ? kTokenLease : 0)));
        writer.write_le(static_cast<std::uint16_t>(token.rtr.size()));
        for (const SeqRange& range : token.rtr) {
            writer.write_le(range.first.value);
            writer.write_le(range.count);
        }
        writer.write_le(static_cast<std::uint16_t>(token.complete.size()));
        write_bitmap(writer, token.complete);
    });
}

Decoded<DataToken> decode_data_token(std::span<const std::byte> datagram) {
    ByteReader reader = body_reader(datagram);
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
    return encode(header, kDataTokenBytes + data.size() + token.size(), pool,
                  [&](ByteWriter& writer) {
                      writer.write_le(static_cast<std::uint16_t>(data.size()));
                      writer.write_bytes(data);
                      writer.write_bytes(token);
                  });
}

Decoded<Join> decode_join(std::span<const std::byte> datagram) {
    ByteReader reader = body_reader(datagram);
    Join join;
    join.incarnation = Incarnation{reader.read_le<std::uint64_t>()};
    join.highest_counter = reader.read_le<std::uint64_t>();
    join.join_seq = reader.read_le<std::uint64_t>();
    const auto proc_count = reader.read_le<std::uint16_t>();
    const auto fail_count = reader.read_le<std::uint16_t>();
    if (reader.ok() && (proc_count > kRingMembersMax || fail_count > kRingMembersMax)) {
        return tl::unexpected(DecodeError::kBadLength);
    }
    join.proc_set = read_members(reader, proc_count);
    join.fail_set = read_members(reader, fail_count);
    if (const auto error = check_end(reader)) {
        return tl::unexpected(*error);
    }
    return join;
}

Slice encode_join(const Join& join, const PacketHeader& header, BufferPool& pool) {
    const std::size_t bytes =
        kRingHeaderBytes + 28 + 4 * (join.proc_set.size() + join.fail_set.size());
    return encode(header, bytes, pool, [&](ByteWriter& writer) {
        writer.write_le(join.incarnation.value);
        writer.write_le(join.highest_counter);
        writer.write_le(join.join_seq);
        writer.write_le(static_cast<std::uint16_t>(join.proc_set.size()));
        writer.write_le(static_cast<std::uint16_t>(join.fail_set.size()));
        write_members(writer, join.proc_set);
        write_members(writer, join.fail_set);
    });
}

Decoded<CommitToken> decode_commit(std::span<const std::byte> datagram) {
    const auto header = decode_header(datagram);
    if (!header) {
        return tl::unexpected(header.error());
    }
    ByteReader reader = body_reader(datagram);
    CommitToken token;
    token.ring_id = header->ring_id;
    token.sender = header->sender;
    token.token_seq = TokenSeq{reader.read_le<std::uint64_t>()};
    token.pass = reader.read_le<std::uint8_t>();
    const auto zero = reader.read_le<std::uint8_t>();
    const auto member_count = reader.read_le<std::uint16_t>();
    if (!reader.ok()) {
        return tl::unexpected(DecodeError::kTruncated);
    }
    if (member_count == 0 || member_count > kRingMembersMax) {
        return tl::unexpected(DecodeError::kBadLength);
    }
    if (token.pass < 1 || token.pass > 2 || zero != 0) {
        return tl::unexpected(DecodeError::kBadValue);
    }
    for (std::uint16_t i = 0; i < member_count && reader.ok(); ++i) {
        CommitMember member;
        member.id = DaemonId{reader.read_le<std::uint32_t>()};
        const auto filled = reader.read_le<std::uint8_t>();
        if (filled > 1 || (token.pass == 2 && reader.ok() && filled == 0)) {
            return tl::unexpected(DecodeError::kBadValue);
        }
        member.filled = filled == 1;
        if (member.filled) {
            member.incarnation = Incarnation{reader.read_le<std::uint64_t>()};
            member.old_ring = read_ring_id(reader);
            member.aru = Seq{reader.read_le<std::uint64_t>()};
            member.safe_up_to = Seq{reader.read_le<std::uint64_t>()};
            const auto held_size = reader.read_le<std::uint16_t>();
            if (8 * std::size_t{held_size} > held_span_max(member_count)) {
                return tl::unexpected(DecodeError::kBadLength);
            }
            const std::vector<std::uint8_t> held = read_bitmap(reader, held_size);
            if (reader.ok() && held_size > 0 && ((held.front() & 1U) != 0 || held.back() == 0)) {
                return tl::unexpected(DecodeError::kBadValue);
            }
            if (reader.ok()) {
                member.held = held_ranges(member.aru, held);
            }
            const auto obligation_bytes = reader.read_le<std::uint16_t>();
            if (obligation_bytes > kMemberBitmapBytesMax) {
                return tl::unexpected(DecodeError::kBadLength);
            }
            member.obligation = read_bitmap(reader, obligation_bytes);
            const Seq end = member.aru + 1 + 8 * std::uint64_t{held_size};
            if (reader.ok() && (member.safe_up_to > member.aru || end < member.aru)) {
                return tl::unexpected(DecodeError::kBadValue);
            }
        }
        token.members.push_back(std::move(member));
    }
    if (const auto error = check_end(reader)) {
        return tl::unexpected(*error);
    }
    return token;
}

Slice encode_commit(const CommitToken& token, std::uint32_t config_hash, BufferPool& pool) {
    std::size_t bytes = kRingHeaderBytes + 12;
    for (const CommitMember& member : token.members) {
        bytes += commit_member_bytes(member);
    }
    const PacketHeader header{PacketKind::kCommit, config_hash, token.sender, token.ring_id};
    return encode(header, bytes, pool, [&](ByteWriter& writer) {
        writer.write_le(token.token_seq.value);
        writer.write_le(token.pass);
        writer.write_le(std::uint8_t{0});
        writer.write_le(static_cast<std::uint16_t>(token.members.size()));
        for (const CommitMember& member : token.members) {
            writer.write_le(member.id.value);
            writer.write_le(static_cast<std::uint8_t>(member.filled ? 1 : 0));
            if (!member.filled) {
                continue;
            }
            writer.write_le(member.incarnation.value);
            write_ring_id(writer, member.old_ring);
            writer.write_le(member.aru.value);
            writer.write_le(member.safe_up_to.value);
            writer.write_le(static_cast<std::uint16_t>(held_bytes(member)));
            write_bitmap(writer, held_bitmap(member));
            writer.write_le(static_cast<std::uint16_t>(member.obligation.size()));
            write_bitmap(writer, member.obligation);
        }
    });
}

Decoded<Probe> decode_probe(std::span<const std::byte> datagram) {
    ByteReader reader = body_reader(datagram);
    Probe probe;
    probe.incarnation = Incarnation{reader.read_le<std::uint64_t>()};
    probe.highest_counter = reader.read_le<std::uint64_t>();
    const auto count = reader.read_le<std::uint16_t>();
    if (count > kRingMembersMax) {
        return tl::unexpected(DecodeError::kBadLength);
    }
    probe.heard = read_members(reader, count);
    if (const auto error = check_end(reader)) {
        return tl::unexpected(*error);
    }
    return probe;
}

Slice encode_probe(const Probe& probe, const PacketHeader& header, BufferPool& pool) {
    return encode(header, kRingHeaderBytes + 18 + 4 * probe.heard.size(), pool,
                  [&](ByteWriter& writer) {
                      writer.write_le(probe.incarnation.value);
                      writer.write_le(probe.highest_counter);
                      writer.write_le(static_cast<std::uint16_t>(probe.heard.size()));
                      write_members(writer, probe.heard);
                  });
}

namespace {

/// Bodies that are one token number.
Decoded<TokenSeq> decode_token_seq(std::span<const std::byte> datagram) {
    ByteReader reader = body_reader(datagram);
    const TokenSeq token_seq{reader.read_le<std::uint64_t>()};
    if (const auto error = check_end(reader)) {
        return tl::unexpected(*error);
    }
    return token_seq;
}

Slice encode_token_seq(TokenSeq token_seq, const PacketHeader& header, BufferPool& pool) {
    return encode(header, kRingHeaderBytes + 8, pool,
                  [&](ByteWriter& writer) { writer.write_le(token_seq.value); });
}

}  // namespace

Decoded<TokenSeq> decode_hold(std::span<const std::byte> datagram) {
    return decode_token_seq(datagram);
}

Slice encode_hold(TokenSeq token_seq, const PacketHeader& header, BufferPool& pool) {
    return encode_token_seq(token_seq, header, pool);
}

Decoded<TokenSeq> decode_wake(std::span<const std::byte> datagram) {
    return decode_token_seq(datagram);
}

Slice encode_wake(TokenSeq token_seq, const PacketHeader& header, BufferPool& pool) {
    return encode_token_seq(token_seq, header, pool);
}

Decoded<std::monostate> decode_empty(std::span<const std::byte> datagram) {
    if (const auto error = check_end(body_reader(datagram))) {
        return tl::unexpected(*error);
    }
    return std::monostate{};
}

Slice encode_empty(const PacketHeader& header, BufferPool& pool) {
    return encode(header, kRingHeaderBytes, pool, [](ByteWriter&) {});
}

}  // namespace spread::protocol
