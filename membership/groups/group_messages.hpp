#pragma once

#include <cstddef>
#include <optional>

#include "membership/groups/frame_router.hpp"
#include "membership/groups/group_epoch.hpp"
#include "membership/groups/group_notices.hpp"
#include "membership/groups/group_output.hpp"
#include "membership/groups/group_table.hpp"
#include "membership/groups/group_wire.hpp"
#include "membership/groups/local_sessions.hpp"
#include "protocol/membership_frames.hpp"
#include "protocol/names.hpp"
#include "protocol/roster.hpp"

namespace spread::membership {

/// Applies ordered messages of clients to the table: multicasts, joins, leaves, disconnects.
///
/// Work is in proportion to the message, except for a disconnect: the client may be in any number
/// of groups, so it leaves them one by one while the budget lasts. Nothing else may be applied
/// meanwhile.
class GroupMessages {
  public:
    GroupMessages(const protocol::Roster& roster, protocol::DaemonIndex self,
                  LocalSessions& sessions, GroupTable& table, GroupEpoch& epoch,
                  const GroupNotices& notices, GroupStats& stats)
        : roster_(roster),
          self_(self),
          sessions_(sessions),
          table_(table),
          epoch_(epoch),
          notices_(notices),
          stats_(stats),
          router_(roster, sessions, table) {}

    /// No disconnect may be under way. Asserted.
    void apply(Delivery&& delivery, protocol::DaemonIndex origin, GroupOutput& out);
    /// A client is still leaving its groups.
    [[nodiscard]] bool is_leaving() const { return leaving_.has_value(); }
    /// Lets that client leave more groups, while the budget lasts.
    void leave_more(GroupOutput& out);

    void apply_join(protocol::DaemonIndex origin, const GroupRequest& request, GroupOutput& out);
    /// From now on a local member receives the group's messages.
    void bind_receiver(Group& group, const protocol::NameField& member) const;

  private:
    /// A disconnected client on its way out of its groups, in byte order of names.
    struct Leaving {
        protocol::DaemonIndex daemon = 0;
        protocol::NameField member;
    };

    void apply_frame(Delivery&& delivery, protocol::DaemonIndex origin, GroupOutput& out);
    void apply_leave(protocol::DaemonIndex origin, const GroupRequest& request, GroupOutput& out);
    void begin_disconnect(protocol::DaemonIndex origin, const protocol::NameField& member);
    void after_removal(protocol::MemberChange change, Group& group, protocol::DaemonIndex origin,
                       const protocol::NameField& member, GroupOutput& out);
    void announce(protocol::MemberChange change, Group& group, protocol::DaemonIndex origin,
                  const protocol::NameField& member, GroupOutput& out);

    const protocol::Roster& roster_;
    protocol::DaemonIndex self_;
    LocalSessions& sessions_;
    GroupTable& table_;
    GroupEpoch& epoch_;
    const GroupNotices& notices_;
    GroupStats& stats_;
    FrameRouter router_;
    std::optional<Leaving> leaving_;
};

}  // namespace spread::membership
