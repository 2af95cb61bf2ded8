#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/configuration.hpp"

namespace spread::config {

/// Whether `address` belongs to the host with these addresses. Any 127.x.y.z does as soon as one of
/// them does, because the loopback interface answers to the whole network.
[[nodiscard]] bool is_local(const IpAddress& address,
                            const std::vector<IpAddress>& local_addresses);

/// Which configured daemon this process is: index into daemons, or one clear sentence why none.
/// `wanted_name` is the -n option, empty when not given; `local_addresses` are this host's.
/// Without -n: the first daemon, in file order, whose address is local. The host name only serves
/// the explanation: a daemon that bears it but has a foreign address is named in the error.
struct SelfResult {
    std::optional<std::size_t> daemon;
    std::string error;
    bool is_no_daemon = false;  ///< `wanted_name` is nobody's, whatever the addresses
};
[[nodiscard]] SelfResult find_self(const Configuration& configuration, std::string_view wanted_name,
                                   std::string_view host_name,
                                   const std::vector<IpAddress>& local_addresses);

/// What a host says about itself, gathered by the caller.
struct HostFacts {
    std::vector<IpAddress> addresses;
    std::vector<std::string> interface_names;
};

/// The problems daemon `self` would have on this host although the file is good: interface
/// addresses the host lacks and IPv6 scopes that name no interface of it. Only the own daemon and
/// segment are looked at; those of other daemons concern other hosts.
[[nodiscard]] std::vector<Diagnostic> check_host(const Configuration& configuration,
                                                 std::size_t self, const HostFacts& host);

}  // namespace spread::config
