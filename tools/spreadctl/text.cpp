#include "tools/spreadctl/text.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/admin/amounts.hpp"

namespace spread::spreadctl {

using admin::bytes_text;
using admin::share_text;
using admin::span_text;
using admin::upper;
using nlohmann::json;

namespace {

/// The value at a path such as "/ring/state"; null when there is none.
json at(const json& from, const char* path) {
    const json::json_pointer pointer(path);
    return from.contains(pointer) ? from.at(pointer) : json();
}

std::string text_of(const json& value) {
    if (value.is_string()) {
        return value.get<std::string>();
    }
    if (value.is_number_float()) {
        return fmt::format("{:.1f}", value.get<double>());
    }
    return value.is_null() ? "?" : value.dump();
}

std::string text_at(const json& from, const char* path) {
    return text_of(at(from, path));
}

double number_at(const json& from, const char* path) {
    const json value = at(from, path);
    return value.is_number() ? value.get<double>() : 0;
}

std::string joined(const json& list) {
    std::string out;
    for (const json& each : list) {
        out += (out.empty() ? "" : " ") + text_of(each);
    }
    return out;
}

std::string heard(const json& peer, const char* path) {
    if (peer.value("self", false)) {
        return "-";
    }
    const json age = at(peer, path);
    return age.is_number() ? fmt::format("{:.1f} s ago", age.get<double>() / 1000) : "never";
}

/// "2026-03-01T12:00:00.250Z" as "2026-03-01 12:00:00.250Z".
std::string exact_time(std::string iso) {
    std::replace(iso.begin(), iso.end(), 'T', ' ');
    return iso;
}

/// "2026-03-01T12:00:00.250Z" without what a reader knows.
std::string short_time(const std::string& iso) {
    return iso.size() >= 19 ? iso.substr(0, 10) + " " + iso.substr(11, 8) : iso;
}

/// Who has the same settings in its file, as far as each has told.
std::string others_with(const json& status) {
    std::string same;
    std::string differs;
    std::string unknown;
    for (const json& peer : at(status, "/peers")) {
        if (peer.value("self", false)) {
            continue;
        }
        const json is_same = at(peer, "/told/same_settings");
        // Who is in no ring with us may have told by its probes how it differs.
        const bool is_different = at(peer, "/settings_difference").is_string();
        std::string& list = is_different            ? differs
                            : !is_same.is_boolean() ? unknown
                            : is_same.get<bool>()   ? same
                                                    : differs;
        list += (list.empty() ? "" : " ") + text_at(peer, "/daemon");
    }
    std::string out;
    if (!differs.empty()) {
        out += "; DIFFERS from that of " + differs + " (spreadctl config diff NAME)";
    }
    if (!same.empty()) {
        out += "; the same settings at " + same;
    }
    if (!unknown.empty()) {
        out += "; not known of " + unknown;
    }
    return out;
}

/// By multicast, where that is used.
std::string heard_of_group(const json& peer, const char* path) {
    const bool is_used = peer.value("by_multicast", true) || at(peer, path).is_number();
    return is_used ? heard(peer, path) : "-";
}

/// How a daemon says that it hears the one that was asked; a daemon that does not answer says
/// nothing.
std::string heard_there(const json& peer, const char* path) {
    return peer.value("self", false)           ? "-"
           : at(peer, "/hears_us").is_object() ? heard(peer, path)
                                               : "?";
}

/// "58 % of 1000 messages", or of the bytes if that is more.
std::string queue_share(const json& clients, const json& client) {
    const double messages_max = number_at(clients, "/queue_limit_messages");
    const double bytes_max = number_at(clients, "/queue_limit_bytes");
    const double messages = number_at(client, "/queue_messages");
    const double bytes = number_at(client, "/queue_bytes");
    return bytes * messages_max > messages * bytes_max && bytes_max > 0
               ? fmt::format("{:.0f} % of {}", 100 * bytes / bytes_max, bytes_text(bytes_max))
           : messages_max > 0 ? fmt::format("{:.0f} % of {:.0f} messages",
                                            100 * messages / messages_max, messages_max)
                              : fmt::format("{:.0f} messages", messages);
}

/// "#a#node1 has read too slowly for 12 s: its queue holds ...; at the limit it is disconnected".
std::string slow_text(const json& clients, const json& client) {
    const json timeout = at(clients, "/slow_reader_timeout_ms");
    return fmt::format(
        "{} has read too slowly for {}: its queue holds {}, {}; {}", text_at(client, "/name"),
        span_text(std::chrono::duration<double>(number_at(client, "/slow_s"))),
        queue_share(clients, client), bytes_text(number_at(client, "/queue_bytes")),
        timeout.is_number()
            ? fmt::format("at the limit all wait for it, after {} of that it is disconnected",
                          span_text(std::chrono::milliseconds(timeout.get<std::int64_t>())))
            : std::string("at the limit it is disconnected, and what waits is lost"));
}

/// Of datagrams that the ring could not read.
std::string refused_text(const json& status) {
    const json last = at(status, "/ring/refused/last_text");
    const std::string count = text_at(status, "/ring/refused/datagrams");
    return fmt::format(
        "{} datagram{} not of this ring{}", count, count == "1" ? " that is" : "s that are",
        last.is_string() ? fmt::format("; the last at {} UTC: {} {}",
                                       short_time(text_at(status, "/ring/refused/last_at")),
                                       text_at(status, "/ring/refused/last_source"), text_of(last))
                         : std::string());
}

/// How long the ring may be silent, and why so long where that is not what is set here.
std::string timeout_text(const json& status) {
    const double now = number_at(status, "/ring/token_timeout_ms");
    const double least = number_at(status, "/ring/token_timeout_least_ms");
    const std::string out =
        fmt::format("given up after {} ms of silence", text_at(status, "/ring/token_timeout_ms"));
    if (least == 0 || now == least) {
        return out;
    }
    return out + fmt::format(
                     " (TokenTimeout is {} ms here; the ring takes the largest of its members' "
                     "values and "
                     "of four times the longest silence that they saw in the last minute)",
                     least);
}

std::string lost(const json& peer, const char* path) {
    const json share = at(peer, path);
    return share.is_number() ? share_text(share.get<double>()) : "-";
}

}  // namespace

std::string table(const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], row[i].size());
        }
    }
    std::string out;
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += fmt::format("{:<{}}  ", row[i], widths[i]);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + "\n";
    }
    return out;
}

