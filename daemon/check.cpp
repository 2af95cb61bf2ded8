#include "daemon/check.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "config/identity.hpp"
#include "config/option_value.hpp"
#include "config/options.hpp"
#include "daemon/admin/admin_token.hpp"
#include "daemon/clients/access_files.hpp"
#include "daemon/clients/listeners.hpp"
#include "daemon/clients/tls_files.hpp"
#include "daemon/config_json.hpp"
#include "daemon/host/logging.hpp"
#include "daemon/host/startup_error.hpp"
#include "daemon/loaded.hpp"
#include "daemon/ring/ring_keys.hpp"
#include "daemon/ring/udp_transport.hpp"
#include "protocol/names.hpp"

namespace spread::daemon {
namespace {

using json = nlohmann::ordered_json;

/// Stays 1 while fields are only added.
constexpr int kSchema = 1;

struct Problem {
    config::Severity severity = config::Severity::kError;
    std::optional<config::Position> at;  ///< in the configuration file
    std::string message;
};

class Check {
  public:
    explicit Check(const Options& options) : options_(options) {}

    int run();

  private:
    void error(std::string message) {
        problems_.push_back({config::Severity::kError, std::nullopt, std::move(message)});
    }
    void error_of(std::string_view option, std::string message) {
        problems_.push_back(
            {config::Severity::kError, configuration().position_of(option), std::move(message)});
    }
    void warning(std::string message) {
        problems_.push_back({config::Severity::kWarning, std::nullopt, std::move(message)});
    }
    [[nodiscard]] const config::Configuration& configuration() const {
        return loaded_.configuration;
    }

    void check_self();
    void check_access();
    void check_admin();
    void check_keys();
    void check_tls();
    void check_user();
    void check_log_file();
    void check_ports();
    [[nodiscard]] bool is_good() const;
    void print_text() const;
    [[nodiscard]] json to_json() const;

