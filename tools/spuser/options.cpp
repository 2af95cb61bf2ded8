#include "tools/spuser/options.hpp"

#include <CLI/CLI.hpp>

namespace spread::spuser {

namespace {

constexpr int kUsageError = 2;

std::chrono::milliseconds from_seconds(double seconds) {
    return std::chrono::round<std::chrono::milliseconds>(std::chrono::duration<double>(seconds));
}

}  // namespace

ParsedOptions parse_options(int argc, const char* const* argv) {
    constexpr double kSecondsMax = 1e6;
    ParsedOptions parsed;
    Options& options = parsed.options;
    double connect_seconds = 5;
    double linger_seconds = 0;
    CLI::App app("Talks to a Spread daemon: joins groups, sends messages, shows what comes.",
                 "spuser");
    app.set_version_flag("--version", "spuser (spreadd) " SPREAD_VERSION);
    app.add_option("-u,--user", options.user, "User name, unique on that daemon, at most 10 bytes")
        ->capture_default_str();
    app.add_option("-s,--server", options.address,
                   "Daemon: PORT (Unix socket /tmp/PORT), PORT@HOST, or a path; default 4803, "
                   "then 4803@localhost");
    app.add_flag("-r,--random", options.has_random_name, "Let the daemon choose a user name");
    app.add_option("--connect-timeout", connect_seconds, "Seconds to wait for the daemon")
        ->capture_default_str()
        ->check(CLI::Range(0.0, kSecondsMax).description(""));
    app.add_option("--linger", linger_seconds,
                   "Seconds to go on showing messages after the end of input")
        ->capture_default_str()
        ->check(CLI::Range(0.0, kSecondsMax).description(""));
    app.footer(
        "Reads commands from the terminal or a pipe; ? lists them. When a pipe ends, spuser waits\n"
        "until everything it sent has been delivered, then leaves.\n"
        "Exit status: 0 fine, 1 no connection or a command refused, 2 wrong usage.\n"
        "Example: printf 'j room\\ns room\\nhello\\n' | spuser -u alice -s 4803@localhost");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        parsed.exit_status = app.exit(error) == 0 ? 0 : kUsageError;
        return parsed;
    }
    options.connect_timeout = from_seconds(connect_seconds);
    options.linger = from_seconds(linger_seconds);
    return parsed;
}

}  // namespace spread::spuser
