#pragma once

#include <string>
#include <vector>

namespace spread::spsim {

/// Bugs that this program can switch on to test the checkers: those of tests/mutants in
/// spsim_mutants, none in spsim.
[[nodiscard]] std::vector<std::string> planted_bugs();
/// Switches one of planted_bugs() on for the rest of the process.
void plant(const std::string& name);

}  // namespace spread::spsim
