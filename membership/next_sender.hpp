#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

/// Predicts who sends next in a ring with little to do. For each sender it remembers which one
/// followed last, and how often in a row. So it finds requests with their answers, a single sender,
/// and senders that take turns. A wrong prediction costs time, never order.
class NextSender {
  public:
    /// `sender` sent something at `now`. What comes later than `within` after the last one says
    /// nothing about what follows it.
    void note(protocol::DaemonId sender, protocol::Instant now, protocol::Duration within);
    /// A member sent, but it is not known which.
    void forget() { last_.reset(); }
    /// The sender that followed the last one `hits_min` times in a row; none with `hits_min` 0.
    [[nodiscard]] std::optional<protocol::DaemonId> guess(std::uint32_t hits_min) const;

    void check_invariants() const;

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
