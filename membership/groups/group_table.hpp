#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <unordered_map>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/membership_frames.hpp"
#include "protocol/names.hpp"
#include "protocol/roster.hpp"

namespace spread::membership {

/// Members of one group that are connected to one daemon.
struct DaemonMembers {
    protocol::DaemonIndex daemon = 0;
    std::vector<protocol::NameField> names;  ///< ascending, zero behind their NULs
};

/// One process group. The first part is replicated: equal at all daemons of a synced set. The
/// second part is this daemon's own.
struct Group {
    protocol::NameField name;
    protocol::GroupId id;
    /// The network changed the group and its members have not been told the final view yet: it gets
    /// a network view at the end of the membership change (group semantics 1.4).
    bool changed = false;
    /// Members have been told that the view ends; the next view has not followed yet.
    bool signalled = false;
    std::vector<DaemonMembers> daemons;  ///< configuration order, none without names

    std::vector<protocol::SessionId> receivers;       ///< local members, ascending
    std::vector<protocol::SessionId> view_receivers;  ///< those who want memberships, ascending

    [[nodiscard]] bool has_member(protocol::DaemonIndex daemon,
                                  const protocol::NameField& member) const;
    [[nodiscard]] std::size_t member_count() const;
    void add_receiver(protocol::SessionId session, bool wants_membership);
    void remove_receiver(protocol::SessionId session);
};

/// All groups of the configuration, as far as this daemon knows. A group without members does not
/// exist: whoever removes the last member erases the group.
class GroupTable {
  public:
    /// Groups in byte order of their names, which is the order in which clients hear of them (group
    /// semantics 2.2). References stay valid until the group is erased.
    using ByName = std::map<protocol::NameField, Group>;

    GroupTable() = default;
    GroupTable(const GroupTable&) = delete;
    GroupTable& operator=(const GroupTable&) = delete;
    GroupTable(GroupTable&&) = default;
    GroupTable& operator=(GroupTable&&) = default;
    ~GroupTable() = default;

    [[nodiscard]] Group* find(const protocol::NameField& name);
    [[nodiscard]] const Group* find(const protocol::NameField& name) const;
    [[nodiscard]] ByName& groups() { return groups_; }
    [[nodiscard]] const ByName& groups() const { return groups_; }
    /// The first one in byte order of names; null for who is in none.
    [[nodiscard]] Group* first_group_of(const protocol::NameField& member) const;
    [[nodiscard]] std::size_t group_count(const protocol::NameField& member) const;

    /// The group must not exist. `name` must have zeros behind its NUL.
    Group& create(const protocol::NameField& name, const protocol::GroupId& id);
    /// Forgets the group and whoever is in it.
    void erase(Group& group);

    /// False when it is a member already.
    bool add_member(Group& group, protocol::DaemonIndex daemon, const protocol::NameField& member);
    /// False when it is no member. May leave the group empty.
    bool remove_member(Group& group, protocol::DaemonIndex daemon,
                       const protocol::NameField& member);
    /// Adds the members of a daemon that has none in the group yet; `names` ascending.
    void add_daemon(Group& group, protocol::DaemonIndex daemon,
                    std::vector<protocol::NameField> names);
    /// Removes all members on daemons outside `kept`. May leave the group empty.
    void keep_daemons(Group& group, const protocol::DaemonSet& kept);

  private:
    void index_member(Group& group, const protocol::NameField& member);
    void unindex_member(Group& group, const protocol::NameField& member);

    ByName groups_;
    std::unordered_map<protocol::NameField, Group*> lookup_;
    struct BeforeByName {
        bool operator()(const Group* a, const Group* b) const { return a->name < b->name; }
    };
    /// Sets, because a client may join as many groups as it likes and leave them one by one.
    std::unordered_map<protocol::NameField, std::set<Group*, BeforeByName>> groups_of_;
};

}  // namespace spread::membership
