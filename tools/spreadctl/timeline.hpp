#pragma once

#include <map>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "daemon/ring/flight_file.hpp"

namespace spread::spreadctl {

/// What one daemon's directory of a bundle holds; null what is not there.
struct DaemonFiles {
    nlohmann::json status;
    nlohmann::json events;
    nlohmann::json config;
    std::optional<daemon::FlightLog> recording{};
};
/// By the daemon's name.
using BundleContent = std::map<std::string, DaemonFiles>;

/// The histories of several daemons as one, put in order by the rings they installed, not by their
/// clocks: ring ids grow, and every member calls a ring by the same one. Rings of one number are
/// two halves, side by side.
///
/// {"schema": 1, "daemons": [...], "clocks": [...], "rings": [{"ring", "members", "installed":
/// [...], "events": [...], "recorded": [...]}]}; docs/status.md describes it.
[[nodiscard]] nlohmann::json timeline_of(const BundleContent& content);

/// For people.
[[nodiscard]] std::string timeline_text(const nlohmann::json& timeline,
                                        const BundleContent& content);

}  // namespace spread::spreadctl
