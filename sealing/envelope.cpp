#include "sealing/envelope.hpp"

#include "protocol/byte_reader.hpp"
#include "protocol/byte_writer.hpp"

namespace spread::sealing {
namespace {

using protocol::ByteReader;
using protocol::ByteWriter;
using protocol::DecodeError;

constexpr std::array kSealMagic{std::byte{'S'}, std::byte{'E'}};
constexpr std::size_t kNonceOffset = 20;
constexpr std::string_view kSealSalt = "spreadd ring seal 1";
constexpr std::string_view kKeyIdInfo = "spreadd ring key id";
constexpr std::size_t kInfoBytes = 1 + 4 + 8 + 8;

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

}  // namespace

std::string to_string(KeyId id) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (int shift = 28; shift >= 0; shift -= 4) {
        text += kDigits[(id.value >> static_cast<unsigned>(shift)) & 15U];
    }
    return text;
}

bool is_sealed(std::span<const std::byte> datagram) {
    return datagram.size() >= kSealMagic.size() && datagram[0] == kSealMagic[0] &&
           datagram[1] == kSealMagic[1];
}

void write_envelope(const Envelope& envelope, std::span<std::byte, kEnvelopeBytes> out) {
    ByteWriter writer(out);
    writer.write_bytes(kSealMagic);
    writer.write_le(kEnvelopeVersion);
    writer.write_le(static_cast<std::uint8_t>(envelope.suite));
    for (int shift = 24; shift >= 0; shift -= 8) {
        writer.write_le(
            static_cast<std::uint8_t>(envelope.key.value >> static_cast<unsigned>(shift)));
    }
    writer.write_le(envelope.sender.value);
    writer.write_le(envelope.stream.value);
    writer.write_le(envelope.number);
    writer.write_le(envelope.hedge);
}

protocol::Decoded<Envelope> read_envelope(std::span<const std::byte> datagram) {
    if (datagram.size() <= kSealRoomBytes) {
        return tl::unexpected(DecodeError::kTruncated);
    }
    if (!is_sealed(datagram)) {
        return tl::unexpected(DecodeError::kBadMagic);
    }
    ByteReader reader(datagram.subspan(kSealMagic.size()));
    if (reader.read_le<std::uint8_t>() != kEnvelopeVersion) {
        return tl::unexpected(DecodeError::kBadVersion);
    }
    const auto suite = reader.read_le<std::uint8_t>();
    if (suite != static_cast<std::uint8_t>(Suite::kAes256Gcm) &&
        suite != static_cast<std::uint8_t>(Suite::kChaCha20Poly1305)) {
        return tl::unexpected(DecodeError::kBadKind);
    }
    Envelope envelope;
    envelope.suite = static_cast<Suite>(suite);
    envelope.key = KeyId{reader.read_be<std::uint32_t>()};
    envelope.sender = protocol::DaemonId{reader.read_le<std::uint32_t>()};
    envelope.stream = StreamId{reader.read_le<std::uint64_t>()};
    envelope.number = reader.read_le<std::uint64_t>();
    envelope.hedge = reader.read_le<std::uint32_t>();
    if (envelope.number == 0) {
        return tl::unexpected(DecodeError::kBadValue);
    }
    return envelope;
}

Nonce nonce_of(std::span<const std::byte, kEnvelopeBytes> envelope) {
    return envelope.subspan<kNonceOffset, kNonceBytes>();
}

Secret datagram_key(const Secret& ring_key, Suite suite, protocol::DaemonId sender, StreamId stream,
                    std::uint64_t epoch) {
    std::array<std::byte, kInfoBytes> info{};
    ByteWriter writer(info);
    writer.write_le(static_cast<std::uint8_t>(suite));
    writer.write_le(sender.value);
    writer.write_le(stream.value);
    writer.write_le(epoch);
    Secret key;
    derive(ring_key.bytes(), bytes_of(kSealSalt), info, key.bytes());
    return key;
}

KeyId key_id(const Secret& ring_key) {
    std::array<std::byte, 4> bytes{};
    derive(ring_key.bytes(), {}, bytes_of(kKeyIdInfo), bytes);
    return KeyId{ByteReader(bytes).read_be<std::uint32_t>()};
}

}  // namespace spread::sealing
