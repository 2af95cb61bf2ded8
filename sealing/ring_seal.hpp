#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "protocol/buffer.hpp"
#include "protocol/counters.hpp"
#include "protocol/ids.hpp"
#include "protocol/roster.hpp"
#include "protocol/time.hpp"
#include "sealing/contexts.hpp"
#include "sealing/crypto.hpp"
#include "sealing/envelope.hpp"
#include "sealing/hello.hpp"
#include "sealing/key_ring.hpp"
#include "sealing/peer.hpp"

namespace spread::sealing {

/// Where random bytes come from. The host's generator in the daemon.
class Entropy {
  public:
    virtual ~Entropy() = default;
    virtual void fill(std::span<std::byte> out) = 0;
};

/// What goes out and what is taken in; the steps from a plain ring to a sealed one.
enum class Mode : std::uint8_t {
    kAccept,  ///< sends plain datagrams, takes both kinds
    kSend,    ///< seals, takes both kinds
    kRequire  ///< seals, takes sealed ones only
};

/// Why a datagram was dropped. Each has a counter of its own.
enum class Refusal : std::uint8_t {
    kNone,
    kPlain,      ///< not sealed, and Mode::kRequire
    kMalformed,  ///< the envelope is not one, or of another version
    kSender,     ///< not configured, or this daemon itself
    kKey,        ///< not in the key ring
    kForged,     ///< or damaged
    kReplayed,   ///< its number has come, or lies too far back
    kBusy,       ///< too many need a key derived
    kUnproven    ///< its stream has not answered a challenge; it is kept until it does
};

/// Something that the host has to tell or to do.
struct SealEvent {
    enum class Kind : std::uint8_t {
        kPutBack,   ///< another daemon knows what we sent later: this process runs with the memory
                    ///< of an earlier moment and has to end
        kTwoLives,  ///< two daemons answer in turns under the name of `peer`
        kKeyTaken,  ///< `peer` handed over ring key `key`, which is in use from now on
        kKeyKept    ///< `peer` handed over ring key `key`, with which it is understood
    };
    Kind kind{};
    protocol::DaemonId peer;
    KeyId key;
};

/// Seals what one daemon sends and opens what it receives, on one thread. Pure: time is an argument
/// and entropy is asked for. After the first datagram of a stream nothing is allocated.
///
/// What is promised, against whom, is in docs/security.md. A datagram counts when its tag is good,
/// its number is new, and its stream has answered a challenge of this life: a recording of a life
/// that is over can be authentic and new, but not that. Challenges and answers are hellos, which
/// the host sends as it is told.
class RingSeal {
  public:
    struct Setup {
        protocol::MemberList daemons;  ///< all that are configured, `self` among them
        protocol::DaemonId self;
        KeyRing keys;  ///< not empty
        Mode mode = Mode::kRequire;
        Suite suite = Suite::kAes256Gcm;
        Backend backend = Backend::kOpenSsl;
    };

    /// `entropy` outlives this object.
    RingSeal(Setup setup, Entropy& entropy);
    RingSeal(const RingSeal&) = delete;
    RingSeal& operator=(const RingSeal&) = delete;

    [[nodiscard]] Mode mode() const { return mode_; }
    [[nodiscard]] bool seals() const { return mode_ != Mode::kAccept; }
    [[nodiscard]] Suite suite() const { return suite_; }
    [[nodiscard]] Backend backend() const { return backend_; }
    [[nodiscard]] const KeyRing& keys() const { return keys_; }
    [[nodiscard]] StreamId stream() const { return stream_; }
    /// Other keys or another mode, at once. `keys` is not empty.
    void change(Mode mode, KeyRing keys);

    // Out

    /// Before the first datagram of those that are sent together.
    void begin_batch(protocol::Instant now);
    /// `out` is kSealRoomBytes longer than `text`, which is not empty.
    void seal(std::span<const std::byte> text, std::span<std::byte> out);

    // In

