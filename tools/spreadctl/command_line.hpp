#pragma once

#include <string>
#include <vector>

namespace spread::spreadctl {

/// Runs what `arguments`, without the program's name, ask for. Returns the exit status.
[[nodiscard]] int run(const std::vector<std::string>& arguments);

}  // namespace spread::spreadctl
