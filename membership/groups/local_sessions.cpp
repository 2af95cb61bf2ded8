#include "membership/groups/local_sessions.hpp"

#include <algorithm>

#include "protocol/assert.hpp"

namespace spread::membership {

using protocol::MembershipLayout;
using protocol::NameField;
using protocol::SessionId;

void LocalSessions::open(SessionId id, const Session& session) {
    const bool is_new = by_name_.emplace(session.name, id).second;
    SPREAD_ASSERT(is_new);
    sessions_.emplace(id, session);
    unwatching_ += session.wants_membership ? 0 : 1;
    readers_3x_ += session.layout == MembershipLayout::kOwnSet ? 1 : 0;
}

void LocalSessions::begin_close(SessionId id) {
    Session* session = find(id);
    SPREAD_ASSERT(session != nullptr && !session->closing);
    session->closing = true;
    closing_.insert(std::lower_bound(closing_.begin(), closing_.end(), id), id);
}

void LocalSessions::forget(SessionId id) {
    const auto found = sessions_.find(id);
    SPREAD_ASSERT(found != sessions_.end());
    const Session& session = found->second;
    if (session.closing) {
        closing_.erase(std::lower_bound(closing_.begin(), closing_.end(), id));
    }
    readers_3x_ -= session.layout == MembershipLayout::kOwnSet ? 1 : 0;
    unwatching_ -= session.wants_membership ? 0 : 1;
    joins_under_way_ -= session.joins_under_way;
    by_name_.erase(session.name);
    sessions_.erase(found);
}

LocalSessions::Session* LocalSessions::find(SessionId id) {
    const auto found = sessions_.find(id);
    return found == sessions_.end() ? nullptr : &found->second;
}

const LocalSessions::Session* LocalSessions::find(SessionId id) const {
    const auto found = sessions_.find(id);
    return found == sessions_.end() ? nullptr : &found->second;
}

std::optional<SessionId> LocalSessions::find(const NameField& name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<SessionId> LocalSessions::private_recipient(const NameField& destination) const {
    const auto found = by_name_.find(destination);
    if (found == by_name_.end() || find(found->second)->closing) {
        return std::nullopt;
    }
    return found->second;
}

void LocalSessions::note_join_requested(Session& session) {
    ++session.joins_under_way;
    ++joins_under_way_;
}

void LocalSessions::note_join_arrived(const NameField& member) {
    const auto id = find(member);
    if (Session* session = id ? find(*id) : nullptr;
        session != nullptr && session->joins_under_way > 0) {
        --session->joins_under_way;
        --joins_under_way_;
    }
}

void LocalSessions::drop_closing(std::vector<SessionId>& recipients) const {
    auto closing = closing_.begin();
    if (closing == closing_.end()) {
        return;
    }
    std::erase_if(recipients, [&](SessionId id) {
        closing = std::lower_bound(closing, closing_.end(), id);
        return closing != closing_.end() && *closing == id;
    });
}

std::vector<SessionId> LocalSessions::watchers(std::span<const SessionId> receivers) const {
    std::vector<SessionId> recipients(receivers.begin(), receivers.end());
    if (unwatching_ > 0) {
        std::erase_if(recipients, [&](SessionId id) { return !find(id)->wants_membership; });
    }
    drop_closing(recipients);
    return recipients;
}

std::vector<SessionId> LocalSessions::split_3x(std::vector<SessionId>& recipients) const {
    if (readers_3x_ == 0) {
        return {};
    }
    const auto old = std::stable_partition(recipients.begin(), recipients.end(), [&](SessionId id) {
        return find(id)->layout == MembershipLayout::kVsSets;
    });
    std::vector<SessionId> readers(old, recipients.end());
    recipients.erase(old, recipients.end());
    return readers;
}

}  // namespace spread::membership
