#include "membership/groups/group_messages.hpp"

#include <cstddef>
#include <utility>
#include <vector>

#include "membership/groups/group_view.hpp"
#include "protocol/assert.hpp"

namespace spread::membership {

using protocol::DaemonIndex;
using protocol::MemberChange;
using protocol::MessageKind;
using protocol::NameField;

void GroupMessages::apply(Delivery&& delivery, DaemonIndex origin, GroupOutput& out) {
    SPREAD_ASSERT(!is_leaving());
    std::vector<std::byte> scratch;
    switch (delivery.kind) {
        case MessageKind::kClientFrame: apply_frame(std::move(delivery), origin, out); return;
        case MessageKind::kGroupJoin:
        case MessageKind::kGroupLeave: {
            const auto request = decode_group_request(delivery.body.contiguous(scratch));
            if (!request || !is_client_of(roster_, request->member, origin)) {
                break;
            }
            if (delivery.kind == MessageKind::kGroupJoin) {
                apply_join(origin, *request, out);
            } else {
                apply_leave(origin, *request, out);
            }
            return;
        }
        case MessageKind::kDisconnect: {
            const auto member = decode_disconnect(delivery.body.contiguous(scratch));
            if (!member || !is_client_of(roster_, *member, origin)) {
                break;
            }
            begin_disconnect(origin, *member);
            return;
        }
        case MessageKind::kGroupState:
        case MessageKind::kRingKeys:  // the host's
        case MessageKind::kRecoveryPacket: break;
    }
    ++stats_.malformed_messages;
}

void GroupMessages::apply_frame(Delivery&& delivery, DaemonIndex origin, GroupOutput& out) {
    auto routed = router_.route(delivery.body, origin);
    if (!routed) {
        ++stats_.malformed_messages;
    } else if (!routed->recipients.empty()) {
        ++stats_.messages_delivered;
        out.budget.spend_on_frame(routed->recipients.size(), delivery.body.size());
        out.events.push_back(ClientEvent{.recipients = std::move(routed->recipients),
                                         .frame = std::move(delivery.body),
                                         .type = routed->type,
                                         .body_bytes = routed->body_bytes});
    }
}

void GroupMessages::apply_join(DaemonIndex origin, const GroupRequest& request, GroupOutput& out) {
    if (origin == self_) {
        sessions_.note_join_arrived(request.member);
    }
    Group* group = table_.find(request.group);
    if (group != nullptr && group->has_member(origin, request.member)) {
        return;  // stock ignores it as well (CP 5.3)
    }
    if (group == nullptr) {
        group = &table_.create(request.group, epoch_.id_before_first(request.group));
    }
    table_.add_member(*group, origin, request.member);
    if (origin == self_) {
        bind_receiver(*group, request.member);
    }
    if (epoch_.phase == GroupPhase::kTransitional && !epoch_.reachable().contains(origin) &&
        !group->changed) {
        // Its members will lose the joiner (GS 1.4). Stock lets the old id count on
        // here; but where the join came before the transitional point, that very id names a view
        // with other vs-sets, so the group takes the transitional id like all others.
        epoch_.hit(*group);
    }
    epoch_.advance(*group);
    announce(MemberChange::kJoin, *group, origin, request.member, out);
}

void GroupMessages::bind_receiver(Group& group, const NameField& member) const {
    if (const auto id = sessions_.find(member)) {
        group.add_receiver(*id);
    }
}

void GroupMessages::apply_leave(DaemonIndex origin, const GroupRequest& request, GroupOutput& out) {
    Group* group = table_.find(request.group);
    if (group == nullptr || !table_.remove_member(*group, origin, request.member)) {
        return;
    }
    if (const auto session = origin == self_ ? sessions_.find(request.member) : std::nullopt) {
        group->remove_receiver(*session);
        notices_.self_leave(*session, *group, out);
    }
    after_removal(MemberChange::kLeave, *group, origin, request.member, out);
}

void GroupMessages::begin_disconnect(DaemonIndex origin, const NameField& member) {
    leaving_ = Leaving{.daemon = origin, .member = member};
}

void GroupMessages::leave_more(GroupOutput& out) {
    const auto& [daemon, member] = *leaving_;
    const auto session = daemon == self_ ? sessions_.find(member) : std::nullopt;
    while (table_.group_count(member) > 0) {
        if (out.budget.is_spent()) {
            return;
        }
        Group& group = *table_.first_group_of(member);
        table_.remove_member(group, daemon, member);
        if (session) {
            group.remove_receiver(*session);
        }
        after_removal(MemberChange::kDisconnect, group, daemon, member, out);
        out.budget.spend(1);
    }
    if (session) {
        out.disconnected.push_back(*session);
        sessions_.forget(*session);
    }
    leaving_.reset();
}

void GroupMessages::after_removal(MemberChange change, Group& group, DaemonIndex origin,
                                  const NameField& member, GroupOutput& out) {
    epoch_.advance(group);
    if (group.members.empty()) {
        epoch_.note_ended(group);
        table_.erase(group);
    } else {
        announce(change, group, origin, member, out);
    }
}

/// Tells local members of a join, leave or disconnect: the light form in a quiet group, a network
/// view and another signal in one that a membership change has hit (GS 2.5).
void GroupMessages::announce(MemberChange change, Group& group, DaemonIndex origin,
                             const NameField& member, GroupOutput& out) {
    if (epoch_.phase == GroupPhase::kExchangeTransitional) {
        group.changed = true;  // of a broken exchange: the next network view tells it
        return;
    }
    if (!group.changed) {
        notices_.member_change(change, group, origin == self_, member, out);
        return;
    }
    std::optional<InterimJoiner> joiner;
    if (change == MemberChange::kJoin) {
        joiner = InterimJoiner{.daemon = origin, .name = member};
    }
    if (GroupNotices::is_watched(group)) {
        notices_.network_view(group, interim_view(group, epoch_.reachable(), joiner), out, member);
    }
    notices_.signal(group, out);
}

}  // namespace spread::membership
