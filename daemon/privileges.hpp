#pragma once

#include "config/configuration.hpp"
#include "daemon/ring/state_file.hpp"

namespace spread::daemon {

/// The process is root's and will remain so: no DaemonUser is given.
[[nodiscard]] bool stays_root(const config::Configuration& configuration);

/// Of what root may do, leaves the calling thread, and those it starts, what files of other users
/// take: the log file after a rotation, access files, the Unix socket.
void keep_file_capabilities();

/// To be called once everything is bound, so that a port below 1024 or a foreign directory works:
/// makes RuntimeDir the root directory, gives the files to DaemonUser and becomes that user, or,
/// without one, gives up what else root may do. Nothing when the process is not root's. Throws
/// StartupError.
void drop_privileges(const config::Configuration& configuration, StateFile& state);

}  // namespace spread::daemon
