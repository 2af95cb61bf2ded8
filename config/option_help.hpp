#pragma once

#include <string>
#include <string_view>

#include "config/options.hpp"

namespace spread::config {

/// What is said of an option wherever it is documented: sentences, the last one with its full stop.
[[nodiscard]] std::string help_of(const OptionSpec& spec);

/// The heading of a chapter.
[[nodiscard]] std::string_view title_of(Section section);

}  // namespace spread::config
