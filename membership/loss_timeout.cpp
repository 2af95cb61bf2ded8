#include "membership/loss_timeout.hpp"

#include <algorithm>

#include "protocol/assert.hpp"

namespace spread::membership {

using protocol::Duration;
using protocol::Incarnation;
using protocol::Instant;

namespace {

/// A silence this many times as long as one that ended well means something.
constexpr int kSilences = 4;

/// Loss timeouts within which all have to be back for a false alarm.
constexpr int kAlarmMemory = 10;

/// On tokens: microseconds.
std::uint32_t to_wire(Duration time) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
    return static_cast<std::uint32_t>(std::min<std::int64_t>(us, 0xffffffff));
}

Duration from_wire(std::uint32_t us) {
    return std::chrono::microseconds(us);
}

}  // namespace

Duration LossTimeout::wanted(Instant now) {
    while (doublings_ > 0 && now - calm_since_ >= kCalm) {
        --doublings_;
        calm_since_ += kCalm;
    }
    return within_limits(std::max(kSilences * delays_.value(now), doubled()));
}

void LossTimeout::on_ring(Instant now, const Lives& members) {
    if (alarm_) {
        bool all_are_there = true;
        bool is_over = now - alarm_->at > kAlarmMemory * value_;
        for (std::size_t i = 0; i < members.size(); ++i) {
            const Incarnation was = alarm_->members[i];
            const bool is_there = members[i] != Incarnation{};
            const bool was_there = was != Incarnation{};
            all_are_there = all_are_there && (is_there || !was_there);
            is_over = is_over || (is_there && was_there && members[i] != was);
        }
        if (all_are_there && !is_over) {
            doublings_ += doubled() < limits_.most ? 1 : 0;
            calm_since_ = now;
        }
        if (all_are_there || is_over) {
            alarm_.reset();
        }
    }
    value_ = wanted(now);
}

void LossTimeout::on_rotation(Instant now, protocol::Token& token, bool representative) {
    if (!adapts()) {
        if (representative) {
            token.loss_wanted = 0;
            token.loss_timeout = 0;
        }
        return;
    }
    const Duration largest = std::max(wanted(now), within_limits(from_wire(token.loss_wanted)));
    if (representative) {
        value_ = largest;
        token.loss_timeout = to_wire(value_);
        token.loss_wanted = 0;
        return;
    }
    // Who has fixed times says nothing.
    value_ = token.loss_timeout == 0 ? wanted(now) : within_limits(from_wire(token.loss_timeout));
    token.loss_wanted = to_wire(largest);
}

void LossTimeout::check_invariants() const {
    SPREAD_ASSERT(value_ >= limits_.least && value_ <= limits_.most);
    SPREAD_ASSERT(doublings_ >= 0 && doublings_ < 31);
}

}  // namespace spread::membership
