#pragma once

#include "tools/spbench/options.hpp"

namespace spread::cpgbench {

/// Fills in those of spbench's options that have a meaning here.
[[nodiscard]] spbench::ParsedOptions parse_options(int argc, const char* const* argv);

}  // namespace spread::cpgbench
