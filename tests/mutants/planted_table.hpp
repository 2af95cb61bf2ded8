#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace spread::mutants {

/// One tests/mutants/NAME.patch: what the bug does and what the checkers must make of it.
struct PlantedBug {
    std::string_view name;
    std::string_view what;
    /// The violation names one of these. Often several properties break at once, and which shows
    /// first depends on the seed.
    std::vector<std::string_view> properties;
    std::uint32_t seeds_max = 0;  ///< found by one of the seeds 1 to this, unless
    std::string_view scenario{};  ///< a file of tests/scenario finds it
    bool sealed = false;          ///< the seeds are those of sealed rings
};

/// All of them, by name. The build writes the table from the patches.
[[nodiscard]] std::span<const PlantedBug> planted_bugs();

/// Switches a bug on, or all off (empty name). Set before anything runs that could show it. False
/// if there is no bug of that name.
bool plant(std::string_view name);

}  // namespace spread::mutants
