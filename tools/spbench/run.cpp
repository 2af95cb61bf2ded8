#include "tools/spbench/run.hpp"

#include <cstdio>
#include <string>

#include "tools/spbench/modes.hpp"

namespace spread::spbench {

namespace {

RunResult<Outcome> run_mode(const Options& options) {
    switch (options.mode) {
        case Mode::kLoad:
        case Mode::kFanout: break;
        case Mode::kPingpong: return run_pingpong(options);
        case Mode::kJoins: return run_joins(options);
        case Mode::kConnects: return run_connects(options);
        case Mode::kIdle: return run_idle(options);
        case Mode::kViews: return run_views(options);
    }
    return run_load(options);
}

}  // namespace

int run(const Options& options) {
    const auto outcome = run_mode(options);
    if (!outcome) {
        std::fprintf(stderr, "spbench: %s\n", outcome.error().c_str());
        return 1;
    }
    const std::string text = options.is_json ? outcome->json.dump(2) + '\n' : outcome->text;
    std::fputs(text.c_str(), stdout);
    return outcome->is_clean ? 0 : 1;
}

}  // namespace spread::spbench
