#include "daemon/admin/status_json.hpp"

#include <string_view>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "config/identity.hpp"
#include "daemon/config_json.hpp"

namespace spread::admin {
namespace {

using json = nlohmann::ordered_json;

constexpr int kSchema = 1;

std::string text_of(const json& value) {
    return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

template <typename T>
json or_null(const std::optional<T>& value) {
    return value ? json(*value) : json();
}

template <typename Rep, typename Period>
json or_null(const std::optional<std::chrono::duration<Rep, Period>>& value) {
    return value ? json(value->count()) : json();
}

json in_us(const std::optional<std::chrono::nanoseconds>& time) {
    return time ? json(std::chrono::duration_cast<std::chrono::microseconds>(*time).count())
                : json();
}

json counters_of(const std::vector<Status::Counter>& counters) {
    json out = json::object();
    for (const auto& [info, value] : counters) {
        out[std::string(info.name)] = value;
    }
    return out;
}

json ring_of(const RingStatus& ring) {
    json missing = json::array();
    for (const MissingStatus& each : ring.missing) {
        missing.push_back({{"daemon", each.daemon},
                           {"cause", each.cause},
                           {"text", each.text},
                           {"since", iso_time(each.since)}});
    }
    return {{"state", ring.state},
            {"id", {{"representative", ring.representative_id}, {"counter", ring.counter}}},
            {"representative", ring.representative},
            {"members", ring.members.size()},
            {"member_names", ring.members},
            {"configured", ring.configured},
            {"unknown", ring.unknown},
            {"missing", std::move(missing)},
            {"since", ring.since ? json(iso_time(*ring.since)) : json()},
            {"formed_in_us", or_null(ring.took)},
            {"changes_last_hour", ring.changes_last_hour},
            {"facts_age_ms", ring.facts_age.count()},
            {"token_timeout_ms", ring.token_timeout.count()},
            {"token_timeout_least_ms", ring.token_timeout_least.count()},
            {"token_timeout_most_ms", ring.token_timeout_most.count()},
            {"refused",
             {{"datagrams", ring.refused},
              {"last_at", ring.refused_last ? json(iso_time(ring.refused_last->at)) : json()},
              {"last_source", ring.refused_last ? json(ring.refused_last->source) : json()},
              {"last_text", ring.refused_last ? json(ring.refused_last->text) : json()}}},
            {"rotation_p50_us", in_us(ring.rotation_p50)},
            {"rotation_p99_us", in_us(ring.rotation_p99)},
            {"personal_window_packets", ring.personal_window},
            {"accelerated_window_packets", ring.accelerated_window},
            {"without_multicast", ring.without_multicast},
            {"without_multicast_text",
             ring.multicast_advice.empty() ? json() : json(ring.multicast_advice)},
            {"cut_off", ring.cut_off}};
}

json told_of(const std::optional<PeerTold>& told, std::uint32_t settings_sum) {
    return told ? json{{"version", told->version},
                       {"wire", told->wire},
                       {"same_settings", told->settings_sum == settings_sum},
                       {"at", iso_time(told->at)}}
                : json();
}

json peers_of(const Status& status) {
    json out = json::array();
    for (const PeerStatus& peer : status.peers) {
        out.push_back(
            {{"daemon", peer.name},
             {"address", peer.address},
             {"port", peer.port},
             {"self", peer.is_self},
             {"member", peer.is_member},
             {"packets_received", peer.packets},
             {"packets_lost", peer.lost},
             {"lost_share", or_null(peer.lost_share)},
             {"data_heard_ms_ago", or_null(peer.data_age)},
             {"multicast_heard_ms_ago", or_null(peer.group_age)},
             {"token_heard_ms_ago", or_null(peer.token_age)},
             {"by_multicast", peer.by_group},
             {"told", told_of(peer.told, status.ring.settings_sum)},
             {"settings_difference",
              peer.settings_difference.empty() ? json() : json(peer.settings_difference)}});
    }
    return out;
}

json sessions_json(const Status& status) {
    if (!status.sessions) {
        return {};
    }
    const SessionsStatus& sessions = *status.sessions;
    json closed = json::object();
    json unopened = json::object();
    for (std::size_t reason = 0; reason < sessions.totals.closed.size(); ++reason) {
        const std::string word(word_of(static_cast<session::CloseReason>(reason)));
        closed[word] = sessions.totals.closed[reason];
        unopened[word] = sessions.totals.unopened[reason];
    }
    json slow = json::array();
    for (const SlowClient& each : sessions.slow_clients) {
        slow.push_back({{"name", each.name},
                        {"since", iso_time(each.since)},
                        {"slow_s", std::chrono::duration<double>(status.at - each.since).count()},
                        {"queue_messages", each.queue_messages},
                        {"queue_bytes", each.queue_bytes}});
    }
    return {{"connected", sessions.connected},
            {"max", status.clients_max},
            {"slow", sessions.slow},
            {"queue_bytes", sessions.queue_bytes},
            {"queue_bytes_max", sessions.queue_bytes_max},
            {"queue_limit_messages", status.client_messages_max},
            {"queue_limit_bytes", status.client_bytes_max},
            {"opened_total", sessions.totals.opened},
            {"closed_total", std::move(closed)},
            {"closed_unopened_total", std::move(unopened)},
            {"slow_clients", std::move(slow)},
            {"slow_reader_timeout_ms", or_null(status.slow_reader_timeout)}};
}

}  // namespace

std::string iso_time(WallTime time) {
    const auto milliseconds =
        std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::time_t{milliseconds / 1000}),
                       milliseconds % 1000);
}

