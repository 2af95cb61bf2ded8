#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "daemon/access/peer_address.hpp"
#include "protocol/ids.hpp"

namespace spread::session {

/// Somebody's password is to be checked.
struct PasswordCheck {
    protocol::SessionId session;
    std::string user;
    std::string password;
};

/// Passwords that wait to be checked, which takes long and happens one at a time.
///
/// Turns go round over the places clients come from, and at one place over the users they claim to
/// be, so that many attempts of one user at one place delay only each other. A place is an IPv4
/// address, an IPv6 network of 64 bits, or this host. Each session waits once at most, so the
/// number of sessions bounds the queue.
class PasswordQueue {
  public:
    void push(const access::PeerAddress& peer, PasswordCheck check);
    /// To be checked when nothing waits that came by push().
    void push_last(PasswordCheck check);
    /// The session is over: its check is dropped.
    void remove(protocol::SessionId session);
    /// The next check; nothing when none waits. `is_last`: it came by push_last().
    struct Turn {
        PasswordCheck check;
        bool is_last = false;
    };
    [[nodiscard]] std::optional<Turn> pop();
    [[nodiscard]] std::size_t size() const { return waiting_.size() + last_.size(); }

  private:
    struct Place {
        std::map<std::string, std::deque<PasswordCheck>> users;  ///< none is empty
        std::deque<std::string> turns;                           ///< the same users
    };
    using Places = std::map<access::PeerAddress, Place>;

    void remove_if_empty(Places::iterator place, const std::string& user);

    Places places_;                          ///< none is empty
    std::deque<access::PeerAddress> turns_;  ///< the same places
    std::deque<PasswordCheck> last_;
    std::unordered_map<protocol::SessionId, std::pair<access::PeerAddress, std::string>> waiting_;
};

}  // namespace spread::session
