#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/roster.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

/// Notices when two hosts use one daemon's identity, as after a virtual machine was cloned: joins
/// and probes of two lives come in turns. Of a life that has ended only copies come, whose numbers
/// are known, or for a moment what was under way.
class Claims {
  public:
    /// Turns between two lives, and the time they take, after which both are believed to live.
    static constexpr std::uint32_t kTurns = 6;
    static constexpr protocol::Duration kAtLeast = std::chrono::seconds(3);
    /// Without a turn for so long, one of them is gone.
    static constexpr protocol::Duration kQuiet = std::chrono::seconds(15);

    explicit Claims(std::size_t daemons) : peers_(daemons) {}

    /// A join or probe of `daemon` has come. `number` grows with each of these in a life. `member`
    /// is the life of it that is in our ring, if one is: it need not join or probe to be alive.
    void note(protocol::Instant now, protocol::DaemonIndex daemon, protocol::Incarnation life,
              std::uint64_t number, protocol::Incarnation member = {});
    /// Whether two lives claim to be `daemon`.
    [[nodiscard]] bool is_claimed_twice(protocol::Instant now, protocol::DaemonIndex daemon) const {
        return now < peers_[daemon].claimed_until;
    }
    /// The two lives noted last, the older one first.
    [[nodiscard]] std::array<protocol::Incarnation, 2> lives(protocol::DaemonIndex daemon) const {
        const auto [older, newer] =
            std::minmax(peers_[daemon].lives[0].incarnation, peers_[daemon].lives[1].incarnation);
        return {older, newer};
    }

  private:
    struct Life {
        protocol::Incarnation incarnation;
        std::uint64_t number = 0;
    };
    struct Peer {
        std::array<Life, 2> lives;  ///< the one heard last comes first
        std::uint32_t turns = 0;
        protocol::Instant first_turn{};
        protocol::Instant last_turn{};
        protocol::Instant claimed_until = protocol::Instant::min();
    };

    std::vector<Peer> peers_;  ///< by configuration position
};

}  // namespace spread::membership
