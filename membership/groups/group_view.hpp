#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "membership/groups/group_table.hpp"
#include "protocol/membership_frames.hpp"
#include "protocol/names.hpp"
#include "protocol/roster.hpp"

namespace spread::membership {

/// What a network view says: the member list and who came along with whom.
struct NetworkView {
    NetworkView() = default;
    NetworkView(const NetworkView&) = delete;  // the runs point into `names`
    NetworkView& operator=(const NetworkView&) = delete;
    NetworkView(NetworkView&&) = default;
    NetworkView& operator=(NetworkView&&) = default;
    ~NetworkView() = default;

    std::vector<protocol::NameField> names;  ///< all members, in view order
    std::vector<protocol::VsSet> sets;
    std::optional<std::size_t> own_set;     ///< of this daemon's clients, if it has any
    std::optional<std::size_t> joiner_set;  ///< interim views of a join only
};

/// The part of a group that one side of a merge brings: its daemons, and the id the group had
/// there.
struct MergeSide {
    protocol::GroupId id;
    std::vector<protocol::DaemonIndex> daemons;
};

/// The member list in view order.
[[nodiscard]] std::vector<protocol::NameField> member_names(const Group& group);

/// A view whose members all came along together.
[[nodiscard]] NetworkView united_view(const Group& group);

/// A view after a merge: one vs-set per side, ascending by (proc_id, time) of the side as plain
/// signed numbers, then by first daemon. (Stock compares by wrapping subtraction, which is no order
/// at all for three sides far apart; clients must not depend on it. GS 2.3.)
[[nodiscard]] NetworkView merged_view(const Group& group, std::vector<MergeSide> sides,
                                      protocol::DaemonIndex self);

/// A joiner inside the transitional period.
struct InterimJoiner {
    protocol::DaemonIndex daemon = 0;
    protocol::NameField name;
};

/// A view between the transitional signal and the network view (GS 2.5): the members
/// on `reachable` daemons are one set, each other daemon is a set of its own, and a joiner stands
/// alone in the last one. The joiner is in the group already.
[[nodiscard]] NetworkView interim_view(const Group& group, const protocol::DaemonSet& reachable,
                                       const std::optional<InterimJoiner>& joiner);

}  // namespace spread::membership
