#include "sealing/ring_seal.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/rng.hpp"
#include "tests/unit/sealing/bytes.hpp"

namespace spread::sealing {
namespace {

using protocol::DaemonId;
using protocol::Instant;
using protocol::Slice;
using test::Bytes;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr DaemonId kD1{1};
constexpr DaemonId kD2{2};
constexpr std::chrono::milliseconds kMs{1};

class SeededEntropy final : public Entropy {
  public:
    explicit SeededEntropy(std::uint64_t seed) : rng_(seed) {}
    void fill(std::span<std::byte> out) override {
        for (std::byte& byte : out) {
            byte = static_cast<std::byte>(rng_.next());
        }
    }

  private:
    protocol::Rng rng_;
};

Slice slice_of(const Bytes& bytes) {
    Slice slice{protocol::BufferRef::allocate(std::max<std::size_t>(bytes.size(), 1)), 0,
                static_cast<std::uint32_t>(bytes.size())};
    std::copy(bytes.begin(), bytes.end(), slice.buffer->data());
    return slice;
}

std::string string_of(const Slice& slice) {
    std::string out;
    for (const std::byte byte : slice.bytes()) {
        out += static_cast<char>(byte);
    }
    return out;
}

KeyRing keys_with(std::uint8_t in_use, std::vector<std::pair<std::uint8_t, KeyRole>> others = {}) {
    std::vector<RingKey> keys{RingKey::of(test::key_from(in_use), KeyRole::kUse)};
    for (const auto& [first, role] : others) {
        keys.push_back(RingKey::of(test::key_from(first), role));
    }
    return KeyRing(std::move(keys));
}

/// Two daemons, d1 and d2, and a network that loses nothing unless it is told to.
class RingSealTest : public testing::Test {
  protected:
    RingSealTest() {
        start(kD1, keys_with(0));
        start(kD2, keys_with(0));
    }

    /// A new life.
    void start(DaemonId daemon, KeyRing keys, Mode mode = Mode::kRequire,
               Suite suite = Suite::kAes256Gcm) {
        entropies_.push_back(std::make_unique<SeededEntropy>(++seed_));
        seals_[daemon] = std::make_unique<RingSeal>(
            RingSeal::Setup{
                {kD1, kD2, DaemonId{3}}, daemon, std::move(keys), mode, suite, best_backend()},
            *entropies_.back());
    }

    RingSeal& d1() { return *seals_[kD1]; }
    RingSeal& d2() { return *seals_[kD2]; }

    Bytes sealed(RingSeal& by, std::string_view text) {
        Bytes out(text.size() + kSealRoomBytes);
        by.begin_batch(now_);
        by.seal(test::text(text), out);
        return out;
    }

    Refusal deliver(RingSeal& to, const Bytes& datagram) {
        auto opened = to.open(now_, slice_of(datagram), 7);
        if (opened.datagram) {
            EXPECT_EQ(opened.datagram->way, 7);
            last_was_newest_ = opened.datagram->is_newest;
            taken_.push_back(string_of(opened.datagram->text));
        }
        return opened.refusal;
    }

    /// Hellos of both, until they have nothing more to say.
    void settle() {
        for (bool more = true; more;) {
            more = false;
            for (const auto& [id, seal] : seals_) {
                auto hellos = seal->hellos();
                seal->clear_hellos();
                for (const auto& hello : hellos) {
                    more = true;
                    static_cast<void>(
                        deliver(*seals_[hello.to], {hello.bytes.begin(), hello.bytes.end()}));
                }
            }
        }
    }

    /// Each has proven itself to the other.
    void introduce() {
        static_cast<void>(deliver(d2(), sealed(d1(), "hello")));
        settle();
        static_cast<void>(deliver(d1(), sealed(d2(), "hello")));
        settle();
        taken_.clear();
    }

