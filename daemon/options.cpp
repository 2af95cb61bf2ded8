#include "daemon/options.hpp"

#include <algorithm>

#include <CLI/CLI.hpp>

#include "config/sample.hpp"

namespace spread::daemon {
namespace {

constexpr std::size_t kDaemonNameBytesMax = 19;  // as in a configuration file
constexpr unsigned kWaitForAddressMax = 86400;

std::string one_line(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

}  // namespace

std::variant<Options, OptionsExit> parse_options(const std::vector<std::string>& arguments) {
    Options options;
    std::string session_log = "n";
    CLI::App app(
        "spreadd - group communication daemon for Spread clients.\n"
        "Orders messages of process groups over a ring of daemons. Runs in the foreground.",
        "spreadd");
    app.set_help_flag("-h,--help", "Show this text and exit");
    app.set_version_flag("-V,--version", std::string("spreadd ") + kVersion,
                         "Show the version and exit");
    app.add_option("-n", options.name,
                   "Be this configured daemon; without it, the first one whose address is local")
        ->type_name("NAME")
        ->check([](const std::string& name) {
            if (name.empty() || name.size() > kDaemonNameBytesMax) {
                return std::string("a daemon name has 1 to 19 bytes");
            }
            return std::string();
        });
    app.add_option("-c", options.config_file,
                   "Configuration file; without it ./spread.conf, /etc/spread.conf,\n"
                   "/etc/spread/spread.conf, else one daemon at 127.0.0.1 port 4803")
        ->type_name("FILE");
    app.add_option("-l", session_log, "Log each client's connect and disconnect (default n)")
        ->type_name("y|n")
        ->check(CLI::IsMember({"y", "n"}));
    CLI::Option* const check =
        app.add_flag("--check", options.check,
                     "Check everything that a start would refuse, print the configuration's hash,\n"
                     "identifiers and the own daemon, and exit: 0 good, 1 bad");
    app.add_flag("--json", options.json, "With --check: print one JSON object")->needs(check);
    app.add_flag("--any-host", options.any_host, "With --check: this host need not be in the file")
        ->needs(check);
    app.add_flag("--ports", options.ports, "With --check: try whether the ports are free")
        ->needs(check);
    bool sample = false;
    app.add_flag("--sample", sample, "Print a sample configuration with every option, and exit");
    app.add_option("--log-level", options.log_level,
                   "debug, info, warning, error or critical; overrides EventPriority, DebugFlags")
        ->type_name("LEVEL")
        ->check(CLI::IsMember({"debug", "info", "warning", "error", "critical"}));
    app.add_option("--log-file", options.log_file,
                   "Append the log here, reopened on SIGUSR1; - is stderr; overrides EventLogFile")
        ->type_name("FILE");
    app.add_option(
           "--wait-for-address", options.wait_for_address,
           "Wait so long for the network to give this host the daemon's address (default 0)")
        ->type_name("SECONDS")
        ->check(CLI::Range(0U, kWaitForAddressMax));
    app.add_option("--state-dir", options.state_dir,
                   "Where to remember the last ring (default /var/lib/spreadd if writable)")
        ->type_name("DIR");
    app.add_option("--unix-dir", options.unix_dir,
                   "Directory of the Unix socket, named like the port; overrides UnixSocketDir")
        ->type_name("DIR");

    // CLI11 takes the arguments in reverse.
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    try {
        app.parse(reversed);
    } catch (const CLI::CallForHelp&) {
        return OptionsExit{0, app.help()};
    } catch (const CLI::CallForVersion& version) {
        return OptionsExit{0, std::string(version.what()) + "\n"};
    } catch (const CLI::ParseError& error) {
        return OptionsExit{2, "spreadd: " + one_line(error.what()) + " (see spreadd --help)"};
    }
    if (app.count("-c") > 0 && options.config_file.empty()) {
        return OptionsExit{2, "spreadd: -c needs a file name (see spreadd --help)"};
    }
    if (sample) {
        return OptionsExit{0, config::sample_file()};
    }
    options.session_log = session_log == "y";
    return options;
}

}  // namespace spread::daemon
