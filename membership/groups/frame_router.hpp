#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "membership/groups/group_table.hpp"
#include "membership/groups/local_sessions.hpp"
#include "protocol/ids.hpp"
#include "protocol/message.hpp"
#include "protocol/names.hpp"
#include "protocol/roster.hpp"
#include "protocol/session_wire.hpp"

namespace spread::membership {

/// Whether `member` is the private name of a client of `daemon`.
[[nodiscard]] bool is_client_of(const protocol::Roster& roster, const protocol::NameField& member,
                                protocol::DaemonIndex daemon);

/// Finds out which local sessions a client frame goes to.
class FrameRouter {
  public:
    FrameRouter(const protocol::Roster& roster, const LocalSessions& sessions,
                const GroupTable& table)
        : roster_(roster), sessions_(sessions), table_(table) {}

    struct Routed {
        std::vector<protocol::SessionId> recipients;  ///< in ascending order, none twice
        std::uint32_t type = 0;                       ///< of the frame's header
        std::size_t body_bytes = 0;
    };
    /// Nothing for a frame that no client of `origin` can have sent.
    [[nodiscard]] std::optional<Routed> route(const protocol::Message& frame,
                                              protocol::DaemonIndex origin) const;

  private:
    [[nodiscard]] bool is_deliverable(const protocol::SessionHeader& header, std::size_t size,
                                      protocol::DaemonIndex origin) const;
    [[nodiscard]] std::vector<protocol::SessionId> members_of(std::span<const std::byte> head,
                                                              std::size_t group_count,
                                                              std::size_t body_bytes) const;

    const protocol::Roster& roster_;
    const LocalSessions& sessions_;
    const GroupTable& table_;
};

}  // namespace spread::membership