    std::map<DaemonId, std::unique_ptr<RingSeal>> seals_;
    std::vector<std::unique_ptr<SeededEntropy>> entropies_;
    std::vector<std::string> taken_;
    bool last_was_newest_ = false;
    std::uint64_t seed_ = 0;
    Instant now_{std::chrono::hours(1)};
};

TEST_F(RingSealTest, AStreamCountsAfterItHasAnsweredAChallenge) {
    EXPECT_EQ(deliver(d2(), sealed(d1(), "first")), Refusal::kUnproven);
    EXPECT_THAT(taken_, IsEmpty());
    settle();
    EXPECT_THAT(taken_, ElementsAre("first")) << "kept until then";
    EXPECT_EQ(deliver(d2(), sealed(d1(), "second")), Refusal::kNone);
    EXPECT_THAT(taken_, ElementsAre("first", "second"));
    EXPECT_EQ(d2().counters().streams_proven, 1U);
}

TEST_F(RingSealTest, TakesADatagramOnce) {
    introduce();
    const Bytes one = sealed(d1(), "one");
    const Bytes two = sealed(d1(), "two");
    EXPECT_EQ(deliver(d2(), two), Refusal::kNone);
    EXPECT_EQ(deliver(d2(), one), Refusal::kNone) << "late, but within the window";
    EXPECT_EQ(deliver(d2(), one), Refusal::kReplayed);
    EXPECT_EQ(deliver(d2(), two), Refusal::kReplayed);
    EXPECT_THAT(taken_, ElementsAre("two", "one"));
    EXPECT_EQ(d2().counters().rejected_replayed, 2U);
}

TEST_F(RingSealTest, WhatIsLateIsNotTheNewest) {
    EXPECT_EQ(deliver(d2(), sealed(d1(), "first")), Refusal::kUnproven);
    settle();
    EXPECT_TRUE(last_was_newest_) << "with the answer that it was kept for";
    const Bytes one = sealed(d1(), "one");
    EXPECT_EQ(deliver(d2(), sealed(d1(), "two")), Refusal::kNone);
    EXPECT_TRUE(last_was_newest_);
    EXPECT_EQ(deliver(d2(), one), Refusal::kNone);
    EXPECT_FALSE(last_was_newest_);
    EXPECT_EQ(deliver(d2(), sealed(d1(), "three")), Refusal::kNone);
    EXPECT_TRUE(last_was_newest_);
}

TEST_F(RingSealTest, TheKeptDatagramIsTakenOnce) {
    const Bytes first = sealed(d1(), "first");
    static_cast<void>(deliver(d2(), first));
    settle();
    EXPECT_EQ(deliver(d2(), first), Refusal::kReplayed);
    EXPECT_THAT(taken_, ElementsAre("first"));
}

TEST_F(RingSealTest, RefusesWhateverWasChanged) {
    introduce();
    const Bytes good = sealed(d1(), "a token");
    for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
        Bytes bad = good;
        bad[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
        now_ += 10 * kMs;  // so that there are derivations to spare
        EXPECT_NE(deliver(d2(), bad), Refusal::kNone) << bit;
    }
    EXPECT_THAT(taken_, IsEmpty());
    settle();
    EXPECT_EQ(deliver(d2(), good), Refusal::kNone) << "no number was marked";
    EXPECT_THAT(taken_, ElementsAre("a token"));
}

TEST_F(RingSealTest, RefusesWhatWasCutOrLengthened) {
    introduce();
    const Bytes good = sealed(d1(), "a token");
    for (std::size_t size = 0; size < good.size(); ++size) {
        EXPECT_NE(deliver(d2(), {good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)}),
                  Refusal::kNone)
            << size;
    }
    Bytes longer = good;
    longer.push_back(std::byte{0});
    EXPECT_EQ(deliver(d2(), longer), Refusal::kForged);
    EXPECT_THAT(taken_, IsEmpty());
}

TEST_F(RingSealTest, AForgedNumberPushesNothingOut) {
    introduce();
    const Bytes good = sealed(d1(), "a token");
    Bytes far = good;
    far[23] = std::byte{0x10};  // number + 2^28
    EXPECT_EQ(deliver(d2(), far), Refusal::kForged);
    EXPECT_EQ(deliver(d2(), good), Refusal::kNone);
}

TEST_F(RingSealTest, RefusesItsOwnAndStrangersDatagrams) {
    introduce();
    EXPECT_EQ(deliver(d1(), sealed(d1(), "mirror")), Refusal::kSender);
    Bytes nobody = sealed(d1(), "nobody");
    nobody[8] = std::byte{9};
    EXPECT_EQ(deliver(d2(), nobody), Refusal::kSender);
    EXPECT_EQ(deliver(d2(), test::text("SRxxxx")), Refusal::kMalformed);
}

TEST_F(RingSealTest, AnotherKeyIsNamed) {
    start(kD1, keys_with(50));
    EXPECT_EQ(deliver(d2(), sealed(d1(), "x")), Refusal::kKey);
    EXPECT_EQ(d2().last_envelope().key, key_id(test::key_from(50)));
    EXPECT_EQ(d2().last_envelope().sender, kD1);
    EXPECT_THAT(d2().hellos(), testing::SizeIs(2)) << "it is told so, by both ports";
}

TEST_F(RingSealTest, ARecordingOfAFormerLifeIsNothing) {
    introduce();
    const Bytes old = sealed(d1(), "said by the former life");
    start(kD1, keys_with(0));
    introduce();
    for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(deliver(d2(), old), Refusal::kUnproven);
        settle();
        now_ += 100 * kMs;
    }
    EXPECT_THAT(taken_, IsEmpty());
    EXPECT_EQ(deliver(d2(), sealed(d1(), "now")), Refusal::kNone);
}

