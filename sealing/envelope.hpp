#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "protocol/ids.hpp"
#include "protocol/result.hpp"
#include "sealing/crypto.hpp"

// clang-format off
/// What stands around a sealed datagram. It knows nothing of what is inside: whole datagrams of any
/// version of the ring wire are sealed. docs/security.md has the reasons.
///
///   offset size field
///   0      2    magic 'S' 'E' (a plain datagram of a ring begins with 'S' 'R')
///   2      1    version, 1
///   3      1    suite: 1 AES-256-GCM, 2 ChaCha20-Poly1305
///   4      4    key id, as it is written: first digits first
///   8      4    sender: the DaemonId of who transmits this copy
///   12     8    stream: random, one for each life of the sender
///   20     8    number: from 1, another one for each datagram of the stream
///   28     4    hedge: random, one for each batch of datagrams
///   32     ..   the encrypted datagram
///   ..     16   tag
///
/// Integers are little-endian. Bytes 0 to 31 are authenticated; bytes 20 to 31 are the nonce. The
/// key is HKDF-SHA256 of the ring key, with the salt "spreadd ring seal 1" and the 21 bytes suite,
/// sender, stream, number >> 24 as info, so that a nonce could repeat under one key only if the
/// number and the hedge of one life did.
// clang-format on
namespace spread::sealing {

inline constexpr std::size_t kEnvelopeBytes = 32;
/// By so much a datagram grows when it is sealed.
inline constexpr std::size_t kSealRoomBytes = kEnvelopeBytes + kTagBytes;
inline constexpr std::uint8_t kEnvelopeVersion = 1;
/// So many numbers of a stream have one key.
inline constexpr unsigned kEpochBits = 24;

/// Names a ring key, and follows from it: two files cannot call two keys by one name.
struct KeyId {
    std::uint32_t value = 0;

    friend constexpr auto operator<=>(const KeyId&, const KeyId&) = default;
};

/// Eight hexadecimal digits.
[[nodiscard]] std::string to_string(KeyId id);

/// Random, and never stored: another one for each life of a daemon.
using StreamId = protocol::StrongId<struct StreamIdTag, std::uint64_t>;

struct Envelope {
    Suite suite = Suite::kAes256Gcm;
    KeyId key;
    protocol::DaemonId sender;
    StreamId stream;
    std::uint64_t number = 0;
    std::uint32_t hedge = 0;

    [[nodiscard]] std::uint64_t epoch() const { return number >> kEpochBits; }

    friend bool operator==(const Envelope&, const Envelope&) = default;
};

/// Whether it claims to be one. Not whether it is.
[[nodiscard]] bool is_sealed(std::span<const std::byte> datagram);

void write_envelope(const Envelope& envelope, std::span<std::byte, kEnvelopeBytes> out);
/// Of a whole datagram, which holds a byte of text at least.
[[nodiscard]] protocol::Decoded<Envelope> read_envelope(std::span<const std::byte> datagram);

/// The part of an envelope that is the nonce.
[[nodiscard]] Nonce nonce_of(std::span<const std::byte, kEnvelopeBytes> envelope);

/// The key of one sender, stream and epoch.
[[nodiscard]] Secret datagram_key(const Secret& ring_key, Suite suite, protocol::DaemonId sender,
                                  StreamId stream, std::uint64_t epoch);

/// The name of a ring key: the first bytes of HKDF-SHA256 of it, with the info
/// "spreadd ring key id".
[[nodiscard]] KeyId key_id(const Secret& ring_key);

}  // namespace spread::sealing
