#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "spread/options.hpp"

namespace spread::spuser {

struct Options {
    std::string user = "user";
    std::optional<std::string> address;  ///< nothing: 4803, then 4803@localhost
    bool has_random_name = false;
    std::optional<std::string> login_file;  ///< with name and password, for the method PWORD
    std::optional<Tls> tls;
    std::chrono::milliseconds connect_timeout{5000};
    std::chrono::milliseconds linger{0};  ///< go on listening after the end of input
};

/// Parses the command line. Returns the exit status instead when there is nothing left to do: 0
/// after --help and --version, 2 after a usage error, which has been printed.
struct ParsedOptions {
    Options options;
    std::optional<int> exit_status;
};
[[nodiscard]] ParsedOptions parse_options(int argc, const char* const* argv);

}  // namespace spread::spuser
