// What only the host can tell about a good configuration.
#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "config/host.hpp"
#include "config/text.hpp"

namespace spread::config {

std::vector<Diagnostic> check_host(const Configuration& configuration, std::size_t self,
                                   const HostFacts& host) {
    std::vector<Diagnostic> problems;
    const auto check_scope = [&](const IpAddress& address, Position at) {
        const bool is_known = address.scope.empty() ||
                              std::find(host.interface_names.begin(), host.interface_names.end(),
                                        address.scope) != host.interface_names.end();
        if (!is_known) {
            problems.push_back(Diagnostic{Severity::kError, at,
                                          "this host has no interface " + in_quotes(address.scope) +
                                              ", which the address " + address.to_string() +
                                              " names"});
        }
    };
    const Daemon& daemon = configuration.daemons[self];
    const Segment& segment = configuration.segments[daemon.segment];
    for (std::size_t i = 0; i < segment.addresses.size(); ++i) {
        check_scope(segment.addresses[i],
                    i < segment.addresses_at.size() ? segment.addresses_at[i] : segment.at);
    }
    check_scope(daemon.address, daemon.address_at);
    for (const Interface& interface : daemon.interfaces) {
        check_scope(interface.address, interface.at);
        if (!interface.address.is_unspecified() && !is_local(interface.address, host.addresses)) {
            problems.push_back(Diagnostic{Severity::kError, interface.at,
                                          "interface address " + interface.address.to_string() +
                                              " of daemon " + in_quotes(daemon.name) +
                                              " is not an address of this host"});
        }
    }
    return problems;
}

}  // namespace spread::config
