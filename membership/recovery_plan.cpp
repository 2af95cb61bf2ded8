#include "membership/recovery_plan.hpp"

#include <algorithm>
#include <limits>

#include "protocol/assert.hpp"

namespace spread::membership {

using protocol::CommitMember;
using protocol::Seq;

namespace {

bool holds(const CommitMember& member, Seq seq) {
    if (seq <= member.aru) {
        return true;
    }
    // Ranges are ascending: the last one that starts at or before seq decides.
    const auto after = std::upper_bound(
        member.held.begin(), member.held.end(), seq,
        [](Seq value, const protocol::SeqRange& range) { return value < range.first; });
    if (after == member.held.begin()) {
        return false;
    }
    const protocol::SeqRange& range = *(after - 1);
    return seq - range.first < range.count;
}

Seq highest_held(const CommitMember& member) {
    return member.held.empty() ? member.aru
                               : Seq{member.held.back().first.value + member.held.back().count - 1};
}

/// Those who come from one old ring.
struct Survivors {
    std::vector<const CommitMember*> members;
    Seq low{std::numeric_limits<std::uint64_t>::max()};  ///< all hold everything up to here
    Seq high;                                            ///< the highest packet one of them holds
    Seq safe;                                            ///< the best safe line one of them knows

    void add(const CommitMember& member) {
        members.push_back(&member);
        low = std::min(low, member.aru);
        high = std::max(high, highest_held(member));
        safe = std::max(safe, member.safe_up_to);
    }
    [[nodiscard]] bool include(protocol::DaemonId id) const {
        return std::any_of(members.begin(), members.end(),
                           [id](const CommitMember* member) { return member->id == id; });
    }
};

std::vector<Survivors> by_old_ring(const protocol::CommitToken& token) {
    std::vector<Survivors> groups;
    for (const CommitMember& member : token.members) {
        auto group = std::find_if(groups.begin(), groups.end(), [&member](const Survivors& each) {
            return each.members.front()->old_ring == member.old_ring;
        });
        if (group == groups.end()) {
            group = groups.emplace(groups.end());
        }
        group->add(member);
    }
    return groups;
}

/// What concerns only the survivors of our own old ring.
void note_own_ring(const Survivors& group, const protocol::Roster& daemons, RecoveryPlan& plan) {
    plan.available_from = group.low + 1;
    plan.safe_up_to = group.safe;
    for (const CommitMember* member : group.members) {
        plan.transitional.insert(*daemons.find(member->id));
        plan.obligation |= member->obligation & protocol::DaemonSet::first(daemons.size());
    }
}

}  // namespace

Seq RecoveryPlan::first_hole() const {
    Seq hole = available_from;
    while (hole < available_end() && is_available(hole)) {
        ++hole;
    }
    return hole;
}

RecoveryFacts RecoveryPlan::facts() const {
    return {.expected = expected,
            .has_hole = first_hole() < available_end(),
            .has_promise = !transitional.includes(obligation)};
}

void RecoveryPlan::check_invariants() const {
    SPREAD_ASSERT(available_from.value > 0);
    SPREAD_ASSERT(!transitional.empty());
    SPREAD_ASSERT(obligation.includes(transitional));
    SPREAD_ASSERT(mine.size() <= expected);
    SPREAD_ASSERT(std::is_sorted(mine.begin(), mine.end()));
    for (const Seq seq : mine) {
        SPREAD_ASSERT(is_available(seq) && seq >= available_from);
    }
}

RecoveryPlan plan_recovery(const protocol::CommitToken& token, const protocol::Roster& daemons,
                           protocol::DaemonId self, std::uint64_t span_max) {
    RecoveryPlan plan;
    for (const Survivors& group : by_old_ring(token)) {
        const bool own = group.include(self);
        if (own) {
            note_own_ring(group, daemons, plan);
        }
        const std::uint64_t span = std::min(group.high - group.low, span_max);
        for (std::uint64_t i = 1; i <= span; ++i) {
            const Seq seq = group.low + i;
            const auto held = [seq](const CommitMember* member) { return holds(*member, seq); };
            const auto holder = std::find_if(group.members.begin(), group.members.end(), held);
            const bool lost = holder == group.members.end();
            if (own) {
                plan.available.push_back(!lost);
            }
            if (lost || std::all_of(group.members.begin(), group.members.end(), held)) {
                continue;
            }
            ++plan.expected;
            if ((*holder)->id == self) {
                plan.mine.push_back(seq);
            }
        }
    }
    plan.obligation |= plan.transitional;
    return plan;
}

RecoveryPlan plan_alone(const ordering::RingOrder& order, protocol::DaemonIndex self,
                        const protocol::DaemonSet& obligation) {
    RecoveryPlan plan;
    plan.transitional.insert(self);
    plan.obligation = obligation | plan.transitional;
    const auto& window = order.window();
    plan.available_from = window.my_aru() + 1;
    plan.safe_up_to = order.safe_up_to();
    for (Seq seq = plan.available_from; seq <= window.high(); ++seq) {
        plan.available.push_back(window.find(seq) != nullptr);
    }
    return plan;
}

}  // namespace spread::membership
