#pragma once

#include <vector>

#include "membership/groups/group_output.hpp"
#include "membership/groups/group_table.hpp"
#include "membership/groups/group_view.hpp"
#include "membership/groups/local_sessions.hpp"
#include "protocol/ids.hpp"
#include "protocol/membership_frames.hpp"
#include "protocol/message.hpp"
#include "protocol/names.hpp"

namespace spread::membership {

/// Tells local members of changes of their groups. A frame is encoded once, and only if a local
/// session wants it.
class GroupNotices {
  public:
    GroupNotices(const LocalSessions& sessions, GroupStats& stats)
        : sessions_(sessions), stats_(stats) {}

    /// The view of `group` is ending (CP 7.3).
    void signal(Group& group, GroupOutput& out) const;
    /// The view differs from the one before by `member`, whose daemon is ours or not.
    void member_change(protocol::MemberChange change, const Group& group, bool is_ours,
                       const protocol::NameField& member, GroupOutput& out) const;
    /// One frame per distinct vs-set: this daemon's clients, and a local joiner by itself.
    void network_view(const Group& group, const NetworkView& view, GroupOutput& out,
                      const protocol::NameField& joiner = {}) const;
    /// To a session that has left `group`.
    void self_leave(protocol::SessionId session, const Group& group, GroupOutput& out) const;

    /// Whether a local session may want a view of the group.
    [[nodiscard]] static bool is_watched(const Group& group) { return !group.receivers.empty(); }

  private:
    using Recipients = std::vector<protocol::SessionId>;

    [[nodiscard]] Recipients watchers(const Group& group) const;
    void emit(Recipients recipients, protocol::Message frame, GroupOutput& out) const;
    /// One frame for each layout that local sessions read.
    template <typename Encode, typename Encode3x>
    void emit_layouts(Recipients recipients, const Encode& encode, const Encode3x& encode_3x,
                      GroupOutput& out) const;

    const LocalSessions& sessions_;
    GroupStats& stats_;
};

}  // namespace spread::membership
