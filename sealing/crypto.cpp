#include "sealing/crypto.hpp"

#include <algorithm>

#include "sealing/crypto_backends.hpp"

namespace spread::sealing {
namespace {

constexpr std::byte operator""_b(unsigned long long value) {
    return static_cast<std::byte>(value);
}

/// Both directions, with a key, a nonce and a text of zeros: what comes out is `tag` and the
/// beginning of the key stream.
bool gives(Backend backend, Suite suite, std::span<const std::byte> cipher,
           std::span<const std::byte, kTagBytes> right) {
    const std::array<std::byte, kKeyBytes> key{};
    const std::array<std::byte, kNonceBytes> nonce{};
    std::array<std::byte, 16> text{};
    std::array<std::byte, kTagBytes> tag{};
    const auto sealing = make_aead(backend, suite, Use::kSeal);
    sealing->set_key(key);
    sealing->seal(nonce, {}, text, text.data(), tag);
    if (!std::equal(text.begin(), text.end(), cipher.begin(), cipher.end()) ||
        !std::equal(tag.begin(), tag.end(), right.begin())) {
        return false;
    }
    const auto opening = make_aead(backend, suite, Use::kOpen);
    opening->set_key(key);
    const auto sealed = text;
    const bool opens = opening->open(nonce, {}, sealed, text.data(), tag);
    const bool is_zero =
        std::all_of(text.begin(), text.end(), [](std::byte byte) { return byte == 0_b; });
    tag.back() ^= 1_b;
    return opens && is_zero && !opening->open(nonce, {}, sealed, text.data(), tag);
}

}  // namespace

std::string_view to_string(Suite suite) {
    return suite == Suite::kAes256Gcm ? "AES-256-GCM" : "ChaCha20-Poly1305";
}

std::string_view to_string(Backend backend) {
    return backend == Backend::kOpenSsl ? "OpenSSL" : "intel-ipsec-mb";
}

bool is_available(Backend backend) {
    return backend == Backend::kOpenSsl || has_ipsec_mb();
}

Backend best_backend() {
    return has_ipsec_mb() ? Backend::kIpsecMb : Backend::kOpenSsl;
}

Suite best_suite() {
#if defined(__x86_64__) || defined(__i386__)
    const bool has_instructions =
        __builtin_cpu_supports("aes") != 0 && __builtin_cpu_supports("pclmul") != 0;
#elif defined(__aarch64__)
    constexpr bool has_instructions = true;  // but for the smallest boards, which are only slower
#else
    constexpr bool has_instructions = false;
#endif
    return has_instructions ? Suite::kAes256Gcm : Suite::kChaCha20Poly1305;
}

std::unique_ptr<Aead> make_aead(Backend backend, Suite suite, Use use) {
    if (backend == Backend::kIpsecMb && suite == Suite::kAes256Gcm) {
        return make_ipsec_mb_aead();
    }
    return make_openssl_aead(suite, use);
}

bool self_test(Backend backend) {
    // Test case 14 of the GCM specification.
    constexpr std::array kAesText{0xce_b, 0xa7_b, 0x40_b, 0x3d_b, 0x4d_b, 0x60_b, 0x6b_b, 0x6e_b,
                                  0x07_b, 0x4e_b, 0xc5_b, 0xd3_b, 0xba_b, 0xf3_b, 0x9d_b, 0x18_b};
    constexpr std::array kAesTag{0xd0_b, 0xd1_b, 0xc8_b, 0xa7_b, 0x99_b, 0x99_b, 0x6b_b, 0xf0_b,
                                 0x26_b, 0x5b_b, 0x98_b, 0xb5_b, 0xd4_b, 0x8a_b, 0xb9_b, 0x19_b};
    // The key stream is that of RFC 8439, A.1, test vector 2.
    constexpr std::array kChaChaText{0x9f_b, 0x07_b, 0xe7_b, 0xbe_b, 0x55_b, 0x51_b,
                                     0x38_b, 0x7a_b, 0x98_b, 0xba_b, 0x97_b, 0x7c_b,
                                     0x73_b, 0x2d_b, 0x08_b, 0x0d_b};
    constexpr std::array kChaChaTag{0xc3_b, 0x4a_b, 0x88_b, 0x04_b, 0x73_b, 0x20_b, 0xf5_b, 0x2a_b,
                                    0xa2_b, 0xc6_b, 0x68_b, 0x3e_b, 0xf8_b, 0x08_b, 0x4d_b, 0x2f_b};
    return is_available(backend) && gives(backend, Suite::kAes256Gcm, kAesText, kAesTag) &&
           gives(Backend::kOpenSsl, Suite::kChaCha20Poly1305, kChaChaText, kChaChaTag);
}

}  // namespace spread::sealing
