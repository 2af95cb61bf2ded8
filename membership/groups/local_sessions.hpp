#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/membership_frames.hpp"
#include "protocol/names.hpp"

namespace spread::membership {

/// The sessions of this daemon, by id and by private name.
class LocalSessions {
  public:
    struct Session {
        protocol::NameField name;
        bool wants_membership = false;
        bool closing = false;  ///< gets nothing more; its disconnect is on the way
        protocol::MembershipLayout layout = protocol::MembershipLayout::kVsSets;
        std::size_t joins_under_way = 0;  ///< requested, not delivered yet
    };

    /// The name must be free: not open()ed, or forgotten since. Asserted.
    void open(protocol::SessionId id, const Session& session);
    /// Nothing is delivered to the session any more.
    void begin_close(protocol::SessionId id);
    /// Ends a session that is closing or not; its name is free.
    void forget(protocol::SessionId id);

    [[nodiscard]] Session* find(protocol::SessionId id);
    [[nodiscard]] const Session* find(protocol::SessionId id) const;
    [[nodiscard]] std::optional<protocol::SessionId> find(const protocol::NameField& name) const;
    /// The session that a message to a private group goes to, if it is one of ours.
    [[nodiscard]] std::optional<protocol::SessionId> private_recipient(
        const protocol::NameField& destination) const;

    void note_join_requested(Session& session);
    /// One of the session's joins came back in the order.
    void note_join_arrived(const protocol::NameField& member);
    /// Of all sessions.
    [[nodiscard]] std::size_t joins_under_way() const { return joins_under_way_; }

    /// Takes sessions that are closing out of `recipients`, which must ascend.
    void drop_closing(std::vector<protocol::SessionId>& recipients) const;
    /// Those of `receivers`, which must ascend, who want memberships and are not closing.
    [[nodiscard]] std::vector<protocol::SessionId> watchers(
        std::span<const protocol::SessionId> receivers) const;
    /// Takes those that read the 3.x layout out of `recipients` and returns them.
    [[nodiscard]] std::vector<protocol::SessionId> split_3x(
        std::vector<protocol::SessionId>& recipients) const;

  private:
    std::unordered_map<protocol::SessionId, Session> sessions_;
    std::unordered_map<protocol::NameField, protocol::SessionId> by_name_;
    std::vector<protocol::SessionId> closing_;  ///< ascending
    std::size_t readers_3x_ = 0;
    std::size_t unwatching_ = 0;  ///< sessions that want no memberships
    std::size_t joins_under_way_ = 0;
};

}  // namespace spread::membership
