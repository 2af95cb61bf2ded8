#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "protocol/rng.hpp"
#include "sealing/key_file.hpp"
#include "sealing/ring_seal.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/fuzz/script.hpp"

// The input is what an adversary does between two daemons: he lets datagrams pass, repeats, cuts,
// changes and redirects them, and begins lives anew; and he makes some of his own, even sealed ones
// with the ring key, as a broken holder of the key would. Nothing crashes, and nothing is taken
// that was not sealed, or that was taken before.

namespace {

using namespace spread::sealing;
using spread::fuzz::require;
using spread::fuzz::Script;
using spread::protocol::DaemonId;
using spread::protocol::Instant;
using spread::protocol::Rng;
using spread::protocol::Slice;
using Bytes = std::vector<std::byte>;

constexpr std::size_t kRecordedMax = 64;
constexpr std::size_t kStepsMax = 400;

class ScriptedEntropy final : public Entropy {
  public:
    explicit ScriptedEntropy(Rng& rng) : rng_(rng) {}
    void fill(std::span<std::byte> out) override {
        for (std::byte& byte : out) {
            byte = static_cast<std::byte>(rng_.next());
        }
    }

  private:
    Rng& rng_;
};

Secret key_number(std::uint8_t number) {
    Secret key;
    std::fill(key.bytes().begin(), key.bytes().end(), static_cast<std::byte>(number));
    return key;
}

KeyRing keys_of(std::uint8_t choice) {
    const std::uint8_t use = choice % 3;
    std::vector<RingKey> keys;
    for (std::uint8_t i = 0; i < 3; ++i) {
        const bool has = i == use || (choice >> (2U + i) & 1U) != 0;
        if (has) {
            keys.push_back(RingKey::of(key_number(i), i == use        ? KeyRole::kUse
                                                      : choice >= 128 ? KeyRole::kOffer
                                                                      : KeyRole::kKeep));
        }
    }
    return KeyRing(std::move(keys));
}

class Play {
  public:
    explicit Play(std::span<const std::byte> input) : script_(input) {
        begin(0);
        begin(1);
    }

    void run() {
        for (std::size_t i = 0; i < kStepsMax && !script_.done(); ++i) {
            step();
        }
    }

  private:
    struct Side {
        std::unique_ptr<RingSeal> seal;
        std::set<std::string> taken;  ///< in this life
    };

    void begin(std::size_t side) {
        RingSeal::Setup setup;
        setup.daemons = {DaemonId{1}, DaemonId{2}};
        setup.self = setup.daemons[side];
        setup.keys = keys_of(script_.byte());
        setup.suite = rng_.chance(1, 4) ? Suite::kChaCha20Poly1305 : Suite::kAes256Gcm;
        setup.backend = best_backend();
        sides_[side].seal = std::make_unique<RingSeal>(std::move(setup), entropy_);
        sides_[side].taken.clear();
    }

    void step() {
        const std::uint8_t what = script_.byte();
        const std::size_t side = what & 1U;
        now_ += std::chrono::microseconds(script_.byte()) * 100;
        switch (what >> 1U & 7U) {
            case 0: begin(side); break;
            case 1: {
                auto& seal = *sides_[side].seal;
                seal.change(Mode::kRequire, keys_of(script_.byte()));
                break;
            }
            case 2: send(side); break;
            case 3:
            case 4: deliver(side, recorded(script_.byte())); break;
            case 5: deliver(side, changed(recorded(script_.byte()))); break;
            case 6: deliver(side, made()); break;
            default: {
                const std::size_t size = script_.byte();
                const auto some = script_.some(size);
                deliver(side, Bytes(some.begin(), some.end()));
            }
        }
        tell(side);
    }

    void send(std::size_t side) {
        Bytes text(1 + script_.byte());
        entropy_.fill(text);
        Bytes out(text.size() + kSealRoomBytes);
        auto& seal = *sides_[side].seal;
        seal.begin_batch(now_);
        seal.seal(text, out);
        sealed_.insert(as_string(text));
        record(std::move(out));
    }

    /// What the layer itself wants to say is on the wire, too.
    void tell(std::size_t side) {
        auto& seal = *sides_[side].seal;
        for (const auto& hello : seal.hellos()) {
            record({hello.bytes.begin(), hello.bytes.end()});
        }
        seal.clear_hellos();
        static_cast<void>(seal.take_events());
    }

    void record(Bytes datagram) {
        if (recorded_.size() == kRecordedMax) {
            recorded_.erase(recorded_.begin());
        }
        recorded_.push_back(std::move(datagram));
    }

