#include "protocol/ring_codec.hpp"
#include "protocol/ring_wire.hpp"

namespace spread::protocol {

namespace {

constexpr std::uint16_t kTokenMayRest = 0x0001;
constexpr std::uint16_t kTokenOutOfTurn = 0x0002;
constexpr std::uint16_t kTokenLease = 0x0004;

constexpr std::uint8_t kVersionWithLinks = 7;

}  // namespace

std::optional<DecodeError> decode_token(const PacketHeader& header,
                                        std::span<const std::byte> datagram, Token& token) {
    ByteReader reader = ring_codec::body_reader(datagram);
    token.ring_id = header.ring_id;
    token.sender = header.sender;
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
    token.loss_wanted = reader.read_le<std::uint32_t>();
    token.loss_timeout = reader.read_le<std::uint32_t>();
    const auto flags = reader.read_le<std::uint16_t>();
    const auto rtr_count = reader.read_le<std::uint16_t>();
    if (!reader.ok()) {
        return DecodeError::kTruncated;
    }
    if (rtr_count > kRtrRangesMax) {
        return DecodeError::kBadLength;
    }
    if (token.aru > token.seq || flags > (kTokenMayRest | kTokenOutOfTurn | kTokenLease)) {
        return DecodeError::kBadValue;
    }
    token.may_rest = (flags & kTokenMayRest) != 0;
    token.out_of_turn = (flags & kTokenOutOfTurn) != 0;
    token.lease = (flags & kTokenLease) != 0;
    token.rtr.clear();
    token.rtr.reserve(rtr_count);
    for (std::uint16_t i = 0; i < rtr_count; ++i) {
        const Seq first{reader.read_le<std::uint64_t>()};
        const auto count = reader.read_le<std::uint32_t>();
        if (!reader.ok()) {
            return DecodeError::kTruncated;
        }
        if (first.value == 0 || count == 0 || first > token.seq || count > token.seq - first + 1) {
            return DecodeError::kBadValue;
        }
        token.rtr.push_back(SeqRange{first, count});
    }
    const auto complete = ring_codec::read_set(reader);
    if (!complete) {
        return complete.error();
    }
    token.complete = *complete;
    const bool has_links = header.version >= kVersionWithLinks;
    token.links = has_links ? reader.read_le<std::uint8_t>() : std::uint8_t{1};
    token.links_heard = has_links ? reader.read_le<std::uint8_t>() : std::uint8_t{1};
    return ring_codec::check_end(reader);
}

Decoded<Token> decode_token(std::span<const std::byte> datagram) {
    const auto header = decode_header(datagram);
    if (!header) {
        return tl::unexpected(header.error());
    }
    Token token;
    if (const auto error = decode_token(*header, datagram, token)) {
        return tl::unexpected(*error);
    }
    return token;
}

Slice encode_token(const Token& token, std::uint32_t config_hash, BufferPool& pool,
                   std::uint8_t version) {
    const bool has_links = version >= kVersionWithLinks;
    const std::size_t bytes = kRingHeaderBytes + 64 + 12 * token.rtr.size() +
                              ring_codec::set_bytes(token.complete) + (has_links ? 2 : 0);
    const PacketHeader header{PacketKind::kToken, config_hash, token.sender, token.ring_id,
                              version};
    return ring_codec::encode(header, bytes, pool, [&](ByteWriter& writer) {
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
        writer.write_le(token.loss_wanted);
        writer.write_le(token.loss_timeout);
        writer.write_le(static_cast<std::uint16_t>((token.may_rest ? kTokenMayRest : 0) |
                                                   (token.out_of_turn ? kTokenOutOfTurn : 0) |
                                                   (token.lease ? kTokenLease : 0)));
        writer.write_le(static_cast<std::uint16_t>(token.rtr.size()));
        for (const SeqRange& range : token.rtr) {
            writer.write_le(range.first.value);
            writer.write_le(range.count);
        }
        ring_codec::write_set(writer, token.complete);
        if (has_links) {
            writer.write_le(token.links);
            writer.write_le(token.links_heard);
        }
    });
}

}  // namespace spread::protocol
