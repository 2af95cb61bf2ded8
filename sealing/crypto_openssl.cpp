#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <string>

#include "protocol/assert.hpp"
#include "sealing/crypto.hpp"
#include "sealing/crypto_backends.hpp"

namespace spread::sealing {
namespace {

struct FreeCipher {
    void operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }
};
struct FreeContext {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
struct FreeKdf {
    void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
};
struct FreeKdfContext {
    void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};
using CipherRef = std::unique_ptr<EVP_CIPHER, FreeCipher>;
using ContextRef = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;
using KdfRef = std::unique_ptr<EVP_KDF, FreeKdf>;
using KdfContextRef = std::unique_ptr<EVP_KDF_CTX, FreeKdfContext>;

unsigned char* raw(std::byte* bytes) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what OpenSSL calls a byte
    return reinterpret_cast<unsigned char*>(bytes);
}

const unsigned char* raw(const std::byte* bytes) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what OpenSSL calls a byte
    return reinterpret_cast<const unsigned char*>(bytes);
}

/// Looked up once, which takes a microsecond and locks.
const EVP_CIPHER* cipher_of(Suite suite) {
    // A configuration file of the host's OpenSSL must not decide how the ring is sealed.
    static const bool initialised = OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) == 1;
    SPREAD_ASSERT(initialised);
    static const CipherRef aes(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr));
    static const CipherRef chacha(EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr));
    const EVP_CIPHER* cipher = (suite == Suite::kAes256Gcm ? aes : chacha).get();
    SPREAD_ASSERT(cipher != nullptr);
    return cipher;
}

/// A call fails only when OpenSSL has no memory, or by a mistake of ours.
class OpenSslAead final : public Aead {
  public:
    OpenSslAead(Suite suite, Use use) : encrypts_(use == Use::kSeal ? 1 : 0) {
        SPREAD_ASSERT(context_ != nullptr);
        SPREAD_ASSERT(EVP_CipherInit_ex2(context_.get(), cipher_of(suite), nullptr, nullptr,
                                         encrypts_, nullptr) == 1);
    }

    void set_key(std::span<const std::byte, kKeyBytes> key) override {
        SPREAD_ASSERT(EVP_CipherInit_ex2(context_.get(), nullptr, raw(key.data()), nullptr,
                                         encrypts_, nullptr) == 1);
    }

    void seal(Nonce nonce, std::span<const std::byte> aad, std::span<const std::byte> text,
              std::byte* out, std::span<std::byte, kTagBytes> tag) override {
        begin(nonce, aad);
        SPREAD_ASSERT(run(text, out));
        int rest = 0;
        SPREAD_ASSERT(EVP_CipherFinal_ex(context_.get(), raw(out), &rest) == 1);
        SPREAD_ASSERT(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, int{kTagBytes},
                                          tag.data()) == 1);
    }

    bool open(Nonce nonce, std::span<const std::byte> aad, std::span<const std::byte> text,
              std::byte* out, std::span<const std::byte, kTagBytes> tag) override {
        begin(nonce, aad);
        std::array<std::byte, kTagBytes> copy{};
        std::copy(tag.begin(), tag.end(), copy.begin());
        SPREAD_ASSERT(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG, int{kTagBytes},
                                          copy.data()) == 1);
        int rest = 0;
        return run(text, out) && EVP_CipherFinal_ex(context_.get(), raw(out), &rest) == 1;
    }

  private:
    void begin(Nonce nonce, std::span<const std::byte> aad) {
        SPREAD_ASSERT(EVP_CipherInit_ex2(context_.get(), nullptr, nullptr, raw(nonce.data()),
                                         encrypts_, nullptr) == 1);
        int count = 0;
        SPREAD_ASSERT(EVP_CipherUpdate(context_.get(), nullptr, &count, raw(aad.data()),
                                       static_cast<int>(aad.size())) == 1);
    }

    bool run(std::span<const std::byte> text, std::byte* out) {
        int count = 0;
        return EVP_CipherUpdate(context_.get(), raw(out), &count, raw(text.data()),
                                static_cast<int>(text.size())) == 1;
    }

    int encrypts_;
    ContextRef context_{EVP_CIPHER_CTX_new()};
};

