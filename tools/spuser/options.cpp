#include "tools/spuser/options.hpp"

#include "command_line/command_line.hpp"
#include "tools/tls_options.hpp"

namespace spread::spuser {

namespace {

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
    command_line::CommandLine line(
        "Talks to a Spread daemon: joins groups, sends messages, shows what comes.", "spuser");
    line.version("--version", "spuser (spreadd) " SPREAD_VERSION);
    line.value("-u,--user", options.user, "User name, unique on that daemon, at most 10 bytes")
        .show_default();
    line.value("-s,--server", options.address,
               "Daemon: PORT (Unix socket /tmp/PORT), PORT@HOST, or a path; default 4803, "
               "then 4803@localhost");
    line.flag("-r,--random", options.has_random_name, "Let the daemon choose a user name");
    line.value("--user-password", options.login_file,
               "File whose first line is NAME:PASSWORD, for a daemon that asks for a password")
        .type_name("FILE");
    const tools::TlsOptions tls(line);
    line.value("--connect-timeout", connect_seconds, "Seconds to wait for the daemon")
        .show_default()
        .between(0.0, kSecondsMax);
    line.value("--linger", linger_seconds,
               "Seconds to go on showing messages after the end of input")
        .show_default()
        .between(0.0, kSecondsMax);
    line.footer(
        "Reads commands from the terminal or a pipe; ? lists them. When a pipe ends, spuser waits\n"
        "until everything it sent has been delivered, then leaves.\n"
        "Exit status: 0 fine, 1 something from a pipe was refused, 2 wrong usage, 3 no connection, "
        "or\n"
        "it was lost.\n"
        "Example: printf 'j room\\ns room\\nhello\\n' | spuser -u alice -s 4803@localhost");
    if (const auto ending = line.parse(argc, argv)) {
        parsed.exit_status = command_line::print(*ending);
        return parsed;
    }
    options.tls = tls.chosen();
    options.connect_timeout = from_seconds(connect_seconds);
    options.linger = from_seconds(linger_seconds);
    return parsed;
}

}  // namespace spread::spuser
