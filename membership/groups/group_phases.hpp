#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "membership/events.hpp"
#include "membership/groups/group_epoch.hpp"
#include "membership/groups/group_exchange.hpp"
#include "membership/groups/group_messages.hpp"
#include "membership/groups/group_notices.hpp"
#include "membership/groups/group_output.hpp"
#include "membership/groups/group_table.hpp"
#include "membership/groups/state_sender.hpp"
#include "protocol/ids.hpp"
#include "protocol/roster.hpp"

namespace spread::membership {

/// What configurations do to groups, and the state exchange behind a merge:
///
///   phase                   transitional                  regular
///   kStable                 split -> kTransitional        (only with an engine in error)
///   kTransitional           split again                   settle -> kStable or kExchange
///   kExchange               remember -> kExchangeTrans.   (only with an engine in error)
///   kExchangeTransitional   remember                      split, settle -> kStable or kExchange
///
/// The end of an exchange leads from kExchange to kStable, and from kExchangeTransitional through
/// the remembered split to kTransitional.
///
/// Each of these walks over the whole table. The walks are steps in a queue, and are taken in parts
/// as the budget allows; nothing else may be applied before all are done.
class GroupPhases {
  public:
    GroupPhases(const protocol::Roster& roster, protocol::DaemonIndex self,
                std::size_t state_message_bytes_max, GroupTable& table, GroupEpoch& epoch,
                const GroupNotices& notices, GroupMessages& messages, GroupStats& stats);

    void on_configuration(const ConfigurationChange& change);
    /// A message of the group state.
    void on_state(const Delivery& delivery, protocol::DaemonIndex origin);
    /// An exchange is under way: messages must wait for its end and go to hold().
    [[nodiscard]] bool is_exchanging() const { return exchange_.has_value(); }
    /// The exchange of the present ring, as long as state is missing.
    [[nodiscard]] std::optional<PendingExchange> pending_exchange() const;
    void hold(Delivery&& delivery, protocol::DaemonIndex origin);

    [[nodiscard]] bool has_work() const { return !steps_.empty(); }
    void work(GroupOutput& out);

  private:
    using Cursor =
        std::optional<GroupTable::ByName::const_iterator>;  ///< none before the first step
    struct Held {
        Delivery delivery;
        protocol::DaemonIndex origin = 0;
    };

    /// Applies what was held, of these daemons only.
    struct ApplyHeld {
        protocol::DaemonSet from;
    };
    /// The exchange ends without a result.
    struct BreakOff {};
    /// The table is to be split: groups that lose a daemon are told that their view ends.
    struct Split {
        protocol::DaemonSet members;
        protocol::RingId next;
        Cursor at{};
    };
    /// Members on daemons that did not come along are removed.
    struct DropUnreachable {
        Cursor at{};
    };
    /// The regular configuration begins.
    struct Enter {
        protocol::DaemonSet members;
        protocol::RingId ring;
    };
    /// No other synced set joined: the remaining members of each changed group came along together.
    struct FinishChanged {
        Cursor at{};
    };
    struct SendState {
        std::unique_ptr<StateSender> sender;
    };
    struct Merge {};
    /// The table is the merged one: enters the local sessions into their groups.
    struct BindReceivers {
        Cursor at{};
    };
    struct TellMerged {
        std::vector<GroupExchange::ChangedGroup> changed;
        std::size_t next = 0;
    };
    /// Client messages may flow.
    struct Resume {};
    /// Frees the memory of a table that is not needed any more.
    struct Discard {
        GroupTable table;
    };
    using Step = std::variant<ApplyHeld, BreakOff, Split, DropUnreachable, Enter, FinishChanged,
                              SendState, Merge, BindReceivers, TellMerged, Resume, Discard>;

    void on_transitional(const protocol::DaemonSet& members, const protocol::RingId& next);
    void on_regular(const protocol::DaemonSet& members, const protocol::RingId& next);
    void on_merged();
    void finish_group(Group& group);

    // Each returns whether the step is done.
    bool take(ApplyHeld& step, GroupOutput& out);
    bool take(BreakOff& step, GroupOutput& out);
    bool take(Split& step, GroupOutput& out);
    bool take(DropUnreachable& step, GroupOutput& out);
    bool take(Enter& step, GroupOutput& out);
    bool take(FinishChanged& step, GroupOutput& out);
    bool take(SendState& step, GroupOutput& out);
    bool take(Merge& step, GroupOutput& out);
    bool take(BindReceivers& step, GroupOutput& out);
    bool take(TellMerged& step, GroupOutput& out);
    bool take(Resume& step, GroupOutput& out);
    bool take(Discard& step, GroupOutput& out);
    template <typename Visit>
    bool walk(Cursor& at, GroupOutput& out, const Visit& visit);

    const protocol::Roster& roster_;
    protocol::DaemonIndex self_;
    std::size_t state_message_bytes_max_;
    GroupTable& table_;
    GroupEpoch& epoch_;
    const GroupNotices& notices_;
    GroupMessages& messages_;
    GroupStats& stats_;

    std::deque<Step> steps_;
    std::optional<GroupExchange> exchange_;  ///< in the two exchange phases
    protocol::DaemonSet remembered_;         ///< transitional configuration that came meanwhile
    protocol::RingId remembered_next_;
    std::deque<Held> held_;
    std::size_t held_frames_ = 0;
};

}  // namespace spread::membership
