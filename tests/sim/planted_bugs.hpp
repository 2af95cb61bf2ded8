#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/planted_bug.hpp"

namespace spread::sim {

/// What the checkers must make of a planted bug.
struct PlantedBugCase {
    protocol::PlantedBug bug = protocol::PlantedBug::kNone;
    /// The violation names one of these. Often several properties break at once, and which shows
    /// first depends on the seed.
    std::vector<std::string_view> properties;
    std::uint32_t seeds_max = 0;  ///< found by one of the seeds 1 to this
};

/// One for every planted bug.
[[nodiscard]] std::span<const PlantedBugCase> planted_bug_cases();

}  // namespace spread::sim
