#include "daemon/loaded.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "config/parse.hpp"
#include "daemon/host/startup_error.hpp"

namespace spread::daemon {

namespace {

/// All together, where the resolver does not answer.
constexpr auto kLookUpsTakeMax = std::chrono::seconds(30);
/// As -n: the daemon that is called like this host.
constexpr std::string_view kHostNameOption = "@hostname";

std::vector<config::HostAddresses> look_up_hosts(const config::Configuration& configuration) {
    const auto until = std::chrono::steady_clock::now() + kLookUpsTakeMax;
    std::vector<config::HostAddresses> hosts;
    for (std::size_t i = 0; i < configuration.daemons.size(); ++i) {
        const config::Daemon& daemon = configuration.daemons[i];
        if (!daemon.host.empty() && std::chrono::steady_clock::now() < until) {
            hosts.push_back({i, look_up(daemon.host, daemon.address.family).addresses});
        }
    }
    return hosts;
}

config::SelfResult find_self_here(const config::Configuration& configuration,
                                  const std::string& wanted,
                                  const std::vector<config::IpAddress>& addresses) {
    const std::string host = host_name();
    const std::string name = wanted == kHostNameOption ? host.substr(0, host.find('.')) : wanted;
    config::SelfResult self = config::find_self(configuration, name, host, addresses);
    if (self.wants_look_up) {
        self =
            config::find_self(configuration, name, host, addresses, look_up_hosts(configuration));
    }
    return self;
}

}  // namespace

Loaded load(const Options& options) {
    Loaded loaded;
    const ConfigText text = read_configuration(options.config_file, default_config_paths());
    loaded.path = text.path;
    if (text.path.empty()) {
        loaded.configuration = config::default_configuration();
    } else {
        SystemResolver resolver;
        config::ParseResult result = config::parse(text.text, text.path, resolver);
        loaded.diagnostics = std::move(result.diagnostics);
        if (!result.configuration) {
            return loaded;
        }
        loaded.configuration = std::move(*result.configuration);
        // Whoever asks a running daemon for its file may be in another directory.
        std::error_code unknown;
        const auto whole = std::filesystem::absolute(text.path, unknown).lexically_normal();
        loaded.configuration.file_name = unknown ? text.path : whole.string();
    }
    loaded.is_read = true;
    loaded.locals = local_addresses();
    const auto addresses = addresses_of(loaded.locals);
    loaded.self = find_self_here(loaded.configuration, options.name, addresses);
    loaded.is_good = true;
    if (loaded.self.daemon) {
        config::HostFacts facts{addresses, {}};
        for (const LocalAddress& local : loaded.locals) {
            facts.interface_names.push_back(local.interface);
        }
        for (config::Diagnostic& problem :
             config::check_host(loaded.configuration, *loaded.self.daemon, facts)) {
            loaded.is_good = loaded.is_good && problem.severity != config::Severity::kError;
            loaded.diagnostics.push_back(std::move(problem));
        }
    }
    return loaded;
}

bool has_own_address(const Loaded& loaded) {
    return loaded.is_good && loaded.self.daemon;
}

std::optional<config::Configuration> configuration_in(const std::string& path) {
    try {
        const ConfigText text = read_configuration(path, default_config_paths());
        SystemResolver resolver;
        return config::parse(text.text, text.path, resolver).configuration;
    } catch (const StartupError&) {
        return std::nullopt;
    }
}

std::string name_of_source(const Loaded& loaded) {
    return loaded.path.empty() ? "built-in default (one daemon, 127.0.0.1 port 4803)" : loaded.path;
}

std::string expand_host(const std::string& path) {
    std::string out;
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (path[i] == '%' && i + 1 < path.size() && (path[i + 1] == 'h' || path[i + 1] == 'H')) {
            out += host_name();
            ++i;
        } else {
            out += path[i];
        }
    }
    return out;
}

}  // namespace spread::daemon
