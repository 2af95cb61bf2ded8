#include <algorithm>

#include "protocol/ring_codec.hpp"
#include "protocol/ring_wire.hpp"

namespace spread::protocol {

namespace {

constexpr std::size_t kCommitMemberFixedBytes = 5;
constexpr std::size_t kCommitMemberFilledBytes = 8 + 16 + 8 + 8 + 2;

/// Size of the bitmap of held packets.
std::size_t held_bytes(const CommitMember& member) {
    if (member.held.empty()) {
        return 0;
    }
    const SeqRange& last = member.held.back();
    return (last.first - member.aru + last.count - 1 + 7) / 8;
}

void write_held(ByteWriter& writer, const CommitMember& member) {
    std::vector<std::uint8_t> bitmap(held_bytes(member));
    for (const SeqRange& range : member.held) {
        const std::uint64_t first = range.first - member.aru - 1;
        for (std::uint64_t bit = first; bit < first + range.count; ++bit) {
            bitmap[bit / 8] |= static_cast<std::uint8_t>(1U << (bit % 8));
        }
    }
    writer.write_le(static_cast<std::uint16_t>(bitmap.size()));
    for (const std::uint8_t byte : bitmap) {
        writer.write_le(byte);
    }
}

std::vector<SeqRange> held_ranges(Seq aru, std::span<const std::byte> bitmap) {
    std::vector<SeqRange> ranges;
    for (std::size_t bit = 0; bit < 8 * bitmap.size(); ++bit) {
        if ((std::to_integer<unsigned>(bitmap[bit / 8]) >> (bit % 8) & 1U) == 0) {
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
    return kCommitMemberFixedBytes + (member.filled
                                          ? kCommitMemberFilledBytes + held_bytes(member) +
                                                ring_codec::set_bytes(member.obligation)
                                          : 0);
}

/// One member's part of a commit token.
std::optional<DecodeError> read_commit_member(ByteReader& reader, std::uint8_t pass,
                                              std::size_t member_count, CommitMember& member) {
    member.id = DaemonId{reader.read_le<std::uint32_t>()};
    const auto filled = reader.read_le<std::uint8_t>();
    if (filled > 1 || (pass == 2 && reader.ok() && filled == 0)) {
        return DecodeError::kBadValue;
    }
    member.filled = filled == 1;
    if (!member.filled) {
        return std::nullopt;
    }
    member.incarnation = Incarnation{reader.read_le<std::uint64_t>()};
    member.old_ring = ring_codec::read_ring_id(reader);
    member.aru = Seq{reader.read_le<std::uint64_t>()};
    member.safe_up_to = Seq{reader.read_le<std::uint64_t>()};
    const auto held_size = reader.read_le<std::uint16_t>();
    if (8 * std::size_t{held_size} > held_span_max(member_count)) {
        return DecodeError::kBadLength;
    }
    const auto held = reader.read_bytes(held_size);
    if (reader.ok() && held_size > 0 &&
        ((held.front() & std::byte{1}) != std::byte{0} || held.back() == std::byte{0})) {
        return DecodeError::kBadValue;
    }
    if (reader.ok()) {
        member.held = held_ranges(member.aru, held);
    }
    const auto obligation = ring_codec::read_set(reader);
    if (!obligation) {
        return obligation.error();
    }
    member.obligation = *obligation;
    const Seq end = member.aru + 1 + 8 * std::uint64_t{held_size};
    if (reader.ok() && (member.safe_up_to > member.aru || end < member.aru)) {
        return DecodeError::kBadValue;
    }
    return std::nullopt;
}

constexpr std::uint8_t kFullSizedFlag = 0x01;
constexpr std::uint8_t kAsksFlag = 0x02;
constexpr std::size_t kReportEndBytes = 8;

std::size_t report_bytes(const Report& report) {
    const std::size_t daemons = report.heard.size();
    return 2 + (daemons + 1) / 2 + ring_codec::set_bytes(report.ring) +
           ring_codec::set_bytes(report.left_out) + kReportEndBytes;
}

/// Bytes of a packet that ends with `report`, of which `bytes` come before it.
std::size_t bytes_with_report(std::size_t bytes, const Report& report, std::size_t full_bytes) {
    const std::size_t needed = bytes + report_bytes(report);
    return report.full_sized ? std::max(needed, full_bytes) : needed;
}

/// To the end of the datagram.
void write_report(ByteWriter& writer, const Report& report) {
    const std::size_t daemons = report.heard.size();
    writer.write_le(static_cast<std::uint8_t>((report.full_sized ? kFullSizedFlag : 0) |
                                              (report.asks ? kAsksFlag : 0)));
    writer.write_le(static_cast<std::uint8_t>(daemons));
    for (std::size_t i = 0; i < daemons; i += 2) {
        const unsigned high = i + 1 < daemons ? report.heard[i + 1] : 0U;
        writer.write_le(static_cast<std::uint8_t>((high << 4U) | report.heard[i]));
    }
    ring_codec::write_set(writer, report.ring);
    ring_codec::write_set(writer, report.left_out);
    writer.write_le(report.full_bytes);
    writer.write_le(report.settings);
    writer.write_le(report.wire_least);
    writer.write_le(report.wire_greatest);
    writer.write_zeros(writer.remaining());
}

std::optional<DecodeError> read_report(ByteReader& reader, Report& report) {
    const auto flags = reader.read_le<std::uint8_t>();
    report.full_sized = (flags & kFullSizedFlag) != 0;
    report.asks = (flags & kAsksFlag) != 0;
    const std::size_t daemons = reader.read_le<std::uint8_t>();
    if (daemons > kDaemonsMax) {
        return DecodeError::kBadLength;
    }
    report.heard.resize(daemons);
    for (std::size_t i = 0; i < daemons; i += 2) {
        const auto pair = reader.read_le<std::uint8_t>();
        report.heard[i] = pair & 0x0fU;
        if (i + 1 < daemons) {
            report.heard[i + 1] = static_cast<std::uint8_t>(pair >> 4U);
        }
    }
    for (DaemonSet* set : {&report.ring, &report.left_out}) {
        const auto read = ring_codec::read_set(reader);
        if (!read) {
            return read.error();
        }
        *set = *read;
    }
    report.full_bytes = reader.read_le<std::uint16_t>();
    report.settings = reader.read_le<std::uint32_t>();
    if (!reader.ok()) {
        return DecodeError::kTruncated;
    }
    const auto least = reader.remaining() > 0 ? reader.read_le<std::uint8_t>() : std::uint8_t{0};
    if (least == 0) {
        return std::nullopt;  // of a release that speaks one version only
    }
    report.wire_least = least;
    report.wire_greatest = reader.read_le<std::uint8_t>();
    if (!reader.ok()) {
        return DecodeError::kTruncated;
    }
    return least <= report.wire_greatest ? std::nullopt : std::optional(DecodeError::kBadValue);
}

}  // namespace

Decoded<Join> decode_join(std::span<const std::byte> datagram) {
    ByteReader reader = ring_codec::body_reader(datagram);
    Join join;
    join.incarnation = Incarnation{reader.read_le<std::uint64_t>()};
    join.highest_counter = reader.read_le<std::uint64_t>();
    join.join_seq = reader.read_le<std::uint64_t>();
    const auto proc_count = reader.read_le<std::uint16_t>();
    const auto fail_count = reader.read_le<std::uint16_t>();
    if (reader.ok() && (proc_count > kRingMembersMax || fail_count > kRingMembersMax)) {
        return tl::unexpected(DecodeError::kBadLength);
    }
    join.proc_set = ring_codec::read_members(reader, proc_count);
    join.fail_set = ring_codec::read_members(reader, fail_count);
    if (const auto error = read_report(reader, join.report)) {
        return tl::unexpected(*error);
    }
    return join;
}

Slice encode_join(const Join& join, const PacketHeader& header, BufferPool& pool,
                  std::size_t full_bytes) {
    const std::size_t bytes =
        bytes_with_report(kRingHeaderBytes + 28 + 4 * (join.proc_set.size() + join.fail_set.size()),
                          join.report, full_bytes);
    return ring_codec::encode(header, bytes, pool, [&](ByteWriter& writer) {
        writer.write_le(join.incarnation.value);
        writer.write_le(join.highest_counter);
        writer.write_le(join.join_seq);
        writer.write_le(static_cast<std::uint16_t>(join.proc_set.size()));
        writer.write_le(static_cast<std::uint16_t>(join.fail_set.size()));
        ring_codec::write_members(writer, join.proc_set);
        ring_codec::write_members(writer, join.fail_set);
        write_report(writer, join.report);
    });
}

Decoded<CommitToken> decode_commit(const PacketHeader& header,
                                   std::span<const std::byte> datagram) {
    ByteReader reader = ring_codec::body_reader(datagram);
    CommitToken token;
    token.ring_id = header.ring_id;
    token.sender = header.sender;
    token.version = header.version;
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
        if (const auto error = read_commit_member(reader, token.pass, member_count, member)) {
            return tl::unexpected(*error);
        }
        token.members.push_back(std::move(member));
    }
    if (const auto error = ring_codec::check_end(reader)) {
        return tl::unexpected(*error);
    }
    return token;
}

Decoded<CommitToken> decode_commit(std::span<const std::byte> datagram) {
    const auto header = decode_header(datagram);
    return header ? decode_commit(*header, datagram) : tl::unexpected(header.error());
}

Slice encode_commit(const CommitToken& token, std::uint32_t config_hash, BufferPool& pool) {
    std::size_t bytes = kRingHeaderBytes + 12;
    for (const CommitMember& member : token.members) {
        bytes += commit_member_bytes(member);
    }
    const PacketHeader header{PacketKind::kCommit, config_hash, token.sender, token.ring_id,
                              token.version};
    return ring_codec::encode(header, bytes, pool, [&](ByteWriter& writer) {
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
            ring_codec::write_ring_id(writer, member.old_ring);
            writer.write_le(member.aru.value);
            writer.write_le(member.safe_up_to.value);
            write_held(writer, member);
            ring_codec::write_set(writer, member.obligation);
        }
    });
}

Decoded<Probe> decode_probe(std::span<const std::byte> datagram) {
    ByteReader reader = ring_codec::body_reader(datagram);
    Probe probe;
    probe.incarnation = Incarnation{reader.read_le<std::uint64_t>()};
    probe.highest_counter = reader.read_le<std::uint64_t>();
    probe.join_seq = reader.read_le<std::uint64_t>();
    if (const auto error = read_report(reader, probe.report)) {
        return tl::unexpected(*error);
    }
    return probe;
}

Slice encode_probe(const Probe& probe, const PacketHeader& header, BufferPool& pool,
                   std::size_t full_bytes) {
    const std::size_t bytes = bytes_with_report(kRingHeaderBytes + 24, probe.report, full_bytes);
    return ring_codec::encode(header, bytes, pool, [&](ByteWriter& writer) {
        writer.write_le(probe.incarnation.value);
        writer.write_le(probe.highest_counter);
        writer.write_le(probe.join_seq);
        write_report(writer, probe.report);
    });
}

namespace {

/// Bodies that are one token number.
Decoded<TokenSeq> decode_token_seq(std::span<const std::byte> datagram) {
    ByteReader reader = ring_codec::body_reader(datagram);
    const TokenSeq token_seq{reader.read_le<std::uint64_t>()};
    if (const auto error = ring_codec::check_end(reader)) {
        return tl::unexpected(*error);
    }
    return token_seq;
}

Slice encode_token_seq(TokenSeq token_seq, const PacketHeader& header, BufferPool& pool) {
    return ring_codec::encode(header, kRingHeaderBytes + 8, pool,
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

Decoded<std::string> decode_settings(std::span<const std::byte> datagram) {
    ByteReader reader = ring_codec::body_reader(datagram);
    const auto text = reader.read_bytes(reader.remaining());
    std::string out(text.size(), '\0');
    std::ranges::transform(text, out.begin(),
                           [](std::byte byte) { return std::to_integer<char>(byte); });
    return out;
}

Slice encode_settings(std::string_view text, const PacketHeader& header, BufferPool& pool) {
    const std::string_view fits = text.substr(0, kRingDatagramBytesMax - kRingHeaderBytes);
    return ring_codec::encode(
        header, kRingHeaderBytes + fits.size(), pool,
        [&](ByteWriter& writer) { writer.write_bytes(std::as_bytes(std::span(fits))); });
}

Decoded<std::monostate> decode_empty(std::span<const std::byte> datagram) {
    if (const auto error = ring_codec::check_end(ring_codec::body_reader(datagram))) {
        return tl::unexpected(*error);
    }
    return std::monostate{};
}

Slice encode_empty(const PacketHeader& header, BufferPool& pool) {
    return ring_codec::encode(header, kRingHeaderBytes, pool, [](ByteWriter&) {});
}

}  // namespace spread::protocol
