#pragma once

#include "daemon/options.hpp"

namespace spread::daemon {

/// Runs the daemon, or the check of its configuration, until it is told to stop. Returns the exit
/// status. Problems of the configuration go to stderr, all of them, before anything is bound or
/// created. Throws StartupError for what the host refuses.
[[nodiscard]] int run_daemon(const Options& options);

}  // namespace spread::daemon
