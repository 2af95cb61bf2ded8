#include "sealing/crypto.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include <gtest/gtest.h>

#include "tests/unit/sealing/bytes.hpp"

namespace spread::sealing {
namespace {

using test::Bytes;
using test::hex;
using test::to_hex;

std::vector<Backend> backends() {
    std::vector<Backend> found{Backend::kOpenSsl};
    if (is_available(Backend::kIpsecMb)) {
        found.push_back(Backend::kIpsecMb);
    }
    return found;
}

std::span<const std::byte, kKeyBytes> key_of(const Bytes& bytes) {
    return std::span(bytes).first<kKeyBytes>();
}

Nonce nonce(const Bytes& bytes) {
    return std::span(bytes).first<kNonceBytes>();
}

/// Cipher text and tag.
Bytes sealed(Aead& aead, const Bytes& iv, const Bytes& aad, const Bytes& plain) {
    Bytes out(plain.size() + kTagBytes);
    aead.seal(nonce(iv), aad, plain, out.data(), std::span(out).last<kTagBytes>());
    return out;
}

/// The text, or nothing.
std::optional<Bytes> opened(Aead& aead, const Bytes& iv, const Bytes& aad, const Bytes& in) {
    Bytes out(in.size() - kTagBytes);
    const bool good = aead.open(nonce(iv), aad, std::span(in).first(out.size()), out.data(),
                                std::span(in).last<kTagBytes>());
    return good ? std::optional(out) : std::nullopt;
}

struct Vector {
    Suite suite;
    const char* key;
    const char* nonce;
    const char* aad;
    const char* text;
    const char* sealed;
};

// Test cases 13 to 16 of the GCM specification, and RFC 8439, 2.8.2.
constexpr Vector kVectors[] = {
    {Suite::kAes256Gcm, "0000000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "", "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {Suite::kAes256Gcm, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "cafebabefacedbaddecaf888", "",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6"
     "b525b16aedf5aa0de657ba637b391aafd255",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828"
     "838c5f61e6393ba7a0abcc9f662898015adb094dac5d93471bdec1a502270e3cc6c"},
    {Suite::kAes256Gcm, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6"
     "b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828"
     "838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"},
    {Suite::kChaCha20Poly1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
     "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
     "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a20496620492"
     "0"
     "636f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c20737"
     "5"
     "6e73637265656e20776f756c642062652069742e",
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da927"
     "2"
     "8b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b483"
     "1"
     "d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691"}};

TEST(Crypto, GivesWhatTheStandardsSay) {
    for (const Backend backend : backends()) {
        for (const Vector& vector : kVectors) {
            const auto sealing = make_aead(backend, vector.suite, Use::kSeal);
            sealing->set_key(key_of(hex(vector.key)));
            const Bytes out =
                sealed(*sealing, hex(vector.nonce), hex(vector.aad), hex(vector.text));
            EXPECT_EQ(to_hex(out), vector.sealed) << to_string(backend);
            const auto opening = make_aead(backend, vector.suite, Use::kOpen);
            opening->set_key(key_of(hex(vector.key)));
            EXPECT_EQ(opened(*opening, hex(vector.nonce), hex(vector.aad), out), hex(vector.text));
        }
    }
}

TEST(Crypto, TestsItself) {
    EXPECT_TRUE(self_test(Backend::kOpenSsl));
    EXPECT_EQ(self_test(Backend::kIpsecMb), is_available(Backend::kIpsecMb));
    EXPECT_TRUE(self_test(best_backend()));
}

TEST(Crypto, BackEndsAgreeOnEverySize) {
    if (!is_available(Backend::kIpsecMb)) {
        GTEST_SKIP() << "built without intel-ipsec-mb, or not for this processor";
    }
    const auto fast = make_aead(Backend::kIpsecMb, Suite::kAes256Gcm, Use::kSeal);
    const auto opening = make_aead(Backend::kIpsecMb, Suite::kAes256Gcm, Use::kOpen);
    const auto slow = make_aead(Backend::kOpenSsl, Suite::kAes256Gcm, Use::kSeal);
    for (std::size_t size = 1; size < 9000; size += size < 300 ? 1 : 211) {
        Bytes key(kKeyBytes, static_cast<std::byte>(size));
        for (Aead* aead : {fast.get(), opening.get(), slow.get()}) {
            aead->set_key(key_of(key));
        }
        const Bytes iv(kNonceBytes, static_cast<std::byte>(size >> 3U));
        const Bytes aad(32, std::byte{7});
        const Bytes plain(size, std::byte{0x5a});
        const Bytes out = sealed(*slow, iv, aad, plain);
        ASSERT_EQ(sealed(*fast, iv, aad, plain), out) << size;
        ASSERT_EQ(opened(*opening, iv, aad, out), plain) << size;
    }
}

TEST(Crypto, RefusesWhateverWasChanged) {
    for (const Backend backend : backends()) {
        for (const Suite suite : {Suite::kAes256Gcm, Suite::kChaCha20Poly1305}) {
            const auto sealing = make_aead(backend, suite, Use::kSeal);
            const auto opening = make_aead(backend, suite, Use::kOpen);
            const Secret key = test::key_from(1);
            sealing->set_key(key.bytes());
            opening->set_key(key.bytes());
            const Bytes iv(kNonceBytes, std::byte{3});
            const Bytes aad(32, std::byte{4});
            const Bytes plain = test::text("whatever");
            const Bytes good = sealed(*sealing, iv, aad, plain);
            for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
                Bytes bad = good;
                bad[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
                EXPECT_FALSE(opened(*opening, iv, aad, bad)) << bit;
            }
            for (std::size_t bit = 0; bit < 8 * aad.size(); ++bit) {
                Bytes bad = aad;
                bad[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
                EXPECT_FALSE(opened(*opening, iv, bad, good)) << bit;
            }
            EXPECT_EQ(opened(*opening, iv, aad, good), plain) << "after failures, as before";
        }
    }
}

// RFC 5869, test cases 1 and 3.
TEST(Crypto, DerivesAsRfc5869) {
    Bytes out(42);
    derive(Bytes(22, std::byte{0x0b}), hex("000102030405060708090a0b0c"),
           hex("f0f1f2f3f4f5f6f7f8f9"), out);
    EXPECT_EQ(
        to_hex(out),
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    derive(Bytes(22, std::byte{0x0b}), {}, {}, out);
    EXPECT_EQ(
        to_hex(out),
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

// RFC 7914, section 12, the third vector.
TEST(Crypto, StretchesAsRfc7914) {
    Bytes out(64);
    ASSERT_TRUE(stretch("pleaseletmein", test::text("SodiumChloride"), 16384, out));
    EXPECT_EQ(
        to_hex(out),
        "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705"
        "242a9af9e61e85dc0d651e40dfcf017b45575887");
}

// RFC 3394, 4.6.
TEST(Crypto, WrapsAsRfc3394) {
    const Secret by(
        key_of(hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")));
    const Secret key(
        key_of(hex("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f")));
    auto wrapped = wrap(key, by);
    EXPECT_EQ(to_hex(wrapped),
              "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21");
    EXPECT_EQ(unwrap(wrapped, by), key);
    EXPECT_EQ(unwrap(wrapped, test::key_from(9)), std::nullopt);
    wrapped[7] ^= std::byte{1};
    EXPECT_EQ(unwrap(wrapped, by), std::nullopt);
}

TEST(Crypto, SecretsAreWiped) {
    alignas(Secret) std::array<std::byte, sizeof(Secret)> memory{};
    auto* secret = new (memory.data()) Secret(test::key_from(1));
    secret->~Secret();
    EXPECT_TRUE(std::all_of(memory.begin(), memory.end(),
                            [](std::byte byte) { return byte == std::byte{0}; }));
}

}  // namespace
}  // namespace spread::sealing
