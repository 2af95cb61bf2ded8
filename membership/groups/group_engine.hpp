#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "membership/events.hpp"
#include "membership/groups/group_config.hpp"
#include "membership/groups/group_output.hpp"
#include "protocol/ids.hpp"
#include "protocol/membership_frames.hpp"

namespace spread::membership {

/// Process groups: a replicated state machine over the ring's deliveries. Every daemon applies the
/// same joins, leaves and disconnects in the same order and therefore computes the same views.
/// GS numbers in this directory are those of the rules in docs/conformance.md. Pure: no I/O, no
/// time.
class GroupEngine {
  public:
    explicit GroupEngine(GroupConfig config);
    ~GroupEngine();
    GroupEngine(const GroupEngine&) = delete;
    GroupEngine& operator=(const GroupEngine&) = delete;

    /// A local session finished its handshake. `private_name` is "#user#daemon". `layout` is how
    /// it reads memberships, if it wants them.
    void on_session_open(protocol::SessionId session, std::string_view private_name,
                         bool wants_membership,
                         protocol::MembershipLayout layout = protocol::MembershipLayout::kVsSets);

    /// Requests of local sessions: validated by the session layer, turned into ring messages here.
    /// Any group name will do that fits a name field with its NUL (CP 5.2); others,
    /// and requests of sessions that are gone, are ignored.
    void request_join(protocol::SessionId session, std::string_view group, GroupOutput& out);
    void request_leave(protocol::SessionId session, std::string_view group, GroupOutput& out);
    /// The session is gone (KILL, closed socket, dropped). Nothing is delivered to it any more; its
    /// groups learn it when the disconnect comes back in agreed order. `orderly` picks AGREED
    /// (KILL) or SAFE (abrupt).
    void request_disconnect(protocol::SessionId session, bool orderly, GroupOutput& out);

    /// How many groups the session is in, counting joins that are still on their way.
    [[nodiscard]] std::size_t groups_of(protocol::SessionId session) const;
    /// The same of all clients of all daemons, as far as this daemon knows.
    [[nodiscard]] std::size_t memberships() const;

    /// The ring's deliveries and configurations, in order. When the output's budget is spent, the
    /// rest of the work and all later events wait for work(). The budget decides when an event is
    /// worked on, and never what its result is.
    void on_event(DeliveryEvent&& event, GroupOutput& out);
    /// Something waits for work(). The host should take no deliveries until this is false, so that
    /// the ring slows down instead of this daemon's memory growing.
    [[nodiscard]] bool has_work() const;
    void work(GroupOutput& out);

    [[nodiscard]] GroupPhase phase() const;
    /// The state exchange that keeps clients' messages from flowing, as long as state is missing.
    /// It has no end of its own: whoever owns a clock takes the daemons that owe their state out of
    /// the ring.
    [[nodiscard]] std::optional<PendingExchange> pending_exchange() const;
    [[nodiscard]] GroupStats stats() const;

    /// Operator's and tests' view: members of `group` as private names in view order; empty if
    /// none.
    [[nodiscard]] std::vector<std::string> members(std::string_view group) const;
    [[nodiscard]] std::vector<std::string> group_names() const;
    /// The next `most` groups behind `after` in byte order of names, and how many members each has.
    struct GroupSize {
        std::string name;
        std::size_t members;
        GroupTraffic traffic;
    };
    [[nodiscard]] std::vector<GroupSize> groups_behind(std::string_view after,
                                                       std::size_t most) const;
    struct Busiest {
        std::vector<GroupSize> groups;  ///< the busiest first, with what was sent to them
        std::string last;               ///< looked at; empty: there are no more behind it
    };
    /// Among the next `look_at` groups behind `after`, the `most` to which most messages were sent
    /// since they were last looked at so. Groups without traffic are not among them.
    [[nodiscard]] Busiest busiest_groups(std::string_view after, std::size_t look_at,
                                         std::size_t most) const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace spread::membership
