#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

/// Guesses who sends next in a ring with little to do, from who used to follow whom: the last
/// follower of each sender, and how often in a row it was that one. Finds requests with their
/// answers, a single sender, and senders that take turns. Wrong guesses cost time, never order.
class NextSender {
  public:
    /// `sender` sent something at `now`. What comes later than `within` after the last one says
    /// nothing about what follows it.
    void note(protocol::DaemonId sender, protocol::Instant now, protocol::Duration within);
    /// Somebody sent, but it is not known who.
    void forget() { last_.reset(); }
    /// Who follows the last sender, if it did so the last `hits_min` times; 0: nobody is guessed.
    [[nodiscard]] std::optional<protocol::DaemonId> guess(std::uint32_t hits_min) const;

  private:
    struct Follower {
        protocol::DaemonId of;
        protocol::DaemonId next;
        std::uint32_t hits = 0;
    };

    std::optional<std::size_t> last_;  ///< the last sender's entry
    protocol::Instant last_at_{};
    std::vector<Follower> followers_;  ///< by sender; few
};

}  // namespace spread::membership
