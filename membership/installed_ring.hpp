#pragma once

#include <utility>
#include <vector>

#include "membership/ring_members.hpp"
#include "protocol/assert.hpp"
#include "protocol/ids.hpp"

namespace spread::membership {

/// The ring that was installed last, and the one before it. While the next one forms it is still
/// the ring whose packets are kept and recovered.
class InstalledRing {
  public:
    /// `incarnations` by position in `members`.
    InstalledRing(protocol::RingId id, RingMembers members,
                  std::vector<protocol::Incarnation> incarnations)
        : id_(id), members_(std::move(members)), incarnations_(std::move(incarnations)) {
        SPREAD_ASSERT(incarnations_.size() == members_.size());
    }

    void install(protocol::RingId id, RingMembers members,
                 std::vector<protocol::Incarnation> incarnations) {
        SPREAD_ASSERT(incarnations.size() == members.size());
        previous_id_ = std::exchange(id_, id);
        members_ = std::move(members);
        incarnations_ = std::move(incarnations);
    }

    [[nodiscard]] const protocol::RingId& id() const { return id_; }
    /// The ring before; its packets may still arrive late.
    [[nodiscard]] const protocol::RingId& previous_id() const { return previous_id_; }
    [[nodiscard]] const RingMembers& members() const { return members_; }
    [[nodiscard]] bool is_member(protocol::DaemonId id) const { return members_.is_member(id); }
    /// The life of a daemon that is a member; 0 of others.
    [[nodiscard]] protocol::Incarnation incarnation_of(protocol::DaemonId id) const {
        const auto at = members_.position(id);
        return at ? incarnations_[*at] : protocol::Incarnation{};
    }

  private:
    protocol::RingId id_;
    protocol::RingId previous_id_;
    RingMembers members_;
    std::vector<protocol::Incarnation> incarnations_;
};

}  // namespace spread::membership