TEST_F(RingSealTest, ARecordingIsNothingForANewLifeOfTheReceiver) {
    introduce();
    const Bytes old = sealed(d1(), "for the former life");
    ASSERT_EQ(deliver(d2(), old), Refusal::kNone);
    taken_.clear();
    start(kD1, keys_with(0));  // and the sender has gone, too
    start(kD2, keys_with(0));
    EXPECT_EQ(deliver(d2(), old), Refusal::kUnproven);
    settle();
    EXPECT_THAT(taken_, IsEmpty());
}

TEST_F(RingSealTest, AnOldAnswerProvesNothing) {
    static_cast<void>(deliver(d2(), sealed(d1(), "first")));
    auto asks = d2().hellos();
    ASSERT_FALSE(asks.empty());
    static_cast<void>(deliver(d1(), {asks[0].bytes.begin(), asks[0].bytes.end()}));
    auto answers = d1().hellos();
    d1().clear_hellos();
    d2().clear_hellos();
    ASSERT_FALSE(answers.empty());
    const Bytes answer(answers[0].bytes.begin(), answers[0].bytes.end());
    now_ += std::chrono::seconds(5);
    EXPECT_EQ(deliver(d2(), answer), Refusal::kUnproven) << "the challenge is too old";
    EXPECT_EQ(d2().counters().streams_proven, 0U);
}

TEST_F(RingSealTest, BothPortsAreAskedAndOneAnswerIsEnough) {
    static_cast<void>(deliver(d2(), sealed(d1(), "first")));
    ASSERT_EQ(d2().hellos().size(), 2U);
    EXPECT_FALSE(d2().hellos()[0].by_token_port);
    EXPECT_TRUE(d2().hellos()[1].by_token_port);
    settle();
    EXPECT_EQ(d2().counters().streams_proven, 1U);
}

TEST_F(RingSealTest, AsksAreFew) {
    for (int i = 0; i < 1000; ++i) {
        static_cast<void>(deliver(d2(), sealed(d1(), "again")));
        now_ += kMs;
    }
    EXPECT_LE(d2().hellos().size(), 2U * 14U) << "ten a second, and three at once";
    EXPECT_GE(d2().hellos().size(), 2U * 9U);
}

