#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/ring_wire.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

/// The largest of some times in the last minute, or a little longer: two halves take turns.
class RecentMax {
  public:
    static constexpr protocol::Duration kMemory = std::chrono::minutes(1);

    void note(protocol::Instant now, protocol::Duration time) {
        turn(now);
        if (time > current_) {
            current_ = time;
        }
    }
    [[nodiscard]] protocol::Duration value(protocol::Instant now) {
        turn(now);
        return std::max(current_, previous_);
    }

  private:
    void turn(protocol::Instant now) {
        if (now - since_ >= kMemory) {
            previous_ = now - since_ < 2 * kMemory ? current_ : protocol::Duration{};
            current_ = {};
            since_ = now;
        }
    }

    protocol::Instant since_{};
    protocol::Duration current_{};
    protocol::Duration previous_{};
};

/// How long the ring may be silent before it counts as lost. A fixed time is too long where all is
/// well and too short where machines are busy; so it is learnt how long this ring is silent without
/// anybody being dead. Each member wants four times the longest silence that ended well and of the
/// longest time that it did not run itself, of the last minute; and the least time doubled at each
/// false alarm, after which all were still there. The token takes the largest wish round, and the
/// representative says what holds for the coming rotation.
class LossTimeout {
  public:
    struct Limits {
        protocol::Duration least;
        protocol::Duration most;  ///< as `least`: it is fixed
    };
    /// Without a false alarm for so long half of the doubled time does.
    static constexpr protocol::Duration kCalm = std::chrono::minutes(10);

    explicit LossTimeout(const Limits& limits) : limits_(limits), value_(limits.least) {}

    [[nodiscard]] protocol::Duration value() const { return value_; }

    /// The ring has shown a sign of life, and is expected to show the next one.
    void on_sign(protocol::Instant now) {
        if (waiting_since_) {
            delays_.note(now, now - *waiting_since_);
        }
        waiting_since_ = now;
    }
    /// How long no sign has come, if one is expected.
    [[nodiscard]] protocol::Duration silent_for(protocol::Instant now) const {
        return waiting_since_ ? now - *waiting_since_ : protocol::Duration{};
    }
    /// No sign is expected: the ring rests with us, or is given up.
    void stop_waiting() { waiting_since_.reset(); }
    /// This daemon ran so much later than it wanted to.
    void on_late(protocol::Instant now, protocol::Duration late) { delays_.note(now, late); }

    /// Of the members of a ring, by configuration position; 0 of others.
    using Lives = std::vector<protocol::Incarnation>;
    /// The ring counts as lost for want of signs.
    void on_loss(protocol::Instant now, Lives members) { alarm_ = Alarm{now, std::move(members)}; }
    /// A ring is installed. If all members of the lost one are in it, that was a false alarm.
    void on_ring(protocol::Instant now, const Lives& members);
    /// The token has come round: adds what we want, and takes what all are to have.
    void on_rotation(protocol::Instant now, protocol::Token& token, bool representative);

    void check_invariants() const;

  private:
    struct Alarm {
        protocol::Instant at;
        Lives members;
    };

    [[nodiscard]] bool adapts() const { return limits_.most > limits_.least; }
    /// The least time, doubled as often as there were false alarms.
    [[nodiscard]] protocol::Duration doubled() const { return limits_.least * (1 << doublings_); }
    [[nodiscard]] protocol::Duration within_limits(protocol::Duration time) const {
        return std::clamp(time, limits_.least, limits_.most);
    }
    [[nodiscard]] protocol::Duration wanted(protocol::Instant now);

    Limits limits_;
    protocol::Duration value_;
    std::optional<protocol::Instant> waiting_since_;
    RecentMax delays_;
    std::optional<Alarm> alarm_;
    int doublings_ = 0;               ///< for false alarms
    protocol::Instant calm_since_{};  ///< the last one, or when one was forgotten
};

}  // namespace spread::membership
