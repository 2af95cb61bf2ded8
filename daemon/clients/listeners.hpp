#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "config/configuration.hpp"
#include "daemon/host/endpoint.hpp"
#include "daemon/host/host_facts.hpp"
#include "daemon/host/unique_fd.hpp"

namespace spread::daemon {

/// A listening TCP socket, non-blocking.
struct TcpListener {
    UniqueFd fd;
    Endpoint at;
};

/// Opens what clients connect to over TCP (CP 2.1): each C address of the daemon's
/// interface stanza; without one the any-address, as stock does. Where that is taken, or another
/// configured daemon lives on this host with the same port, only the daemon's own address.
/// SO_REUSEADDR is always set, unless SocketPortReuse is off, so that a restart does not trip over
/// connections of the last life. Throws StartupError.
[[nodiscard]] std::vector<TcpListener> open_tcp_listeners(
    const config::Configuration& configuration, std::size_t self,
    const std::vector<LocalAddress>& locals);

}  // namespace spread::daemon
