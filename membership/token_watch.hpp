#pragma once

#include <optional>

#include "protocol/buffer.hpp"
#include "protocol/ids.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

/// How long it takes until the ring shows that a token has arrived, as TCP estimates round trips
/// (RFC 6298): the usual time, and some deviations.
class ProgressEstimator {
  public:
    void sample(protocol::Duration took);
    void reset() { *this = {}; }

    [[nodiscard]] bool is_known() const { return time_ != protocol::Duration::zero(); }
    /// The usual time and four deviations. Only if is_known().
    [[nodiscard]] protocol::Duration patience() const { return time_ + 4 * deviation_; }

  private:
    protocol::Duration time_{};  ///< smoothed; zero while unknown
    protocol::Duration deviation_{};
};

/// Watches the token, or commit token, that was passed on, until packets of others show that it has
/// arrived. A lost one is sent again, many times before the loss timeout ends the ring.
class TokenWatch {
  public:
    struct Limits {
        protocol::Duration retransmit_timeout;  ///< a token is never sent again earlier
        protocol::Duration loss_timeout;        ///< after this time the ring counts as lost
    };

    struct SentToken {
        protocol::Slice datagram;
        protocol::DaemonId to;
        protocol::TokenSeq token_seq;
        protocol::Instant at;
        protocol::Duration interval{};  ///< from the last sending to the next one
        bool measured = false;          ///< the first sign of it says how long signs take
        bool again = false;             ///< sent more than once
    };

    explicit TokenWatch(const Limits& limits) : limits_(limits) {}

    /// A token goes out. Where the ring need not show anything of it for a while, `silent_for` is
    /// that time, and the first sign measures nothing. Returns when to call send_again().
    [[nodiscard]] protocol::Instant sent(protocol::Instant now, protocol::DaemonId to,
                                         protocol::Slice datagram, protocol::TokenSeq token_seq,
                                         protocol::Duration silent_for = {});
    /// The ring has moved on to `token_seq`. True when the token that was sent has arrived: it is
    /// not watched any more.
    bool progress(protocol::Instant now, protocol::TokenSeq token_seq);
    /// No sign in time: the token to send again, null when none is watched. Sets `next` to when to
    /// call this again. Backs off, so that a stopped successor is not flooded while the loss
    /// timeout runs, and starved hosts do not get every token twice.
    [[nodiscard]] const SentToken* send_again(protocol::Instant now, protocol::Instant& next);
    /// The token that was sent does not matter any more.
    void forget() { sent_.reset(); }
    /// This daemon stood still: the sign of the token under way will measure nothing.
    void measure_nothing() {
        if (sent_) {
            sent_->measured = false;
        }
    }
    /// How long a rotation of the busy ring took.
    void note_rotation(protocol::Duration rotation);
    /// A new ring: forgets what was measured on the old one. A token that is watched stays watched.
    void begin_ring();

    /// When the token before the last one was sent.
    [[nodiscard]] protocol::Instant passed_before() const { return passed_before_; }
    /// How long the ring may show no progress before the token is sent again.
    [[nodiscard]] protocol::Duration patience() const;
    /// Smoothed; zero while unknown.
    [[nodiscard]] protocol::Duration rotation_time() const { return rotation_time_; }
    /// The token that is watched, or null.
    [[nodiscard]] const SentToken* watched() const { return sent_ ? &*sent_ : nullptr; }

    void check_invariants() const;

  private:
    /// However slow the ring is, a lost token must be sent again before it counts as lost.
    [[nodiscard]] protocol::Duration interval_max() const { return limits_.loss_timeout / 4; }

    Limits limits_;
    std::optional<SentToken> sent_;
    ProgressEstimator estimator_;
    int backoff_ = 1;
    protocol::Duration rotation_time_{};
    protocol::Instant passed_{};
    protocol::Instant passed_before_{};
};

}  // namespace spread::membership
