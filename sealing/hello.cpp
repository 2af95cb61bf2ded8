#include "sealing/hello.hpp"

#include <algorithm>

#include "protocol/byte_reader.hpp"
#include "protocol/byte_writer.hpp"

namespace spread::sealing {
namespace {

using protocol::ByteReader;
using protocol::ByteWriter;
using protocol::DecodeError;

constexpr std::array kHelloMagic{std::byte{'S'}, std::byte{'H'}};
constexpr std::uint8_t kHelloVersion = 1;
constexpr std::uint8_t kLacksKey = 1;
constexpr std::string_view kWrapInfo = "spreadd ring key wrap 1";

}  // namespace

bool is_hello(std::span<const std::byte> text) {
    return text.size() >= kHelloMagic.size() && text[0] == kHelloMagic[0] &&
           text[1] == kHelloMagic[1];
}

void write_hello(const Hello& hello, std::span<std::byte, kHelloBytes> out) {
    ByteWriter writer(out);
    writer.write_bytes(kHelloMagic);
    writer.write_le(kHelloVersion);
    writer.write_zeros(1);
    writer.write_le(hello.ask);
    writer.write_le(hello.answer);
    writer.write_le(hello.about.value);
    writer.write_le(hello.high);
    writer.write_le(hello.offered.value);
    writer.write_bytes(hello.wrapped);
    writer.write_le(hello.lacks_key ? kLacksKey : std::uint8_t{0});
    writer.write_zeros(writer.remaining());
}

protocol::Decoded<Hello> read_hello(std::span<const std::byte> text) {
    if (!is_hello(text)) {
        return tl::unexpected(DecodeError::kBadMagic);
    }
    ByteReader reader(text.subspan(kHelloMagic.size()));
    if (reader.read_le<std::uint8_t>() != kHelloVersion) {
        return tl::unexpected(DecodeError::kBadVersion);
    }
    reader.skip(1);
    Hello hello;
    hello.ask = reader.read_le<std::uint64_t>();
    hello.answer = reader.read_le<std::uint64_t>();
    hello.about = StreamId{reader.read_le<std::uint64_t>()};
    hello.high = reader.read_le<std::uint64_t>();
    hello.offered = KeyId{reader.read_le<std::uint32_t>()};
    const auto wrapped = reader.read_bytes(kWrappedBytes);
    hello.lacks_key = (reader.read_le<std::uint8_t>() & kLacksKey) != 0;
    if (!reader.ok()) {
        return tl::unexpected(DecodeError::kTruncated);
    }
    std::copy(wrapped.begin(), wrapped.end(), hello.wrapped.begin());
    return hello;
}

Secret wrapping_key(const Secret& ring_key) {
    Secret key;
    derive(ring_key.bytes(), {}, std::as_bytes(std::span(kWrapInfo)), key.bytes());
    return key;
}

}  // namespace spread::sealing
