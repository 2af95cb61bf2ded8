#pragma once

#include <cstddef>

#include "tests/stress/stage.hpp"

namespace spread::stress {

struct GroupsOptions {
    std::size_t clients = 5;      ///< that are in many groups
    std::size_t groups = 60000;   ///< of each, its own
    std::size_t rate = 0;         ///< messages a second meanwhile
    std::size_t closing = 65000;  ///< groups of a client that closes at the end
    /// The ring may not break, and stock may not be at rest sooner: for a machine with a processor
    /// for each daemon.
    bool strict = false;
};

/// Three daemons with hundreds of thousands of memberships. One daemon is killed and started again,
/// and at last a client in very many groups closes its connection. How long does it take until
/// everybody is served again, and does the ring hold meanwhile? With `strict` the same with stock
/// daemons, where SPREAD_STOCK_DIR names some: ours must not take longer to come to rest.
void run_groups(const GroupsOptions& options, Verdict& verdict);

}  // namespace spread::stress
