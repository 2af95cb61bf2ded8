#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "membership/groups/group_table.hpp"
#include "membership/groups/group_view.hpp"
#include "membership/groups/group_wire.hpp"
#include "membership/groups/work_budget.hpp"
#include "protocol/ids.hpp"
#include "protocol/roster.hpp"

namespace spread::membership {

/// Collects the state messages of one regular configuration and merges them into one table.
///
/// Every daemon of the configuration delivers the same messages in the same order, and the merged
/// table is made of these messages only, not of what a daemon knew before. So all daemons that
/// complete an exchange do so at the same place of the order, and have the same table then.
class GroupExchange {
  public:
    /// `members` of the regular configuration `ring`.
    GroupExchange(const protocol::Roster& roster, protocol::RingId ring,
                  const protocol::DaemonSet& members);

    enum class Verdict : std::uint8_t {
        kTaken,
        kForeign,    ///< of another configuration: a leftover of an interrupted exchange
        kMalformed,  ///< contradicts the configuration or its own bundle
    };

    /// One part, at its place in the order, sent by `origin`.
    Verdict on_part(const GroupStatePart& part, protocol::DaemonIndex origin);

    /// For every member the state of its synced set has arrived.
    [[nodiscard]] bool is_complete() const { return covered_ == members_; }

    /// Members whose state has not arrived, and parts that have.
    [[nodiscard]] protocol::DaemonSet owing() const { return members_ - covered_; }
    [[nodiscard]] std::uint64_t parts() const { return parts_; }

    /// A group whose members get a network view, with the parts that the sides brought.
    struct ChangedGroup {
        Group* group = nullptr;  ///< in the merged table
        std::vector<MergeSide> sides;
    };
    struct Merged {
        GroupTable table;
        std::vector<ChangedGroup> changed;  ///< byte order of names
    };
    /// Merges what was collected, once complete, group by group while the budget lasts. Returns
    /// whether all is merged. Changed groups are marked so and still have an id of one of the
    /// sides; the caller gives them that of the new view.
    [[nodiscard]] bool merge(WorkBudget& budget);
    /// Frees the memory of an exchange that will not be completed, while the budget lasts. Returns
    /// whether all is freed.
    [[nodiscard]] bool discard(WorkBudget& budget);
    /// The result. Ends the exchange.
    [[nodiscard]] Merged take_merged() { return std::move(merged_); }

  private:
    struct DaemonPart {
        protocol::DaemonIndex daemon = 0;
        std::vector<protocol::NameField> names;
    };
    struct GroupPart {
        protocol::NameField name;
        protocol::GroupId id;
        bool changed = false;
        std::vector<DaemonPart> daemons;
    };
    /// What one representative says.
    struct Bundle {
        std::uint32_t next_part = 0;
        bool complete = false;
        protocol::DaemonSet synced;
        /// Those of `synced` that no earlier bundle covers. Synced sets never overlap unless a
        /// daemon is in error; then the first bundle counts.
        protocol::DaemonSet speaks_for;
        std::deque<GroupPart> groups;  ///< byte order of names; merging takes them away
    };

    bool start_bundle(Bundle& bundle, const GroupStatePart& part);
    bool append(Bundle& bundle, const GroupStatePart& part);
    void merge_group(const protocol::NameField& name, WorkBudget& budget);

    const protocol::Roster& roster_;
    protocol::RingId ring_;
    protocol::DaemonSet members_;
    protocol::DaemonSet covered_;
    std::uint64_t parts_ = 0;
    std::vector<Bundle> bundles_;  ///< by sender
    Merged merged_;
};

}  // namespace spread::membership
