#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "tests/stress/stage.hpp"

namespace spread::stress {

struct StrangersOptions {
    std::chrono::milliseconds recorded{60000};  ///< of the ring's datagrams
    std::chrono::milliseconds each{60000};      ///< of each variant, in all rounds together
    std::size_t rounds = 4;
    std::size_t rate = 20000;       ///< datagrams a second at each daemon
    std::vector<std::string> only;  ///< of the variants; empty: all
    bool strict = false;            ///< throughput is judged, too
};

/// "daemon", "noise", "replay", "names".
[[nodiscard]] const std::vector<std::string>& stranger_variants();

/// A sealed ring of three under all the load it takes, alone and, in turns with that, beside a
/// daemon with another key, random datagrams, all it has ever sent played again, and a resolver
/// that answers nobody.
void run_strangers(const StrangersOptions& options, Verdict& verdict);

}  // namespace spread::stress
