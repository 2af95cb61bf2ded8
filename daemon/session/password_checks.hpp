#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "daemon/session/password_queue.hpp"

namespace spread::session {

/// Passwords under check, which takes long: one at a time, so that whoever gives up meanwhile costs
/// none.
class PasswordChecks {
  public:
    using HangUpProbe = std::function<bool(protocol::SessionId)>;

    void ask(const access::PeerAddress& peer, PasswordCheck check) {
        queue_.push(peer, std::move(check));
    }
    /// The session is over; its check need not begin.
    void remove(protocol::SessionId session) { queue_.remove(session); }

    /// The check to begin now, if none is under way. A session whose peer has closed its side
    /// (`has_hung_up`, may be empty) may still wait for the answer, but is asked about when nobody
    /// else waits.
    [[nodiscard]] std::optional<PasswordCheck> begin_next(const HangUpProbe& has_hung_up) {
        while (!under_way_) {
            auto turn = queue_.pop();
            if (!turn) {
                return std::nullopt;
            }
            if (!turn->is_last && has_hung_up && has_hung_up(turn->check.session)) {
                queue_.push_last(std::move(turn->check));
                continue;
            }
            under_way_ = turn->check.session;
            return std::move(turn->check);
        }
        return std::nullopt;
    }
    /// The answer has come. False when it was about nobody's check under way.
    [[nodiscard]] bool finish(protocol::SessionId session) {
        if (under_way_ != session) {
            return false;
        }
        under_way_.reset();
        return true;
    }

  private:
    PasswordQueue queue_;
    std::optional<protocol::SessionId> under_way_;
};

}  // namespace spread::session
