#include "daemon/admin/monitor_report.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <string_view>

namespace spread::admin {
namespace {

using protocol::MonitorGroupState;
using protocol::MonitorState;

MonitorState state_of(std::string_view state) {
    if (state == "operational") {
        return MonitorState::kOperational;
    }
    return state == "commit"     ? MonitorState::kForm
           : state == "recovery" ? MonitorState::kRecovery
                                 : MonitorState::kGather;
}

/// Numbers of the report wrap at their width, as stock's do.
template <typename T>
T wrapped(std::uint64_t value) {
    return static_cast<T>(value);
}

}  // namespace

protocol::MonitorReport monitor_report(const Status& status) {
    const auto counter = [&](std::string_view name) {
        const auto found = std::ranges::find_if(
            status.ring_counters, [name](const auto& row) { return row.first.name == name; });
        return found == status.ring_counters.end() ? std::uint64_t{0} : found->second;
    };
    protocol::MonitorReport out;
    out.seconds = wrapped<std::uint32_t>(static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(status.at - status.started_at).count()));
    out.state = state_of(status.ring.state);
    const bool is_settled = status.sessions && status.sessions->groups_are_settled;
    out.group_state = is_settled ? MonitorGroupState::kStable : MonitorGroupState::kExchange;
    out.packets_sent = wrapped<std::uint32_t>(counter("packets_sent"));
    out.packets_received = wrapped<std::uint32_t>(counter("packets_received"));
    out.packets_delivered =
        wrapped<std::uint32_t>(counter("packets_sent") + counter("packets_received"));
    out.retransmissions = wrapped<std::uint32_t>(counter("packets_retransmitted"));
    out.aru = wrapped<std::uint32_t>(counter("safe_up_to"));
    out.my_aru = wrapped<std::uint32_t>(counter("my_aru"));
    out.highest_seq = wrapped<std::uint32_t>(counter("high_seq"));
    out.token_hurry = wrapped<std::uint32_t>(counter("tokens_retransmitted"));
    out.token_rounds = wrapped<std::uint32_t>(counter("tokens_received"));
    out.self = protocol::DaemonId{status.id};
    out.leader = protocol::DaemonId{status.ring.representative_id};
    out.messages_delivered = wrapped<std::uint32_t>(counter("messages_delivered"));
    out.membership_changes = wrapped<std::uint16_t>(counter("memberships_installed"));
    std::set<std::size_t> segments;
    for (const PeerStatus& peer : status.peers) {
        if (peer.is_member) {
            ++out.daemons;
            segments.insert(peer.segment);
        }
    }
    out.segments = wrapped<std::uint16_t>(segments.size());
    out.window = wrapped<std::uint16_t>(counter("flow_window"));
    out.personal_window = wrapped<std::uint16_t>(status.ring.personal_window);
    out.accelerated_ring = status.ring.accelerated_window > 0;
    out.accelerated_window = wrapped<std::uint16_t>(status.ring.accelerated_window);
    if (status.sessions) {
        out.sessions = wrapped<std::uint16_t>(status.sessions->connected);
        out.groups = wrapped<std::uint16_t>(status.sessions->groups);
    }
    return out;
}

protocol::DaemonReport daemon_report(const Status& status, std::uint64_t question,
                                     std::chrono::microseconds held) {
    protocol::DaemonReport out;
    out.question = question;
    out.held = held;
    out.settings_sum = status.ring.settings_sum;
    out.wire = static_cast<std::uint8_t>(status.wire);
    out.version = status.version;
    for (const PeerStatus& peer : status.peers) {
        protocol::HeardOf heard;
        heard.is_member = peer.is_member;
        heard.lost_share = peer.lost_share;
        heard.data_age = peer.data_age;
        heard.group_age = peer.group_age;
        heard.token_age = peer.token_age;
        out.heard.push_back(heard);
    }
    return out;
}

}  // namespace spread::admin
