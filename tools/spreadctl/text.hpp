#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

// What people read, made from the daemon's JSON. A field that is not there, as from another version
// of the daemon, is shown as "?".

namespace spread::spreadctl {

[[nodiscard]] std::string status_text(const nlohmann::json& status);
/// A sentence on each client for which much waits.
[[nodiscard]] std::vector<std::string> slow_texts(const nlohmann::json& status);
/// Of cluster.json: a line for each daemon.
[[nodiscard]] std::string cluster_text(const nlohmann::json& cluster);
/// All daemons answer, and say that they are in one operational ring.
[[nodiscard]] bool is_whole(const nlohmann::json& cluster);
/// Of status.json, with what cluster.json says of each.
[[nodiscard]] nlohmann::json peers_of(const nlohmann::json& status, const nlohmann::json& cluster);
[[nodiscard]] std::string peers_text(const nlohmann::json& status, const nlohmann::json& cluster);
[[nodiscard]] std::string clients_text(const nlohmann::json& clients);
/// Where none is to be shown; `longest`: the one for which most waits, null without any client;
/// `dropped`: how many were disconnected because they did not read.
[[nodiscard]] std::string no_clients_text(const nlohmann::json& longest, double dropped = 0);
[[nodiscard]] std::string bans_text(const nlohmann::json& bans);
[[nodiscard]] std::string groups_text(const nlohmann::json& groups);
[[nodiscard]] std::string group_text(const nlohmann::json& group);
[[nodiscard]] std::string event_line(const nlohmann::json& event);
/// Behind the last one: when the daemon had no others.
[[nodiscard]] std::string end_of_events(const nlohmann::json& status);
/// `all`: "events" of several daemons, each with its "daemon", and "silent" ones with the reason.
[[nodiscard]] std::string events_of_all_text(const nlohmann::json& all);

/// Of the monitoring plugins: one line with numbers behind a bar, and 0 ok, 1 warning, 2 critical,
/// 3 unknown, which is when what the ring says of itself is older than `age_max`.
struct Plugin {
    std::string line;
    int status = 0;
};
[[nodiscard]] Plugin plugin_of(const nlohmann::json& status, std::size_t expected,
                               std::optional<std::chrono::duration<double>> age_max = {});

/// Columns as wide as their widest entry.
[[nodiscard]] std::string table(const std::vector<std::vector<std::string>>& rows);

}  // namespace spread::spreadctl
