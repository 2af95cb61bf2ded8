#include "membership/groups/group_table.hpp"

#include <algorithm>
#include <utility>

#include "protocol/assert.hpp"

namespace spread::membership {

using protocol::DaemonIndex;
using protocol::DaemonSet;
using protocol::NameField;
using protocol::SessionId;

namespace {

template <typename Daemons>
auto daemon_position(Daemons& daemons, DaemonIndex daemon) {
    return std::lower_bound(
        daemons.begin(), daemons.end(), daemon,
        [](const DaemonMembers& entry, DaemonIndex wanted) { return entry.daemon < wanted; });
}

void insert_session(std::vector<SessionId>& sessions, SessionId session) {
    const auto at = std::lower_bound(sessions.begin(), sessions.end(), session);
    if (at == sessions.end() || *at != session) {
        sessions.insert(at, session);
    }
}

void erase_session(std::vector<SessionId>& sessions, SessionId session) {
    const auto at = std::lower_bound(sessions.begin(), sessions.end(), session);
    if (at != sessions.end() && *at == session) {
        sessions.erase(at);
    }
}

}  // namespace

bool Group::has_member(DaemonIndex daemon, const NameField& member) const {
    const auto entry = daemon_position(daemons, daemon);
    return entry != daemons.end() && entry->daemon == daemon &&
           std::binary_search(entry->names.begin(), entry->names.end(), member);
}

std::size_t Group::member_count() const {
    std::size_t count = 0;
    for (const DaemonMembers& entry : daemons) {
        count += entry.names.size();
    }
    return count;
}

void Group::add_receiver(SessionId session, bool wants_membership) {
    insert_session(receivers, session);
    if (wants_membership) {
        insert_session(view_receivers, session);
    }
}

void Group::remove_receiver(SessionId session) {
    erase_session(receivers, session);
    erase_session(view_receivers, session);
}

Group* GroupTable::find(const NameField& name) {
    const auto found = lookup_.find(name);
    return found == lookup_.end() ? nullptr : found->second;
}

const Group* GroupTable::find(const NameField& name) const {
    const auto found = lookup_.find(name);
    return found == lookup_.end() ? nullptr : found->second;
}

std::size_t GroupTable::group_count(const NameField& member) const {
    const auto found = groups_of_.find(member);
    return found == groups_of_.end() ? 0 : found->second.size();
}

Group* GroupTable::first_group_of(const NameField& member) const {
    const auto found = groups_of_.find(member);
    return found == groups_of_.end() ? nullptr : *found->second.begin();
}

Group& GroupTable::create(const NameField& name, const protocol::GroupId& id) {
    const auto [at, created] = groups_.try_emplace(name);
    SPREAD_ASSERT(created);
    Group& group = at->second;
    group.name = name;
    group.id = id;
    lookup_.emplace(name, &group);
    return group;
}

void GroupTable::erase(Group& group) {
    for (const DaemonMembers& entry : group.daemons) {
        for (const NameField& member : entry.names) {
            unindex_member(group, member);
        }
    }
    const NameField name = group.name;
    lookup_.erase(name);
    groups_.erase(name);
}

bool GroupTable::add_member(Group& group, DaemonIndex daemon, const NameField& member) {
    auto entry = daemon_position(group.daemons, daemon);
    if (entry == group.daemons.end() || entry->daemon != daemon) {
        entry = group.daemons.insert(entry, DaemonMembers{.daemon = daemon, .names = {}});
    }
    const auto at = std::lower_bound(entry->names.begin(), entry->names.end(), member);
    if (at != entry->names.end() && *at == member) {
        return false;
    }
    entry->names.insert(at, member);
    index_member(group, member);
    return true;
}

bool GroupTable::remove_member(Group& group, DaemonIndex daemon, const NameField& member) {
    const auto entry = daemon_position(group.daemons, daemon);
    if (entry == group.daemons.end() || entry->daemon != daemon) {
        return false;
    }
    const auto at = std::lower_bound(entry->names.begin(), entry->names.end(), member);
    if (at == entry->names.end() || *at != member) {
        return false;
    }
    unindex_member(group, member);
    entry->names.erase(at);
    if (entry->names.empty()) {
        group.daemons.erase(entry);
    }
    return true;
}

void GroupTable::add_daemon(Group& group, DaemonIndex daemon, std::vector<NameField> names) {
    SPREAD_ASSERT(!names.empty());
    const auto at = daemon_position(group.daemons, daemon);
    SPREAD_ASSERT(at == group.daemons.end() || at->daemon != daemon);
    for (const NameField& member : names) {
        index_member(group, member);
    }
    group.daemons.insert(at, DaemonMembers{.daemon = daemon, .names = std::move(names)});
}

void GroupTable::keep_daemons(Group& group, const DaemonSet& kept) {
    std::erase_if(group.daemons, [&](const DaemonMembers& entry) {
        if (kept.contains(entry.daemon)) {
            return false;
        }
        for (const NameField& member : entry.names) {
            unindex_member(group, member);
        }
        return true;
    });
}

void GroupTable::index_member(Group& group, const NameField& member) {
    groups_of_[member].insert(&group);
}

void GroupTable::unindex_member(Group& group, const NameField& member) {
    const auto found = groups_of_.find(member);
    SPREAD_ASSERT(found != groups_of_.end());
    found->second.erase(&group);
    if (found->second.empty()) {
        groups_of_.erase(found);
    }
}

}  // namespace spread::membership
