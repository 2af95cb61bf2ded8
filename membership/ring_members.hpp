#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "protocol/assert.hpp"
#include "protocol/ids.hpp"

namespace spread::membership {

/// The members of one ring, as one of them sees it, in configuration order. The first one is the
/// representative; the token goes from each to the next and from the last to the first.
class RingMembers {
  public:
    /// `self` must be among `members`. Asserted.
    RingMembers(protocol::MemberList members, protocol::DaemonId self)
        : members_(std::move(members)), self_(self) {
        const auto at = position(self);
        SPREAD_ASSERT(at.has_value());
        at_ = *at;
    }

    [[nodiscard]] const protocol::MemberList& list() const { return members_; }
    [[nodiscard]] std::size_t size() const { return members_.size(); }
    [[nodiscard]] bool is_alone() const { return members_.size() == 1; }
    [[nodiscard]] bool is_member(protocol::DaemonId id) const { return position(id).has_value(); }
    /// Place in ring order, from 0.
    [[nodiscard]] std::optional<std::size_t> position(protocol::DaemonId id) const {
        const auto at = std::find(members_.begin(), members_.end(), id);
        return at == members_.end()
                   ? std::nullopt
                   : std::optional(static_cast<std::size_t>(at - members_.begin()));
    }
    [[nodiscard]] std::size_t my_position() const { return at_; }
    [[nodiscard]] protocol::DaemonId self() const { return self_; }

    [[nodiscard]] protocol::DaemonId representative() const { return members_.front(); }
    [[nodiscard]] bool is_representative() const { return at_ == 0; }
    [[nodiscard]] protocol::DaemonId successor() const {
        return members_[(at_ + 1) % members_.size()];
    }
    [[nodiscard]] protocol::DaemonId predecessor() const {
        return members_[(at_ + members_.size() - 1) % members_.size()];
    }

  private:
    protocol::MemberList members_;
    protocol::DaemonId self_;
    std::size_t at_ = 0;  ///< position of `self_`
};

}  // namespace spread::membership
