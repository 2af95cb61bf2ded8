#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "sealing/secret.hpp"

// The only door to the libraries that encrypt. What is behind it can be exchanged without a change
// of the wire.

namespace spread::sealing {

inline constexpr std::size_t kNonceBytes = 12;
inline constexpr std::size_t kTagBytes = 16;

using Nonce = std::span<const std::byte, kNonceBytes>;

/// How a datagram is encrypted; the values are on the wire.
enum class Suite : std::uint8_t { kAes256Gcm = 1, kChaCha20Poly1305 = 2 };

/// For which of the two a context is used.
enum class Use : std::uint8_t { kSeal, kOpen };

/// Which library encrypts with AES.
enum class Backend : std::uint8_t { kOpenSsl, kIpsecMb };

[[nodiscard]] std::string_view to_string(Suite suite);
[[nodiscard]] std::string_view to_string(Backend backend);

/// Authenticated encryption under one key, which may be set again. Made once and kept: no function
/// but make_aead() allocates.
class Aead {
  public:
    Aead() = default;
    Aead(const Aead&) = delete;
    Aead& operator=(const Aead&) = delete;
    virtual ~Aead() = default;

    virtual void set_key(std::span<const std::byte, kKeyBytes> key) = 0;
    /// `out` has room for `text` and may be the same place. Of Use::kSeal.
    virtual void seal(Nonce nonce, std::span<const std::byte> aad, std::span<const std::byte> text,
                      std::byte* out, std::span<std::byte, kTagBytes> tag) = 0;
    /// False: text, tag, nonce or `aad` are not what was sealed, and `out` is of no use.
    /// Of Use::kOpen.
    [[nodiscard]] virtual bool open(Nonce nonce, std::span<const std::byte> aad,
                                    std::span<const std::byte> text, std::byte* out,
                                    std::span<const std::byte, kTagBytes> tag) = 0;
};

/// Whether this build and this processor have it; kOpenSsl always.
[[nodiscard]] bool is_available(Backend backend);
/// The fastest one that is available.
[[nodiscard]] Backend best_backend();
/// What a sender here uses: AES where the processor has instructions for it.
[[nodiscard]] Suite best_suite();

/// A back end without `suite` leaves it to OpenSSL.
[[nodiscard]] std::unique_ptr<Aead> make_aead(Backend backend, Suite suite, Use use);

/// HKDF-SHA256 (RFC 5869) of `secret` into `out`, which has at most 255 * 32 bytes.
void derive(std::span<const std::byte> secret, std::span<const std::byte> salt,
            std::span<const std::byte> info, std::span<std::byte> out);

/// scrypt (RFC 7914) with N = `cost`, a power of two, r = 8, p = 1. It takes 1 KiB of memory per
/// unit of `cost`; false when there is not so much.
[[nodiscard]] bool stretch(std::string_view passphrase, std::span<const std::byte> salt,
                           std::uint64_t cost, std::span<std::byte> out);

inline constexpr std::size_t kWrappedBytes = kKeyBytes + 8;
/// AES-256 key wrap (RFC 3394) of `key` under `by`.
[[nodiscard]] std::array<std::byte, kWrappedBytes> wrap(const Secret& key, const Secret& by);
/// nullopt: not wrapped under `by`, or damaged.
[[nodiscard]] std::optional<Secret> unwrap(std::span<const std::byte, kWrappedBytes> wrapped,
                                           const Secret& by);

/// Whether both suites give, by `backend`, what their standards say. To be asked once at the start:
/// a library that does not is not to be trusted with a key.
[[nodiscard]] bool self_test(Backend backend);

}  // namespace spread::sealing
