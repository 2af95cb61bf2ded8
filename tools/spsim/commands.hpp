#pragma once

#include <iosfwd>

#include "tools/spsim/options.hpp"
#include "tools/spsim/runner.hpp"

namespace spread::spsim {

/// Where a command writes: results, and progress and messages.
struct Streams {
    std::ostream& out;
    std::ostream& messages;
    bool has_terminal = false;  ///< behind `messages`: progress may be drawn over
};

/// Carries out what the command line says. The exit status: 0 everything holds, 1 something does
/// not, 2 a file cannot be read.
[[nodiscard]] int run_command(const Options& options, const Runner& runner, Streams streams);

}  // namespace spread::spsim
