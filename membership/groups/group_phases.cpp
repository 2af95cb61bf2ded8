#include "membership/groups/group_phases.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "membership/groups/group_view.hpp"
#include "membership/groups/group_wire.hpp"

namespace spread::membership {

using protocol::DaemonIndex;
using protocol::DaemonSet;
using protocol::MessageKind;

namespace {

/// Client frames that may wait for the end of a state exchange. No daemon in order sends any, since
/// each resumes at the place where all do; the bound is for those that are not.
constexpr std::size_t kHeldFramesMax = 10000;

}  // namespace

GroupPhases::GroupPhases(const protocol::Roster& roster, DaemonIndex self,
                         std::size_t state_message_bytes_max, GroupTable& table, GroupEpoch& epoch,
                         const GroupNotices& notices, GroupMessages& messages, GroupStats& stats)
    : roster_(roster),
      self_(self),
      state_message_bytes_max_(state_message_bytes_max),
      table_(table),
      epoch_(epoch),
      notices_(notices),
      messages_(messages),
      stats_(stats) {}

void GroupPhases::on_configuration(const ConfigurationChange& change) {
    DaemonSet members = roster_.set_of(change.members);
    members.insert(self_);
    if (change.kind == ConfigurationKind::kTransitional) {
        on_transitional(members, change.ring_id);
    } else {
        on_regular(members, change.ring_id);
    }
}

void GroupPhases::on_transitional(const DaemonSet& members, const protocol::RingId& next) {
    if (!exchange_) {
        steps_.emplace_back(Split{.members = members, .next = next});
        return;
    }
    if (epoch_.phase == GroupPhase::kExchangeTransitional) {
        remembered_ &= members;
    } else {
        remembered_ = members;
    }
    remembered_next_ = next;
    epoch_.phase = GroupPhase::kExchangeTransitional;
}

void GroupPhases::on_regular(const DaemonSet& members, const protocol::RingId& next) {
    if (epoch_.phase == GroupPhase::kStable || epoch_.phase == GroupPhase::kExchange) {
        // Engines in order always say who comes along first; without it, nobody does.
        on_transitional(DaemonSet{self_}, next);
    }
    if (exchange_) {
        // It did not end in its own configuration and never will: it is done again in the new one,
        // by those who are still known to share their state. All who come along with us are in the
        // same position, since they have delivered the same messages. Of what was held, only what
        // comes from our synced set can be understood; it changes the table without a word.
        steps_.emplace_back(ApplyHeld{.from = epoch_.synced()});
        steps_.emplace_back(BreakOff{});
        steps_.emplace_back(Split{.members = remembered_, .next = next});
    }
    steps_.emplace_back(DropUnreachable{});
    steps_.emplace_back(Enter{.members = members, .ring = next});
}

void GroupPhases::on_state(const Delivery& delivery, DaemonIndex origin) {
    std::vector<std::byte> scratch;
    auto part = decode_group_state(delivery.body.contiguous(scratch));
    if (!part) {
        ++stats_.malformed_messages;
        return;
    }
    if (!exchange_) {
        return;  // a leftover of an earlier ring
    }
    if (exchange_->on_part(*part, origin) == GroupExchange::Verdict::kMalformed) {
        ++stats_.malformed_messages;
    }
    if (exchange_->is_complete()) {
        steps_.emplace_back(Merge{});
    }
}

std::optional<PendingExchange> GroupPhases::pending_exchange() const {
    if (epoch_.phase != GroupPhase::kExchange || !exchange_ || exchange_->is_complete()) {
        return std::nullopt;
    }
    return PendingExchange{epoch_.ring(), roster_.ids_of(exchange_->owing()), exchange_->parts()};
}

void GroupPhases::hold(Delivery&& delivery, DaemonIndex origin) {
    if (delivery.kind == MessageKind::kClientFrame && ++held_frames_ > kHeldFramesMax) {
        ++stats_.malformed_messages;
        return;
    }
    held_.push_back(Held{.delivery = std::move(delivery), .origin = origin});
}

void GroupPhases::work(GroupOutput& out) {
    while (!steps_.empty() && !out.budget.is_spent()) {
        // Steps may add others behind them; references into a deque outlive that.
        Step& step = steps_.front();
        if (std::visit([&](auto& each) { return take(each, out); }, step)) {
            steps_.pop_front();
        }
    }
}

/// Visits the groups in byte order of names. `visit` may erase the one it is given.
template <typename Visit>
bool GroupPhases::walk(Cursor& at, GroupOutput& out, const Visit& visit) {
    auto next = at.value_or(table_.groups().begin());
    while (next != table_.groups().end() && !out.budget.is_spent()) {
        Group& group = **next;
        ++next;
        out.budget.spend(1);
        visit(group);
    }
    at = next;
    return next == table_.groups().end();
}

bool GroupPhases::take(ApplyHeld& step, GroupOutput& out) {
    while (!out.budget.is_spent()) {
        if (messages_.is_leaving()) {
            messages_.leave_more(out);
        } else if (held_.empty()) {
            held_frames_ = 0;
            return true;
        } else {
            Held held = std::move(held_.front());
            held_.pop_front();
            out.budget.spend(1);
            if (step.from.contains(held.origin)) {
                messages_.apply(std::move(held.delivery), held.origin, out);
            }
        }
    }
    return false;
}

bool GroupPhases::take(BreakOff& /*step*/, GroupOutput& out) {
    if (!exchange_->discard(out.budget)) {
        return false;
    }
    exchange_.reset();
    return true;
}

bool GroupPhases::take(Split& step, GroupOutput& out) {
    if (!step.at) {
        epoch_.shrink(step.members, step.next);
    }
    return walk(step.at, out, [&](Group& group) {
        out.budget.spend(group.members.size() / 16);
        if (!group.loses_members(step.members)) {
            return;  // it loses nobody
        }
        if (!group.signalled) {
            notices_.signal(group, out);
        }
        epoch_.hit(group);
    });
}

bool GroupPhases::take(DropUnreachable& step, GroupOutput& out) {
    return walk(step.at, out, [&](Group& group) {
        out.budget.spend(group.members.size() / 4);
        table_.keep_daemons(group, epoch_.reachable());
        if (group.members.empty()) {
            table_.erase(group);
        }
    });
}

bool GroupPhases::take(Enter& step, GroupOutput& /*out*/) {
    epoch_.enter(step.members, step.ring);
    if (epoch_.synced() == epoch_.members()) {
        steps_.emplace_back(FinishChanged{});
        steps_.emplace_back(Resume{});
        return true;
    }
    epoch_.phase = GroupPhase::kExchange;
    exchange_.emplace(roster_, epoch_.ring(), epoch_.members());
    if (epoch_.synced().front() == self_) {
        steps_.emplace_back(SendState{std::make_unique<StateSender>(
            roster_, self_, epoch_.ring(), epoch_.synced(), table_, state_message_bytes_max_)});
    }
    return true;
}

bool GroupPhases::take(FinishChanged& step, GroupOutput& out) {
    return walk(step.at, out, [&](Group& group) {
        if (group.changed) {
            finish_group(group);
            if (GroupNotices::is_watched(group)) {
                notices_.network_view(group, united_view(group), out);
            }
        }
    });
}

bool GroupPhases::take(SendState& step, GroupOutput& out) {
    return step.sender->send(out);
}

bool GroupPhases::take(Merge& /*step*/, GroupOutput& out) {
    if (!exchange_->merge(out.budget)) {
        return false;
    }
    on_merged();
    return true;
}

/// What is held is applied as if it had come after the end of the exchange.
void GroupPhases::on_merged() {
    GroupExchange::Merged merged = exchange_->take_merged();
    exchange_.reset();
    std::swap(table_, merged.table);
    epoch_.note_synced();
    const bool ended = epoch_.phase == GroupPhase::kExchangeTransitional;
    steps_.emplace_back(BindReceivers{});
    steps_.emplace_back(TellMerged{.changed = std::move(merged.changed)});
    if (ended) {
        // Of the ring that ended meanwhile; nothing can be sent on it any more.
        steps_.emplace_back(Split{.members = remembered_, .next = remembered_next_});
    } else {
        steps_.emplace_back(Resume{});
    }
    steps_.emplace_back(ApplyHeld{.from = DaemonSet::first(roster_.size())});
    steps_.emplace_back(Discard{std::move(merged.table)});
}

bool GroupPhases::take(BindReceivers& step, GroupOutput& out) {
    return walk(step.at, out, [&](Group& group) {
        for (const Member* member : group.members) {
            if (member->daemon == self_) {
                messages_.bind_receiver(group, member->name);
            }
        }
        out.budget.spend(group.members.size() / 4);
    });
}

bool GroupPhases::take(TellMerged& step, GroupOutput& out) {
    for (; step.next < step.changed.size(); ++step.next) {
        if (out.budget.is_spent()) {
            return false;
        }
        auto& [group, sides] = step.changed[step.next];
        finish_group(*group);
        if (GroupNotices::is_watched(*group)) {
            notices_.network_view(*group, merged_view(*group, std::move(sides), self_), out);
        }
        out.budget.spend(1);
    }
    return true;
}

void GroupPhases::finish_group(Group& group) {
    group.changed = false;
    group.signalled = false;
    group.id = epoch_.settled_id();
}

bool GroupPhases::take(Resume& /*step*/, GroupOutput& out) {
    epoch_.phase = GroupPhase::kStable;
    out.resume = epoch_.ring();
    return true;
}

bool GroupPhases::take(Discard& step, GroupOutput& out) {
    const auto& groups = step.table.groups();
    while (!groups.empty()) {
        if (out.budget.is_spent()) {
            return false;
        }
        out.budget.spend(1 + (*groups.begin())->members.size() / 4);
        step.table.erase(**groups.begin());
    }
    return true;
}

}  // namespace spread::membership
