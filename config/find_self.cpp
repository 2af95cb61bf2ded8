// Which configured daemon is this process.
#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/host.hpp"
#include "config/text.hpp"

namespace spread::config {

namespace {

constexpr std::size_t kListed = 8;

/// "'d1' (10.0.0.1), 'd2' (10.0.0.2) and 3 more".
std::string list_daemons(const Configuration& configuration) {
    std::string list;
    for (std::size_t i = 0; i < configuration.daemons.size() && i < kListed; ++i) {
        const Daemon& daemon = configuration.daemons[i];
        list += (i == 0 ? "" : ", ") + in_quotes(daemon.name) + " (" + daemon.place() + ")";
    }
    if (configuration.daemons.size() > kListed) {
        list += " and " + std::to_string(configuration.daemons.size() - kListed) + " more";
    }
    return list;
}

std::string list_addresses(const std::vector<IpAddress>& addresses) {
    std::string list;
    for (std::size_t i = 0; i < addresses.size() && i < kListed; ++i) {
        list += (i == 0 ? "" : ", ") + addresses[i].to_string();
    }
    if (addresses.size() > kListed) {
        list += " and " + std::to_string(addresses.size() - kListed) + " more";
    }
    return list;
}

std::string name_of_file(const Configuration& configuration) {
    return configuration.file_name.empty() ? "the built-in configuration"
                                           : in_quotes(configuration.file_name);
}

/// The host name, in full or without its domain.
bool is_named_after(const Daemon& daemon, std::string_view host_name) {
    return equal_ignoring_case(daemon.name, host_name) ||
           equal_ignoring_case(daemon.name, host_name.substr(0, host_name.find('.')));
}

std::string foreign_address(const Daemon& daemon, const std::vector<IpAddress>& local_addresses) {
    return "its address " + daemon.address.to_string() +
           " is not an address of this host, which has " + list_addresses(local_addresses);
}

SelfResult failure(std::string error) {
    return SelfResult{std::nullopt, std::move(error), false};
}

}  // namespace

bool is_local(const IpAddress& address, const std::vector<IpAddress>& local_addresses) {
    return std::any_of(local_addresses.begin(), local_addresses.end(), [&](const IpAddress& local) {
        return local == address ||
               (address.family == IpAddress::Family::kV4 && address.family == local.family &&
                address.is_loopback() && local.is_loopback());
    });
}

SelfResult find_self(const Configuration& configuration, std::string_view wanted_name,
                     std::string_view host_name, const std::vector<IpAddress>& local_addresses) {
    const std::vector<Daemon>& daemons = configuration.daemons;
    if (!wanted_name.empty()) {
        const auto wanted = std::find_if(daemons.begin(), daemons.end(), [&](const Daemon& daemon) {
            return daemon.name == wanted_name;
        });
        if (wanted == daemons.end()) {
            SelfResult unknown =
                failure("no daemon is called " + in_quotes(wanted_name) + " in " +
                        name_of_file(configuration) + "; it has " + list_daemons(configuration));
            unknown.is_no_daemon = true;
            return unknown;
        }
        if (local_addresses.empty()) {
            return failure("this host has no network address that is up, so it cannot be daemon " +
                           in_quotes(wanted_name) + " at " + wanted->address.to_string());
        }
        if (!is_local(wanted->address, local_addresses)) {
            return failure("this host cannot be daemon " + in_quotes(wanted_name) + ": " +
                           foreign_address(*wanted, local_addresses));
        }
        return SelfResult{static_cast<std::size_t>(wanted - daemons.begin()), {}, false};
    }
    if (local_addresses.empty()) {
        return failure(
            "this host has no network address that is up, so it is none of the daemons of " +
            name_of_file(configuration));
    }
    const auto local = std::find_if(daemons.begin(), daemons.end(), [&](const Daemon& daemon) {
        return is_local(daemon.address, local_addresses);
    });
    if (local != daemons.end()) {
        return SelfResult{static_cast<std::size_t>(local - daemons.begin()), {}, false};
    }
    const auto named = std::find_if(daemons.begin(), daemons.end(), [&](const Daemon& daemon) {
        return !host_name.empty() && is_named_after(daemon, host_name);
    });
    if (named != daemons.end()) {
        return failure("daemon " + in_quotes(named->name) + " has the name of this host, but " +
                       foreign_address(*named, local_addresses));
    }
    return failure("none of the daemons of " + name_of_file(configuration) +
                   " has an address of this host; they are " + list_daemons(configuration) +
                   ", this host has " + list_addresses(local_addresses));
}

}  // namespace spread::config
