#pragma once

#include <string>
#include <vector>

#include "config/configuration.hpp"
#include "daemon/admin/history.hpp"
#include "daemon/admin/status.hpp"

// The JSON forms, each one object with "schema": 1. Fields are only added; units are in their
// names; times are ISO 8601 in UTC. docs/status.md describes every field. Bytes of names that are
// not UTF-8 are replaced.

namespace spread::admin {

[[nodiscard]] std::string status_json(const Status& status);
[[nodiscard]] std::string clients_json(const std::vector<ClientStatus>& clients);
[[nodiscard]] std::string groups_json(const std::vector<GroupStatus>& groups);
[[nodiscard]] std::string busiest_json(const BusiestGroups& busiest);
/// One group, with the private names of its members in view order.
[[nodiscard]] std::string group_json(const std::string& name,
                                     const std::vector<std::string>& members);
[[nodiscard]] std::string bans_json(const std::vector<BanStatus>& bans);
[[nodiscard]] std::string events_json(const std::vector<Event>& events);
/// The options in force and where each comes from. Nothing secret is among them.
[[nodiscard]] std::string config_json(const config::Configuration& configuration);
/// {"schema": 1, "ok": OK, "text": TEXT}: what became of a command or a health check.
[[nodiscard]] std::string answer_json(bool is_ok, const std::string& text);
/// Of /livez and /readyz when all is well.
[[nodiscard]] std::string health_json(const std::string& text);

/// "2026-03-01T12:00:00.250Z"
[[nodiscard]] std::string iso_time(WallTime time);

}  // namespace spread::admin
