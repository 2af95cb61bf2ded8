#pragma once

#include "tools/spuser/options.hpp"

namespace spread::spuser {

/// Connects and runs the conversation between standard input, standard output and the daemon until
/// either side ends it. Returns the exit status.
[[nodiscard]] int run(const Options& options);

}  // namespace spread::spuser
