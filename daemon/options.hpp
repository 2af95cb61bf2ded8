#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace spread::daemon {

inline constexpr const char* kVersion = SPREAD_VERSION;

/// What the command line said. Names and files are not looked at yet.
struct Options {
    std::string name;         ///< -n, empty: find out
    std::string config_file;  ///< -c, empty: search
    bool session_log = false;
    bool check = false;
    bool json = false;                      ///< --check prints one JSON object
    bool any_host = false;                  ///< --check takes a file that this host is not in
    bool ports = false;                     ///< --check tries to bind the ports, too
    std::optional<std::string> log_level;   ///< overrides EventPriority and DebugFlags
    std::optional<std::string> log_file;    ///< overrides EventLogFile; "-" is stderr
    std::optional<std::string> log_format;  ///< text or json; overrides LogFormat
    /// Seconds to wait until this host carries the daemon's address; unset: a few with -n, since
    /// it is certain then which daemon this is.
    std::optional<unsigned> wait_for_address;
    std::string state_dir;                      ///< empty: search
    std::optional<std::string> unix_dir;        ///< overrides UnixSocketDir
    std::optional<std::string> control_socket;  ///< overrides ControlSocket
    std::string flight_file;                    ///< empty: the flight recorder has memory only
};

/// The command line asks for no daemon, or cannot be understood.
struct OptionsExit {
    int status = 0;    ///< 0 after --help and --version, 2 after bad usage
    std::string text;  ///< for stdout when status is 0, else one line for stderr
};

/// `arguments` without the program's name.
[[nodiscard]] std::variant<Options, OptionsExit> parse_options(
    const std::vector<std::string>& arguments);

}  // namespace spread::daemon
