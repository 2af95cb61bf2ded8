#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "tools/spreadctl/finding.hpp"
#include "tools/spreadctl/http_client.hpp"

namespace spread::spreadctl {

struct DoctorSettings {
    std::string config_file;               ///< empty: where the daemon looks for one
    std::string name;                      ///< empty: found out, as the daemon does
    std::chrono::milliseconds patience{};  ///< for doctors of other hosts
};

/// Looks at file, names, addresses, ports and limits of this host, and at the ways between the
/// hosts: asks the daemon where one runs, else probes them together with other doctors. Every line
/// says what, how it is and what to do.
[[nodiscard]] std::vector<Finding> examine(const DoctorSettings& settings,
                                           const HttpClient& daemon);

/// What a running daemon says, of status.json and cluster.json.
[[nodiscard]] std::vector<Finding> daemon_findings(const nlohmann::json& status,
                                                   const nlohmann::json& cluster);

[[nodiscard]] std::string findings_text(const std::vector<Finding>& findings);
[[nodiscard]] std::string findings_json(const std::vector<Finding>& findings);
[[nodiscard]] bool is_any_bad(const std::vector<Finding>& findings);

}  // namespace spread::spreadctl
