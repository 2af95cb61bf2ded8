#include <unistd.h>

#include <iostream>

#include "tools/spsim/commands.hpp"
#include "tools/spsim/options.hpp"

int main(int argc, char** argv) {
    const auto parsed = spread::spsim::parse_options(argc, argv);
    if (parsed.exit_status) {
        return *parsed.exit_status;
    }
    return spread::spsim::run_command(parsed.options, spread::sim::run,
                                      {std::cout, std::cerr, ::isatty(STDERR_FILENO) == 1});
}
