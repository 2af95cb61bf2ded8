#include "tools/spsim/options.hpp"

#include <algorithm>
#include <charconv>
#include <thread>

#include "command_line/command_line.hpp"
#include "tests/sim/scenario_line.hpp"
#include "tools/spsim/planted.hpp"

namespace spread::spsim {

namespace {

std::string seed_error(const std::string& text) {
    return parse_seed(text) ? "" : "'" + text + "' is no seed (expected 24301 or 0x5eed)";
}

std::string time_error(const std::string& text) {
    return parse_time_us(text) ? "" : "'" + text + "' is no time (expected 1.19s, 50ms or 7us)";
}

}  // namespace

std::optional<std::uint64_t> parse_seed(const std::string& text) {
    const bool is_hex = text.rfind("0x", 0) == 0;
    const char* begin = text.data() + (is_hex ? 2 : 0);
    const char* end = text.data() + text.size();
    std::uint64_t value = 0;
    const auto result = std::from_chars(begin, end, value, is_hex ? 16 : 10);
    if (result.ec != std::errc() || result.ptr != end) {
        return std::nullopt;
    }
    return value;
}

std::optional<std::uint64_t> parse_time_us(const std::string& text) {
    sim::ScenarioLine line(text);
    const std::uint64_t us = line.duration(UINT64_MAX);
    line.require_end();
    if (line.error()) {
        return std::nullopt;
    }
    return us;
}

// Long: one option after the other.
ParsedOptions parse_options(int argc, const char* const* argv) {
    ParsedOptions parsed;
    Options& options = parsed.options;
    options.jobs = std::max(1U, std::thread::hardware_concurrency());
    std::string seed;
    std::string first;
    std::string trace;
    std::string from;
    command_line::CommandLine line(
        "Runs whole clusters of daemons and clients in virtual time and checks everything.",
        "spsim");
    line.version("--version", "spsim (spreadd) " SPREAD_VERSION);
    auto one =
        line.value("--seed", seed, "One seed: 24301 or 0x5eed").type_name("SEED").check(seed_error);
    auto many = line.value("--seeds", options.seeds, "So many seeds");
    auto files = line.values("--scenario", options.scenarios, "Scenario files");
    one.excludes(many).excludes(files);
    many.excludes(files);
    line.value("--first", first, "With --seeds: the first one; default 1")
        .type_name("SEED")
        .check(seed_error)
        .needs(many);
    line.value("-j,--jobs", options.jobs, "With --seeds: processes at work; default all cores")
        .between(1U, 1024U);
    auto unusual =
        line.flag("--unusual", options.unusual,
                  "Seeds of what is rare or large, which are others than those without it");
    line.flag("--goals", options.needs_goals,
              "With --seeds: fail as well when a state that is to be reached was not")
        .needs(many);
    line.flag("--keep-going", options.keeps_going, "Do not stop at the first failure");
    line.flag("--sealed", options.seals, "With seeds: on a ring with a key, and an adversary")
        .excludes(unusual);
    auto print = line.flag("--print", options.prints, "Print the scenario, do not run it");
    auto tracing =
        line.flag("--trace{states}", trace, "Tell what happens; --trace=packets tells all of it")
            .one_of({"states", "packets"});
    line.value("--from", from, "With --trace: from this virtual time on, as 1.19s")
        .type_name("TIME")
        .check(time_error)
        .needs(tracing);
    auto shrinking = line.flag("--shrink", options.shrinks,
                               "Look for a smaller scenario that violates the same property");
    line.value("--shrink-runs", options.shrink_runs_max, "With --shrink: at most so many runs")
        .needs(shrinking)
        .show_default();
    line.value("-o,--output", options.output, "With --shrink: write the scenario to this file")
        .needs(shrinking);
    line.flag("--check-determinism", options.checks_determinism,
              "Run everything twice and compare");
    if (!planted_bugs().empty()) {
        line.value("--plant", options.planted_bug, "Run with a planted bug").one_of(planted_bugs());
    }
    tracing.excludes(many);
    shrinking.excludes(many);
    print.excludes(many);
    line.footer(
        "Exit status: 0 everything holds, 1 something does not, 2 wrong usage.\n"
        "Example: spsim --seeds 2000 --first 1; then what it says to repeat a failure.");
    auto ending = line.parse(argc, argv);
    if (!ending && !one.is_given() && !many.is_given() && !files.is_given()) {
        ending = {command_line::kUsageError, "--seed, --seeds or --scenario is required"};
    } else if (!ending && options.shrinks && options.scenarios.size() > 1) {
        ending = {command_line::kUsageError, "--shrink takes one scenario"};
    }
    if (ending) {
        parsed.exit_status = command_line::print(*ending);
        return parsed;
    }
    if (!seed.empty()) {
        options.seed = parse_seed(seed);
    }
    if (!first.empty()) {
        options.first = *parse_seed(first);
    }
    if (!trace.empty()) {
        options.run.trace =
            trace == "packets" ? sim::TraceLevel::kPackets : sim::TraceLevel::kStates;
        options.run.trace_from_us = from.empty() ? 0 : *parse_time_us(from);
    }
    return parsed;
}

}  // namespace spread::spsim
