#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "protocol/buffer.hpp"
#include "protocol/ids.hpp"
#include "protocol/time.hpp"
#include "sealing/allowance.hpp"
#include "sealing/contexts.hpp"
#include "sealing/envelope.hpp"
#include "sealing/replay_window.hpp"

// What is known of the streams of another daemon. Who decides is RingSeal.

namespace spread::sealing {

/// One stream: the ciphers that open it, and what of it has come.
struct PeerStream {
    StreamId id;
    Contexts contexts;
    ReplayWindow window;
};

/// A stream that has not answered a challenge: of a new life, or a recording of an old one.
struct Stranger {
    StreamId id;
    Contexts contexts;
    protocol::Instant seen{};
    Allowance asks{10, 3};
    Allowance answers{10, 3};
};

/// A datagram that has been opened.
struct OpenedDatagram {
    protocol::Slice text;
    std::uint8_t way = 0;  ///< as given with it
    StreamId stream;
    std::uint64_t number = 0;
    bool is_newest = false;  ///< no higher number of a stream of its sender has come before it
};

class Peer {
  public:
    static constexpr std::size_t kStrangersMax = 16;
    /// A challenge is repeated while it is so young, and good for as long again: who plays
    /// recordings must not be able to make us forget it before the answer is here.
    static constexpr protocol::Duration kChallengeRepeated = std::chrono::seconds(2);

    explicit Peer(protocol::DaemonId daemon) : id(daemon) {}

    protocol::DaemonId id;
    std::unique_ptr<PeerStream> current;   ///< has answered a challenge of this life of ours
    std::unique_ptr<PeerStream> previous;  ///< did before; remembered, and not accepted

    /// The last datagram of a stream that is still to be proven.
    std::optional<OpenedDatagram> held;

    struct Challenge {
        std::uint64_t value = 0;
        protocol::Instant since{};
    };
    std::optional<Challenge> challenge;

    Allowance asks{200, 2};
    Allowance answers{200, 8};
    Allowance late_hellos{20, 20};  ///< looked at although the window rejects them
    Allowance looks_back{1, 1};     ///< asks whether this daemon was put back
    Allowance offers{10, 2};
    Allowance introductions{10, 4};  ///< under each key
    std::uint64_t answered = 0;      ///< the last challenge of this peer that was answered
    protocol::Instant answered_at{};
    std::optional<Contexts::Name> seals_with;  ///< of its current stream, last

    [[nodiscard]] Stranger* find_stranger(StreamId stream);
    /// In place of the one that was not seen for longest, of kStrangersMax.
    Stranger& add_stranger(StreamId stream, Backend backend);

    /// `stream` is in use. What was current before becomes `previous`.
    void promote(StreamId stream, Backend backend);

    /// Counts a datagram that the window rejects; true when there were so many within a second that
    /// this daemon may have been put back to an earlier state.
    [[nodiscard]] bool may_be_put_back(protocol::Instant now);
    /// Counts a change of streams; true when there were so many that two daemons may have one name.
    [[nodiscard]] bool changes_too_often(protocol::Instant now);

    void keep_only(const KeyRing& keys);

  private:
    static constexpr std::size_t kFormerMax = 32;

    void remember(std::unique_ptr<PeerStream> stream);

    std::vector<std::unique_ptr<Stranger>> strangers_;
    /// How far streams before the previous one had come, should one of them be proven again.
    std::deque<std::pair<StreamId, std::uint64_t>> former_;
    int rejects_ = 0;
    protocol::Instant rejects_since_{};
    int changes_ = 0;
    protocol::Instant changes_since_{};
};

}  // namespace spread::sealing