TEST_F(RingSealTest, KeysAreDerivedForFewUnknownStreams) {
    introduce();
    Bytes forged = sealed(d1(), "forged");
    int busy = 0;
    for (int i = 0; i < 1000; ++i) {
        forged[12] = static_cast<std::byte>(i);
        forged[13] = static_cast<std::byte>(i >> 8);
        busy += deliver(d2(), forged) == Refusal::kBusy ? 1 : 0;
    }
    EXPECT_GE(busy, 750);
    EXPECT_EQ(deliver(d2(), sealed(d1(), "a token")), Refusal::kNone) << "who is known is not hurt";
}

TEST_F(RingSealTest, KeysChangeWithoutALostDatagram) {
    introduce();
    const Bytes before = sealed(d1(), "before");
    d1().change(Mode::kRequire, keys_with(0, {{1, KeyRole::kKeep}}));
    d2().change(Mode::kRequire, keys_with(0, {{1, KeyRole::kKeep}}));
    const Bytes between = sealed(d1(), "between");
    d1().change(Mode::kRequire, keys_with(1, {{0, KeyRole::kKeep}}));
    const Bytes after = sealed(d1(), "after");
    EXPECT_EQ(deliver(d2(), after), Refusal::kNone);
    EXPECT_EQ(deliver(d2(), before), Refusal::kNone);
    EXPECT_EQ(deliver(d2(), between), Refusal::kNone);
    EXPECT_EQ(d2().last_envelope().key, key_id(test::key_from(0)));
    d2().change(Mode::kRequire, keys_with(1));
    EXPECT_EQ(deliver(d2(), before), Refusal::kKey) << "removed";
    EXPECT_EQ(deliver(d2(), sealed(d1(), "on")), Refusal::kNone);
    EXPECT_EQ(d2().counters().streams_proven, 1U) << "a stream outlives its key";
}

TEST_F(RingSealTest, ANumberIsNewOnlyOnceWhateverTheKey) {
    introduce();
    const Bytes under_old = sealed(d1(), "under the old key");
    d1().change(Mode::kRequire, keys_with(1, {{0, KeyRole::kKeep}}));
    d2().change(Mode::kRequire, keys_with(1, {{0, KeyRole::kKeep}}));
    const Bytes under_new = sealed(d1(), "under the new key");
    EXPECT_NE(read_envelope(under_old)->number, read_envelope(under_new)->number);
    EXPECT_EQ(deliver(d2(), under_old), Refusal::kNone);
    EXPECT_EQ(deliver(d2(), under_old), Refusal::kReplayed);
}

TEST_F(RingSealTest, WhoWasAwayIsGivenTheKeyInUse) {
    start(kD2, keys_with(1, {{0, KeyRole::kOffer}}));
    EXPECT_EQ(deliver(d2(), sealed(d1(), "back again")), Refusal::kUnproven);
    settle();
    static_cast<void>(deliver(d2(), sealed(d1(), "proven")));
    settle();
    static_cast<void>(deliver(d1(), sealed(d2(), "under a key that d1 does not have")));
    now_ += std::chrono::seconds(2);
    static_cast<void>(deliver(d2(), sealed(d1(), "on")));
    settle();
    EXPECT_EQ(d1().keys().in_use().id, key_id(test::key_from(1)));
    EXPECT_EQ(d1().counters().keys_taken_over, 1U);
    const auto events = d1().take_events();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].kind, SealEvent::Kind::kKeyTaken);
    EXPECT_EQ(events[0].peer, kD2);
    EXPECT_EQ(events[0].key, key_id(test::key_from(1)));
    taken_.clear();
    static_cast<void>(deliver(d1(), sealed(d2(), "heard")));
    settle();
    static_cast<void>(deliver(d1(), sealed(d2(), "again")));
    EXPECT_EQ(taken_.back(), "again");
}

