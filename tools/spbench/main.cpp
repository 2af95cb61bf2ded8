#include <cstdio>
#include <string>

#include "tools/spbench/modes.hpp"
#include "tools/spbench/options.hpp"

namespace {

using spread::spbench::Mode;

auto run_mode(const spread::spbench::Options& options) {
    switch (options.mode) {
        case Mode::kLoad:
        case Mode::kFanout: break;
        case Mode::kPingpong: return spread::spbench::run_pingpong(options);
        case Mode::kJoins: return spread::spbench::run_joins(options);
        case Mode::kConnects: return spread::spbench::run_connects(options);
        case Mode::kIdle: return spread::spbench::run_idle(options);
        case Mode::kViews: return spread::spbench::run_views(options);
    }
    return spread::spbench::run_load(options);
}

}  // namespace

int main(int argc, char** argv) {
    const auto parsed = spread::spbench::parse_options(argc, argv);
    if (parsed.exit_status) {
        return *parsed.exit_status;
    }
    const auto outcome = run_mode(parsed.options);
    if (!outcome) {
        std::fprintf(stderr, "spbench: %s\n", outcome.error().c_str());
        return 1;
    }
    const std::string text = parsed.options.is_json ? outcome->json.dump(2) + '\n' : outcome->text;
    std::fputs(text.c_str(), stdout);
    return outcome->is_clean ? 0 : 1;
}
