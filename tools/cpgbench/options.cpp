#include "tools/cpgbench/options.hpp"

#include <cmath>

#include "command_line/command_line.hpp"
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
    constexpr double kSecondsMax = 1e6;
    constexpr std::size_t kBytesMax = 1'000'000;  // beyond, CPG delivers fragments
    spbench::ParsedOptions parsed;
    spbench::Options& options = parsed.options;
    double duration = 2;
    double warmup = 0.5;
    options.window = 1000;
    command_line::CommandLine line(
        "Loads corosync through CPG: one member in the namespaces of each corosync process.",
        "cpgbench");
    line.value("--pid", options.watched.pids, "Process id of a corosync; repeat for each node")
        .required();
    line.value("-b,--bytes", options.payload, "Payload of a message, bytes")
        .between(std::size_t{spbench::Stamp::kBytes}, kBytesMax)
        .show_default();
    line.value("-w,--window", options.window,
               "Closed loop: messages under way per member, counted until the slowest has them")
        .between<std::size_t>(1, 1'000'000)
        .show_default();
    line.value("--rate", options.rate, "Open loop: messages per second of all members together")
        .between(1e-3, 1e9);
    line.value("-t,--duration", duration, "Seconds to measure")
        .between(0.001, kSecondsMax)
        .show_default();
    line.value("--warmup", warmup, "Seconds of load before the measurement")
        .between(0.0, kSecondsMax)
        .show_default();
    if (const auto ending = line.parse(argc, argv)) {
        parsed.exit_status = command_line::print(*ending);
        return parsed;
    }
    options.duration = from_seconds(duration);
    options.warmup = from_seconds(warmup);
    return parsed;
}

}  // namespace spread::cpgbench
