#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "client/socket.hpp"

namespace spread::client {

/// Decides when a quiet connection is asked whether it is alive, and when it is not. A ping is a
/// multicast of the session to its own private group, so its answer has come through the daemon's
/// ordered stream. No input and no output of its own: times are arguments.
class Probe {
  public:
    enum class Verdict : std::uint8_t { kQuietIsFine, kSendPing, kDead };

    /// What a ping carries; such a message from ourselves is never shown.
    static constexpr std::string_view kText = "spread.ping/1";
    static constexpr std::int16_t kMessType = 0x7f69;

    /// `interval` 0: never ask.
    Probe(std::chrono::milliseconds interval, int outstanding_max)
        : interval_(interval), outstanding_max_(outstanding_max) {}

    [[nodiscard]] bool is_on() const { return interval_.count() > 0; }
    /// A new connection, or bytes from the daemon.
    void on_sign_of_life(Deadline now) {
        outstanding_ = 0;
        due_ = now + interval_;
    }
    /// When verdict() has something to say next.
    [[nodiscard]] Deadline due() const { return due_; }
    [[nodiscard]] Verdict verdict(Deadline now) {
        if (!is_on() || now < due_) {
            return Verdict::kQuietIsFine;
        }
        if (outstanding_ >= outstanding_max_) {
            return Verdict::kDead;
        }
        ++outstanding_;
        due_ = now + interval_;
        return Verdict::kSendPing;
    }

  private:
    std::chrono::milliseconds interval_;
    int outstanding_max_;
    int outstanding_ = 0;
    Deadline due_{};
};

}  // namespace spread::client
