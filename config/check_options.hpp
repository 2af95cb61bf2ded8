#pragma once

#include <vector>

#include "config/configuration.hpp"
#include "config/diagnostics.hpp"
#include "config/parser.hpp"

namespace spread::config {

/// Fills the option members of `configuration` from the options of a file in file order, and checks
/// what concerns several of them: repetitions, windows, timeouts, authentication lists.
/// ActiveIPVersion is only checked against itself.
void check_options(const std::vector<OptionTerm>& options, Configuration& configuration,
                   Diagnostics& diagnostics);

}  // namespace spread::config
