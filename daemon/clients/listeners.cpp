#include "daemon/clients/listeners.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "daemon/host/logging.hpp"
#include "daemon/host/startup_error.hpp"
#include "protocol/names.hpp"

namespace spread::daemon {
namespace {

/// A listening socket, or an empty one and errno.
UniqueFd listen_at(const Endpoint& at, bool reuse) {
    UniqueFd fd(::socket(at.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int on = 1;
    if (fd && reuse) {
        ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    }
    if (fd && at.family() == AF_INET6) {
        ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (!fd || ::bind(fd.get(), at.address(), at.length) != 0 ||
        ::listen(fd.get(), SOMAXCONN) != 0) {
        const int error = errno;
        fd.reset();
        errno = error;
    }
    return fd;
}

[[noreturn]] void cannot_listen(const Endpoint& at, const std::string& daemon, int error) {
    throw StartupError(fmt::format(
        "cannot listen for clients of daemon {} at TCP {}: {}{}", protocol::escaped(daemon),
        at.to_string(), std::strerror(error),
        error == EADDRINUSE ? "; is a daemon running there already? See ss -ltnp" : ""));
}

}  // namespace

std::vector<TcpListener> open_tcp_listeners(const config::Configuration& configuration,
                                            std::size_t self,
                                            const std::vector<LocalAddress>& locals) {
    const config::Daemon& me = configuration.daemons[self];
    const std::uint16_t port = configuration.segments[me.segment].port;
    const bool reuse = configuration.socket_port_reuse != config::TriState::kOff;
    const LocalAddress* own = find_local(locals, me.address);
    const unsigned scope = own != nullptr ? own->interface_index : 0;
    std::vector<TcpListener> listeners;

    if (!me.interfaces.empty()) {
        for (const config::Interface& interface : me.interfaces) {
            if (!interface.client) {
                continue;
            }
            const Endpoint at = make_endpoint(interface.address, port, scope);
            UniqueFd fd = listen_at(at, reuse);
            if (!fd) {
                cannot_listen(at, me.name, errno);
            }
            listeners.push_back({std::move(fd), at});
        }
        return listeners;
    }

    const bool has_neighbour = std::any_of(
        configuration.daemons.begin(), configuration.daemons.end(), [&](const config::Daemon& d) {
            return d.id != me.id && configuration.segments[d.segment].port == port &&
                   find_local(locals, d.address) != nullptr;
        });
    if (!has_neighbour) {
        const Endpoint any = make_endpoint(any_address(me.address.family), port);
        if (UniqueFd fd = listen_at(any, reuse); fd) {
            listeners.push_back({std::move(fd), any});
            return listeners;
        }
        if (errno != EADDRINUSE) {
            cannot_listen(any, me.name, errno);
        }
    }
    const Endpoint at = make_endpoint(me.address, port, scope);
    UniqueFd fd = listen_at(at, reuse);
    if (!fd) {
        cannot_listen(at, me.name, errno);
    }
    log_event(LogEvent::kListenNarrow, "clients are served at TCP {} only: {}", at.to_string(),
              has_neighbour ? "another configured daemon of this host has the same port"
                            : "the port is in use on another address of this host");
    listeners.push_back({std::move(fd), at});
    return listeners;
}

}  // namespace spread::daemon
