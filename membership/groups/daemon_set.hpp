#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "membership/groups/group_config.hpp"
#include "protocol/assert.hpp"
#include "protocol/ids.hpp"

namespace spread::membership {

/// Place of a daemon in the configuration file, from 0. Member lists, vs-sets and representatives
/// all follow this order (group semantics 1.3), so the group layer works with places, not ids.
using DaemonIndex = std::size_t;

/// A set of configured daemons.
class DaemonSet {
  public:
    DaemonSet() = default;
    explicit DaemonSet(std::size_t configured) : in_(configured, false) {}

    void insert(DaemonIndex daemon) { in_[daemon] = true; }
    [[nodiscard]] bool contains(DaemonIndex daemon) const { return in_[daemon]; }
    [[nodiscard]] std::size_t size() const {
        return static_cast<std::size_t>(std::count(in_.begin(), in_.end(), true));
    }

    /// The first one in configuration order: who speaks for the set. The set must not be empty.
    [[nodiscard]] DaemonIndex front() const {
        const auto first = std::find(in_.begin(), in_.end(), true);
        SPREAD_ASSERT(first != in_.end());
        return static_cast<DaemonIndex>(first - in_.begin());
    }

    /// All members, in configuration order.
    [[nodiscard]] std::vector<DaemonIndex> list() const {
        std::vector<DaemonIndex> daemons;
        for (DaemonIndex i = 0; i < in_.size(); ++i) {
            if (in_[i]) {
                daemons.push_back(i);
            }
        }
        return daemons;
    }

    DaemonSet& operator&=(const DaemonSet& other) {
        for (DaemonIndex i = 0; i < in_.size(); ++i) {
            in_[i] = in_[i] && other.in_[i];
        }
        return *this;
    }
    DaemonSet& operator|=(const DaemonSet& other) {
        for (DaemonIndex i = 0; i < in_.size(); ++i) {
            in_[i] = in_[i] || other.in_[i];
        }
        return *this;
    }
    DaemonSet& operator-=(const DaemonSet& other) {
        for (DaemonIndex i = 0; i < in_.size(); ++i) {
            in_[i] = in_[i] && !other.in_[i];
        }
        return *this;
    }
    friend bool operator==(const DaemonSet&, const DaemonSet&) = default;

  private:
    std::vector<bool> in_;
};

/// Translates between ids, names and places.
class DaemonDirectory {
  public:
    /// `config.self` must be among the daemons. Asserted.
    explicit DaemonDirectory(const GroupConfig& config) : daemons_(config.daemons) {
        for (DaemonIndex i = 0; i < daemons_.size(); ++i) {
            by_id_.emplace(daemons_[i].id, i);
        }
        const auto self = find(config.self);
        SPREAD_ASSERT(self.has_value());
        self_ = *self;
    }

    [[nodiscard]] std::size_t size() const { return daemons_.size(); }
    [[nodiscard]] DaemonIndex self() const { return self_; }
    [[nodiscard]] protocol::DaemonId id(DaemonIndex daemon) const { return daemons_[daemon].id; }
    [[nodiscard]] std::string_view name(DaemonIndex daemon) const { return daemons_[daemon].name; }

    [[nodiscard]] std::optional<DaemonIndex> find(protocol::DaemonId id) const {
        const auto found = by_id_.find(id);
        return found == by_id_.end() ? std::nullopt : std::optional(found->second);
    }

    /// The configured ones among `members`.
    [[nodiscard]] DaemonSet set_of(const protocol::MemberList& members) const {
        DaemonSet set(size());
        for (const protocol::DaemonId id : members) {
            if (const auto daemon = find(id)) {
                set.insert(*daemon);
            }
        }
        return set;
    }

    [[nodiscard]] protocol::MemberList ids_of(const DaemonSet& set) const {
        protocol::MemberList members;
        for (const DaemonIndex daemon : set.list()) {
            members.push_back(id(daemon));
        }
        return members;
    }

  private:
    std::vector<GroupConfig::Daemon> daemons_;
    std::unordered_map<protocol::DaemonId, DaemonIndex> by_id_;
    DaemonIndex self_ = 0;
};

}  // namespace spread::membership
