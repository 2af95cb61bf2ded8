#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "membership/events.hpp"
#include "membership/groups/work_budget.hpp"
#include "protocol/ids.hpp"
#include "protocol/message.hpp"

namespace spread::membership {

/// What clients of any daemon have sent to a group, while it was known here.
struct GroupTraffic {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;  ///< of their bodies
};

/// A frame of the session wire for some local sessions, encoded once and shared by all of them.
struct ClientEvent {
    std::vector<protocol::SessionId> recipients;
    protocol::Message frame;
    /// Tells that a single member came or left: only `subject` waits for it, if that is set.
    bool is_notice = false;
    std::optional<protocol::SessionId> subject{};
    // Of a multicast; 0 of membership messages.
    std::uint32_t type = 0;  ///< of its header
    std::size_t body_bytes = 0;
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
    /// Set when client messages may flow on the ring of this id: its state exchange is done. Not
    /// set for a ring that has ended before.
    std::optional<protocol::RingId> resume;
    /// What may still be done in this turn. The caller sets it when a turn begins.
    WorkBudget budget = WorkBudget::unlimited();

    /// Empties it; the budget is not touched.
    void clear() {
        events.clear();
        submissions.clear();
        disconnected.clear();
        resume.reset();
    }
};

/// A state exchange that is under way.
struct PendingExchange {
    protocol::RingId ring;
    protocol::MemberList owing;  ///< daemons whose state has not come; configuration order
    std::uint64_t parts = 0;     ///< that have come

    friend bool operator==(const PendingExchange&, const PendingExchange&) = default;
};

enum class GroupPhase : std::uint8_t { kStable, kTransitional, kExchange, kExchangeTransitional };

struct GroupStats {
    std::uint64_t groups = 0;
    std::uint64_t messages_delivered = 0;  ///< client frames handed to at least one local session
    std::uint64_t views_delivered = 0;     ///< membership frames, however many share each
    /// Ring messages that were dropped: their body did not decode, or contradicts its origin.
    std::uint64_t malformed_messages = 0;
};

}  // namespace spread::membership
