#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "config/configuration.hpp"
#include "daemon/host/endpoint.hpp"
#include "daemon/host/host_facts.hpp"
#include "daemon/host/startup_error.hpp"
#include "daemon/host/unique_fd.hpp"

namespace spread::daemon {

/// The addresses of a host that has only its loopback interface.
inline std::vector<LocalAddress> loopback_only() {
    LocalAddress loopback;
    loopback.address = *config::parse_ip("127.0.0.1");
    loopback.interface = "lo";
    loopback.interface_index = 1;
    loopback.loopback = true;
    return {loopback};
}

/// One segment 127.0.0.255:`port` with daemons d1, d2, ... of ids 1, 2, ... at `addresses`.
inline config::Configuration loopback_configuration(const std::vector<std::string>& addresses,
                                                    std::uint16_t port) {
    config::Configuration configuration;
    config::Segment segment;
    segment.addresses = {*config::parse_ip("127.0.0.255")};
    segment.port = port;
    for (const std::string& address : addresses) {
        config::Daemon daemon;
        segment.daemons.push_back(configuration.daemons.size());
        daemon.id = static_cast<std::uint32_t>(configuration.daemons.size() + 1);
        daemon.name = "d" + std::to_string(daemon.id);
        daemon.address = *config::parse_ip(address);
        configuration.daemons.push_back(daemon);
    }
    configuration.segments = {segment};
    return configuration;
}

/// Whether `port` and the one after it are free for UDP and TCP at `address`.
inline bool is_free(const std::string& address, std::uint16_t port) {
    for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
        for (const int offset : {0, 1}) {
            const Endpoint at = make_endpoint(*config::parse_ip(address),
                                              static_cast<std::uint16_t>(port + offset));
            const UniqueFd fd(::socket(AF_INET, type, 0));
            if (::bind(fd.get(), at.address(), at.length) != 0) {
                return false;
            }
        }
    }
    return true;
}

/// Runs `test(port)` with a port whose pair is free at all `addresses`. Somebody may take it in
/// between; then StartupError comes and another port is tried.
template <typename Test>
auto with_free_ports(const std::vector<std::string>& addresses, Test&& test) {
    for (int attempt = 0; attempt < 50; ++attempt) {
        const UniqueFd probe(::socket(AF_INET, SOCK_DGRAM, 0));
        Endpoint at = make_endpoint(*config::parse_ip(addresses.front()), 0);
        if (::bind(probe.get(), at.address(), at.length) != 0 ||
            ::getsockname(probe.get(), at.address(), &at.length) != 0) {
            continue;
        }
        // Not the kernel's own choice, which it gives to the next asker too.
        const auto port = static_cast<std::uint16_t>(20000 + at.port() % 12000);
        bool all_free = true;
        for (const std::string& address : addresses) {
            all_free = all_free && is_free(address, port);
        }
        if (!all_free) {
            continue;
        }
        try {
            return test(port);
        } catch (const StartupError&) {
            continue;
        }
    }
    throw std::runtime_error("no free ports on the loopback interface");
}

}  // namespace spread::daemon
