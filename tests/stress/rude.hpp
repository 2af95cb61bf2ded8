#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "tests/stress/stage.hpp"

namespace spread::stress {

struct RudeOptions {
    std::vector<std::string> only;              ///< names of behaviours; empty: all
    std::chrono::milliseconds duration{12000};  ///< of those that go on as long as one likes
    std::size_t sockets = 5000;                 ///< that say nothing
};

/// The behaviours there are.
[[nodiscard]] std::vector<std::string> rude_behaviours();

/// Each rude behaviour by itself, against a daemon of its own with well-behaved clients.
void run_rude(const Settings& settings, const RudeOptions& options, Verdict& verdict);

}  // namespace spread::stress