std::vector<std::string> slow_texts(const json& status) {
    std::vector<std::string> out;
    for (const json& each : at(status, "/clients/slow_clients")) {
        out.push_back(slow_text(at(status, "/clients"), each));
    }
    return out;
}

std::string status_text(const json& status) {
    std::string out = fmt::format("{}  {}\n", upper(text_at(status, "/verdict/state")),
                                  text_at(status, "/verdict/sentence"));
    for (const json& advice : at(status, "/verdict/advice")) {
        out += "  " + text_of(advice) + "\n";
    }
    const auto line = [&out](std::string_view name, const std::string& text) {
        out += fmt::format("{:<9}{}\n", name, text);
    };
    line("daemon",
         fmt::format(
             "{} at {}:{}, spreadd {}, up {}", text_at(status, "/daemon/name"),
             text_at(status, "/daemon/address"), text_at(status, "/daemon/port"),
             text_at(status, "/daemon/version"),
             span_text(std::chrono::duration<double>(number_at(status, "/daemon/uptime_s")))));
    line("ring",
         fmt::format("{} of {} daemons: {}; {}, representative {}, id {}.{}",
                     text_at(status, "/ring/members"), text_at(status, "/ring/configured"),
                     joined(at(status, "/ring/member_names")), text_at(status, "/ring/state"),
                     text_at(status, "/ring/representative"),
                     text_at(status, "/ring/id/representative"),
                     text_at(status, "/ring/id/counter")));
    const std::string changes = text_at(status, "/ring/changes_last_hour");
    line("since", fmt::format("{} UTC, formed in {:.1f} ms; {} change{} in the last hour",
                              short_time(text_at(status, "/ring/since")),
                              number_at(status, "/ring/formed_in_us") / 1000, changes,
                              changes == "1" ? "" : "s"));
    const json p50 = at(status, "/ring/rotation_p50_us");
    const double busy = number_at(status, "/counters/ring/rotation_time") / 1e6;
    const std::string rotations =
        p50.is_number() ? fmt::format("rotation p50 below {} us, p99 below {} us", text_of(p50),
                                      text_at(status, "/ring/rotation_p99_us"))
        : busy > 0      ? fmt::format("rests; rotation {:.2f} ms while busy", busy)
                        : std::string("rests");
    line("token", fmt::format("{}; {}", rotations, timeout_text(status)));
    line("traffic",
         fmt::format("{} msg/s in, {} msg/s out; {} packets/s sent again; {} datagrams dropped by "
                     "the kernel",
                     text_at(status, "/traffic/submitted_per_s"),
                     text_at(status, "/traffic/delivered_per_s"),
                     text_at(status, "/traffic/packets_retransmitted_per_s"),
                     text_at(status, "/counters/udp/socket_drops")));
    if (at(status, "/clients").is_object()) {
        const double dropped = number_at(status, "/clients/closed_total/slow_reader");
        line("clients",
             fmt::format("{} of {}, {} slow, {} wait for them{}; {} groups",
                         text_at(status, "/clients/connected"), text_at(status, "/clients/max"),
                         text_at(status, "/clients/slow"),
                         bytes_text(number_at(status, "/clients/queue_bytes")),
                         dropped > 0
                             ? fmt::format("; {:.0f} dropped so far (spreadctl events)", dropped)
                             : std::string(),
                         text_at(status, "/groups/count")));
        for (const std::string& each : slow_texts(status)) {
            line("slow", each);
        }
    }
    if (number_at(status, "/ring/refused/datagrams") > 0) {
        line("refused", refused_text(status));
    }
    const json file = at(status, "/config/file");
    line("config", fmt::format("{}, hash {}{}", file.is_null() ? "built in" : text_of(file),
                               text_at(status, "/config/hash"), others_with(status)));
    return out;
}

