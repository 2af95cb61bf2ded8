#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "membership/next_sender.hpp"
#include "protocol/ids.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

/// What the representative learns from the rounds of the token: whether they find work, and who
/// sends after whom.
class RoundLog {
  public:
    struct Rules {
        /// What comes later than this after a message does not follow it.
        protocol::Duration follows_within;
        /// How often in a row one sender must have followed another to be expected. 0: nobody is.
        std::uint32_t hits_min = 0;
    };

    explicit RoundLog(const Rules& rules) : rules_(rules) {}

    /// The token leaves for a round with this `seq`.
    void begin(protocol::Seq seq) { seq_at_start_ = seq; }
    /// It comes back. `sender_of` says who stamped a packet, 0 where it has not arrived.
    void end(protocol::Instant now, protocol::Seq seq,
             const std::function<protocol::DaemonId(protocol::Seq)>& sender_of);
    /// The same token, as it stands here: `idle` if nobody needs anything. `seq` tells whether
    /// something was sent since the last visit.
    void count_idle(bool idle, protocol::Seq seq);
    /// Somebody has sent.
    void note_sender(protocol::Instant now, protocol::DaemonId sender) {
        next_sender_.note(sender, now, rules_.follows_within);
    }
    /// There is something to do again.
    void stir() { idle_visits_ = 0; }
    /// Idle, but for one more round that shows it.
    void expect_idle();
    /// A ring starts with this `seq`.
    void start(protocol::Seq seq) { seq_at_last_visit_ = seq; }

    /// Who sends next, if there is a pattern in it and the ring is not idle.
    [[nodiscard]] std::optional<protocol::DaemonId> expected() const;
    /// Round after round finds work: the token had better turn.
    [[nodiscard]] bool is_busy() const;
    /// Two rounds have found nothing: by then they have moved everybody's safe line.
    [[nodiscard]] bool is_nearly_idle() const;
    /// And a third one.
    [[nodiscard]] bool is_idle() const;

  private:
    Rules rules_;
    NextSender next_sender_;
    protocol::Seq seq_at_start_;       ///< of the round
    protocol::Seq seq_at_last_visit_;  ///< in turn
    std::uint32_t idle_visits_ = 0;    ///< in a row
    std::uint32_t busy_rounds_ = 0;    ///< in a row in which others had something, unexpected
};

}  // namespace spread::membership
