#pragma once

#include "membership/groups/ended_groups.hpp"
#include "membership/groups/group_output.hpp"
#include "membership/groups/group_table.hpp"
#include "protocol/ids.hpp"
#include "protocol/membership_frames.hpp"
#include "protocol/names.hpp"
#include "protocol/roster.hpp"

namespace spread::membership {

/// Where this daemon is in the succession of configurations, and the group ids that follow from it.
/// An id names one view for ever: views of one configuration count on under its id, those of the
/// next one start anew.
class GroupEpoch {
  public:
    /// `index_before_first`: as in GroupConfig.
    GroupEpoch(const protocol::Roster& roster, protocol::DaemonIndex self,
               std::int32_t index_before_first = 0)
        : roster_(roster),
          self_(self),
          synced_{self},
          reachable_{self},
          ended_(index_before_first) {}

    GroupPhase phase = GroupPhase::kStable;

    /// The old configuration shrinks to `members`; the ring `next` will follow.
    void shrink(const protocol::DaemonSet& members, const protocol::RingId& next);
    /// The regular configuration `ring` begins.
    void enter(const protocol::DaemonSet& members, const protocol::RingId& ring);
    /// All members of the ring have the same group state now.
    void note_synced() { synced_ = members_; }

    [[nodiscard]] const protocol::RingId& ring() const { return ring_; }
    [[nodiscard]] const protocol::DaemonSet& members() const { return members_; }
    /// Daemons whose group state is known to equal ours, this one included.
    [[nodiscard]] const protocol::DaemonSet& synced() const { return synced_; }
    /// Members of the last transitional configuration that was acted upon.
    [[nodiscard]] const protocol::DaemonSet& reachable() const { return reachable_; }

    /// The id of a group that begins to exist; its first view gets the next one.
    [[nodiscard]] protocol::GroupId id_before_first(const protocol::NameField& group) const;
    /// The id of the view that ends a membership change.
    [[nodiscard]] protocol::GroupId settled_id() const;
    /// Gives the group the id of the view after one member has joined or left. Ids count on only
    /// within one configuration: daemons lost since an earlier one may have counted on under its
    /// id, for a change that this daemon will never hear of.
    void advance(Group& group) const;
    /// The group loses members by a configuration change: it gets the transitional id.
    void hit(Group& group) const;
    /// The group became empty.
    void note_ended(const Group& group) { ended_.note(group.name, group.id.index); }

  private:
    const protocol::Roster& roster_;
    protocol::DaemonIndex self_;
    protocol::RingId ring_;  ///< last regular configuration
    protocol::DaemonSet members_;
    protocol::DaemonSet synced_;
    protocol::DaemonSet reachable_;
    protocol::GroupId current_id_;  ///< of the current configuration, index 0
    EndedGroups ended_;             ///< in the current configuration
};

}  // namespace spread::membership