namespace {

/// How a daemon's settings differ from those of the one that was asked; empty when they do not.
std::string difference_of(const json& daemon) {
    if (at(daemon, "/settings_difference").is_string()) {
        return text_at(daemon, "/settings_difference");
    }
    return at(daemon, "/same_settings") == json(false) ? "it has not shown them yet"
                                                       : std::string();
}

/// Why a daemon is not in the ring of the one that was asked, and how its settings differ; empty
/// when all is well.
std::string why_of(const json& daemon) {
    const std::string name = text_at(daemon, "/daemon");
    std::string out = at(daemon, "/cause").is_string()
                          ? fmt::format("{} is missing here: {}: {}\n", name,
                                        text_at(daemon, "/cause"), text_at(daemon, "/text"))
                          : std::string();
    if (const std::string difference = difference_of(daemon); !difference.empty()) {
        out += fmt::format("{}: its settings differ: {}; spreadctl config diff {}\n", name,
                           difference, name);
    }
    return out;
}

}  // namespace

std::string cluster_text(const json& cluster) {
    std::string why;
    std::vector<std::vector<std::string>> rows{{"DAEMON", "ADDRESS", "VERDICT", "STATE", "RING",
                                                "REPRESENTATIVE", "UP", "CLIENTS", "GROUPS",
                                                "CHANGES", "WINDOWS"}};
    const json daemons = at(cluster, "/daemons");
    for (const json& daemon : daemons) {
        const json report = at(daemon, "/report");
        if (report.is_null()) {
            rows.push_back(
                {text_at(daemon, "/daemon"), text_at(daemon, "/address"), "NO ANSWER within 1 s"});
            why += why_of(daemon);
            continue;
        }
        why += why_of(daemon);
        rows.push_back({text_at(daemon, "/daemon"), text_at(daemon, "/address"),
                        upper(text_at(daemon, "/verdict")), text_at(report, "/state"),
                        fmt::format("{} of {}", text_at(report, "/members"), daemons.size()),
                        text_at(report, "/representative"),
                        span_text(std::chrono::duration<double>(number_at(report, "/uptime_s"))),
                        text_at(report, "/clients"), text_at(report, "/groups"),
                        text_at(report, "/ring_changes"),
                        fmt::format("{} / {} / {}", text_at(report, "/window_packets"),
                                    text_at(report, "/personal_window_packets"),
                                    text_at(report, "/accelerated_window_packets"))});
    }
    return table(rows) + why;
}

