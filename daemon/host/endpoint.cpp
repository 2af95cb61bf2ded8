#include "daemon/host/endpoint.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace spread::daemon {
namespace {

sockaddr_in load_v4(const sockaddr* address) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    return v4;
}

sockaddr_in6 load_v6(const sockaddr* address) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof v6);
    return v6;
}

bool needs_scope(const config::IpAddress& address) {
    const bool link_local = address.bytes[0] == 0xfe && (address.bytes[1] & 0xc0U) == 0x80;
    const bool link_multicast = address.bytes[0] == 0xff && (address.bytes[1] & 0x0fU) <= 2;
    return address.family == config::IpAddress::Family::kV6 && (link_local || link_multicast);
}

}  // namespace

// The socket API passes every address family as sockaddr; these two are the only such casts.
const sockaddr* Endpoint::address() const {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): see above
    return reinterpret_cast<const sockaddr*>(&storage);
}

sockaddr* Endpoint::address() {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): see above
    return reinterpret_cast<sockaddr*>(&storage);
}

std::uint16_t Endpoint::port() const {
    switch (family()) {
        case AF_INET: return ntohs(load_v4(address()).sin_port);
        case AF_INET6: return ntohs(load_v6(address()).sin6_port);
        default: return 0;
    }
}

std::string Endpoint::to_string() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (family() == AF_INET) {
        const sockaddr_in v4 = load_v4(address());
        ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
        return std::string(text.data()) + ":" + std::to_string(port());
    }
    if (family() == AF_INET6) {
        const sockaddr_in6 v6 = load_v6(address());
        ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
        std::string out = "[" + std::string(text.data());
        std::array<char, IF_NAMESIZE> name{};
        if (v6.sin6_scope_id != 0 && ::if_indextoname(v6.sin6_scope_id, name.data()) != nullptr) {
            out += "%" + std::string(name.data());
        }
        return out + "]:" + std::to_string(port());
    }
    return family() == AF_UNIX ? "unix" : "unknown";
}

bool operator==(const Endpoint& a, const Endpoint& b) {
    return a.family() == b.family() && a.port() == b.port() &&
           ip_of(a.address()) == ip_of(b.address());
}

Endpoint make_endpoint(const config::IpAddress& address, std::uint16_t port, unsigned scope_id) {
    Endpoint endpoint;
    if (address.family == config::IpAddress::Family::kV4) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        std::memcpy(&v4.sin_addr, address.bytes.data(), sizeof v4.sin_addr);
        std::memcpy(&endpoint.storage, &v4, sizeof v4);
        endpoint.length = sizeof v4;
        return endpoint;
    }
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, address.bytes.data(), sizeof v6.sin6_addr);
    if (needs_scope(address)) {
        const unsigned named = address.scope.empty() ? 0 : ::if_nametoindex(address.scope.c_str());
        v6.sin6_scope_id = named != 0 ? named : scope_id;
    }
    std::memcpy(&endpoint.storage, &v6, sizeof v6);
    endpoint.length = sizeof v6;
    return endpoint;
}

config::IpAddress any_address(config::IpAddress::Family family) {
    config::IpAddress any;
    any.family = family;
    return any;
}

config::IpAddress ip_of(const sockaddr* address) {
    config::IpAddress ip;
    if (address->sa_family == AF_INET) {
        const sockaddr_in v4 = load_v4(address);
        std::memcpy(ip.bytes.data(), &v4.sin_addr, sizeof v4.sin_addr);
    } else if (address->sa_family == AF_INET6) {
        const sockaddr_in6 v6 = load_v6(address);
        ip.family = config::IpAddress::Family::kV6;
        std::memcpy(ip.bytes.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
    }
    return ip;
}

}  // namespace spread::daemon