std::string status_json(const Status& status) {
    const Verdict verdict = verdict_of(status);
    json out = {
        {"schema", kSchema},
        {"at", iso_time(status.at)},
        {"verdict",
         {{"state", verdict.state}, {"sentence", verdict.sentence}, {"advice", verdict.advice}}},
        {"daemon",
         {{"name", status.name},
          {"id", status.id},
          {"address", status.address},
          {"port", status.port},
          {"version", status.version},
          {"commit", status.commit.empty() ? json() : json(status.commit)},
          {"wire", status.wire},
          {"process", status.process},
          {"started_at", iso_time(status.started_at)},
          {"draining_until",
           status.draining_until ? json(iso_time(*status.draining_until)) : json()},
          {"uptime_s",
           std::chrono::duration_cast<std::chrono::seconds>(status.at - status.started_at)
               .count()}}},
        {"ring", ring_of(status.ring)},
        {"peers", peers_of(status)},
        {"traffic",
         {{"submitted_per_s", status.rates.submitted},
          {"delivered_per_s", status.rates.delivered},
          {"packets_sent_per_s", status.rates.packets},
          {"packets_retransmitted_per_s", status.rates.retransmitted}}},
        {"clients", sessions_json(status)}};
    out["groups"] = status.sessions ? json{{"count", status.sessions->groups},
                                           {"memberships", status.sessions->memberships},
                                           {"settled", status.sessions->groups_are_settled}}
                                    : json();
    out["tls"] = status.tls ? json{{"mode", status.tls->mode},
                                   {"certificate", status.tls->certificate},
                                   {"expires", iso_time(status.tls->expires)}}
                            : json();
    out["config"] = {{"file", status.config_file.empty() ? json() : json(status.config_file)},
                     {"hash", status.config_hash}};
    out["counters"] = {{"ring", counters_of(status.ring_counters)},
                       {"udp", counters_of(status.udp_counters)},
                       {"seal", counters_of(status.seal_counters)}};
    if (status.sessions) {
        out["counters"]["tls"] = counters_of(status.sessions->tls_counters);
    }
    return text_of(out);
}

std::string clients_json(const std::vector<ClientStatus>& clients) {
    json list = json::array();
    for (const ClientStatus& client : clients) {
        list.push_back(
            {{"name", client.name},
             {"address", client.address},
             {"process", or_null(client.process)},
             {"user", or_null(client.user)},
             {"login", client.login.empty() ? json() : json(client.login)},
             {"tls", client.tls.empty() ? json() : json(client.tls)},
             {"certificate", client.certificate.empty() ? json() : json(client.certificate)},
             {"library", client.library},
             {"since", iso_time(client.since)},
             {"groups", client.groups},
             {"messages_in", client.messages_in},
             {"messages_out", client.messages_out},
             {"queue_messages", client.queue_messages},
             {"queue_bytes", client.queue_bytes},
             {"socket_bytes", client.socket_bytes},
             {"state", client.state},
             {"slow_since", client.slow_since ? json(iso_time(*client.slow_since)) : json()}});
    }
    return text_of({{"schema", kSchema}, {"clients", std::move(list)}});
}

std::string groups_json(const std::vector<GroupStatus>& groups) {
    json list = json::array();
    for (const GroupStatus& group : groups) {
        list.push_back({{"name", group.name},
                        {"members", group.members},
                        {"messages", group.messages},
                        {"bytes", group.bytes}});
    }
    return text_of({{"schema", kSchema}, {"groups", std::move(list)}});
}

std::string busiest_json(const BusiestGroups& busiest) {
    json list = json::array();
    for (const BusiestGroups::Group& group : busiest.groups) {
        list.push_back({{"name", group.name},
                        {"members", group.members},
                        {"messages_per_s", group.messages_per_s},
                        {"bytes_per_s", group.bytes_per_s}});
    }
    return text_of(
        {{"schema", kSchema}, {"over_ms", busiest.over.count()}, {"groups", std::move(list)}});
}

std::string group_json(const std::string& name, const std::vector<std::string>& members) {
    return text_of({{"schema", kSchema}, {"name", name}, {"members", members}});
}

std::string bans_json(const std::vector<BanStatus>& bans) {
    json list = json::array();
    for (const BanStatus& ban : bans) {
        list.push_back({{"subject", ban.subject},
                        {"until", iso_time(ban.until)},
                        {"left_s", ban.left.count()},
                        {"reason", ban.reason.empty() ? json() : json(ban.reason)},
                        {"by", ban.by},
                        {"refused", ban.refused}});
    }
    return text_of({{"schema", kSchema}, {"bans", std::move(list)}});
}

std::string events_json(const std::vector<Event>& events) {
    json list = json::array();
    for (const Event& event : events) {
        list.push_back({{"number", event.number},
                        {"at", iso_time(event.at)},
                        {"event", event.event},
                        {"subject", event.subject.empty() ? json() : json(event.subject)},
                        {"cause", event.cause.empty() ? json() : json(event.cause)},
                        {"text", event.text},
                        {"took_us", or_null(event.took)},
                        {"ring", event.ring.empty() ? json() : json(event.ring)},
                        {"members", event.ring.empty() ? json() : json(event.members)}});
    }
    return text_of({{"schema", kSchema}, {"events", std::move(list)}});
}

std::string config_json(const config::Configuration& configuration) {
    const std::string& file = configuration.file_name;
    return text_of({{"schema", kSchema},
                    {"file", file.empty() ? json() : json(file)},
                    {"hash", config::configuration_hash(configuration)},
                    {"daemons", daemon::daemons_json(configuration)},
                    {"options", daemon::options_json(configuration)}});
}

std::string health_json(const std::string& text) {
    return json{{"status", "ok"}, {"text", text}}.dump() + "\n";
}

std::string answer_json(bool is_ok, const std::string& text) {
    return text_of({{"schema", kSchema}, {"ok", is_ok}, {"text", text}});
}

}  // namespace spread::admin
