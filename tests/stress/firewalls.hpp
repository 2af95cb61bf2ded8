#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "tests/stress/stage.hpp"

namespace spread::stress {

struct FirewallsOptions {
    std::chrono::milliseconds closed{60000};  ///< how long
    std::vector<std::size_t> daemons{3, 5};   ///< of each ring
    std::vector<std::string> only;            ///< see firewall_variants(); empty: all
    bool strict = false;                      ///< judges times, too: for an idle machine
};

[[nodiscard]] const std::vector<std::string>& firewall_variants();

/// The packet filter of one daemon of a running ring closes a port, and opens it again. The others
/// must stay together, name the port, and meet the daemon again.
void run_firewalls(const FirewallsOptions& options, Verdict& verdict);

}  // namespace spread::stress
