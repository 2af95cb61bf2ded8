#include "daemon/admin/cluster_json.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace spread::admin {
namespace {

using nlohmann::ordered_json;
using protocol::MonitorState;

/// The words of status.json.
const char* word_of(MonitorState state) {
    switch (state) {
        case MonitorState::kOperational: return "operational";
        case MonitorState::kGather: return "gather";
        case MonitorState::kForm: return "commit";
        case MonitorState::kRecovery: return "recovery";
    }
    return "unknown";
}

ordered_json report_of(const protocol::MonitorReport& report, const protocol::Roster& roster) {
    return {
        {"state", word_of(report.state)},
        {"settled", report.group_state == protocol::MonitorGroupState::kStable},
        {"uptime_s", report.seconds},
        {"representative", roster.describe(report.leader)},
        {"members", report.daemons},
        {"segments", report.segments},
        {"ring_changes", report.membership_changes},
        {"clients", report.sessions},
        {"groups", report.groups},
        {"packets_sent", report.packets_sent},
        {"packets_received", report.packets_received},
        {"packets_retransmitted", report.retransmissions},
        {"messages_delivered", report.messages_delivered},
        {"aru", report.aru},
        {"my_aru", report.my_aru},
        {"high_seq", report.highest_seq},
        {"tokens_received", report.token_rounds},
        {"tokens_retransmitted", report.token_hurry},
        {"window_packets", report.window},
        {"personal_window_packets", report.personal_window},
        {"accelerated_window_packets", report.accelerated_ring ? report.accelerated_window : 0}};
}

ordered_json in_ms(const protocol::HeardOf::Age& age) {
    return age ? ordered_json(age->count()) : ordered_json();
}

/// Of the others, as far as it knows the same ones as we do.
ordered_json heard_of(const protocol::DaemonReport& report, const protocol::Roster& roster) {
    ordered_json list = ordered_json::array();
    for (protocol::DaemonIndex i = 0; i < std::min(report.heard.size(), roster.size()); ++i) {
        const protocol::HeardOf& each = report.heard[i];
        list.push_back(
            {{"daemon", roster.describe(roster.id(i))},
             {"member", each.is_member},
             {"lost_share", each.lost_share ? ordered_json(*each.lost_share) : ordered_json()},
             {"data_heard_ms_ago", in_ms(each.data_age)},
             {"multicast_heard_ms_ago", in_ms(each.group_age)},
             {"token_heard_ms_ago", in_ms(each.token_age)}});
    }
    return list;
}

/// A word of status.json, by what a daemon says of itself.
const char* verdict_of(const DaemonAnswer& answer, std::size_t configured) {
    if (!answer.report) {
        return "silent";
    }
    if (answer.report->state != MonitorState::kOperational) {
        return "forming";
    }
    return answer.report->daemons >= configured ? "healthy"
           : answer.report->daemons == 1        ? "alone"
                                                : "degraded";
}

}  // namespace

std::string cluster_json(const std::vector<DaemonAnswer>& answers, const RingStatus& ring,
                         const protocol::Roster& roster, const std::vector<PeerStatus>& peers) {
    const std::vector<MissingStatus>& missing = ring.missing;
    ordered_json list = ordered_json::array();
    for (const DaemonAnswer& each : answers) {
        const auto why = std::ranges::find_if(
            missing, [&](const MissingStatus& one) { return one.daemon == each.daemon; });
        const bool is_missing = why != missing.end();
        const auto peer = std::ranges::find(peers, each.daemon, &PeerStatus::name);
        const bool has_difference = peer != peers.end() && !peer->settings_difference.empty();
        list.push_back(
            {{"daemon", each.daemon},
             {"address", each.address},
             {"answers", each.report.has_value()},
             {"verdict", verdict_of(each, roster.size())},
             {"cause", is_missing ? ordered_json(why->cause) : ordered_json()},
             {"text", is_missing ? ordered_json(why->text) : ordered_json()},
             {"version", each.more ? ordered_json(each.more->version) : ordered_json()},
             {"wire", each.more ? ordered_json(each.more->wire) : ordered_json()},
             {"same_settings", each.more
                                   ? ordered_json(each.more->settings_sum == ring.settings_sum)
                                   : ordered_json()},
             {"settings_difference",
              has_difference ? ordered_json(peer->settings_difference) : ordered_json()},
             {"rtt_us", each.rtt ? ordered_json(each.rtt->count()) : ordered_json()},
             {"heard", each.more ? heard_of(*each.more, roster) : ordered_json()},
             {"report", each.report ? report_of(*each.report, roster) : ordered_json()}});
    }
    return ordered_json{{"schema", 1}, {"daemons", std::move(list)}}.dump(
               2, ' ', false, ordered_json::error_handler_t::replace) +
           "\n";
}

}  // namespace spread::admin
