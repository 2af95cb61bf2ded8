#pragma once

#include "daemon/options.hpp"

namespace spread::daemon {

/// `spreadd --check`: everything that a start with the same options would refuse, without starting:
/// the configuration, who this host is in it, access files, log file, user and directories, and
/// with
/// --ports whether the addresses can be bound. Prints what was understood on standard output, as
/// text or with --json as one object, and for text every problem on standard error. Returns the
/// exit status: 0 when a start would go on, else 1.
[[nodiscard]] int check(const Options& options);

}  // namespace spread::daemon