OSSL_PARAM octets(const char* name, std::span<const std::byte> bytes) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): the library only reads it
    return OSSL_PARAM_construct_octet_string(name, const_cast<std::byte*>(bytes.data()),
                                             bytes.size());
}

bool run_kdf(const char* name, std::span<const OSSL_PARAM> parameters, std::span<std::byte> out) {
    const KdfRef kdf(EVP_KDF_fetch(nullptr, name, nullptr));
    SPREAD_ASSERT(kdf != nullptr);
    const KdfContextRef context(EVP_KDF_CTX_new(kdf.get()));
    SPREAD_ASSERT(context != nullptr);
    return EVP_KDF_derive(context.get(), raw(out.data()), out.size(), parameters.data()) == 1;
}

const EVP_CIPHER* key_wrap_cipher() {
    static const CipherRef cipher(EVP_CIPHER_fetch(nullptr, "AES-256-WRAP", nullptr));
    SPREAD_ASSERT(cipher != nullptr);
    return cipher.get();
}

/// One call of AES-256 key wrap, either way.
bool run_wrap(int encrypts, const Secret& by, std::span<const std::byte> from,
              std::span<std::byte> to) {
    const ContextRef context(EVP_CIPHER_CTX_new());
    SPREAD_ASSERT(context != nullptr);
    EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    int count = 0;
    return EVP_CipherInit_ex2(context.get(), key_wrap_cipher(), raw(by.bytes().data()), nullptr,
                              encrypts, nullptr) == 1 &&
           EVP_CipherUpdate(context.get(), raw(to.data()), &count, raw(from.data()),
                            static_cast<int>(from.size())) == 1 &&
           count == static_cast<int>(to.size());
}

}  // namespace

std::unique_ptr<Aead> make_openssl_aead(Suite suite, Use use) {
    return std::make_unique<OpenSslAead>(suite, use);
}

bool same_bytes(std::span<const std::byte> a, std::span<const std::byte> b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void wipe(std::span<std::byte> bytes) {
    OPENSSL_cleanse(bytes.data(), bytes.size());
}

bool operator==(const Secret& a, const Secret& b) {
    return same_bytes(a.bytes_, b.bytes_);
}

void derive(std::span<const std::byte> secret, std::span<const std::byte> salt,
            std::span<const std::byte> info, std::span<std::byte> out) {
    std::string digest = "SHA256";
    // What the standard takes for no salt; OpenSSL 3.0 fails without any.
    constexpr std::array<std::byte, 32> kNoSalt{};
    salt = salt.empty() ? std::span<const std::byte>(kNoSalt) : salt;
    const std::array parameters{
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
        octets(OSSL_KDF_PARAM_KEY, secret), octets(OSSL_KDF_PARAM_SALT, salt),
        octets(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
    SPREAD_ASSERT(run_kdf("HKDF", parameters, out));
}

bool stretch(std::string_view passphrase, std::span<const std::byte> salt, std::uint64_t cost,
             std::span<std::byte> out) {
    std::uint32_t block = 8;
    std::uint32_t parallel = 1;
    std::uint64_t memory = (cost + 64) * 1024 + (1U << 20U);
    const std::array parameters{
        octets(OSSL_KDF_PARAM_PASSWORD, std::as_bytes(std::span(passphrase))),
        octets(OSSL_KDF_PARAM_SALT, salt),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &cost),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &block),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &parallel),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory),
        OSSL_PARAM_construct_end()};
    return run_kdf("SCRYPT", parameters, out);
}

std::array<std::byte, kWrappedBytes> wrap(const Secret& key, const Secret& by) {
    std::array<std::byte, kWrappedBytes> wrapped{};
    SPREAD_ASSERT(run_wrap(1, by, key.bytes(), wrapped));
    return wrapped;
}

std::optional<Secret> unwrap(std::span<const std::byte, kWrappedBytes> wrapped, const Secret& by) {
    std::optional<Secret> key(std::in_place);
    if (!run_wrap(0, by, wrapped, key->bytes())) {
        key.reset();
    }
    return key;
}

}  // namespace spread::sealing
