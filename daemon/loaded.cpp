#include "daemon/loaded.hpp"

#include <algorithm>
#include <utility>

#include "config/parse.hpp"
#include "daemon/host/startup_error.hpp"

namespace spread::daemon {

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
    }
    loaded.is_read = true;
    loaded.locals = local_addresses();
    const auto addresses = addresses_of(loaded.locals);
    loaded.self = config::find_self(loaded.configuration, options.name, host_name(), addresses);
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
    return loaded.is_good && loaded.self.daemon &&
           find_local(loaded.locals, loaded.configuration.daemons[*loaded.self.daemon].address) !=
               nullptr;
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
