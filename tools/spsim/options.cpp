#include "tools/spsim/options.hpp"

#include <algorithm>
#include <charconv>
#include <thread>

#include <CLI/CLI.hpp>

#include "tests/sim/scenario_line.hpp"
#include "tools/spsim/planted.hpp"

namespace spread::spsim {

namespace {

constexpr int kUsageError = 2;

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

ParsedOptions parse_options(int argc, const char* const* argv) {
    ParsedOptions parsed;
    Options& options = parsed.options;
    options.jobs = std::max(1U, std::thread::hardware_concurrency());
    std::string seed;
    std::string first;
    std::string trace;
    std::string from;
    CLI::App app(
        "Runs whole clusters of daemons and clients in virtual time and checks everything.",
        "spsim");
    app.set_version_flag("--version", "spsim (spreadd) " SPREAD_VERSION);
    const auto seed_check = CLI::Validator(seed_error, "SEED");
    auto* one = app.add_option("--seed", seed, "One seed: 24301 or 0x5eed")->check(seed_check);
    auto* many = app.add_option("--seeds", options.seeds, "So many seeds");
    auto* files = app.add_option("--scenario", options.scenarios, "Scenario files");
    one->excludes(many)->excludes(files);
    many->excludes(files);
    app.add_option("--first", first, "With --seeds: the first one; default 1")
        ->check(seed_check)
        ->needs(many);
    app.add_option("-j,--jobs", options.jobs, "With --seeds: processes at work; default all cores")
        ->check(CLI::Range(1, 1024));
    app.add_flag("--keep-going", options.keeps_going, "Do not stop at the first failure");
    auto* print = app.add_flag("--print", options.prints, "Print the scenario, do not run it");
    auto* tracing =
        app.add_flag("--trace{states}", trace, "Tell what happens; --trace=packets tells all of it")
            ->check(CLI::IsMember({"states", "packets"}));
    app.add_option("--from", from, "With --trace: from this virtual time on, as 1.19s")
        ->check(CLI::Validator(time_error, "TIME"))
        ->needs(tracing);
    auto* shrinking = app.add_flag("--shrink", options.shrinks,
                                   "Look for a smaller scenario that violates the same property");
    app.add_option("--shrink-runs", options.shrink_runs_max, "With --shrink: at most so many runs")
        ->needs(shrinking)
        ->capture_default_str();
    app.add_option("-o,--output", options.output, "With --shrink: write the scenario to this file")
        ->needs(shrinking);
    app.add_flag("--check-determinism", options.checks_determinism,
                 "Run everything twice and compare");
    if (!planted_bugs().empty()) {
        app.add_option("--plant", options.planted_bug, "Run with a planted bug")
            ->check(CLI::IsMember(planted_bugs()));
    }
    tracing->excludes(many);
    shrinking->excludes(many);
    print->excludes(many);
    app.footer(
        "Exit status: 0 everything holds, 1 something does not, 2 wrong usage.\n"
        "Example: spsim --seeds 2000 --first 1; then what it says to repeat a failure.");
    try {
        app.parse(argc, argv);
        if (one->empty() && many->empty() && files->empty()) {
            throw CLI::RequiredError("--seed, --seeds or --scenario");
        }
        if (options.shrinks && options.scenarios.size() > 1) {
            throw CLI::ValidationError("--shrink", "takes one scenario");
        }
    } catch (const CLI::ParseError& error) {
        parsed.exit_status = app.exit(error) == 0 ? 0 : kUsageError;
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
