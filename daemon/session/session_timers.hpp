#pragma once

#include <optional>
#include <set>
#include <utility>

#include "daemon/session/session_map.hpp"
#include "protocol/ids.hpp"
#include "protocol/time.hpp"

namespace spread::session {

/// One deadline for each session that has one.
class SessionTimers {
  public:
    using Entry = std::pair<protocol::Instant, protocol::SessionId>;

    /// Replaces the one it had.
    void set(protocol::SessionId id, protocol::Instant at) {
        clear(id);
        deadlines_.insert(id, at);
        in_order_.emplace(at, id);
    }
    void clear(protocol::SessionId id) {
        if (const protocol::Instant* at = deadlines_.find(id)) {
            in_order_.erase({*at, id});
            deadlines_.erase(id);
        }
    }
    [[nodiscard]] std::optional<protocol::Instant> first() const {
        return in_order_.empty() ? std::nullopt : std::optional(in_order_.begin()->first);
    }
    /// A session whose deadline has passed. Named again until its deadline is set or cleared.
    [[nodiscard]] std::optional<protocol::SessionId> due(protocol::Instant now) const {
        return !in_order_.empty() && in_order_.begin()->first <= now
                   ? std::optional(in_order_.begin()->second)
                   : std::nullopt;
    }
    /// The earliest first.
    [[nodiscard]] const std::set<Entry>& in_order() const { return in_order_; }

  private:
    SessionMap<protocol::Instant> deadlines_;
    std::set<Entry> in_order_;
};

}  // namespace spread::session
