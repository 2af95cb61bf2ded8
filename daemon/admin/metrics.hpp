#pragma once

#include <string>

#include "daemon/admin/status.hpp"
#include "daemon/host/process_watch.hpp"

namespace spread::admin {

/// The text format of Prometheus, version 0.0.4. Names and labels are listed in spread-metrics(7)
/// and never change their meaning; no label has one value for each client or group.
///
/// Written here: Debian has prometheus-cpp as shared libraries only, and the daemon runs on hosts
/// that have nothing but the C++ library. Tests have promtool judge the text.
[[nodiscard]] std::string metrics_text(const Status& status, const daemon::ProcessFacts& usage);

}  // namespace spread::admin
