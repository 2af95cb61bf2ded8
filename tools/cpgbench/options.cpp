#include "tools/cpgbench/options.hpp"

#include <cmath>

#include <CLI/CLI.hpp>

#include "tools/spbench/clock.hpp"
#include "tools/spbench/stamp.hpp"

namespace spread::cpgbench {

namespace {

spbench::Nanoseconds from_seconds(double seconds) {
    return static_cast<spbench::Nanoseconds>(
        std::llround(seconds * static_cast<double>(spbench::kSecond)));
}

}  // namespace

spbench::ParsedOptions parse_options(int argc, const char* const* argv) {
    constexpr int kUsageError = 2;
    constexpr std::size_t kBytesMax = 1'000'000;  // beyond, CPG delivers fragments
    spbench::ParsedOptions parsed;
    spbench::Options& options = parsed.options;
    double duration = 2;
    double warmup = 0.5;
    options.window = 1000;
    CLI::App app(
        "Loads corosync through CPG: one member in the namespaces of each corosync process.",
        "cpgbench");
    app.add_option("--pid", options.watched.pids, "Process id of a corosync; repeat for each node")
        ->allow_extra_args(false)
        ->required();
    app.add_option("-b,--bytes", options.payload, "Payload of a message, bytes")
        ->check(CLI::Range(spbench::Stamp::kBytes, kBytesMax))
        ->capture_default_str();
    app.add_option("-w,--window", options.window,
                   "Closed loop: messages under way per member, counted until the slowest has them")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    app.add_option("--rate", options.rate, "Open loop: messages per second of all members together")
        ->check(CLI::PositiveNumber);
    app.add_option("-t,--duration", duration, "Seconds to measure")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    app.add_option("--warmup", warmup, "Seconds of load before the measurement")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        parsed.exit_status = app.exit(error) == 0 ? 0 : kUsageError;
        return parsed;
    }
    options.duration = from_seconds(duration);
    options.warmup = from_seconds(warmup);
    return parsed;
}

}  // namespace spread::cpgbench
