#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "membership/next_sender.hpp"
#include "protocol/ids.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

/// What the representative learns from the rounds of the token: whether members had work, and who
/// sends after whom.
class RoundLog {
  public:
    struct Rules {
        /// A message follows another one if it comes within this time.
        protocol::Duration follows_within;
        /// How often in a row one sender must have followed another to be expected. 0: none is.
        std::uint32_t hits_min = 0;
    };

    explicit RoundLog(const Rules& rules) : rules_(rules) {}

    /// The token leaves for a round with this `seq`.
    void begin(protocol::Seq seq) { seq_at_start_ = seq; }
    /// The token comes back. `sender_of` says who stamped a packet; 0 if it has not arrived.
    void end(protocol::Instant now, protocol::Seq seq,
             const std::function<protocol::DaemonId(protocol::Seq)>& sender_of);
    /// The same token, at its visit here: `idle` if no member needs anything. `seq` tells whether
    /// something was sent since the last visit.
    void count_idle(bool idle, protocol::Seq seq);
    /// Somebody has sent.
    void note_sender(protocol::Instant now, protocol::DaemonId sender) {
        next_sender_.note(sender, now, rules_.follows_within);
    }
    /// There is something to do again.
    void stir() { idle_visits_ = 0; }
    /// The ring is idle, but one more round has to confirm it.
    void expect_idle();
    /// A ring starts with this `seq`.
    void start(protocol::Seq seq) { seq_at_last_visit_ = seq; }

    /// Who is expected to send next, if there is a pattern and the ring is not idle.
    [[nodiscard]] std::optional<protocol::DaemonId> expected() const;
    /// Four rounds running have brought packets of others than the expected sender: the token
    /// should turn without rests.
    [[nodiscard]] bool is_busy() const;
    /// Two rounds have found no work, which is enough to move every member's safe line.
    [[nodiscard]] bool is_nearly_idle() const;
    /// Three rounds have found no work.
    [[nodiscard]] bool is_idle() const;

    void check_invariants() const;

  private:
    Rules rules_;
    NextSender next_sender_;
    protocol::Seq seq_at_start_;       ///< of the round
    protocol::Seq seq_at_last_visit_;  ///< in turn
    std::uint32_t idle_visits_ = 0;    ///< in a row
    std::uint32_t busy_rounds_ = 0;    ///< in a row in which another than the expected one sent
};

}  // namespace spread::membership
