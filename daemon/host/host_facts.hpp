#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/parse.hpp"

namespace spread::daemon {

/// One address of this host and the interface that carries it.
struct LocalAddress {
    config::IpAddress address;
    std::optional<config::IpAddress> broadcast;  ///< of the address's network, IPv4 only
    std::string interface;
    unsigned interface_index = 0;
    unsigned mtu = 0;  ///< of the interface; 0: not known
    bool loopback = false;
    bool link = true;  ///< the interface has a carrier
};

/// Addresses of all interfaces that are up. Throws StartupError when they cannot be listed.
[[nodiscard]] std::vector<LocalAddress> local_addresses();

/// The bare addresses, as find_self() wants them.
[[nodiscard]] std::vector<config::IpAddress> addresses_of(const std::vector<LocalAddress>& locals);

/// The interface address equal to `address`. All of 127.0.0.0/8 belongs to the loopback interface
/// even where only 127.0.0.1 is listed.
[[nodiscard]] const LocalAddress* find_local(const std::vector<LocalAddress>& locals,
                                             const config::IpAddress& address);

[[nodiscard]] std::string host_name();

/// What a name stands for.
struct LookUp {
    std::vector<config::IpAddress> addresses;  ///< without duplicates
    std::string error;                         ///< why there are none
    bool is_unknown = false;                   ///< there is no such name, as the resolver says
};
/// Asks /etc/hosts, DNS and whatever else the host is set up with. May take many seconds.
[[nodiscard]] LookUp look_up(const std::string& name,
                             std::optional<config::IpAddress::Family> family);

/// The system's resolver: /etc/hosts, DNS and whatever else the host is set up with.
class SystemResolver final : public config::Resolver {
  public:
    [[nodiscard]] std::optional<config::IpAddress> resolve(
        std::string_view name, std::optional<config::IpAddress::Family> family,
        std::string& error) override;
};

/// Where a configuration is looked for, in this order, when none is named.
[[nodiscard]] std::vector<std::string> default_config_paths();

struct ConfigText {
    std::string path;  ///< empty: nothing was found
    std::string text;
};

/// Reads `path`, or the first existing of `fallbacks` when `path` is empty. A path given explicitly
/// is never replaced by another one: a typo must not start another configuration. Throws
/// StartupError when a file exists and cannot be read, or `path` does not exist.
[[nodiscard]] ConfigText read_configuration(const std::string& path,
                                            const std::vector<std::string>& fallbacks);

/// Descriptors that are not of sessions: sockets, logs, connections that were only just accepted.
inline constexpr std::size_t kOwnFiles = 320;

/// Raises the soft limit of open files to the hard one. Returns the limit in force.
std::size_t raise_file_limit();

}  // namespace spread::daemon