bool is_whole(const json& cluster) {
    const json daemons = at(cluster, "/daemons");
    return daemons.is_array() && std::ranges::all_of(daemons, [&](const json& daemon) {
               return at(daemon, "/report/state") == "operational" &&
                      at(daemon, "/report/members") == daemons.size() &&
                      at(daemon, "/report/representative") ==
                          at(daemons.front(), "/report/representative");
           });
}

json peers_of(const json& status, const json& cluster) {
    json peers = at(status, "/peers");
    for (json& peer : peers) {
        const bool is_self = peer.value("self", false);
        for (const json& answer : at(cluster, "/daemons")) {
            if (at(answer, "/daemon") != at(peer, "/daemon")) {
                continue;
            }
            peer["version"] = at(answer, "/version");
            peer["wire"] = at(answer, "/wire");
            peer["same_settings"] = at(answer, "/same_settings");
            if (at(answer, "/cause") == "other_config") {
                peer["same_settings"] = false;
            }
            peer["rtt_us"] = at(answer, "/rtt_us");
            peer["packets_retransmitted"] = at(answer, "/report/packets_retransmitted");
            peer["lost_share_there"] = json();
            peer["hears_us"] = json();
            for (const json& heard : is_self ? json::array() : at(answer, "/heard")) {
                if (at(heard, "/daemon") == at(status, "/daemon/name")) {
                    peer["lost_share_there"] = at(heard, "/lost_share");
                    peer["hears_us"] = {
                        {"data_heard_ms_ago", at(heard, "/data_heard_ms_ago")},
                        {"multicast_heard_ms_ago", at(heard, "/multicast_heard_ms_ago")},
                        {"token_heard_ms_ago", at(heard, "/token_heard_ms_ago")}};
                }
            }
        }
    }
    return peers;
}

namespace {

/// What a daemon said when it could still be asked is in the past.
std::string release_of(const json& peer) {
    const json told = at(peer, "/told/version");
    return at(peer, "/version").is_null() && told.is_string() ? "was " + text_of(told)
                                                              : text_at(peer, "/version");
}

std::string same_text(const json& same, const json& told) {
    if (same.is_boolean()) {
        return same.get<bool>() ? "same" : "DIFFERS";
    }
    return !told.is_boolean() ? "?" : told.get<bool>() ? "was same" : "DIFFERED";
}

}  // namespace

std::string peers_text(const json& status, const json& cluster) {
    std::map<std::string, std::string> causes;
    for (const json& missing : at(status, "/ring/missing")) {
        causes[text_at(missing, "/daemon")] =
            text_at(missing, "/cause") + ": " + text_at(missing, "/text");
    }
    std::vector<std::vector<std::string>> rows = {{"DAEMON", "ADDRESS", "RING", "HEARD ON DATA",
                                                   "MULTICAST", "TOKEN PORT", "HEARS US ON DATA",
                                                   "MULTICAST", "TOKEN PORT", "RTT", "LOST IN/OUT",
                                                   "VERSION", "CONFIG", "WHY NOT"}};
    for (const json& peer : peers_of(status, cluster)) {
        const std::string name = text_at(peer, "/daemon");
        const bool is_self = peer.value("self", false);
        const json rtt = at(peer, "/rtt_us");
        const json same = at(peer, "/same_settings");
        rows.push_back(
            {name + (is_self ? "*" : ""), text_at(peer, "/address") + ":" + text_at(peer, "/port"),
             peer.value("member", false) ? "yes" : "NO", heard(peer, "/data_heard_ms_ago"),
             heard_of_group(peer, "/multicast_heard_ms_ago"), heard(peer, "/token_heard_ms_ago"),
             heard_there(peer, "/hears_us/data_heard_ms_ago"),
             peer.value("by_multicast", true)
                 ? heard_there(peer, "/hears_us/multicast_heard_ms_ago")
                 : "-",
             heard_there(peer, "/hears_us/token_heard_ms_ago"),
             rtt.is_number() ? fmt::format("{:.2f} ms", rtt.get<double>() / 1000)
             : is_self       ? "-"
                             : "?",
             is_self ? "-" : lost(peer, "/lost_share") + " / " + lost(peer, "/lost_share_there"),
             release_of(peer), same_text(same, at(peer, "/told/same_settings")),
             causes.count(name) != 0 ? causes[name] : ""});
    }
    return table(rows);
}

