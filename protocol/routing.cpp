#include "protocol/routing.hpp"

#include <algorithm>

#include "protocol/assert.hpp"

namespace spread::protocol {
namespace {

bool holds(const RouteSegment& segment, DaemonId daemon) {
    return std::find(segment.daemons.begin(), segment.daemons.end(), daemon) !=
           segment.daemons.end();
}

}  // namespace

RoutePlan plan_route(std::span<const RouteSegment> segments, DaemonId self) {
    const auto own = std::find_if(segments.begin(), segments.end(),
                                  [self](const RouteSegment& s) { return holds(s, self); });
    SPREAD_ASSERT(own != segments.end());

    RoutePlan plan;
    plan.own_segment = static_cast<std::size_t>(own - segments.begin());
    if (own->daemons.size() > 1) {
        plan.group_addresses = own->group_addresses;
    }
    for (std::size_t i = 0; i < segments.size(); ++i) {
        if (i == plan.own_segment && plan.group_addresses > 0) {
            continue;
        }
        for (const DaemonId daemon : segments[i].daemons) {
            if (daemon != self) {
                plan.unicast.push_back(daemon);
            }
        }
    }
    return plan;
}

}  // namespace spread::protocol
