#include "membership/groups/group_epoch.hpp"

#include <cstdint>

namespace spread::membership {

using protocol::DaemonSet;
using protocol::GroupId;

namespace {

/// Clients see 31 bits of the ring's counter, so that it is never negative (CP 6).
GroupId id_of(protocol::DaemonId daemon, std::uint64_t counter) {
    return GroupId{.proc_id = static_cast<std::int32_t>(daemon.value),
                   .time = static_cast<std::int32_t>(counter & 0x7fffffffU),
                   .index = 0};
}

}  // namespace

void GroupEpoch::shrink(const DaemonSet& members, const protocol::RingId& next) {
    reachable_ = members;
    synced_ &= members;
    synced_.insert(self_);
    // The first daemon of the synced set makes the id unique among all sets that go through this
    // change, also when several of them share one transitional configuration.
    current_id_ = id_of(roster_.id(synced_.front()), next.counter - 1);
    ended_.clear();
    phase = GroupPhase::kTransitional;
}

void GroupEpoch::enter(const DaemonSet& members, const protocol::RingId& ring) {
    ring_ = ring;
    members_ = members;
    current_id_ = id_of(ring.representative, ring.counter);
    ended_.clear();
}

GroupId GroupEpoch::id_before_first(const protocol::NameField& group) const {
    GroupId id = current_id_;
    id.index = ended_.last_index(group);
    return id;
}

GroupId GroupEpoch::settled_id() const {
    GroupId id = current_id_;
    id.index = 1;
    return id;
}

void GroupEpoch::advance(Group& group) const {
    if (!group.id.same_membership(current_id_)) {
        group.id = current_id_;
    }
    group.id = group.id.next();
}

void GroupEpoch::hit(Group& group) const {
    group.changed = true;
    if (!group.id.same_membership(current_id_)) {  // else it has changed quietly since
        group.id = settled_id();
    }
}

}  // namespace spread::membership