std::string clients_text(const json& clients) {
    std::vector<std::vector<std::string>> rows = {
        {"CLIENT", "FROM", "GROUPS", "IN", "OUT", "QUEUE", "SOCKET", "SINCE", "LIBRARY", "STATE"}};
    for (const json& client : clients) {
        const std::string name = text_at(client, "/name");
        std::string from = text_at(client, "/address");
        if (at(client, "/process").is_number()) {
            from += fmt::format(" (process {}, user {})", text_at(client, "/process"),
                                text_at(client, "/user"));
        }
        if (at(client, "/tls").is_string()) {
            from += " " + text_at(client, "/tls");
        }
        if (at(client, "/certificate").is_string()) {
            from += " (certificate " + text_at(client, "/certificate") + ")";
        }
        rows.push_back({name.empty() ? "-" : name, from, text_at(client, "/groups"),
                        text_at(client, "/messages_in"), text_at(client, "/messages_out"),
                        fmt::format("{} msg, {}", text_at(client, "/queue_messages"),
                                    bytes_text(number_at(client, "/queue_bytes"))),
                        bytes_text(number_at(client, "/socket_bytes")),
                        short_time(text_at(client, "/since")), text_at(client, "/library"),
                        text_at(client, "/state")});
    }
    return table(rows);
}

std::string no_clients_text(const json& longest, double dropped) {
    std::string out = "no clients\n";
    if (!longest.is_null()) {
        const double in_socket = number_at(longest, "/socket_bytes");
        out = fmt::format("no client is slow; most waits for {}: {} messages, {}{}\n",
                          text_at(longest, "/name"), text_at(longest, "/queue_messages"),
                          bytes_text(number_at(longest, "/queue_bytes")),
                          in_socket > 0 ? ", and " + bytes_text(in_socket) + " in its socket" : "");
    }
    if (dropped > 0) {
        out += fmt::format(
            "{:.0f} disconnected for that since the daemon's start: spreadctl events names them\n",
            dropped);
    }
    return out;
}

std::string bans_text(const json& bans) {
    std::vector<std::vector<std::string>> rows = {
        {"CLIENT", "LEFT", "UNTIL", "REFUSED", "BY", "REASON"}};
    if (at(bans, "/bans").empty()) {
        return "nobody is kept out\n";
    }
    for (const json& ban : at(bans, "/bans")) {
        const json reason = at(ban, "/reason");
        rows.push_back({text_at(ban, "/subject"),
                        span_text(std::chrono::duration<double>(number_at(ban, "/left_s"))),
                        short_time(text_at(ban, "/until")), text_at(ban, "/refused"),
                        text_at(ban, "/by"), reason.is_null() ? "" : text_of(reason)});
    }
    return table(rows);
}

std::string groups_text(const json& groups) {
    const bool has_rates = !groups.empty() && groups.front().contains("messages_per_s");
    std::vector<std::vector<std::string>> rows = {
        {"MEMBERS", has_rates ? "MESSAGES/s" : "MESSAGES", "GROUP"}};
    for (const json& group : groups) {
        rows.push_back({text_at(group, "/members"),
                        text_at(group, has_rates ? "/messages_per_s" : "/messages"),
                        text_at(group, "/name")});
    }
    return table(rows);
}

