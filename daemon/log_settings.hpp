#pragma once

#include "daemon/host/logging.hpp"
#include "daemon/loaded.hpp"
#include "daemon/options.hpp"

namespace spread::daemon {

/// text or json, as the options say, else the configuration.
[[nodiscard]] LogStyle::Format log_format_of(const Loaded& loaded, const Options& options);

/// What the options and the configuration, which must be good, say about the log.
[[nodiscard]] LogSettings log_settings(const Loaded& loaded, const Options& options);

}  // namespace spread::daemon