    /// The last ones are the likeliest.
    Bytes recorded(std::uint8_t back) const {
        return recorded_.empty() ? Bytes()
                                 : recorded_[recorded_.size() - 1 - back % recorded_.size()];
    }

    Bytes changed(Bytes bytes) {
        if (bytes.empty()) {
            return bytes;
        }
        const std::size_t at = script_.word() % bytes.size();
        switch (script_.byte() % 4) {
            case 0: bytes[at] ^= static_cast<std::byte>(1U << script_.byte() % 8); break;
            case 1: bytes.resize(at); break;
            case 2: bytes.resize(bytes.size() + script_.byte()); break;
            default: bytes[at] = static_cast<std::byte>(script_.byte());
        }
        return bytes;
    }

    /// A datagram with a true key: any text, hellos among them, in any stream and number.
    Bytes made() {
        const Secret key = key_number(script_.byte() % 3);
        Envelope envelope{Suite::kAes256Gcm,
                          key_id(key),
                          DaemonId{script_.byte() % 3U},
                          StreamId{script_.byte() % 4U + 1},
                          script_.word() % 8 + 1U,
                          script_.word()};
        const std::uint8_t choice = script_.byte();
        if ((choice & 1U) != 0 && !recorded_.empty()) {  // of a stream that there is
            if (const auto true_one = read_envelope(recorded_.back())) {
                envelope.stream = true_one->stream;
                envelope.sender = true_one->sender;
                envelope.number = true_one->number + script_.byte();
            }
        }
        Bytes text(kHelloBytes);
        if ((choice & 2U) != 0) {
            Hello hello;
            hello.ask = script_.byte();
            hello.answer = script_.byte();
            hello.about = envelope.stream;
            hello.high = script_.word();
            hello.offered = key_id(key_number(script_.byte() % 4));
            hello.wrapped = wrap(key_number(script_.byte() % 4), wrapping_key(key));
            write_hello(hello, std::span(text).first<kHelloBytes>());
        } else {
            const auto some = script_.some(1 + script_.byte());
            text.assign(some.begin(), some.end());
            text.resize(std::max<std::size_t>(text.size(), 1));
        }
        Bytes out(text.size() + kSealRoomBytes);
        const auto head = std::span(out).first<kEnvelopeBytes>();
        write_envelope(envelope, head);
        const auto aead = make_aead(best_backend(), envelope.suite, Use::kSeal);
        aead->set_key(
            datagram_key(key, envelope.suite, envelope.sender, envelope.stream, envelope.epoch())
                .bytes());
        aead->seal(nonce_of(head), head, text, out.data() + kEnvelopeBytes,
                   std::span(out).last<kTagBytes>());
        sealed_.insert(as_string(text));
        made_.insert(as_string(text));
        record(out);
        return out;
    }

    void deliver(std::size_t side, const Bytes& datagram) {
        Slice slice{
            spread::protocol::BufferRef::allocate(std::max<std::size_t>(datagram.size(), 1)), 0,
            static_cast<std::uint32_t>(datagram.size())};
        std::copy(datagram.begin(), datagram.end(), slice.buffer->data());
        const auto opened = sides_[side].seal->open(now_, slice, 1);
        require(opened.refusal == Refusal::kNone || !opened.datagram);
        if (opened.datagram) {
            const std::string text = as_string(opened.datagram->text.bytes());
            require(sealed_.count(text) == 1);
            require(sides_[side].taken.insert(text).second || made_.count(text) == 1);
        }
    }

    static std::string as_string(std::span<const std::byte> bytes) {
        std::string out;
        for (const std::byte byte : bytes) {
            out += static_cast<char>(byte);
        }
        return out;
    }

    Script script_;
    Rng rng_{1};
    ScriptedEntropy entropy_{rng_};
    std::array<Side, 2> sides_;
    std::vector<Bytes> recorded_;
    std::set<std::string> sealed_;
    std::set<std::string> made_;  ///< which the input may repeat under several numbers
    Instant now_{std::chrono::hours(1)};
};

/// The same bytes as a key file: what is accepted can be written and read again.
void read_as_key_file(std::span<const std::byte> bytes) {
    std::string text;
    for (const std::byte byte : bytes) {
        text += static_cast<char>(byte);
    }
    for (const std::string& file : {text, "spreadd-keys 1\n" + text}) {
        const auto keys = parse_keys(file);
        if (keys) {
            const std::string written = format_keys(*keys);
            const auto again = parse_keys(written);
            require(again && format_keys(*again) == written);
        } else {
            require(keys.error().line > 0 && keys.error().column > 0);
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = std::as_bytes(std::span(data, size));
    read_as_key_file(bytes);
    Play(bytes).run();
    return 0;
}