    const Options& options_;
    Loaded loaded_;
    std::vector<Problem> problems_;
};

void Check::check_self() {
    if (!loaded_.self.daemon && !options_.any_host) {
        error("no daemon for this host: " + loaded_.self.error +
              "; --any-host checks a file for other hosts");
    }
}

void Check::check_access() {
    const AccessLoad load = load_access(configuration());
    for (const std::string& message : load.warnings) {
        warning(message);
    }
    for (const std::string& message : load.errors) {
        error(message);
    }
}

void Check::check_admin() {
    try {
        (void)admin::AdminToken::load(configuration());
    } catch (const StartupError& failure) {
        error_of("AdminTokenFile", failure.what());
    }
}

void Check::check_keys() {
    if (configuration().ring_key_file) {
        if (const auto keys = read_keys(configuration()); !keys) {
            error_of("RingKeyFile", keys.error());
        }
    }
}

void Check::check_tls() {
    if (configuration().client_tls == "off") {
        return;
    }
    const auto context = read_tls(configuration());
    if (!context) {
        error_of("ClientTLS", context.error());
        return;
    }
    const std::string problem =
        describe_expiry(*(*context)->own(), std::chrono::system_clock::now());
    if (!problem.empty()) {
        warning(configuration().tls_certificate_file.value_or("") + ": the certificate " + problem);
    }
}

void Check::check_user() {
    if (const auto& user = configuration().daemon_user;
        user && ::getpwnam(user->c_str()) == nullptr) {
        error_of("DaemonUser", fmt::format("DaemonUser {} does not exist on this host; create it "
                                           "or remove the line",
                                           protocol::escaped(*user)));
    }
    if (const auto& group = configuration().daemon_group;
        group && ::getgrnam(group->c_str()) == nullptr) {
        error_of("DaemonGroup", fmt::format("DaemonGroup {} does not exist on this host; create it "
                                            "or remove the line",
                                            protocol::escaped(*group)));
    }
    if (const auto& directory = configuration().runtime_dir) {
        struct stat info {};
        if (::stat(directory->c_str(), &info) != 0) {
            error_of("RuntimeDir",
                     fmt::format("RuntimeDir {} cannot become the root directory: {}",
                                 protocol::escaped(*directory), std::strerror(errno)));
        } else if (!S_ISDIR(info.st_mode)) {
            error_of("RuntimeDir",
                     fmt::format("RuntimeDir {} is no directory", protocol::escaped(*directory)));
        }
    }
}

/// Without making the file.
void Check::check_log_file() {
    std::string path;
    if (options_.log_file) {
        path = *options_.log_file == "-" ? "" : *options_.log_file;
    } else if (configuration().event_log_file) {
        path = expand_host(*configuration().event_log_file);
    }
    if (path.empty()) {
        return;
    }
    int failure = 0;
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0) {
        failure = S_ISDIR(info.st_mode) ? EISDIR : ::access(path.c_str(), W_OK) != 0 ? errno : 0;
    } else if (errno != ENOENT) {
        failure = errno;
    } else {
        const std::size_t slash = path.rfind('/');
        const std::string directory = slash == std::string::npos ? "."
                                      : slash == 0               ? "/"
                                                                 : path.substr(0, slash);
        failure = ::access(directory.c_str(), W_OK | X_OK) != 0 ? errno : 0;
    }
    if (failure != 0) {
        std::string message = fmt::format("cannot open log file {}: {}", protocol::escaped(path),
                                          std::strerror(failure));
        if (options_.log_file) {
            error(std::move(message));
        } else {
            error_of("EventLogFile", std::move(message));
        }
    }
}

/// Binds what a start would bind, and releases it.
void Check::check_ports() {
    if (!options_.ports || !loaded_.self.daemon) {
        return;
    }
    discard_log();  // what they log belongs to a start
    try {
        const UdpTransport transport(configuration(), *loaded_.self.daemon, loaded_.locals);
    } catch (const StartupError& failure) {
        error(failure.what());
    }
    try {
        (void)open_tcp_listeners(configuration(), *loaded_.self.daemon, loaded_.locals);
    } catch (const StartupError& failure) {
        error(failure.what());
    }
}

bool Check::is_good() const {
    for (const Problem& problem : problems_) {
        if (problem.severity == config::Severity::kError) {
            return false;
        }
    }
    return true;
}

void Check::print_text() const {
    for (const Problem& problem : problems_) {
        if (problem.at) {
            std::fprintf(
                stderr, "%s\n",
                config::format({problem.severity, *problem.at, problem.message}, loaded_.path)
                    .c_str());
        } else {
            std::fprintf(stderr, "%s: %s\n",
                         problem.severity == config::Severity::kError ? "error" : "warning",
                         problem.message.c_str());
        }
    }
    if (!loaded_.is_good) {
        return;
    }
    std::printf("Configuration: %s\n", name_of_source(loaded_).c_str());
    std::printf("Hash value for this configuration is: %u\n",
                config::configuration_hash(configuration()));
    for (std::size_t i = 0; i < configuration().daemons.size(); ++i) {
        const config::Daemon& daemon = configuration().daemons[i];
        std::printf("Daemon '%s' id %u addr %s port %u%s\n", protocol::escaped(daemon.name).c_str(),
                    daemon.id, daemon.place().c_str(),
                    unsigned{configuration().segments[daemon.segment].port},
                    loaded_.self.daemon == i ? " (this one)" : "");
    }
    for (const config::OptionSpec& spec : config::all_options()) {
        if (const auto at = configuration().position_of(spec.name)) {
            const std::string value = value_text(spec, configuration()).value_or("");
            std::printf("Option %s%s%s (line %u)\n", std::string(spec.name).c_str(),
                        value.empty() ? "" : " = ",
                        spec.may_break_lines ? protocol::escaped(value).c_str() : value.c_str(),
                        at->line);
        }
    }
    if (!loaded_.self.daemon && options_.any_host) {
        std::printf("No daemon for this host: %s\n", loaded_.self.error.c_str());
    }
}

json Check::to_json() const {
    json out = {{"schema", kSchema},
                {"good", is_good()},
                {"file", loaded_.path.empty() ? json() : json(loaded_.path)},
                {"problems", json::array()}};
    for (const Problem& problem : problems_) {
        json entry = {
            {"severity", problem.severity == config::Severity::kError ? "error" : "warning"},
            {"message", problem.message}};
        if (problem.at) {
            entry["line"] = problem.at->line;
            entry["column"] = problem.at->column;
        }
        out["problems"].push_back(std::move(entry));
    }
    if (!loaded_.is_good) {
        return out;
    }
    out["hash"] = config::configuration_hash(configuration());
    out["self"] =
        loaded_.self.daemon ? json(configuration().daemons[*loaded_.self.daemon].name) : json();
    out["daemons"] = daemons_json(configuration());
    out["options"] = options_json(configuration());
    return out;
}

int Check::run() {
    try {
        loaded_ = load(options_);
        for (const config::Diagnostic& diagnostic : loaded_.diagnostics) {
            problems_.push_back({diagnostic.severity, diagnostic.at, diagnostic.message});
        }
        if (loaded_.is_good) {
            check_self();
            check_access();
            check_admin();
            check_keys();
            check_tls();
            check_user();
            check_log_file();
            check_ports();
        }
    } catch (const StartupError& failure) {
        error(failure.what());
    }
    if (options_.json) {
        // Names may hold any bytes; what is not UTF-8 is replaced.
        std::printf("%s\n", to_json().dump(2, ' ', false, json::error_handler_t::replace).c_str());
    } else {
        print_text();
    }
    return is_good() ? 0 : 1;
}

}  // namespace

int check(const Options& options) {
    return Check(options).run();
}

}  // namespace spread::daemon
