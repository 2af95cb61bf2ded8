#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/session/outbound.hpp"
#include "daemon/session/permissions.hpp"
#include "daemon/session/session.hpp"
#include "daemon/session/session_config.hpp"
#include "daemon/session/session_machine.hpp"
#include "daemon/session/session_map.hpp"
#include "daemon/session/session_output.hpp"
#include "daemon/session/traffic.hpp"
#include "membership/groups/group_engine.hpp"
#include "protocol/ids.hpp"
#include "protocol/message.hpp"

namespace spread::session {

/// What open sessions ask of their groups, what they get from them, and how they end: at once for
/// their clients, and for everybody else when their disconnect has been delivered in agreed order.
class OpenSessions {
  public:
    /// Everything referred to must outlive this object.
    OpenSessions(const SessionConfig& config, const Permissions& permissions,
                 membership::GroupConfig groups, SessionMap<Session>& sessions, Outbound& outbound)
        : config_(config),
          permissions_(permissions),
          groups_(std::move(groups)),
          sessions_(sessions),
          outbound_(outbound) {}

    /// The session's handshake is done; the last reply of the handshake is queued.
    void open(protocol::SessionId id, Session& session);

    // Requests. Each is false when nothing more is to be read from the session.

    [[nodiscard]] bool on(protocol::SessionId id, Session& session, Multicast& multicast,
                          SessionOutput& out);
    [[nodiscard]] bool on(protocol::SessionId id, Session& session,
                          const protocol::JoinRequest& join, SessionOutput& out);
    [[nodiscard]] bool on(protocol::SessionId id, Session& session,
                          const protocol::LeaveRequest& leave, SessionOutput& out);
    [[nodiscard]] bool on(protocol::SessionId id, Session& session,
                          const protocol::KillRequest& kill, SessionOutput& out);

    /// Nothing more is read from or written to the session, and its disconnect is submitted. Its
    /// socket closes and its name is free only when that is delivered (CP 5.5).
    void end(protocol::SessionId id, Session& session, CloseReason reason, std::string_view why,
             SessionOutput& out);

    /// Whose messages need not wait behind those of busy sessions.
    [[nodiscard]] Overtaking& overtaking() { return overtaking_; }

    /// Refills the budget that ring events spend; see GroupOutput::budget.
    void begin_turn(std::size_t units) { output_.budget = membership::WorkBudget(units); }
    [[nodiscard]] bool turn_is_spent() const { return output_.budget.is_spent(); }
    /// Both return the sessions whose disconnect this was; valid until the next call.
    [[nodiscard]] const std::vector<protocol::SessionId>& on_ring_event(
        membership::DeliveryEvent&& event, SessionOutput& out);
    /// Goes on with what the budget did not suffice for.
    [[nodiscard]] const std::vector<protocol::SessionId>& work(SessionOutput& out);

    /// Ends slow readers for which everybody has waited as long as the configuration allows.
    void end_overdue_readers(protocol::Instant now, SessionOutput& out);

    /// See SessionCore::on_memory().
    void on_memory(bool is_short, SessionOutput& out);
    [[nodiscard]] bool is_short_of_memory() const { return short_of_memory_; }

    [[nodiscard]] const membership::GroupEngine& groups() const { return groups_; }
    [[nodiscard]] const Traffic& traffic() const { return traffic_; }

  private:
    [[nodiscard]] bool send_back(protocol::SessionId id, Session& session,
                                 std::optional<protocol::Message> rejection, SessionOutput& out);
    void mark_ending(protocol::SessionId id, Session& session, CloseReason reason,
                     std::string detail);
    [[nodiscard]] bool is_active(protocol::SessionId id) const;
    [[nodiscard]] std::string describe_queue(protocol::SessionId id) const;
    void deliver(membership::ClientEvent& event, SessionOutput& out);
    void absorb(SessionOutput& out);
    /// Ends sessions, the longest queue first, until at most `bytes_max` are queued.
    void shed_load(std::size_t bytes_max, std::string_view why, SessionOutput& out);
    [[nodiscard]] std::string why_no_joins() const;

    const SessionConfig& config_;
    const Permissions& permissions_;
    membership::GroupEngine groups_;
    Traffic traffic_;
    SessionMap<Session>& sessions_;
    Outbound& outbound_;
    membership::GroupOutput output_;  ///< empty between calls
    Overtaking overtaking_;
    std::vector<protocol::SessionId> disconnected_;
    bool short_of_memory_ = false;
    std::vector<protocol::SessionId> slow_;  ///< ending, their disconnect not requested yet
};

}  // namespace spread::session
