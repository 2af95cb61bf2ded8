#pragma once

#include <cstddef>
#include <limits>
#include <map>
#include <optional>
#include <string>

#include "daemon/access/peer_address.hpp"

namespace spread::session {

struct SessionLimits {
    std::size_t all_max = 997;
    /// From one place (PeerAddress::place()); clients of the Unix socket are not limited by this.
    std::size_t place_max = std::numeric_limits<std::size_t>::max();
    /// So many clients of the Unix socket get in, whoever has taken all sessions.
    std::size_t unix_reserved = 0;
};

/// How many sessions there are and may be, over all and from each place.
class SessionQuota {
  public:
    explicit SessionQuota(const SessionLimits& limits) : limits_(limits) {}

    /// A session begins, and ends. It counts even when it is over a limit.
    void add(const access::PeerAddress& peer) {
        ++all_;
        ++(is_unix(peer) ? unix_ : places_[peer.place()]);
    }
    void remove(const access::PeerAddress& peer) {
        --all_;
        if (is_unix(peer)) {
            --unix_;
        } else if (const auto place = places_.find(peer.place()); --place->second == 0) {
            places_.erase(place);
        }
    }

    /// There are more sessions than there may be, and the one that came last from `peer` is not
    /// covered by the reserve either.
    [[nodiscard]] bool is_full(const access::PeerAddress& peer) const {
        return all_ > limits_.all_max && !(is_unix(peer) && unix_ <= limits_.unix_reserved);
    }
    [[nodiscard]] bool is_full_place(const access::PeerAddress& peer) const {
        return !is_unix(peer) && places_.at(peer.place()) > limits_.place_max;
    }

  private:
    [[nodiscard]] static bool is_unix(const access::PeerAddress& peer) {
        return peer.kind == access::PeerAddress::Kind::kUnix;
    }

    SessionLimits limits_;
    std::size_t all_ = 0;
    std::size_t unix_ = 0;
    std::map<access::PeerAddress, std::size_t> places_;  ///< none is 0
};

}  // namespace spread::session
