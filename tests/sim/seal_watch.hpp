#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "protocol/buffer.hpp"
#include "protocol/ids.hpp"
#include "protocol/rng.hpp"
#include "protocol/time.hpp"
#include "sealing/contexts.hpp"
#include "sealing/ring_seal.hpp"

namespace spread::sim {

class Simulator;

/// Random bytes of a simulated host.
class SimEntropy final : public sealing::Entropy {
  public:
    explicit SimEntropy(protocol::Rng rng) : rng_(rng) {}
    void fill(std::span<std::byte> out) override {
        for (std::byte& byte : out) {
            byte = static_cast<std::byte>(rng_.next());
        }
    }

  private:
    protocol::Rng rng_;
};

/// How a scenario's daemons seal (Tunables::sealed); 0 is a plain ring.
enum class Sealed : std::uint32_t {
    kPlain,
    kAccept,
    kSend,
    kRequire,
    kAcceptAndSend,  ///< in turns: halfway between two steps
    kSendAndRequire
};
/// Of the `index`-th daemon.
[[nodiscard]] sealing::Mode mode_of(std::uint32_t sealed, std::size_t index);
[[nodiscard]] sealing::KeyRing simulated_keys();

/// A datagram of its own with the same bytes.
[[nodiscard]] protocol::Slice copy_of_datagram(const protocol::Slice& datagram);

/// Sees all that is sealed and opened in a run, and knows the key.
///
///   S1 what an engine gets was given to a sealer by a holder of the key, byte for byte
///   S2 at most once per life
///   S3 of a stream that was in use after the receiver's life began
///   S4 no key and nonce seal two texts
///   S5 where sealing is required nothing plain goes out
///
/// S6 and S7 are the simulator's: changes of keys stir nothing; in peace all understand each other.
class SealWatch {
  public:
    explicit SealWatch(Simulator& simulator) : simulator_(simulator) {
        add_key(simulated_keys().in_use().secret);
    }

    /// A daemon has made a key.
    void add_key(const sealing::Secret& key) { keys_.emplace(sealing::key_id(key).value, key); }
    /// A daemon is about to seal this.
    void on_said(std::span<const std::byte> text) { said_.insert(digest_of(text)); }
    /// A daemon has put this on the wire.
    void on_sent(const protocol::Slice& datagram, bool is_required);
    /// What a datagram holds; a plain one as it is, and one that nobody can open, too.
    [[nodiscard]] protocol::Slice plain_of(const protocol::Slice& datagram);

    /// What one life has been given.
    struct Taken {
        protocol::Instant born{};
        std::set<std::pair<std::uint64_t, std::uint64_t>> numbers{};  ///< by stream
    };
    void on_opened(Taken& taken, const sealing::OpenedDatagram& opened);

  private:
    [[nodiscard]] static std::uint64_t digest_of(std::span<const std::byte> bytes);

    Simulator& simulator_;
    std::unordered_map<std::uint32_t, sealing::Secret> keys_;  ///< by id
    std::unordered_set<std::uint64_t> said_;
    /// By key, stream, number and hedge.
    std::map<std::tuple<std::uint32_t, std::uint64_t, std::uint64_t, std::uint32_t>, std::uint64_t>
        nonces_;
    std::unordered_map<std::uint64_t, protocol::Instant> last_use_;  ///< of a stream
    std::unordered_map<std::uint64_t, sealing::Contexts> contexts_;
};

}  // namespace spread::sim
