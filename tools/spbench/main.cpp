#include "tools/spbench/options.hpp"
#include "tools/spbench/run.hpp"

int main(int argc, char** argv) {
    const auto parsed = spread::spbench::parse_options(argc, argv);
    return parsed.exit_status ? *parsed.exit_status : spread::spbench::run(parsed.options);
}
