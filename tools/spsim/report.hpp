#pragma once

#include <cstdint>
#include <string>

#include "tests/sim/run.hpp"

namespace spread::spsim {

/// "1.204883s"
[[nodiscard]] std::string seconds(std::uint64_t us);
/// 16 digits
[[nodiscard]] std::string hex(std::uint64_t value);

/// What failed: "seed 24301" and the arguments that run it again, "--seed 24301".
struct Subject {
    std::string name;
    std::string arguments;
};
[[nodiscard]] Subject subject_of_seed(std::uint64_t seed, bool sealed = false,
                                      bool unusual = false);
[[nodiscard]] Subject subject_of_file(const std::string& file);

/// Property, what is wrong, when, in which run, the histories that disagree and the commands that
/// repeat and shrink it. `verdict` has a violation.
[[nodiscard]] std::string failure_report(const Subject& subject, const sim::Verdict& verdict);

}  // namespace spread::spsim
