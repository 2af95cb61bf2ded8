// Which configured daemon is this process.
#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/host.hpp"
#include "config/text.hpp"

namespace spread::config {

namespace {

constexpr std::size_t kListed = 8;

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

/// "'d1' (10.0.0.1), 'd2' (two.example.com is not known) and 3 more".
std::string list_daemons(const Configuration& configuration,
                         std::span<const HostAddresses> hosts = {}) {
    std::string list;
    for (std::size_t i = 0; i < configuration.daemons.size() && i < kListed; ++i) {
        const Daemon& daemon = configuration.daemons[i];
        list += (i == 0 ? "" : ", ") + in_quotes(daemon.name) + " (" + daemon.place();
        for (const HostAddresses& host : hosts) {
            if (host.daemon == i) {
                list += host.addresses.empty() ? " is not known"
                                               : " is " + list_addresses(host.addresses);
            }
        }
        list += ")";
    }
    if (configuration.daemons.size() > kListed) {
        list += " and " + std::to_string(configuration.daemons.size() - kListed) + " more";
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
    return SelfResult{std::nullopt, std::move(error)};
}

SelfResult found(std::size_t daemon) {
    return SelfResult{daemon, {}};
}

bool receives_everywhere(const Daemon& daemon) {
    return std::any_of(daemon.interfaces.begin(), daemon.interfaces.end(),
                       [](const Interface& interface) {
                           return interface.daemon && interface.address.is_unspecified();
                       });
}

SelfResult find_named(const Configuration& configuration, std::string_view wanted_name,
                      const std::vector<IpAddress>& local_addresses) {
    const std::vector<Daemon>& daemons = configuration.daemons;
    const auto wanted = std::find_if(daemons.begin(), daemons.end(), [&](const Daemon& daemon) {
        return daemon.name == wanted_name;
    });
    if (wanted == daemons.end()) {
        SelfResult unknown =
            failure("no daemon is called " + in_quotes(wanted_name) + " in " +
                    name_of_file(configuration) + "; it has " + list_daemons(configuration));
        unknown.is_final = true;
        return unknown;
    }
    if (!wanted->host.empty() || receives_everywhere(*wanted)) {
        return found(static_cast<std::size_t>(wanted - daemons.begin()));
    }
    if (local_addresses.empty()) {
        return failure("this host has no network address that is up, so it cannot be daemon " +
                       in_quotes(wanted_name) + " at " + wanted->address.to_string());
    }
    if (!is_local(wanted->address, local_addresses)) {
        return failure("this host cannot be daemon " + in_quotes(wanted_name) + ": " +
                       foreign_address(*wanted, local_addresses));
    }
    return found(static_cast<std::size_t>(wanted - daemons.begin()));
}

/// By what the Hosts stand for, the last thing that is tried.
SelfResult find_by_look_up(const Configuration& configuration, std::string_view host_name,
                           const std::vector<IpAddress>& local_addresses,
                           std::span<const HostAddresses> hosts) {
    std::vector<std::size_t> here;
    for (const HostAddresses& host : hosts) {
        if (std::any_of(
                host.addresses.begin(), host.addresses.end(),
                [&](const IpAddress& address) { return is_local(address, local_addresses); })) {
            here.push_back(host.daemon);
        }
    }
    if (here.size() == 1) {
        return found(here.front());
    }
    const std::vector<Daemon>& daemons = configuration.daemons;
    SelfResult result;
    if (!here.empty()) {
        result = failure("the Hosts of several daemons of " + name_of_file(configuration) +
                         " stand for addresses of this host, such as " +
                         in_quotes(daemons[here[0]].name) + " and " +
                         in_quotes(daemons[here[1]].name) + "; say which one this is with -n");
        result.is_final = true;
    } else {
        result = failure(
            "none of the daemons of " + name_of_file(configuration) +
            " is this host: none has an address of it or a Host that stands for one, or has a "
            "Host and is called " +
            in_quotes(host_name) + " like it; they are " + list_daemons(configuration, hosts) +
            ", this host has " + list_addresses(local_addresses) +
            "; say which one this is with -n");
    }
    result.wants_look_up = true;
    return result;
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
                     std::string_view host_name, const std::vector<IpAddress>& local_addresses,
                     std::span<const HostAddresses> hosts) {
    const std::vector<Daemon>& daemons = configuration.daemons;
    if (!wanted_name.empty()) {
        return find_named(configuration, wanted_name, local_addresses);
    }
    if (local_addresses.empty()) {
        return failure(
            "this host has no network address that is up, so it is none of the daemons of " +
            name_of_file(configuration));
    }
    const auto first_that = [&](auto&& is_it) -> std::optional<std::size_t> {
        const auto at = std::find_if(daemons.begin(), daemons.end(), is_it);
        return at == daemons.end() ? std::nullopt
                                   : std::optional(static_cast<std::size_t>(at - daemons.begin()));
    };
    if (const auto local = first_that([&](const Daemon& daemon) {
            return daemon.host.empty() && is_local(daemon.address, local_addresses);
        })) {
        return found(*local);
    }
    const auto named = first_that([&](const Daemon& daemon) {
        return !host_name.empty() && is_named_after(daemon, host_name);
    });
    if (named && !daemons[*named].host.empty()) {
        return found(*named);
    }
    if (first_that([](const Daemon& daemon) { return !daemon.host.empty(); })) {
        return find_by_look_up(configuration, host_name, local_addresses, hosts);
    }
    if (named) {
        return failure("daemon " + in_quotes(daemons[*named].name) +
                       " has the name of this host, but " +
                       foreign_address(daemons[*named], local_addresses));
    }
    return failure("none of the daemons of " + name_of_file(configuration) +
                   " has an address of this host; they are " + list_daemons(configuration) +
                   ", this host has " + list_addresses(local_addresses));
}

}  // namespace spread::config
