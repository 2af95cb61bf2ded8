#include "config/configuration.hpp"

namespace spread::config {

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
    configuration.daemons.push_back(daemon);
    return configuration;
}

}  // namespace spread::config
