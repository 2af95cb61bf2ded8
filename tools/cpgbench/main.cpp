// Loads corosync's closed process groups (CPG) as spbench loads Spread daemons, and prints what it
// measured in the form of spbench's --json. Only tools/bench-ring needs it.

#include <cstdio>
#include <string>

#include "tools/cpgbench/load.hpp"
#include "tools/cpgbench/options.hpp"

int main(int argc, char** argv) {
    const auto parsed = spread::cpgbench::parse_options(argc, argv);
    if (parsed.exit_status) {
        return *parsed.exit_status;
    }
    const auto outcome = spread::cpgbench::run_load(parsed.options);
    if (!outcome) {
        std::fprintf(stderr, "cpgbench: %s\n", outcome.error().c_str());
        return 1;
    }
    const std::string text = outcome->json.dump(2) + '\n';
    std::fputs(text.c_str(), stdout);
    return outcome->is_clean ? 0 : 1;
}
