#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "protocol/result.hpp"
#include "sealing/envelope.hpp"

// clang-format off
/// What the sealing layers of two daemons say to each other, always sealed.
///
///   offset size field
///   0      2    magic 'S' 'H'
///   2      1    version, 1
///   3      1    zero
///   4      8    ask: a challenge, to be answered; 0 none
///   12     8    answer to a challenge; 0 none
///   20     8    about: the stream of the receiver that made the sender ask
///   28     8    high: highest number of that stream that the sender has seen, if it has been put
///               back; else 0
///   36     4    key id of an offered key; 0 none
///   40     40   the offered key, wrapped (RFC 3394) under HKDF-SHA256 of the key this hello is
///               sealed with, with the info "spreadd ring key wrap 1"
///   80     1    flags: 1 the sender does not have the key that the receiver seals with
///   81     15   zeros; for later versions, and skipped
// clang-format on
namespace spread::sealing {

inline constexpr std::size_t kHelloBytes = 96;
inline constexpr std::size_t kSealedHelloBytes = kHelloBytes + kSealRoomBytes;

struct Hello {
    std::uint64_t ask = 0;
    std::uint64_t answer = 0;
    StreamId about;
    std::uint64_t high = 0;
    KeyId offered;
    std::array<std::byte, kWrappedBytes> wrapped{};
    bool lacks_key = false;

    friend bool operator==(const Hello&, const Hello&) = default;
};

[[nodiscard]] bool is_hello(std::span<const std::byte> text);
void write_hello(const Hello& hello, std::span<std::byte, kHelloBytes> out);
[[nodiscard]] protocol::Decoded<Hello> read_hello(std::span<const std::byte> text);

/// Under which keys that a ring key protects are wrapped.
[[nodiscard]] Secret wrapping_key(const Secret& ring_key);

}  // namespace spread::sealing
