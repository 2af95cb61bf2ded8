#include "daemon/options.hpp"

#include <algorithm>

#include "command_line/command_line.hpp"
#include "config/sample.hpp"

namespace spread::daemon {
namespace {

constexpr std::size_t kDaemonNameBytesMax = 19;  // as in a configuration file
constexpr const char* kControlSocketHelp =
    "Unix socket for spreadctl, or off; overrides ControlSocket";
constexpr const char* kFlightFileHelp =
    "Record the ring in this file, each message by itself, so that it outlives a kill; for tests";
constexpr unsigned kWaitForAddressMax = 86400;

std::string one_line(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

command_line::Option add_wait(command_line::CommandLine& line, unsigned& seconds) {
    return line
        .value("--wait-for-address", seconds,
               "Wait so long for the network to give this host the daemon's address (default 10\n"
               "with -n, 30 where names must tell which daemon this is, else 0)")
        .type_name("SECONDS")
        .between(0U, kWaitForAddressMax);
}

void add_log(command_line::CommandLine& line, Options& options) {
    line.value("--log-level", options.log_level,
               "debug, info, warning, error or critical; overrides EventPriority, DebugFlags")
        .type_name("LEVEL")
        .one_of({"debug", "info", "warning", "error", "critical"});
    line.value("--log-file", options.log_file,
               "Append the log here, reopened on SIGUSR1; - is stderr; overrides EventLogFile")
        .type_name("FILE");
    line.value("--log-format", options.log_format, "text or json; overrides LogFormat")
        .type_name("FORMAT")
        .one_of({"text", "json"});
}

}  // namespace

std::variant<Options, OptionsExit> parse_options(const std::vector<std::string>& arguments) {
    Options options;
    std::string session_log = "n";
    command_line::CommandLine line(
        "spreadd - group communication daemon for Spread clients.\n"
        "Orders messages of process groups over a ring of daemons. Runs in the foreground.",
        "spreadd");
    line.version("-V,--version", std::string("spreadd ") + kVersion);
    line.value("-n", options.name,
               "Be this configured daemon (@hostname: the one called like this host); without it, "
               "the\n"
               "first one whose address or Host is local")
        .type_name("NAME")
        .check([](const std::string& name) {
            if (name.empty() || name.size() > kDaemonNameBytesMax) {
                return std::string("a daemon name has 1 to 19 bytes");
            }
            return std::string();
        });
    const command_line::Option config_file =
        line.value("-c", options.config_file,
                   "Configuration file; without it ./spread.conf, /etc/spread.conf,\n"
                   "/etc/spread/spread.conf, else one daemon at 127.0.0.1 port 4803")
            .type_name("FILE");
    line.value("-l", session_log, "Log each client's connect and disconnect (default n)")
        .type_name("y|n")
        .one_of({"y", "n"});
    const command_line::Option check =
        line.flag("--check", options.check,
                  "Check everything that a start would refuse, print the configuration's hash,\n"
                  "identifiers and the own daemon, and exit: 0 good, 1 bad");
    line.flag("--json", options.json, "With --check: print one JSON object").needs(check);
    line.flag("--any-host", options.any_host, "With --check: this host need not be in the file")
        .needs(check);
    line.flag("--ports", options.ports, "With --check: try whether the ports are free")
        .needs(check);
    bool sample = false;
    line.flag("--sample", sample, "Print a sample configuration with every option, and exit");
    add_log(line, options);
    unsigned seconds = 0;
    const command_line::Option waits = add_wait(line, seconds);
    line.value("--state-dir", options.state_dir,
               "Where to remember the last ring (default /var/lib/spreadd if writable)")
        .type_name("DIR");
    line.value("--unix-dir", options.unix_dir,
               "Directory of the Unix socket, named like the port; overrides UnixSocketDir")
        .type_name("DIR");
    line.value("--control-socket", options.control_socket, kControlSocketHelp).type_name("PATH");
    line.value("--flight-file", options.flight_file, kFlightFileHelp).type_name("FILE");
    if (const auto ending = line.parse(arguments)) {
        return ending->status == 0
                   ? OptionsExit{0, ending->text}
                   : OptionsExit{ending->status,
                                 "spreadd: " + one_line(ending->text) + " (see spreadd --help)"};
    }
    if (waits.is_given()) {
        options.wait_for_address = seconds;
    }
    if (config_file.is_given() && options.config_file.empty()) {
        return OptionsExit{2, "spreadd: -c needs a file name (see spreadd --help)"};
    }
    if (sample) {
        return OptionsExit{0, config::sample_file()};
    }
    options.session_log = session_log == "y";
    return options;
}

}  // namespace spread::daemon