    struct Opened {
        Refusal refusal = Refusal::kNone;
        /// For the engine; with kUnproven, and with hellos, none.
        std::optional<OpenedDatagram> datagram{};
    };
    /// A datagram that came by `way`, which is the caller's. It is decrypted where it is: nobody
    /// else may hold its bytes. They are of no use afterwards but for what is returned.
    [[nodiscard]] Opened open(protocol::Instant now, const protocol::Slice& datagram,
                              std::uint8_t way);
    /// What open() could read of the last envelope.
    [[nodiscard]] const Envelope& last_envelope() const { return last_; }
    /// A datagram that is not sealed: whether it is taken, and counted.
    [[nodiscard]] bool takes_plain();

    // What the layer itself wants

    struct OutgoingHello {
        protocol::DaemonId to;
        bool by_token_port = false;
        std::array<std::byte, kSealedHelloBytes> bytes{};
    };
    /// To be sent in this order, and then cleared.
    [[nodiscard]] const std::vector<OutgoingHello>& hellos() const { return hellos_; }
    void clear_hellos() { hellos_.clear(); }
    [[nodiscard]] std::vector<SealEvent> take_events() { return std::exchange(events_, {}); }

    [[nodiscard]] const protocol::SealingCounters& counters() const { return counters_; }

  private:
    using Text = std::span<std::byte>;  ///< decrypted, in place

    /// Names what a datagram is for the functions that look at it in turn.
    struct Arriving {
        protocol::Instant now;
        const protocol::Slice& slice;
        std::uint8_t way;
        const Envelope& envelope;
        const RingKey& key;
        Peer& peer;
    };

    [[nodiscard]] Peer* find_peer(protocol::DaemonId daemon);
    [[nodiscard]] Opened refuse(Refusal refusal);
    [[nodiscard]] Opened open_current(const Arriving& at);
    [[nodiscard]] Opened open_late(const Arriving& at);
    [[nodiscard]] Opened open_other(const Arriving& at);
    [[nodiscard]] Opened accept(const Arriving& at, PeerStream& stream);
    [[nodiscard]] Refusal decrypt(const Arriving& at, Contexts* contexts);
    [[nodiscard]] Secret key_of(const Arriving& at, std::uint64_t epoch) const;
    void prepare_next_epoch(const Arriving& at, Contexts& contexts) const;
    [[nodiscard]] static std::optional<Hello> hello_in(const Arriving& at);
    [[nodiscard]] static OpenedDatagram text_of(const Arriving& at);

    [[nodiscard]] bool proves(const Arriving& at, const Hello& hello) const;
    [[nodiscard]] std::optional<OpenedDatagram> promote(const Arriving& at);
    void on_hello(const Arriving& at, const Hello& hello, Allowance& answers, bool is_proven);
    void answer(const Arriving& at, std::uint64_t challenge);
    void ask(const Arriving& at, std::uint64_t high);
    void offer(const Arriving& at);
    void introduce_key(protocol::Instant now, Peer& peer);
    [[nodiscard]] Hello offer_of(const RingKey& under) const;
    void take_offer(const Arriving& at, const Hello& hello);
    void send_hello(protocol::Instant now, protocol::DaemonId to, const RingKey& key,
                    const Hello& hello);

    void seal_with(const RingKey& key, std::span<const std::byte> text, std::span<std::byte> out);
    [[nodiscard]] std::uint64_t random();

    protocol::Roster roster_;
    protocol::DaemonId self_;
    KeyRing keys_;
    Mode mode_;
    Suite suite_;
    Backend backend_;
    Entropy& entropy_;

    StreamId stream_;
    std::uint64_t number_ = 0;
    std::uint32_t hedge_ = 0;
    Contexts sending_;

    std::vector<Peer> peers_;  ///< by place in roster_
    Envelope last_;
    Allowance derivations_{2000, 200};
    /// Tries keys of streams that may be nobody's, so that those of true ones stay.
    std::unique_ptr<Aead> trial_;
    Suite trial_suite_ = Suite::kAes256Gcm;

    std::vector<OutgoingHello> hellos_;
    std::vector<SealEvent> events_;
    protocol::SealingCounters counters_;
};

}  // namespace spread::sealing
