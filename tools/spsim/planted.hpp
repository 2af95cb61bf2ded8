#pragma once

#include <string>
#include <vector>

namespace spread::spsim {

/// Bugs that this build can switch on to test the checker; none in a production build.
[[nodiscard]] std::vector<std::string> planted_bugs();
/// `name` is one of planted_bugs().
void plant(const std::string& name);

}  // namespace spread::spsim
