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
#include "protocol/ids.hpp"
#include "protocol/membership_frames.hpp"
#include "protocol/message.hpp"

namespace spread::membership {

/// A frame of the session wire for some local sessions, encoded once and shared by all of them.
struct ClientEvent {
    std::vector<protocol::SessionId> recipients;
    protocol::Message frame;
    /// Tells that a single member came or left: only `subject` waits for it, if that is set.
    bool is_notice = false;
    std::optional<protocol::SessionId> subject{};
};

/// What one input produced. Owned and reused by the caller, who clears it.
struct GroupOutput {
    /// For the session layer, in this order.
    std::vector<ClientEvent> events;
    /// For the ring, in this order.
    std::vector<Submission> submissions;
    /// Sessions whose disconnect has now been delivered in agreed order: their names are free and
    /// their sockets may close.
    std::vector<protocol::SessionId> disconnected;
    /// Set when client messages may flow on the ring of this id (stable, state exchange done). Not
    /// set for a ring that has ended before its exchange did.
    std::optional<protocol::RingId> resume;

    void clear() {
        events.clear();
        submissions.clear();
        disconnected.clear();
        resume.reset();
    }
};

enum class GroupPhase : std::uint8_t { kStable, kTransitional, kExchange, kExchangeTransitional };

struct GroupStats {
    std::uint64_t groups = 0;
    std::uint64_t messages_delivered = 0;  ///< client frames handed to at least one local session
    std::uint64_t views_delivered = 0;     ///< membership frames, however many share each
    /// Ring messages that were dropped: their body did not decode, or contradicts its origin.
    std::uint64_t malformed_messages = 0;
};

/// Process groups: a replicated state machine over the ring's deliveries. Every daemon applies the
/// same joins, leaves and disconnects in the same order and therefore computes the same views.
/// Semantics: group-semantics sections 1, 2, 5. Pure: no I/O, no time.
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
    /// Any group name will do that fits a name field with its NUL (client protocol 5.2); others,
    /// and requests of sessions that are gone, are ignored.
    void request_join(protocol::SessionId session, std::string_view group, GroupOutput& out);
    void request_leave(protocol::SessionId session, std::string_view group, GroupOutput& out);
    /// The session is gone (KILL, closed socket, dropped). Nothing is delivered to it any more; its
    /// groups learn it when the disconnect comes back in agreed order. `orderly` picks AGREED
    /// (KILL) or SAFE (abrupt).
    void request_disconnect(protocol::SessionId session, bool orderly, GroupOutput& out);

    /// How many groups the session is in, counting joins that are still on their way.
    [[nodiscard]] std::size_t groups_of(protocol::SessionId session) const;

    /// The ring's deliveries and configurations, in order.
    void on_event(DeliveryEvent event, GroupOutput& out);

    [[nodiscard]] GroupPhase phase() const;
    [[nodiscard]] GroupStats stats() const;

    /// Operator's and tests' view: members of `group` as private names in view order; empty if
    /// none.
    [[nodiscard]] std::vector<std::string> members(std::string_view group) const;
    [[nodiscard]] std::vector<std::string> group_names() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace spread::membership
