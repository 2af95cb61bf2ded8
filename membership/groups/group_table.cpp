#include "membership/groups/group_table.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "protocol/assert.hpp"

namespace spread::membership {

using protocol::DaemonIndex;
using protocol::DaemonSet;
using protocol::NameField;
using protocol::SessionId;

namespace {

template <typename Members>
auto place_of(Members& members, DaemonIndex daemon, const NameField& name) {
    return std::lower_bound(members.begin(), members.end(), std::tie(daemon, name),
                            [](const Member* member, const auto& wanted) {
                                return std::tie(member->daemon, member->name) < wanted;
                            });
}

}  // namespace

bool Group::has_member(DaemonIndex daemon, const NameField& member) const {
    const auto at = place_of(members, daemon, member);
    return at != members.end() && (*at)->daemon == daemon && (*at)->name == member;
}

bool Group::loses_members(const DaemonSet& kept) const {
    return std::any_of(members.begin(), members.end(),
                       [&](const Member* member) { return !kept.contains(member->daemon); });
}

void Group::add_receiver(SessionId session) {
    const auto at = std::lower_bound(receivers.begin(), receivers.end(), session);
    if (at == receivers.end() || *at != session) {
        receivers.insert(at, session);
    }
}

void Group::remove_receiver(SessionId session) {
    const auto at = std::lower_bound(receivers.begin(), receivers.end(), session);
    if (at != receivers.end() && *at == session) {
        receivers.erase(at);
    }
}

Group* GroupTable::find(const NameField& name) {
    return lookup_.find(name);
}

const Group* GroupTable::find(const NameField& name) const {
    return lookup_.find(name);
}

std::size_t GroupTable::group_count(const NameField& member) const {
    const auto found = members_.find(member);
    return found == members_.end() ? 0 : found->second.groups.size();
}

Group* GroupTable::first_group_of(const NameField& member) const {
    const auto found = members_.find(member);
    return found == members_.end() ? nullptr : *found->second.groups.begin();
}

Group& GroupTable::create(const NameField& name, const protocol::GroupId& id) {
    auto created = std::make_unique<Group>();
    Group& group = *created;
    group.name = name;
    group.id = id;
    const bool is_new = lookup_.insert(&group);
    SPREAD_ASSERT(is_new);
    groups_.insert(groups_.end(), std::move(created));  // a merge creates them in order
    return group;
}

void GroupTable::erase(Group& group) {
    for (const Member* member : group.members) {
        withdraw(group, *member);
    }
    lookup_.erase(&group);
    groups_.erase(groups_.find(group.name));
}

bool GroupTable::add_member(Group& group, DaemonIndex daemon, const NameField& member) {
    const auto at = place_of(group.members, daemon, member);
    if (at != group.members.end() && (*at)->daemon == daemon && (*at)->name == member) {
        return false;
    }
    group.members.insert(at, &enter(group, daemon, member));
    return true;
}

bool GroupTable::remove_member(Group& group, DaemonIndex daemon, const NameField& member) {
    const auto at = place_of(group.members, daemon, member);
    if (at == group.members.end() || (*at)->daemon != daemon || (*at)->name != member) {
        return false;
    }
    withdraw(group, **at);
    group.members.erase(at);
    return true;
}

void GroupTable::add_daemon(Group& group, DaemonIndex daemon, const std::vector<NameField>& names) {
    SPREAD_ASSERT(!names.empty());
    auto at = place_of(group.members, daemon, names.front());
    SPREAD_ASSERT(at == group.members.end() || (*at)->daemon != daemon);
    std::vector<const Member*> entered;
    entered.reserve(names.size());
    for (const NameField& name : names) {
        entered.push_back(&enter(group, daemon, name));
    }
    group.members.insert(at, entered.begin(), entered.end());
}

void GroupTable::keep_daemons(Group& group, const DaemonSet& kept) {
    const auto gone =
        std::remove_if(group.members.begin(), group.members.end(), [&](const Member* member) {
            if (kept.contains(member->daemon)) {
                return false;
            }
            withdraw(group, *member);
            return true;
        });
    group.members.erase(gone, group.members.end());
}

const Member& GroupTable::enter(Group& group, DaemonIndex daemon, const NameField& name) {
    Member& member = members_[name];
    if (member.groups.empty()) {
        member.name = name;
        member.daemon = daemon;
    }
    // The last part of a private name is its daemon's.
    SPREAD_ASSERT(member.daemon == daemon);
    member.groups.insert(member.groups.end(), &group);
    ++memberships_;
    return member;
}

void GroupTable::withdraw(Group& group, const Member& member) {
    const auto found = members_.find(member.name);
    SPREAD_ASSERT(found != members_.end());
    found->second.groups.erase(&group);
    --memberships_;
    if (found->second.groups.empty()) {
        members_.erase(found);
    }
}

}  // namespace spread::membership
