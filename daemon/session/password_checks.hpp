#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "daemon/session/password_queue.hpp"

namespace spread::session {

/// Passwords to be checked. A check takes long, so there is one at a time, and none is made for a
/// session that ends before its turn.
class PasswordChecks {
  public:
    using HangUpProbe = std::function<bool(protocol::SessionId)>;

    void ask(const access::PeerAddress& peer, PasswordCheck check) {
        queue_.push(peer, std::move(check));
    }
    /// The session is over; its check need not begin.
    void remove(protocol::SessionId session) { queue_.remove(session); }

    /// The check to begin now, if none is under way. A session whose peer has closed its side may
    /// still read the answer, but its check begins only when no other waits. `has_hung_up` tells
    /// which sessions these are; it may be empty.
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
    /// The check has ended. False when the check under way is not that of `session`.
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
