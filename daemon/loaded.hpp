#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/configuration.hpp"
#include "config/diagnostic.hpp"
#include "config/host.hpp"
#include "daemon/host/host_facts.hpp"
#include "daemon/options.hpp"

namespace spread::daemon {

/// A configuration, and what this host is in it.
struct Loaded {
    std::string path;      ///< empty: the built-in default
    bool is_read = false;  ///< the file has no error, whatever this host is
    bool is_good = false;  ///< no diagnostic is an error
    std::vector<config::Diagnostic> diagnostics;
    config::Configuration configuration;  ///< of a good one
    std::vector<LocalAddress> locals;
    config::SelfResult self;
};

/// This host is in the file, and its interfaces carry the addresses of its daemon, as far as those
/// are literal.
[[nodiscard]] bool has_own_address(const Loaded& loaded);

/// Finds, reads and checks the configuration that `options` ask for. Throws StartupError when the
/// file or the addresses of this host cannot be read.
[[nodiscard]] Loaded load(const Options& options);

/// What file `path` says now; nullopt where it cannot be read or has an error.
[[nodiscard]] std::optional<config::Configuration> configuration_in(const std::string& path);

/// The file, or that there is none.
[[nodiscard]] std::string name_of_source(const Loaded& loaded);

/// EventLogFile with "%h" and "%H" replaced by the host's name.
[[nodiscard]] std::string expand_host(const std::string& path);

}  // namespace spread::daemon
