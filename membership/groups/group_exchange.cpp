#include "membership/groups/group_exchange.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "protocol/assert.hpp"

namespace spread::membership {

using protocol::DaemonId;
using protocol::DaemonIndex;
using protocol::DaemonSet;
using protocol::NameField;

GroupExchange::GroupExchange(const protocol::Roster& roster, protocol::RingId ring,
                             const DaemonSet& members)
    : roster_(roster), ring_(ring), members_(members), bundles_(roster.size()) {}

GroupExchange::Verdict GroupExchange::on_part(const GroupStatePart& part, DaemonIndex origin) {
    if (part.ring != ring_) {
        return Verdict::kForeign;
    }
    if (part.sender != roster_.id(origin) || !members_.contains(origin)) {
        return Verdict::kMalformed;
    }
    Bundle& bundle = bundles_[origin];
    if (bundle.complete || part.part != bundle.next_part) {
        return Verdict::kMalformed;
    }
    if (part.part == 0 && !start_bundle(bundle, part)) {
        return Verdict::kMalformed;
    }
    if (!append(bundle, part)) {
        bundle = Bundle{};
        return Verdict::kMalformed;
    }
    ++bundle.next_part;
    ++parts_;
    if (part.last) {
        bundle.complete = true;
        bundle.speaks_for = bundle.synced;
        bundle.speaks_for -= covered_;
        covered_ |= bundle.synced;
    }
    return Verdict::kTaken;
}

bool GroupExchange::start_bundle(Bundle& bundle, const GroupStatePart& part) {
    DaemonSet synced;
    std::optional<DaemonIndex> previous;
    for (const DaemonId id : part.synced) {
        const auto daemon = roster_.find(id);
        if (!daemon || !members_.contains(*daemon) || (previous && *daemon <= *previous)) {
            return false;
        }
        synced.insert(*daemon);
        previous = daemon;
    }
    bundle.synced = synced;
    return true;
}

bool GroupExchange::append(Bundle& bundle, const GroupStatePart& part) {
    if (part.synced != roster_.ids_of(bundle.synced)) {
        return false;
    }
    for (const auto& group : part.groups) {
        const bool continues = !bundle.groups.empty() && bundle.groups.back().name == group.name;
        if (continues) {
            if (bundle.groups.back().id != group.id ||
                bundle.groups.back().changed != group.changed) {
                return false;
            }
        } else {
            if (!bundle.groups.empty() && !(bundle.groups.back().name < group.name)) {
                return false;
            }
            bundle.groups.push_back(GroupPart{
                .name = group.name, .id = group.id, .changed = group.changed, .daemons = {}});
        }
        auto& daemons = bundle.groups.back().daemons;
        for (const auto& daemon : group.daemons) {
            const auto index = roster_.find(daemon.id);
            if (!index || !bundle.synced.contains(*index) ||
                (!daemons.empty() && *index < daemons.back().daemon)) {
                return false;
            }
            if (daemons.empty() || daemons.back().daemon != *index) {
                daemons.push_back(DaemonPart{.daemon = *index, .names = {}});
            }
            auto& names = daemons.back().names;
            for (const auto& user : daemon.users) {
                const NameField name(protocol::make_private_group(user, roster_.name(*index)));
                if (!names.empty() && !(names.back() < name)) {
                    return false;
                }
                names.push_back(name);
            }
        }
    }
    return true;
}

bool GroupExchange::merge(WorkBudget& budget) {
    SPREAD_ASSERT(is_complete());
    // All bundles are sorted by group name: walk them together.
    while (!budget.is_spent()) {
        std::optional<NameField> name;
        for (const Bundle& bundle : bundles_) {
            if (bundle.complete && !bundle.groups.empty() &&
                (!name || bundle.groups.front().name < *name)) {
                name = bundle.groups.front().name;
            }
        }
        if (!name) {
            return true;
        }
        merge_group(*name, budget);
    }
    return false;
}

bool GroupExchange::discard(WorkBudget& budget) {
    for (Bundle& bundle : bundles_) {
        while (!bundle.groups.empty()) {
            if (budget.is_spent()) {
                return false;
            }
            bundle.groups.pop_front();
            budget.spend(1);
        }
    }
    return true;
}

void GroupExchange::merge_group(const NameField& name, WorkBudget& budget) {
    Group* group = nullptr;
    ChangedGroup changed;
    for (Bundle& bundle : bundles_) {
        if (!bundle.complete || bundle.groups.empty() || bundle.groups.front().name != name) {
            continue;
        }
        GroupPart part = std::move(bundle.groups.front());
        bundle.groups.pop_front();
        budget.spend(1);
        std::erase_if(part.daemons, [&](const DaemonPart& entry) {
            return !bundle.speaks_for.contains(entry.daemon);
        });
        if (part.daemons.empty()) {
            continue;
        }
        if (group == nullptr) {
            group = &merged_.table.create(name, part.id);
        }
        group->changed = group->changed || part.changed || part.id != group->id;
        MergeSide side{.id = part.id, .daemons = {}};
        for (DaemonPart& entry : part.daemons) {
            side.daemons.push_back(entry.daemon);
            budget.spend(entry.names.size());
            merged_.table.add_daemon(*group, entry.daemon, entry.names);
        }
        changed.sides.push_back(std::move(side));
    }
    if (group != nullptr && group->changed) {
        changed.group = group;
        merged_.changed.push_back(std::move(changed));
    }
}

}  // namespace spread::membership
