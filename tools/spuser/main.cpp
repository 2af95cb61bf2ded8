#include "tools/spuser/loop.hpp"
#include "tools/spuser/options.hpp"

int main(int argc, char** argv) {
    const auto parsed = spread::spuser::parse_options(argc, argv);
    if (parsed.exit_status) {
        return *parsed.exit_status;
    }
    return spread::spuser::run(parsed.options);
}
