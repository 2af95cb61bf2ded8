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

void GroupNotices::signal(Group& group, GroupOutput& out) const {
    group.signalled = true;
    if (Recipients recipients = watchers(group); !recipients.empty()) {
        out.events.push_back(
            ClientEvent{.recipients = std::move(recipients),
                        .frame = protocol::encode_transitional_signal(group.name, group.id)});
    }
}

void GroupNotices::member_change(MemberChange change, const Group& group, bool is_ours,
                                 const NameField& member, GroupOutput& out) const {
    Recipients recipients = watchers(group);
    if (recipients.empty()) {
        return;
    }
    const auto members = member_runs(group);
    const auto encode = [&](auto encoder) {
        return encoder(change, group.name, group.id, std::span<const NameRun>(members), member);
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
    const auto emit_set = [&](Recipients recipients, std::size_t own_set) {
        emit_layouts(
            std::move(recipients),
            [&] {
                return protocol::encode_network_view(group.name, group.id, view.members, view.sets,
                                                     own_set);
            },
            [&] {
                return protocol::encode_network_view_3x(group.name, group.id, view.members,
                                                        view.sets[own_set]);
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
    Recipients recipients = group.view_receivers;
    sessions_.drop_closing(recipients);
    return recipients;
}

void GroupNotices::emit(Recipients recipients, protocol::Message frame, GroupOutput& out) const {
    ++stats_.views_delivered;
    out.budget.spend(recipients.size() * frame.size() / kClientBytesPerUnit);
    out.events.push_back(
        ClientEvent{.recipients = std::move(recipients), .frame = std::move(frame)});
}

void GroupNotices::emit_layouts(Recipients recipients, const Encode& encode,
                                const Encode& encode_3x, GroupOutput& out) const {
    if (Recipients readers = sessions_.split_3x(recipients); !readers.empty()) {
        emit(std::move(readers), encode_3x(), out);
    }
    if (!recipients.empty()) {
        emit(std::move(recipients), encode(), out);
    }
}

}  // namespace spread::membership
