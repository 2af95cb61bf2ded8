#include "config/configuration.hpp"

#include <algorithm>

#include "config/identity.hpp"

namespace spread::config {

std::optional<Position> Configuration::position_of(std::string_view option) const {
    const auto found = std::find_if(given.begin(), given.end(),
                                    [&](const GivenOption& one) { return one.name == option; });
    return found == given.end() ? std::nullopt : std::optional(found->at);
}

Configuration default_configuration() {
    Configuration configuration;
    Segment segment;
    segment.addresses.push_back(IpAddress{IpAddress::Family::kV4, {127, 0, 0, 255}, std::string()});
    segment.addresses_at.emplace_back();
    segment.daemons.push_back(0);
    configuration.segments.push_back(segment);

    Daemon daemon;
    daemon.name = "localhost";
    daemon.id = daemon_id_of_name(daemon.name);
    daemon.address = IpAddress{IpAddress::Family::kV4, {127, 0, 0, 1}, std::string()};
    // The built-in configuration serves this host only.
    Interface loopback;
    loopback.address = daemon.address;
    daemon.interfaces.push_back(loopback);
    configuration.daemons.push_back(daemon);
    return configuration;
}

}  // namespace spread::config
