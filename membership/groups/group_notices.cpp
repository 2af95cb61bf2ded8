#include "membership/groups/group_notices.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "protocol/assert.hpp"

namespace spread::membership {

using protocol::MemberChange;
using protocol::NameField;
using protocol::NameRun;
using protocol::SessionId;

template <typename Encode, typename Encode3x>
void GroupNotices::emit_layouts(Recipients recipients, const Encode& encode,
                                const Encode3x& encode_3x, GroupOutput& out) const {
    if (Recipients readers = sessions_.split_3x(recipients); !readers.empty()) {
        emit(std::move(readers), encode_3x(), out);
    }
    if (!recipients.empty()) {
        emit(std::move(recipients), encode(), out);
    }
}

void GroupNotices::signal(Group& group, GroupOutput& out) const {
    group.signalled = true;
    if (Recipients recipients = watchers(group); !recipients.empty()) {
        auto frame = protocol::encode_transitional_signal(group.name, group.id);
        out.budget.spend_on_frame(recipients.size(), frame.size());
        out.events.push_back(
            ClientEvent{.recipients = std::move(recipients), .frame = std::move(frame)});
    }
}

void GroupNotices::member_change(MemberChange change, const Group& group, bool is_ours,
                                 const NameField& member, GroupOutput& out) const {
    Recipients recipients = watchers(group);
    if (recipients.empty()) {
        return;
    }
    const auto names = member_names(group);
    const NameRun members(names);
    const auto encode = [&](auto encoder) {
        return encoder(change, group.name, group.id, std::span(&members, 1), member);
    };
    const std::size_t first = out.events.size();
    emit_layouts(
        std::move(recipients), [&] { return encode(protocol::encode_member_change); },
        [&] { return encode(protocol::encode_member_change_3x); }, out);
    const bool has_subject = change == MemberChange::kJoin && is_ours;
    for (std::size_t i = first; i < out.events.size(); ++i) {
        out.events[i].is_notice = change != MemberChange::kDisconnect;
        out.events[i].subject = has_subject ? sessions_.find(member) : std::nullopt;
    }
}

void GroupNotices::network_view(const Group& group, const NetworkView& view, GroupOutput& out,
                                const NameField& joiner) const {
    const NameRun members(view.names);
    const auto emit_set = [&](Recipients recipients, std::size_t own_set) {
        emit_layouts(
            std::move(recipients),
            [&] {
                return protocol::encode_network_view(group.name, group.id, std::span(&members, 1),
                                                     view.sets, own_set);
            },
            [&] {
                return protocol::encode_network_view_3x(group.name, group.id,
                                                        std::span(&members, 1), view.sets[own_set]);
            },
            out);
    };
    Recipients others = watchers(group);
    if (view.joiner_set) {
        const auto found = sessions_.find(joiner);
        if (found && std::erase(others, *found) != 0) {
            emit_set({*found}, *view.joiner_set);
        }
    }
    if (!others.empty()) {
        SPREAD_ASSERT(view.own_set.has_value());
        emit_set(std::move(others), *view.own_set);
    }
}

void GroupNotices::self_leave(SessionId session, const Group& group, GroupOutput& out) const {
    const LocalSessions::Session* leaver = sessions_.find(session);
    if (leaver != nullptr && leaver->wants_membership && !leaver->closing) {
        out.events.push_back(
            ClientEvent{.recipients = {session}, .frame = protocol::encode_self_leave(group.name)});
    }
}

GroupNotices::Recipients GroupNotices::watchers(const Group& group) const {
    return sessions_.watchers(std::span(group.receivers.data(), group.receivers.size()));
}

void GroupNotices::emit(Recipients recipients, protocol::Message frame, GroupOutput& out) const {
    ++stats_.views_delivered;
    out.budget.spend_on_frame(recipients.size(), frame.size());
    out.events.push_back(
        ClientEvent{.recipients = std::move(recipients), .frame = std::move(frame)});
}

}  // namespace spread::membership
