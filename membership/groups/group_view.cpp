#include "membership/groups/group_view.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "protocol/assert.hpp"

namespace spread::membership {

using protocol::DaemonIndex;
using protocol::DaemonSet;
using protocol::NameField;
using protocol::NameRun;
using protocol::VsSet;

namespace {

NameRun run_of(const DaemonMembers& entry) {
    return NameRun(entry.names);
}

}  // namespace

std::vector<NameRun> member_runs(const Group& group) {
    std::vector<NameRun> runs;
    runs.reserve(group.daemons.size());
    std::transform(group.daemons.begin(), group.daemons.end(), std::back_inserter(runs), run_of);
    return runs;
}

NetworkView united_view(const Group& group) {
    NetworkView view;
    view.members = member_runs(group);
    view.sets.push_back(VsSet{.runs = view.members});
    view.own_set = 0;
    return view;
}

NetworkView merged_view(const Group& group, std::vector<MergeSide> sides, DaemonIndex self) {
    const auto order = [](const MergeSide& side) {
        return std::tuple(side.id.proc_id, side.id.time, side.daemons.front());
    };
    std::sort(sides.begin(), sides.end(),
              [&](const MergeSide& a, const MergeSide& b) { return order(a) < order(b); });
    NetworkView view;
    view.members = member_runs(group);
    for (const MergeSide& side : sides) {
        VsSet& set = view.sets.emplace_back();
        for (const DaemonMembers& entry : group.daemons) {
            if (std::find(side.daemons.begin(), side.daemons.end(), entry.daemon) !=
                side.daemons.end()) {
                set.runs.push_back(run_of(entry));
                if (entry.daemon == self) {
                    view.own_set = view.sets.size() - 1;
                }
            }
        }
    }
    return view;
}

NetworkView interim_view(const Group& group, const DaemonSet& reachable,
                         const std::optional<InterimJoiner>& joiner) {
    NetworkView view;
    view.members = member_runs(group);
    NameRun joiner_run;
    // The names of one daemon without the joiner: what stands before it and behind it.
    const auto append = [&](VsSet& set, const DaemonMembers& entry) {
        const NameRun all = run_of(entry);
        if (!joiner || joiner->daemon != entry.daemon) {
            set.runs.push_back(all);
            return;
        }
        const auto at = static_cast<std::size_t>(
            std::lower_bound(all.begin(), all.end(), joiner->name) - all.begin());
        SPREAD_ASSERT(at < all.size());
        for (const NameRun& part : {all.first(at), all.subspan(at + 1)}) {
            if (!part.empty()) {
                set.runs.push_back(part);
            }
        }
        joiner_run = all.subspan(at, 1);
    };

    VsSet established;
    for (const DaemonMembers& entry : group.daemons) {
        if (reachable.contains(entry.daemon)) {
            append(established, entry);
        }
    }
    if (!established.runs.empty()) {
        view.sets.push_back(std::move(established));
        view.own_set = 0;
    }
    for (const DaemonMembers& entry : group.daemons) {
        if (!reachable.contains(entry.daemon)) {
            // Without members but the joiner, the set is there all the same, and empty.
            append(view.sets.emplace_back(), entry);
        }
    }
    if (joiner) {
        view.joiner_set = view.sets.size();
        view.sets.push_back(VsSet{.runs = {joiner_run}});
    }
    return view;
}

}  // namespace spread::membership
