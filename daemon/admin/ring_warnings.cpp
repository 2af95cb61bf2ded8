#include "daemon/admin/ring_warnings.hpp"

#include <algorithm>
#include <chrono>

namespace spread::admin {
namespace {

std::chrono::milliseconds in_milliseconds(protocol::Duration time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time);
}

void fill_refused(RingStatus& ring, const daemon::RingFacts& facts, protocol::Instant now,
                  WallTime wall) {
    if (const auto& last = facts.refused) {
        ring.refused_last = {wall - std::chrono::duration_cast<WallTime::duration>(now - last->at),
                             last->source.to_string(), last->what.describe()};
    }
}

void fill_differences(Status& status, const daemon::RingFacts& facts,
                      const protocol::Roster& roster) {
    for (protocol::DaemonIndex i = 0; i < status.peers.size(); ++i) {
        PeerStatus& peer = status.peers[i];
        const bool is_other =
            std::ranges::any_of(status.ring.missing, [&](const MissingStatus& each) {
                return each.daemon == peer.name && each.cause == "other_config";
            });
        if (!is_other && !facts.other_settings.contains(i)) {
            continue;
        }
        const auto shown = std::ranges::find_if(
            facts.differences, [&](const auto& each) { return each.first == roster.id(i); });
        peer.settings_difference =
            shown != facts.differences.end() ? shown->second : "it has not shown them yet";
    }
}

}  // namespace

void fill_warnings(Status& status, const daemon::RingFacts& facts, const protocol::Roster& roster,
                   protocol::Instant now) {
    status.ring.token_timeout_least = in_milliseconds(facts.token_timeout.first);
    status.ring.token_timeout_most = in_milliseconds(facts.token_timeout.second);
    fill_refused(status.ring, facts, now, status.at);
    fill_differences(status, facts, roster);
}

}  // namespace spread::admin
