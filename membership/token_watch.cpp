#include "membership/token_watch.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "protocol/assert.hpp"

namespace spread::membership {

using protocol::Duration;
using protocol::Instant;

namespace {

/// Patience before the first measurement of how long the ring takes to show that a token arrived.
constexpr auto kFirstPatience = Duration(std::chrono::milliseconds(5));

/// Times the usual patience, after tokens had to be sent again.
constexpr int kBackoffMax = 8;

}  // namespace

void ProgressEstimator::sample(Duration took) {
    if (!is_known()) {
        time_ = took;
        deviation_ = took / 2;
        return;
    }
    const Duration off = took - time_;
    deviation_ += (std::chrono::abs(off) - deviation_) / 4;
    time_ += off / 8;
}

Instant TokenWatch::sent(Instant now, protocol::DaemonId to, protocol::Slice datagram,
                         protocol::TokenSeq token_seq, Duration silent_for) {
    passed_before_ = std::exchange(passed_, now);
    const Duration interval = std::min(std::max(patience(), silent_for), interval_max());
    sent_ = SentToken{.datagram = std::move(datagram),
                      .to = to,
                      .token_seq = token_seq,
                      .at = now,
                      .interval = interval,
                      .measured = silent_for == Duration::zero(),
                      .again = false};
    return now + interval;
}

bool TokenWatch::progress(Instant now, protocol::TokenSeq token_seq) {
    if (!sent_ || token_seq < sent_->token_seq) {
        return false;
    }
    // A token sent twice does not tell which copy it was (Karn's rule).
    if (sent_->measured) {
        estimator_.sample(now - sent_->at);
    }
    if (!sent_->again) {
        backoff_ = std::max(1, backoff_ / 2);
    }
    sent_.reset();
    return true;
}

const TokenWatch::SentToken* TokenWatch::send_again(Instant now, Instant& next) {
    if (!sent_) {
        return nullptr;
    }
    if (sent_->measured) {
        backoff_ = std::min(2 * backoff_, kBackoffMax);
    }
    sent_->measured = false;
    sent_->again = true;
    sent_->interval = std::min(2 * sent_->interval, interval_max());
    next = now + sent_->interval;
    return &*sent_;
}

void TokenWatch::note_rotation(Duration rotation) {
    rotation_time_ = rotation_time_ == Duration::zero()
                         ? rotation
                         : rotation_time_ + (rotation - rotation_time_) / 8;
}

void TokenWatch::begin_ring() {
    estimator_.reset();
    backoff_ = 1;
    rotation_time_ = {};
}

Duration TokenWatch::patience() const {
    // Until signs of arrival have been measured, rotation times stand in.
    const Duration usual = estimator_.is_known() ? estimator_.patience()
                                                 : std::max(kFirstPatience, 4 * rotation_time_);
    return std::min(std::max(limits_.retransmit_timeout, usual) * backoff_, interval_max());
}

void TokenWatch::check_invariants() const {
    SPREAD_ASSERT(backoff_ >= 1 && backoff_ <= kBackoffMax);
    SPREAD_ASSERT(patience() <= interval_max());
    SPREAD_ASSERT(!sent_ || sent_->interval <= interval_max());
    SPREAD_ASSERT(!sent_ || sent_->datagram.buffer);
    SPREAD_ASSERT(!sent_ || !(sent_->measured && sent_->again));
}

}  // namespace spread::membership
