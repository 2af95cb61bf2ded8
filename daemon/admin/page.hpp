#pragma once

#include <deque>
#include <string>
#include <vector>

#include "daemon/admin/cluster_json.hpp"
#include "daemon/admin/history.hpp"
#include "daemon/admin/status.hpp"
#include "protocol/time.hpp"

namespace spread::admin {

/// What one second brought, for the plots.
struct Second {
    double delivered = 0;      ///< messages
    double retransmitted = 0;  ///< packets
    double rotation_ms = 0;    ///< of the token, smoothed
    double queue = 0;          ///< messages that wait for the token
};

/// An option that has another value than it would have by itself.
struct ChangedOption {
    std::string name;
    std::string value;
    std::string usual;  ///< empty: it has none
    int line = 0;       ///< of the file; 0: not from the file
};

struct PageData {
    Status status;
    std::vector<ClientStatus> clients;
    std::vector<Event> events;  ///< oldest first
    std::deque<Second> seconds;
    BusiestGroups busiest;
    std::vector<ChangedOption> changed;
    /// What all said when they were asked last, configuration order; empty: not asked yet.
    std::vector<DaemonAnswer> answers{};
};

/// The status page: one HTML file without external resources, made here so that it also works where
/// nothing runs scripts. With scripts it renews itself once a second, without them every five.
[[nodiscard]] std::string page_html(const PageData& data);

}  // namespace spread::admin
