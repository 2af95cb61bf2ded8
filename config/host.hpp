#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/configuration.hpp"

namespace spread::config {

/// Whether `address` belongs to the host with these addresses. Any 127.x.y.z does as soon as one of
/// them does, because the loopback interface answers to the whole network.
[[nodiscard]] bool is_local(const IpAddress& address,
                            const std::vector<IpAddress>& local_addresses);

/// What the Host of a daemon stands for at the moment; nothing where it is not known.
struct HostAddresses {
    std::size_t daemon = 0;  ///< index into daemons
    std::vector<IpAddress> addresses;
};

/// Which configured daemon this process is: index into daemons, or one clear sentence why none.
/// `wanted_name` is the -n option, empty when not given; `local_addresses` are this host's.
///
/// With -n: that daemon, if it has a Host, or its address is local, or it receives on every address
/// (behind a NAT that is fixed). Without: the first daemon, in file order, whose address is local;
/// the one with a Host that bears the name of this host, in full or without its domain; the only
/// one whose Host stands for a local address, as far as `hosts` tells.
struct SelfResult {
    std::optional<std::size_t> daemon;
    std::string error;
    bool is_final = false;       ///< other addresses of this host would not change it
    bool wants_look_up = false;  ///< what the Hosts stand for could tell
};
[[nodiscard]] SelfResult find_self(const Configuration& configuration, std::string_view wanted_name,
                                   std::string_view host_name,
                                   const std::vector<IpAddress>& local_addresses,
                                   std::span<const HostAddresses> hosts = {});

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
