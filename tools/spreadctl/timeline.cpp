#include "tools/spreadctl/timeline.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "daemon/admin/amounts.hpp"
#include "tools/spreadctl/config_text.hpp"
#include "tools/spreadctl/recorded.hpp"
#include "tools/spreadctl/text.hpp"

namespace spread::spreadctl {

using nlohmann::json;

namespace {

/// In the order of rings: their number, then their representative.
using RingPlace = std::pair<std::uint64_t, std::uint64_t>;

/// Of "REPRESENTATIVE.COUNTER". What is none sorts first.
RingPlace place_of(const std::string& ring) {
    RingPlace out{};
    const std::size_t dot = std::min(ring.find('.'), ring.size());
    std::from_chars(ring.data(), ring.data() + dot, out.second);
    if (dot < ring.size()) {
        std::from_chars(ring.data() + dot + 1, ring.data() + ring.size(), out.first);
    }
    return out;
}

/// Seconds since 1970 of "2026-03-01T12:00:00.250Z".
std::optional<double> unix_seconds(const std::string& iso) {
    std::tm parts{};
    double seconds = 0;
    if (std::sscanf(iso.c_str(), "%4d-%2d-%2dT%2d:%2d:%lfZ", &parts.tm_year, &parts.tm_mon,
                    &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &seconds) != 6) {
        return std::nullopt;
    }
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    return static_cast<double>(::timegm(&parts)) + seconds;
}

std::string string_at(const json& from, const char* key) {
    const auto found = from.is_object() ? from.find(key) : from.end();
    return found != from.end() && found->is_string() ? found->get<std::string>() : std::string();
}

json list_at(const json& from, const char* key) {
    return from.is_object() && from.contains(key) && from.at(key).is_array() ? from.at(key)
                                                                             : json::array();
}

json of_daemon(const std::string& daemon, const json& event) {
    json out = {{"daemon", daemon}};
    for (const char* key : {"at", "event", "subject", "cause", "text", "took_us"}) {
        out[key] = event.is_object() && event.contains(key) ? event.at(key) : json();
    }
    return out;
}

/// What the clock of each daemon says when it installs a ring, against the first one's that did: in
/// the middle over all rings they share. Members install a ring within a rotation of its token.
json clocks_of(const json& rings) {
    std::map<std::string, std::vector<double>> ahead;
    std::string first;
    for (const json& ring : rings) {
        const json& installed = ring.at("installed");
        if (first.empty() && !installed.empty()) {
            first = string_at(installed.front(), "daemon");
        }
        const auto base = std::find_if(installed.begin(), installed.end(), [&](const json& each) {
            return string_at(each, "daemon") == first;
        });
        const auto base_at =
            base == installed.end() ? std::nullopt : unix_seconds(string_at(*base, "at"));
        for (const json& each : installed) {
            const auto at = unix_seconds(string_at(each, "at"));
            if (base_at && at && string_at(each, "daemon") != first) {
                ahead[string_at(each, "daemon")].push_back(*at - *base_at);
            }
        }
    }
    json out = json::array();
    for (auto& [daemon, seconds] : ahead) {
        std::sort(seconds.begin(), seconds.end());
        out.push_back({{"daemon", daemon},
                       {"against", first},
                       {"ahead_s", seconds[seconds.size() / 2]},
                       {"rings", seconds.size()}});
    }
    return out;
}

/// Events of a ring in the order of time, by their hosts' clocks less what these are ahead.
void sort_by_time(json& events, const std::map<std::string, double>& ahead) {
    const auto time_of = [&](const json& event) {
        const auto own = ahead.find(string_at(event, "daemon"));
        return unix_seconds(string_at(event, "at")).value_or(0) -
               (own == ahead.end() ? 0 : own->second);
    };
    std::stable_sort(events.begin(), events.end(),
                     [&](const json& a, const json& b) { return time_of(a) < time_of(b); });
}

json new_ring(const std::string& ring) {
    return {{"ring", ring.empty() ? json() : json(ring)},
            {"members", json::array()},
            {"installed", json::array()},
            {"events", json::array()},
            {"recorded", json::array()}};
}

void add_recorded(const std::string& daemon, const daemon::FlightLog& log,
                  std::map<RingPlace, json>& rings) {
    for (const auto& [place, ring] : recorded_rings(log)) {
        json& entry = rings[place];
        if (entry.is_null()) {
            entry =
                new_ring(place == RingPlace() ? std::string()
                                              : fmt::format("{}.{}", place.second, place.first));
        }
        if (entry["members"].empty()) {
            entry["members"] = ring.members;
        }
        entry["recorded"].push_back({{"daemon", daemon},
                                     {"accepted", ring.accepted},
                                     {"delivered", ring.delivered},
                                     {"first", ring.first},
                                     {"last", ring.last},
                                     {"lines", ring.lines}});
    }
}

std::string recorded_text(const json& recorded) {
    const auto number = [&](const char* key) { return recorded.at(key).get<std::uint64_t>(); };
    std::string out =
        fmt::format("  {} recorded: {} messages taken, {} delivered", string_at(recorded, "daemon"),
                    number("accepted"), number("delivered"));
    if (number("delivered") > 0) {
        out += fmt::format(", sequence numbers {} to {}", number("first"), number("last"));
    }
    out += "\n";
    for (const json& line : recorded.at("lines")) {
        out += "    " + line.get<std::string>() + "\n";
    }
    return out;
}

}  // namespace

json timeline_of(const BundleContent& content) {
    std::map<RingPlace, json> rings;
    json daemons = json::array();
    for (const auto& [daemon, files] : content) {
        const json verdict =
            files.status.is_object() ? files.status.value("verdict", json()) : json();
        daemons.push_back({{"daemon", daemon},
                           {"at", string_at(files.status, "at")},
                           {"verdict", string_at(verdict, "state")},
                           {"sentence", string_at(verdict, "sentence")},
                           {"advice", list_at(verdict, "advice")}});
        std::string ring;
        for (const json& event : list_at(files.events, "events")) {
            const std::string begins = string_at(event, "ring");
            ring = begins.empty() ? ring : begins;
            json& entry = rings[place_of(ring)];
            if (entry.is_null()) {
                entry = new_ring(ring);
            }
            if (!begins.empty()) {
                entry["members"] = list_at(event, "members");
            }
            entry[begins.empty() ? "events" : "installed"].push_back(of_daemon(daemon, event));
        }
        if (files.recording) {
            add_recorded(daemon, *files.recording, rings);
        }
    }
    json in_order = json::array();
    for (auto& [place, ring] : rings) {
        in_order.push_back(std::move(ring));
    }
    json clocks = clocks_of(in_order);
    std::map<std::string, double> ahead;
    for (const json& clock : clocks) {
        ahead[string_at(clock, "daemon")] = clock.at("ahead_s").get<double>();
    }
    for (json& ring : in_order) {
        sort_by_time(ring["installed"], ahead);
        sort_by_time(ring["events"], ahead);
    }
    return {{"schema", 1},
            {"daemons", std::move(daemons)},
            {"clocks", std::move(clocks)},
            {"rings", std::move(in_order)}};
}

std::string timeline_text(const json& timeline, const BundleContent& content) {
    std::string out;
    for (const json& daemon : timeline.at("daemons")) {
        out +=
            fmt::format("{}  {}  {}\n", string_at(daemon, "daemon"),
                        admin::upper(string_at(daemon, "verdict")), string_at(daemon, "sentence"));
        for (const json& advice : daemon.at("advice")) {
            out += "  " + (advice.is_string() ? advice.get<std::string>() : advice.dump()) + "\n";
        }
    }
    for (const json& clock : timeline.at("clocks")) {
        const double ahead = clock.at("ahead_s").get<double>();
        out += fmt::format("clock of {}: {} {} that of {}, by {} ring{} that both installed\n",
                           string_at(clock, "daemon"),
                           admin::span_text(std::chrono::duration<double>(std::abs(ahead))),
                           ahead < 0 ? "behind" : "ahead of", string_at(clock, "against"),
                           clock.at("rings").get<std::size_t>(),
                           clock.at("rings").get<std::size_t>() == 1 ? "" : "s");
    }
    const auto first = content.begin();
    for (auto other = first; other != content.end(); ++other) {
        json comparison = compared(first->first, first->second.config, first->second.config);
        comparison["others"] =
            json::array({compared(other->first, first->second.config, other->second.config)});
        if (other != first && differs(comparison, true)) {
            out += "configurations\n" + comparison_text(comparison, false);
        }
    }
    out +=
        "\nRings in the order of their ids, since clocks differ; what happened in one, by time.\n";
    for (const json& ring : timeline.at("rings")) {
        std::string members;
        for (const json& member : ring.at("members")) {
            members += " " + (member.is_string() ? member.get<std::string>() : member.dump());
        }
        const std::string name = string_at(ring, "ring");
        out += name.empty() ? std::string("\nbefore the first ring that is remembered\n")
                            : fmt::format("\nring {} of{}\n", name, members);
        for (const char* list : {"installed", "events"}) {
            for (const json& event : ring.at(list)) {
                out += fmt::format("  {}: {}\n", string_at(event, "daemon"), event_line(event));
            }
        }
        for (const json& recorded : ring.at("recorded")) {
            out += recorded_text(recorded);
        }
    }
    return out;
}

}  // namespace spread::spreadctl