TEST_F(RingSealTest, SidesThatHaveBothChangedKeysComeToUnderstandEachOther) {
    start(kD1, keys_with(1, {{0, KeyRole::kOffer}}));
    start(kD2, keys_with(2, {{0, KeyRole::kOffer}}));
    for (int i = 0; i < 10; ++i) {
        static_cast<void>(deliver(d1(), sealed(d2(), "of d2")));
        static_cast<void>(deliver(d2(), sealed(d1(), "of d1")));
        settle();
        now_ += std::chrono::milliseconds(100);
    }
    EXPECT_EQ(deliver(d1(), sealed(d2(), "on")), Refusal::kNone);
    EXPECT_EQ(deliver(d2(), sealed(d1(), "on")), Refusal::kNone);
    EXPECT_EQ(d1().keys().in_use().id, key_id(test::key_from(1)));
    EXPECT_EQ(d1().keys().find(key_id(test::key_from(2)))->role, KeyRole::kKeep);
    const auto events = d2().take_events();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].kind, SealEvent::Kind::kKeyKept);
    const std::uint64_t hellos = d1().counters().hellos_sent + d2().counters().hellos_sent;
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(deliver(d1(), sealed(d2(), "on")), Refusal::kNone);
        EXPECT_EQ(deliver(d2(), sealed(d1(), "on")), Refusal::kNone);
        settle();
        now_ += std::chrono::milliseconds(100);
    }
    EXPECT_EQ(d1().counters().hellos_sent + d2().counters().hellos_sent, hellos) << "no end";
}

/// What they say to each other at first is lost, and they go on sending as daemons under load do.
TEST_F(RingSealTest, SidesThatSendAllTheTimeComeToUnderstandEachOtherToo) {
    start(kD1, keys_with(1, {{0, KeyRole::kOffer}}));
    start(kD2, keys_with(2, {{0, KeyRole::kOffer}}));
    Refusal refusal = Refusal::kKey;
    for (int i = 0; i < 500; ++i) {
        static_cast<void>(deliver(d1(), sealed(d2(), "of d2")));
        refusal = deliver(d2(), sealed(d1(), "of d1"));
        if (i < 200) {
            d1().clear_hellos();
            d2().clear_hellos();
        }
        settle();
        now_ += std::chrono::milliseconds(5);
    }
    EXPECT_EQ(refusal, Refusal::kNone);
    EXPECT_EQ(deliver(d1(), sealed(d2(), "on")), Refusal::kNone);
}

TEST_F(RingSealTest, AKeyThatIsKeptCarriesNoOther) {
    start(kD2, keys_with(1, {{0, KeyRole::kKeep}}));
    for (int i = 0; i < 5; ++i) {
        static_cast<void>(deliver(d2(), sealed(d1(), "under the old key")));
        settle();
        now_ += std::chrono::seconds(2);
    }
    EXPECT_EQ(d1().keys().in_use().id, key_id(test::key_from(0)));
    EXPECT_EQ(d1().keys().keys().size(), 1U);
}

TEST_F(RingSealTest, SuitesMeet) {
    start(kD1, keys_with(0), Mode::kRequire, Suite::kChaCha20Poly1305);
    introduce();
    EXPECT_EQ(deliver(d2(), sealed(d1(), "by ChaCha")), Refusal::kNone);
    EXPECT_EQ(deliver(d1(), sealed(d2(), "by AES")), Refusal::kNone);
    EXPECT_THAT(taken_, ElementsAre("by ChaCha", "by AES"));
}

TEST_F(RingSealTest, PlainIsTakenUntilItIsNot) {
    start(kD1, keys_with(0), Mode::kAccept);
    EXPECT_FALSE(d1().seals());
    EXPECT_TRUE(d1().takes_plain());
    d1().change(Mode::kSend, keys_with(0));
    EXPECT_TRUE(d1().seals());
    EXPECT_TRUE(d1().takes_plain());
    d1().change(Mode::kRequire, keys_with(0));
    EXPECT_TRUE(d1().seals());
    EXPECT_FALSE(d1().takes_plain());
    EXPECT_EQ(d1().counters().plain_taken, 2U);
    EXPECT_EQ(d1().counters().rejected_plain, 1U);
}