std::string group_text(const json& group) {
    const json members = at(group, "/members");
    std::string out = fmt::format("{} has {} member{}\n", text_at(group, "/name"), members.size(),
                                  members.size() == 1 ? "" : "s");
    for (const json& member : members) {
        out += "  " + text_of(member) + "\n";
    }
    return out;
}

std::string event_line(const json& event) {
    const json subject = at(event, "/subject");
    const json cause = at(event, "/cause");
    const json took = at(event, "/took_us");
    const std::string text = text_at(event, "/text");
    const bool is_named = subject.is_null() || text.starts_with(text_of(subject));
    return fmt::format(
        "{}  {:<14} {}{}{}{}", exact_time(text_at(event, "/at")), text_at(event, "/event"),
        is_named ? "" : text_of(subject) + ": ", text,
        cause.is_null() ? "" : " [" + text_of(cause) + "]",
        took.is_number() ? fmt::format(" in {:.1f} ms", took.get<double>() / 1000) : "");
}

std::string end_of_events(const json& status) {
    return fmt::format("{}  that is all so far\n", exact_time(text_at(status, "/at")));
}

std::string events_of_all_text(const json& all) {
    std::string out;
    std::size_t width = 0;
    for (const json& event : at(all, "/events")) {
        width = std::max(width, text_at(event, "/daemon").size());
    }
    for (const json& event : at(all, "/events")) {
        out += fmt::format("{:<{}}  {}\n", text_at(event, "/daemon"), width, event_line(event));
    }
    for (const json& each : at(all, "/silent")) {
        out += fmt::format("{} cannot be asked: {}\n", text_at(each, "/daemon"),
                           text_at(each, "/why"));
    }
    return out;
}

Plugin plugin_of(const json& status, std::size_t expected,
                 std::optional<std::chrono::duration<double>> age_max) {
    const auto members = static_cast<std::size_t>(number_at(status, "/ring/members"));
    const auto configured = static_cast<std::size_t>(number_at(status, "/ring/configured"));
    const auto unknown = static_cast<std::size_t>(number_at(status, "/ring/unknown"));
    const std::size_t wanted =
        expected == 0 ? configured - std::min(configured, unknown) : expected;
    const std::string state = text_at(status, "/verdict/state");
    std::string missing;
    for (const json& each : at(status, "/ring/missing")) {
        missing += fmt::format("{}{} ({})", missing.empty() ? "" : ", ", text_at(each, "/daemon"),
                               text_at(each, "/cause"));
    }
    std::string differing;
    for (const json& peer : at(status, "/peers")) {
        if (at(peer, "/settings_difference").is_string()) {
            differing += (differing.empty() ? "" : " ") + text_at(peer, "/daemon");
        }
    }
    Plugin out;
    const double slow = number_at(status, "/clients/slow");
    const double age = number_at(status, "/ring/facts_age_ms") / 1000;
    if (age_max && age > age_max->count()) {
        out.status = 3;
        missing +=
            fmt::format("{}what the ring says is {:.1f} s old", missing.empty() ? "" : ", ", age);
    } else if (state == "stuck" || state == "forming" || members < wanted) {
        out.status = 2;
    } else if (slow > 0 || !differing.empty()) {
        out.status = 1;
    }
    constexpr std::array<std::string_view, 4> kWords = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
    out.line = fmt::format(
        "SPREAD {} - {} of {} daemons{}{}{} | members={};;{}: clients={};;{} slow={} "
        "queue_bytes={}B rotation={:.6f}s",
        kWords[static_cast<std::size_t>(out.status)], members, wanted,
        missing.empty() ? "" : ", missing " + missing,
        differing.empty() ? "" : ", other settings at " + differing,
        slow > 0 ? fmt::format(", {:.0f} slow client{}", slow, slow == 1 ? "" : "s") : "", members,
        wanted, text_at(status, "/clients/connected"), text_at(status, "/clients/max"), slow,
        text_at(status, "/clients/queue_bytes"),
        number_at(status, "/counters/ring/rotation_time") / 1e9);
    return out;
}

}  // namespace spread::spreadctl
