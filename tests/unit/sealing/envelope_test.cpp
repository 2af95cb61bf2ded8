#include "sealing/envelope.hpp"

#include <gtest/gtest.h>

#include "sealing/hello.hpp"
#include "tests/unit/sealing/bytes.hpp"

// Recorded with another implementation of the standards, so that the wire cannot drift.

namespace spread::sealing {
namespace {

using protocol::DaemonId;
using protocol::DecodeError;
using test::Bytes;
using test::hex;
using test::to_hex;

const DaemonId kSender{0x01020304};
const StreamId kStream{0x1112131415161718};
constexpr const char* kText = "A datagram of the ring, as it is.";

constexpr const char* kSealedByAes =
    "53450101f841a6b10403020118171615141312110500000000000000a4a3a2a18e4e2cd22468da942f021ea466157a"
    "d9"
    "180a37556e7f15456aea5532a0c083e59126d6221c8add049b86677f36cb9f4389";
constexpr const char* kSealedByChaCha =
    "53450102f841a6b10403020118171615141312110500000300000000a4a3a2a107cfb4d3edda6a995749df78c19247"
    "e9"
    "82c3a9f4a03c26f8e458f02a1e242d97751993e93c4547ce4a5844d44ea5a66ae2";

Envelope recorded(Suite suite) {
    const std::uint64_t number = suite == Suite::kAes256Gcm ? 5 : (3U << kEpochBits) + 5;
    return {suite, KeyId{0xf841a6b1}, kSender, kStream, number, 0xa1a2a3a4};
}

TEST(Envelope, KeyIdFollowsFromTheKey) {
    EXPECT_EQ(to_string(key_id(test::key_from(0))), "f841a6b1");
    EXPECT_EQ(to_string(key_id(test::key_from(100))), "8d31ab2b");
    EXPECT_EQ(to_string(KeyId{0x0000000a}), "0000000a");
}

TEST(Envelope, DerivesTheRecordedKeys) {
    const Secret key = test::key_from(0);
    EXPECT_EQ(to_hex(datagram_key(key, Suite::kAes256Gcm, kSender, kStream, 0).bytes()),
              "024c016c65ddcfbf5b9635dbbde8fe159aeafef8457e9ca5753f513b7f049e6d");
    EXPECT_EQ(to_hex(datagram_key(key, Suite::kChaCha20Poly1305, kSender, kStream, 3).bytes()),
              "308dbe29321a70ed2225014a6593cb155bd807a5e8163919b9eeb5ef8b5f4586");
    EXPECT_EQ(to_hex(wrapping_key(key).bytes()),
              "41ca2e1654bb23b0970a9d75cba00fc029c216d4dacb2aa6bbd1c9aedff46828");
    EXPECT_EQ(to_hex(wrap(test::key_from(100), wrapping_key(key))),
              "8705c34418e7171328a5015ccc0f5d304e7b91b845ef0cd98db15ffbe2ed810662ce3e06c0c25bd2");
}

TEST(Envelope, ReadsAndWritesTheRecordedDatagrams) {
    for (const Suite suite : {Suite::kAes256Gcm, Suite::kChaCha20Poly1305}) {
        const Bytes datagram = hex(suite == Suite::kAes256Gcm ? kSealedByAes : kSealedByChaCha);
        ASSERT_EQ(read_envelope(datagram), recorded(suite));
        Bytes written(kEnvelopeBytes);
        write_envelope(recorded(suite), std::span(written).first<kEnvelopeBytes>());
        EXPECT_EQ(to_hex(written), to_hex(std::span(datagram).first(kEnvelopeBytes)));

        const Secret key =
            datagram_key(test::key_from(0), suite, kSender, kStream, recorded(suite).epoch());
        const auto aead = make_aead(best_backend(), suite, Use::kOpen);
        aead->set_key(key.bytes());
        Bytes text(datagram.size() - kSealRoomBytes);
        const auto head = std::span(datagram).first<kEnvelopeBytes>();
        ASSERT_TRUE(aead->open(nonce_of(head), head,
                               std::span(datagram).subspan(kEnvelopeBytes, text.size()),
                               text.data(), std::span(datagram).last<kTagBytes>()));
        EXPECT_EQ(text, test::text(kText));
    }
}

TEST(Envelope, RefusesWhatIsNone) {
    const Bytes good = hex(kSealedByAes);
    const auto error_after = [&](std::size_t at, std::byte value) {
        Bytes bad = good;
        bad[at] = value;
        const auto envelope = read_envelope(bad);
        return envelope ? std::nullopt : std::optional(envelope.error());
    };
    EXPECT_EQ(error_after(0, std::byte{'T'}), DecodeError::kBadMagic);
    EXPECT_EQ(error_after(1, std::byte{'R'}), DecodeError::kBadMagic);
    EXPECT_EQ(error_after(2, std::byte{2}), DecodeError::kBadVersion);
    EXPECT_EQ(error_after(3, std::byte{0}), DecodeError::kBadKind);
    EXPECT_EQ(error_after(3, std::byte{3}), DecodeError::kBadKind);
    EXPECT_EQ(error_after(20, std::byte{0}), DecodeError::kBadValue) << "number 0";
    for (std::size_t size = 0; size <= kSealRoomBytes; ++size) {
        EXPECT_FALSE(read_envelope(std::span(good).first(size))) << size;
    }
    EXPECT_TRUE(read_envelope(std::span(good).first(kSealRoomBytes + 1)));
    EXPECT_FALSE(is_sealed({}));
    EXPECT_TRUE(is_sealed(good));
}

Hello sample_hello() {
    Hello hello;
    hello.ask = 0x0102030405060708;
    hello.answer = 0x1112131415161718;
    hello.about = StreamId{0x2122232425262728};
    hello.high = 77;
    hello.offered = KeyId{0x31323334};
    hello.wrapped.fill(std::byte{0x41});
    return hello;
}

TEST(Hello, ComesBackAsItWas) {
    std::array<std::byte, kHelloBytes> bytes{};
    write_hello(sample_hello(), bytes);
    EXPECT_EQ(read_hello(bytes), sample_hello());
    EXPECT_EQ(to_hex(std::span(bytes).first(44)),
              "53480100080706050403020118171615141312112827262524232221"
              "4d0000000000000034333231"
              "41414141");
}

TEST(Hello, RefusesWhatIsNone) {
    std::array<std::byte, kHelloBytes> bytes{};
    write_hello(sample_hello(), bytes);
    for (std::size_t size = 0; size < 81; ++size) {
        EXPECT_FALSE(read_hello(std::span(bytes).first(size))) << size;
    }
    EXPECT_TRUE(read_hello(std::span(bytes).first(81))) << "what follows is for later versions";
    bytes[2] = std::byte{2};
    EXPECT_EQ(read_hello(bytes).error(), DecodeError::kBadVersion);
    bytes[1] = std::byte{'R'};
    EXPECT_FALSE(is_hello(bytes));
    EXPECT_EQ(read_hello(bytes).error(), DecodeError::kBadMagic);
}

}  // namespace
}  // namespace spread::sealing
