#include "membership/groups/group_view.hpp"

#include <algorithm>
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

struct DaemonRun {
    DaemonIndex daemon = 0;
    NameRun names;
};

/// The names of each daemon's members, which stand side by side.
std::vector<DaemonRun> runs_by_daemon(const Group& group, NameRun names) {
    std::vector<DaemonRun> runs;
    std::size_t begin = 0;
    while (begin < group.members.size()) {
        const DaemonIndex daemon = group.members[begin]->daemon;
        std::size_t end = begin + 1;
        while (end < group.members.size() && group.members[end]->daemon == daemon) {
            ++end;
        }
        runs.push_back({daemon, names.subspan(begin, end - begin)});
        begin = end;
    }
    return runs;
}

}  // namespace

std::vector<NameField> member_names(const Group& group) {
    std::vector<NameField> names;
    names.reserve(group.members.size());
    for (const Member* member : group.members) {
        names.push_back(member->name);
    }
    return names;
}

NetworkView united_view(const Group& group) {
    NetworkView view;
    view.names = member_names(group);
    view.sets.push_back(VsSet{.runs = {view.names}});
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
    view.names = member_names(group);
    const auto runs = runs_by_daemon(group, view.names);
    for (const MergeSide& side : sides) {
        VsSet& set = view.sets.emplace_back();
        for (const DaemonRun& run : runs) {
            if (std::find(side.daemons.begin(), side.daemons.end(), run.daemon) !=
                side.daemons.end()) {
                set.runs.push_back(run.names);
                if (run.daemon == self) {
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
    view.names = member_names(group);
    const auto runs = runs_by_daemon(group, view.names);
    NameRun joiner_run;
    // The names of one daemon without the joiner: what stands before it and behind it.
    const auto append = [&](VsSet& set, const DaemonRun& run) {
        if (!joiner || joiner->daemon != run.daemon) {
            set.runs.push_back(run.names);
            return;
        }
        const auto at = static_cast<std::size_t>(
            std::lower_bound(run.names.begin(), run.names.end(), joiner->name) - run.names.begin());
        SPREAD_ASSERT(at < run.names.size());
        for (const NameRun& part : {run.names.first(at), run.names.subspan(at + 1)}) {
            if (!part.empty()) {
                set.runs.push_back(part);
            }
        }
        joiner_run = run.names.subspan(at, 1);
    };

    VsSet established;
    for (const DaemonRun& run : runs) {
        if (reachable.contains(run.daemon)) {
            append(established, run);
        }
    }
    if (!established.runs.empty()) {
        view.sets.push_back(std::move(established));
        view.own_set = 0;
    }
    for (const DaemonRun& run : runs) {
        if (!reachable.contains(run.daemon)) {
            // Without members but the joiner, the set is there all the same, and empty.
            append(view.sets.emplace_back(), run);
        }
    }
    if (joiner) {
        view.joiner_set = view.sets.size();
        view.sets.push_back(VsSet{.runs = {joiner_run}});
    }
    return view;
}

}  // namespace spread::membership
