#include "tools/spreadctl/commands.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "config/text.hpp"
#include "daemon/admin/status_json.hpp"
#include "daemon/loaded.hpp"
#include "tools/spreadctl/config_text.hpp"
#include "tools/spreadctl/other_daemons.hpp"
#include "tools/spreadctl/text.hpp"

namespace spread::spreadctl {

using nlohmann::json;

namespace {

constexpr auto kFollowPause = std::chrono::milliseconds(500);
constexpr auto kGonePause = std::chrono::milliseconds(50);
constexpr std::size_t kGroupsAPage = 1000;
constexpr std::size_t kClientsOfTop = 20;
constexpr auto kRateTime = std::chrono::seconds(1);

void print(const std::string& text) {
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
}

/// Bytes, those in its socket included.
std::uint64_t waiting_for(const json& client) {
    return client.value("queue_bytes", std::uint64_t{0}) +
           client.value("socket_bytes", std::uint64_t{0});
}

}  // namespace

template <typename Text>
int Commands::show(const std::string& target, Text text) const {
    const HttpAnswer answer = client_.get(target);
    const json value = parsed(answer);
    print(json_ ? answer.body : text(value));
    return kGood;
}

int Commands::status() const {
    const HttpAnswer answer = client_.get("/status.json");
    const json value = parsed(answer);
    print(json_ ? answer.body : status_text(value));
    return value.value(json::json_pointer("/verdict/state"), "") == "healthy" ? kGood : kBad;
}

int Commands::status_of_all() const {
    const HttpAnswer answer = client_.get("/cluster.json");
    const json value = parsed(answer);
    print(json_ ? answer.body : cluster_text(value));
    return is_whole(value) ? kGood : kBad;
}

int Commands::peers() const {
    const json value = parsed(client_.get("/status.json"));
    const json cluster = parsed(client_.get("/cluster.json"));
    if (json_) {
        print(json{{"schema", value.value("schema", 0)}, {"peers", peers_of(value, cluster)}}.dump(
                  2) +
              "\n");
    } else {
        print(peers_text(value, cluster));
    }
    return value.value(json::json_pointer("/verdict/state"), "") == "healthy" ? kGood : kBad;
}

int Commands::clients(const ClientFilter& filter) const {
    json value = parsed(client_.get("/clients.json"));
    json kept = json::array();
    json longest;
    std::optional<json> members;
    std::size_t others = 0;  // of the group, at other daemons
    if (!filter.group.empty()) {
        members = parsed(client_.get("/group.json?name=" + encoded(filter.group)))["members"];
        others = members->size();
    }
    for (json& client : value["clients"]) {
        if (members &&
            std::find(members->begin(), members->end(), client["name"]) == members->end()) {
            continue;
        }
        others -= members ? 1 : 0;
        if (longest.is_null() || waiting_for(client) > waiting_for(longest)) {
            longest = client;
        }
        if (!filter.only_slow || client.value("state", "") == "slow") {
            kept.push_back(std::move(client));
        }
    }
    const auto number = [](const char* field) {
        return [field](const json& a, const json& b) {
            return a.value(field, std::uint64_t{0}) > b.value(field, std::uint64_t{0});
        };
    };
    if (filter.sort == "name") {
        std::stable_sort(kept.begin(), kept.end(), [](const json& a, const json& b) {
            return a.value("name", "") < b.value("name", "");
        });
    } else {
        const char* field = filter.sort == "in"       ? "messages_in"
                            : filter.sort == "out"    ? "messages_out"
                            : filter.sort == "groups" ? "groups"
                                                      : "queue_bytes";
        std::stable_sort(kept.begin(), kept.end(), number(field));
    }
    const std::string elsewhere =
        others == 0
            ? std::string()
            : fmt::format("{} at other daemons (spreadctl groups {})\n", others, filter.group);
    if (json_) {
        print(json{{"schema", value.value("schema", 0)}, {"clients", kept}}.dump(2) + "\n");
    } else if (kept.empty()) {
        const json status = parsed(client_.get("/status.json"));
        if (members && longest.is_null()) {
            print("no client of this daemon is in " + filter.group + "\n" + elsewhere);
            return kGood;
        }
        print(no_clients_text(longest,
                              status.value("/clients/closed_total/slow_reader"_json_pointer, 0.0)));
    } else {
        print(clients_text(kept));
        print(elsewhere);
    }
    return kGood;
}

json Commands::all_groups() const {
    json all = json::array();
    for (std::string after;;) {
        json page = parsed(client_.get(
            fmt::format("/groups.json?most={}&after={}", kGroupsAPage, encoded(after))));
        const json& groups = page["groups"];
        all.insert(all.end(), groups.begin(), groups.end());
        if (groups.size() < kGroupsAPage) {
            return all;
        }
        after = groups.back().value("name", "");
    }
}

int Commands::groups(const std::string& name, const std::string& sort) const {
    if (!name.empty()) {
        return show("/group.json?name=" + encoded(name), group_text);
    }
    json all;
    if (sort == "rate") {
        std::map<std::string, std::uint64_t> before;
        for (const json& group : all_groups()) {
            before[group.value("name", "")] = group.value("messages", std::uint64_t{0});
        }
        const auto since = std::chrono::steady_clock::now();
        std::this_thread::sleep_for(kRateTime);
        all = all_groups();
        const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - since;
        for (json& group : all) {
            const auto now = group.value("messages", std::uint64_t{0});
            const std::uint64_t then = std::min(before[group.value("name", "")], now);
            group["messages_per_s"] = static_cast<double>(now - then) / passed.count();
        }
    } else {
        all = all_groups();
    }
    const char* const field = sort == "rate"      ? "messages_per_s"
                              : sort == "members" ? "members"
                                                  : nullptr;
    if (field != nullptr) {
        std::stable_sort(all.begin(), all.end(), [field](const json& a, const json& b) {
            return a.value(field, 0.0) > b.value(field, 0.0);
        });
    }
    print(json_ ? json{{"schema", 1}, {"groups", all}}.dump(2) + "\n" : groups_text(all));
    return kGood;
}

int Commands::events(std::size_t most, bool follow, const std::string& since) const {
    std::uint64_t after = 0;
    for (;;) {
        const json value =
            parsed(client_.get(fmt::format("/events.json?most={}&after={}", most, after)));
        for (const json& event : value.value("events", json::array())) {
            after = event.value("number", after);
            if (event.value("at", "") < since) {
                continue;
            }
            print((json_ ? event.dump() : event_line(event)) + "\n");
        }
        if (!follow) {
            break;
        }
        std::this_thread::sleep_for(kFollowPause);
    }
    if (!json_) {
        print(end_of_events(parsed(client_.get("/status.json"))));
    }
    return kGood;
}

int Commands::events_of_all(std::size_t most, const std::string& since) const {
    OtherDaemons daemons(client_);
    json all = {{"schema", 1}, {"events", json::array()}, {"silent", json::array()}};
    json& events = all["events"];
    for (const std::string& name : daemons.names()) {
        try {
            const json answer = parsed(
                daemons.client_of(name).get(fmt::format("/events.json?most={}&after=0", most)));
            for (json event : answer.value("events", json::array())) {
                if (event.value("at", "") >= since) {
                    event["daemon"] = name;
                    events.push_back(std::move(event));
                }
            }
        } catch (const Unreachable& error) {
            all["silent"].push_back({{"daemon", name}, {"why", error.what()}});
        }
    }
    std::stable_sort(events.begin(), events.end(), [](const json& a, const json& b) {
        return a.value("at", "") < b.value("at", "");
    });
    if (events.size() > most) {
        events.erase(events.begin(), events.end() - static_cast<std::ptrdiff_t>(most));
    }
    print(json_ ? all.dump(2) + "\n" : events_of_all_text(all));
    return all["silent"].empty() ? kGood : kNoDaemon;
}

int Commands::top(std::chrono::milliseconds pause, std::size_t rounds) const {
    for (std::size_t round = 0; rounds == 0 || round < rounds; ++round) {
        const json status = parsed(client_.get("/status.json"));
        json clients = parsed(client_.get("/clients.json")).value("clients", json::array());
        std::stable_sort(clients.begin(), clients.end(), [](const json& a, const json& b) {
            return a.value("queue_bytes", std::uint64_t{0}) >
                   b.value("queue_bytes", std::uint64_t{0});
        });
        if (clients.size() > kClientsOfTop) {
            clients.erase(clients.begin() + kClientsOfTop, clients.end());
        }
        print("\x1b[H\x1b[2J" + status_text(status) + "\n" +
              peers_text(status, parsed(client_.get("/cluster.json"))) + "\n" +
              clients_text(clients));
        std::this_thread::sleep_for(pause);
    }
    return kGood;
}

int Commands::check(std::size_t expected,
                    std::optional<std::chrono::duration<double>> age_max) const {
    try {
        const Plugin plugin = plugin_of(parsed(client_.get("/status.json")), expected, age_max);
        print(plugin.line + "\n");
        return plugin.status;
    } catch (const Unreachable& error) {
        print(fmt::format("SPREAD UNKNOWN - {}\n", error.what()));
        return kNoDaemon;
    }
}

int Commands::ready(std::size_t expected) const {
    return probe(fmt::format("/readyz?expect={}", expected));
}

int Commands::alive() const {
    return probe("/livez");
}

int Commands::probe(const std::string& target) const {
    const HttpAnswer answer = client_.get(target);
    const json value = json::parse(answer.body, nullptr, false);
    if (json_ || !value.is_object()) {
        print(answer.body);
    } else {
        print(value.value("text", std::string("ok")) + "\n");
    }
    return answer.status == 200 ? kGood : kBad;
}

int Commands::bans() const {
    return show("/bans.json", bans_text);
}

int Commands::config_show(bool only_set) const {
    return show("/config.json",
                [only_set](const json& config) { return config_text(config, only_set); });
}

int Commands::config_hash() const {
    return show("/config.json",
                [](const json& config) { return fmt::format("{}\n", config.value("hash", 0U)); });
}

namespace {

/// A configuration file, or what `spreadctl --json config show` has written on another host;
/// "-": that from standard input.
json saved_config(const std::string& path) {
    std::ifstream file(path);
    std::istream& in = path == "-" ? std::cin : file;
    json config = json::parse(in, nullptr, false);
    if (config.is_object() && config.contains("options")) {
        return config;
    }
    if (path == "-") {
        throw Unreachable("standard input is not what spreadctl --json config show prints");
    }
    const auto read = daemon::configuration_in(path);
    if (!read) {
        throw Unreachable("spreadd would not start with " + path +
                          ": spreadd --any-host --check -c " + path + " says why");
    }
    return json::parse(admin::config_json(*read));
}

/// What another daemon has otherwise. Throws Unreachable.
json compared_with(OtherDaemons& daemons, const HttpClient& first, const std::string& other) {
    if (daemons.knows(other)) {
        return compared(other, daemons.config(),
                        parsed(daemons.client_of(other).get("/config.json")));
    }
    if (other == "-" || std::filesystem::is_regular_file(other)) {
        return compared(other == "-" ? "standard input" : other, daemons.config(),
                        saved_config(other));
    }
    if (other.find_first_of("/:") == std::string::npos &&
        other.find_first_not_of("0123456789") != std::string::npos) {
        const std::vector<std::string_view> names(daemons.names().begin(), daemons.names().end());
        throw Unreachable("it is no configured daemon" + config::did_you_mean(other, names));
    }
    const HttpClient there = first.at(other);
    const json config = parsed(there.get("/config.json"));
    return compared(parsed(there.get("/status.json")).value("/daemon/name"_json_pointer, other),
                    daemons.config(), config);
}

/// Of a daemon that cannot be asked: what it says over the ring of its settings.
void add_what_the_ring_says(const json& cluster, json& entry) {
    const json status = {{"peers", {{{"daemon", entry.at("daemon")}}}}};
    const json peers = peers_of(status, cluster);
    entry["same_settings"] = peers.at(0).value("same_settings", json());
    std::string why = entry.at("why").get<std::string>();
    if (entry["same_settings"].is_boolean()) {
        why += entry["same_settings"].get<bool>()
                   ? "; its ring settings are the same, as it says over the ring"
                   : "; its ring settings DIFFER, as it says over the ring";
    }
    entry["why"] = why +
                   "\n  there: spreadctl --json config show > FILE; here: spreadctl config "
                   "diff FILE";
}

}  // namespace

int Commands::config_diff(const std::vector<std::string>& others, bool all) const {
    OtherDaemons daemons(client_);
    json comparison = {{"schema", 1},
                       {"daemon", daemons.self()},
                       {"file", daemons.config().value("file", json())},
                       {"hash", daemons.config().value("hash", json())},
                       {"others", json::array()}};
    std::vector<std::string> whom = others;
    if (whom.empty()) {
        whom = daemons.names();
        std::erase(whom, daemons.self());
    }
    bool is_complete = true;
    json cluster;
    for (const std::string& other : whom) {
        json entry;
        try {
            entry = compared_with(daemons, client_, other);
        } catch (const Unreachable& error) {
            is_complete = false;
            entry = {{"daemon", other}, {"why", error.what()}};
            if (daemons.knows(other)) {
                cluster = cluster.is_null() ? parsed(client_.get("/cluster.json")) : cluster;
                add_what_the_ring_says(cluster, entry);
            }
        }
        comparison["others"].push_back(std::move(entry));
    }
    print(json_ ? comparison.dump(2) + "\n" : comparison_text(comparison, all));
    return differs(comparison, all) ? kBad : is_complete ? kGood : kNoDaemon;
}

int Commands::change(const std::string& target) const {
    const HttpAnswer answer = client_.post(target);
    const json value = json::parse(answer.body, nullptr, false);
    if (!json_ && value.is_object()) {
        print(value.value("text", std::string()) + "\n");
    } else {
        print(answer.body);
    }
    return answer.status == 200 ? kGood : kBad;
}

int Commands::keep_changing(const std::string& target, std::chrono::milliseconds pause) const {
    for (;;) {
        if (const int status = change(target); status != kGood) {
            return status;
        }
        std::this_thread::sleep_for(pause);
    }
}

int Commands::stop(const std::string& target, std::chrono::milliseconds patience) const {
    if (const int status = change(target); status != kGood) {
        return status;
    }
    const auto until = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < until) {
        try {
            (void)client_.get("/livez");
        } catch (const Unreachable&) {
            return kGood;
        }
        std::this_thread::sleep_for(kGonePause);
    }
    print("it is still there\n");
    return kBad;
}

}  // namespace spread::spreadctl