TEST_F(RingSealTest, NoTwoBatchesHaveOneHedge) {
    const Bytes one = sealed(d1(), "x");
    const Bytes two = sealed(d1(), "x");
    EXPECT_NE(read_envelope(one)->hedge, read_envelope(two)->hedge);
    EXPECT_NE(read_envelope(one)->number, read_envelope(two)->number);
}

TEST_F(RingSealTest, AnEpochHasAKeyOfItsOwnAndNobodyWaitsForIt) {
    // Numbers of the second epoch, which takes no 16 million datagrams to get to here.
    introduce();
    const std::uint64_t number = (std::uint64_t{1} << kEpochBits) + 9;
    const Envelope envelope{
        Suite::kAes256Gcm, key_id(test::key_from(0)), kD1, d1().stream(), number, 5};
    const std::string text = "of the second epoch";
    Bytes datagram(text.size() + kSealRoomBytes);
    const auto head = std::span(datagram).first<kEnvelopeBytes>();
    write_envelope(envelope, head);
    const auto aead = make_aead(best_backend(), Suite::kAes256Gcm, Use::kSeal);
    aead->set_key(
        datagram_key(test::key_from(0), Suite::kAes256Gcm, kD1, d1().stream(), 1).bytes());
    aead->seal(nonce_of(head), head, test::text(text), datagram.data() + kEnvelopeBytes,
               std::span(datagram).last<kTagBytes>());
    EXPECT_EQ(deliver(d2(), datagram), Refusal::kNone);
    EXPECT_THAT(taken_, ElementsAre(text));
}

/// The same process twice: put back to an earlier state, it repeats its numbers.
TEST_F(RingSealTest, WhoWasPutBackIsTold) {
    introduce();
    const std::uint64_t seed = 4711;
    const auto live = [&](SeededEntropy& entropy) {
        return std::make_unique<RingSeal>(
            RingSeal::Setup{
                {kD1, kD2}, kD1, keys_with(0), Mode::kRequire, Suite::kAes256Gcm, best_backend()},
            entropy);
    };
    SeededEntropy first(seed);
    SeededEntropy second(seed);
    auto copy = live(second);  // of the moment when the process began
    seals_[kD1] = live(first);
    introduce();
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(deliver(d2(), sealed(d1(), "before")), Refusal::kNone);
    }
    seals_[kD1] = std::move(copy);
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(deliver(d2(), sealed(d1(), "after")), Refusal::kReplayed);
        settle();
        now_ += 10 * kMs;
    }
    const auto events = d1().take_events();
    ASSERT_FALSE(events.empty());
    EXPECT_EQ(events[0].kind, SealEvent::Kind::kPutBack);
    EXPECT_THAT(d2().take_events(), IsEmpty());
}

TEST_F(RingSealTest, TwoDaemonsUnderOneNameAreNoticed) {
    introduce();
    auto other_entropy = std::make_unique<SeededEntropy>(99);
    auto other = std::make_unique<RingSeal>(
        RingSeal::Setup{
            {kD1, kD2}, kD1, keys_with(0), Mode::kRequire, Suite::kAes256Gcm, best_backend()},
        *other_entropy);
    bool noticed = false;
    for (int i = 0; i < 12; ++i) {
        std::swap(seals_[kD1], other);
        now_ += 200 * kMs;
        static_cast<void>(deliver(d2(), sealed(d1(), "me")));
        settle();
        for (const SealEvent& event : d2().take_events()) {
            noticed = noticed || event.kind == SealEvent::Kind::kTwoLives;
        }
    }
    EXPECT_TRUE(noticed);
}

}  // namespace
}  // namespace spread::sealing
