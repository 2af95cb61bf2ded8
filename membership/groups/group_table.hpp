#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <boost/container/small_vector.hpp>

#include "membership/groups/group_output.hpp"
#include "protocol/ids.hpp"
#include "protocol/membership_frames.hpp"
#include "protocol/names.hpp"
#include "protocol/roster.hpp"

namespace spread::membership {

struct Group;

struct GroupByName {
    using is_transparent = void;

    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
        return name_of(a) < name_of(b);
    }

  private:
    static const protocol::NameField& name_of(const protocol::NameField& name) { return name; }
    static const protocol::NameField& name_of(const Group* group);
    static const protocol::NameField& name_of(const std::unique_ptr<Group>& group);
};

/// A client that is in groups: one record for all of them.
struct Member {
    protocol::NameField name;  ///< zero behind its NUL
    protocol::DaemonIndex daemon = 0;
    /// Where it is. Sets, because a client may join as many groups as it likes and leave them one
    /// by one.
    std::set<Group*, GroupByName> groups;
};

/// One process group. The first part is replicated: equal at all daemons of a synced set. The
/// second part is this daemon's own. Most groups are small where there are very many, so one
/// member and one receiver need no memory of their own.
struct Group {
    protocol::NameField name;
    protocol::GroupId id;
    /// The network changed the group and its members have not been told the final view yet: it gets
    /// a network view at the end of the membership change (GS 1.4).
    bool changed = false;
    /// Members have been told that the view ends; the next view has not followed yet.
    bool signalled = false;
    /// View order: configuration order of daemons, then bytewise by name (GS 1.3).
    boost::container::small_vector<const Member*, 1> members;

    boost::container::small_vector<protocol::SessionId, 1> receivers;  ///< of ours, ascending
    // Routing changes these and nothing else.
    mutable GroupTraffic traffic;
    mutable GroupTraffic traffic_before;  ///< as it was when somebody asked for the busiest groups

    [[nodiscard]] bool has_member(protocol::DaemonIndex daemon,
                                  const protocol::NameField& member) const;
    /// Some members are on daemons outside `kept`.
    [[nodiscard]] bool loses_members(const protocol::DaemonSet& kept) const;
    void add_receiver(protocol::SessionId session);
    void remove_receiver(protocol::SessionId session);
};

inline const protocol::NameField& GroupByName::name_of(const Group* group) {
    return group->name;
}

inline const protocol::NameField& GroupByName::name_of(const std::unique_ptr<Group>& group) {
    return group->name;
}

/// All groups of the configuration, as far as this daemon knows. A group without members does not
/// exist: whoever removes the last member erases the group.
///
/// A membership costs a place in the group and one in its member's set, 56 bytes; a group of one
/// member about 260 with its own record.
class GroupTable {
  public:
    /// Groups in byte order of their names, which is the order in which clients hear of them
    /// (GS 2.2). References stay valid until the group is erased.
    using ByName = std::set<std::unique_ptr<Group>, GroupByName>;

    GroupTable() = default;
    GroupTable(const GroupTable&) = delete;
    GroupTable& operator=(const GroupTable&) = delete;
    GroupTable(GroupTable&&) = default;
    GroupTable& operator=(GroupTable&&) = default;
    ~GroupTable() = default;

    [[nodiscard]] Group* find(const protocol::NameField& name);
    [[nodiscard]] const Group* find(const protocol::NameField& name) const;
    [[nodiscard]] const ByName& groups() const { return groups_; }
    /// The first group in byte order of names that the member is in; null if it is in none.
    [[nodiscard]] Group* first_group_of(const protocol::NameField& member) const;
    [[nodiscard]] std::size_t group_count(const protocol::NameField& member) const;
    /// Of all groups together.
    [[nodiscard]] std::size_t membership_count() const { return memberships_; }

    /// The group must not exist. `name` must have zeros behind its NUL.
    Group& create(const protocol::NameField& name, const protocol::GroupId& id);
    /// Removes the group and its members.
    void erase(Group& group);

    /// False when it is a member already.
    bool add_member(Group& group, protocol::DaemonIndex daemon, const protocol::NameField& member);
    /// False when it is no member. May leave the group empty.
    bool remove_member(Group& group, protocol::DaemonIndex daemon,
                       const protocol::NameField& member);
    /// Adds the members of a daemon that has none in the group yet; `names` ascending.
    void add_daemon(Group& group, protocol::DaemonIndex daemon,
                    const std::vector<protocol::NameField>& names);
    /// Removes all members on daemons outside `kept`. May leave the group empty.
    void keep_daemons(Group& group, const protocol::DaemonSet& kept);

  private:
    /// A hash table that grows moves all it has at once, which takes tens of milliseconds with
    /// hundreds of thousands of groups. So there are many, each for its share of the names.
    class Lookup {
      public:
        [[nodiscard]] Group* find(const protocol::NameField& name) const {
            const Hashed hashed{name, HashName()(name)};
            const Shard& shard = shards_[index_of(hashed.hash)];
            const auto found = shard.find(hashed);
            return found == shard.end() ? nullptr : *found;
        }
        /// False when there is one of that name.
        bool insert(Group* group) { return shard_of(*group).insert(group).second; }
        void erase(Group* group) { shard_of(*group).erase(group); }

      private:
        /// Each message looks its groups up: one hash chooses the table and the place in it.
        struct Hashed {
            const protocol::NameField& name;
            std::size_t hash;
        };
        struct HashName {
            using is_transparent = void;
            std::size_t operator()(const protocol::NameField& name) const noexcept {
                return std::hash<protocol::NameField>()(name);
            }
            std::size_t operator()(const Group* group) const noexcept {
                return (*this)(group->name);
            }
            std::size_t operator()(const Hashed& hashed) const noexcept { return hashed.hash; }
        };
        struct EqualName {
            using is_transparent = void;
            bool operator()(const Group* a, const Group* b) const { return a == b; }
            bool operator()(const Group* a, const Hashed& b) const { return a->name == b.name; }
            bool operator()(const Hashed& a, const Group* b) const { return a.name == b->name; }
        };
        using Shard = std::unordered_set<Group*, HashName, EqualName>;
        static constexpr int kShardBits = 8;

        [[nodiscard]] static std::size_t index_of(std::size_t hash) {
            return hash >> (std::numeric_limits<std::size_t>::digits - kShardBits);
        }
        [[nodiscard]] Shard& shard_of(const Group& group) {
            return shards_[index_of(HashName()(&group))];
        }

        std::vector<Shard> shards_ = std::vector<Shard>(std::size_t{1} << kShardBits);
    };

    const Member& enter(Group& group, protocol::DaemonIndex daemon,
                        const protocol::NameField& member);
    void withdraw(Group& group, const Member& member);

    ByName groups_;
    Lookup lookup_;
    std::unordered_map<protocol::NameField, Member> members_;
    std::size_t memberships_ = 0;
};

}  // namespace spread::membership
