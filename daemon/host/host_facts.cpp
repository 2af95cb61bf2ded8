#include "daemon/host/host_facts.hpp"

#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include <fmt/format.h>

#include "daemon/host/endpoint.hpp"
#include "daemon/host/read_file.hpp"
#include "daemon/host/startup_error.hpp"
#include "daemon/host/unique_fd.hpp"

namespace spread::daemon {
namespace {

/// The text of the configuration file `path`, which is open.
ConfigText text_of(int fd, const std::string& path) {
    auto text = read_file(fd, config::kMaxFileBytes);  // the parser refuses one that is larger
    if (!text) {
        throw StartupError(
            fmt::format("cannot read configuration file {}: {}", path, std::strerror(errno)));
    }
    return {path, std::move(*text)};
}

unsigned mtu_of(const UniqueFd& any_socket, const char* interface) {
    ifreq request{};
    std::strncpy(request.ifr_name, interface, sizeof request.ifr_name - 1);
    return ::ioctl(any_socket.get(), SIOCGIFMTU, &request) == 0
               ? static_cast<unsigned>(request.ifr_mtu)
               : 0;
}

}  // namespace

std::vector<LocalAddress> local_addresses() {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) {
        throw StartupError(
            fmt::format("cannot list this host's addresses: {}", std::strerror(errno)));
    }
    const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, &::freeifaddrs);
    const UniqueFd any_socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    std::vector<LocalAddress> locals;
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) {
            continue;
        }
        const int family = entry->ifa_addr->sa_family;
        if (family != AF_INET && family != AF_INET6) {
            continue;
        }
        LocalAddress local;
        local.address = ip_of(entry->ifa_addr);
        local.interface = entry->ifa_name;
        local.interface_index = ::if_nametoindex(entry->ifa_name);
        local.mtu = mtu_of(any_socket, entry->ifa_name);
        local.loopback = (entry->ifa_flags & IFF_LOOPBACK) != 0;
        local.link = (entry->ifa_flags & IFF_RUNNING) != 0;
        if (family == AF_INET && (entry->ifa_flags & IFF_BROADCAST) != 0 &&
            entry->ifa_broadaddr != nullptr) {
            local.broadcast = ip_of(entry->ifa_broadaddr);
        }
        locals.push_back(std::move(local));
    }
    return locals;
}

std::vector<config::IpAddress> addresses_of(const std::vector<LocalAddress>& locals) {
    std::vector<config::IpAddress> addresses;
    addresses.reserve(locals.size());
    for (const LocalAddress& local : locals) {
        addresses.push_back(local.address);
    }
    return addresses;
}

const LocalAddress* find_local(const std::vector<LocalAddress>& locals,
                               const config::IpAddress& address) {
    for (const LocalAddress& local : locals) {
        if (local.address == address) {
            return &local;
        }
    }
    if (address.family == config::IpAddress::Family::kV4 && address.is_loopback()) {
        for (const LocalAddress& local : locals) {
            if (local.loopback && local.address.family == config::IpAddress::Family::kV4) {
                return &local;
            }
        }
    }
    return nullptr;
}

std::string host_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) {
        return {};
    }
    return name.data();
}

LookUp look_up(const std::string& name, std::optional<config::IpAddress::Family> family) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_DGRAM;
    hints.ai_family = AF_UNSPEC;
    if (family) {
        hints.ai_family = *family == config::IpAddress::Family::kV4 ? AF_INET : AF_INET6;
    }
    LookUp out;
    addrinfo* list = nullptr;
    const int code = ::getaddrinfo(name.c_str(), nullptr, &hints, &list);
    if (code != 0) {
        out.error = code == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(code);
        out.is_unknown = code == EAI_NONAME || code == EAI_NODATA;
        return out;
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, &::freeaddrinfo);
    for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
        if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) {
            continue;
        }
        const config::IpAddress address = ip_of(entry->ai_addr);
        if (std::find(out.addresses.begin(), out.addresses.end(), address) == out.addresses.end()) {
            out.addresses.push_back(address);
        }
    }
    if (out.addresses.empty()) {
        out.error = "the name has no IP address";
        out.is_unknown = true;
    }
    return out;
}

std::optional<config::IpAddress> SystemResolver::resolve(
    std::string_view name, std::optional<config::IpAddress::Family> family, std::string& error) {
    const LookUp found = look_up(std::string(name), family);
    if (found.addresses.empty()) {
        error = found.error;
        return std::nullopt;
    }
    // Without a wish IPv4 comes first: segments are IPv4 unless the file says otherwise.
    const auto v4 = std::find_if(found.addresses.begin(), found.addresses.end(),
                                 [](const config::IpAddress& address) {
                                     return address.family == config::IpAddress::Family::kV4;
                                 });
    return v4 == found.addresses.end() ? found.addresses.front() : *v4;
}

std::vector<std::string> default_config_paths() {
    return {"./spread.conf", "/etc/spread.conf", "/etc/spread/spread.conf"};
}

ConfigText read_configuration(const std::string& path, const std::vector<std::string>& fallbacks) {
    if (!path.empty()) {
        const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!fd) {
            throw StartupError(
                fmt::format("cannot open configuration file {}: {}", path, std::strerror(errno)));
        }
        return text_of(fd.get(), path);
    }
    for (const std::string& candidate : fallbacks) {
        const UniqueFd fd(::open(candidate.c_str(), O_RDONLY | O_CLOEXEC));
        if (fd) {
            return text_of(fd.get(), candidate);
        }
        if (errno != ENOENT && errno != ENOTDIR) {
            throw StartupError(
                fmt::format("cannot open configuration file {}: {}; fix its permissions or name "
                            "another with -c",
                            candidate, std::strerror(errno)));
        }
    }
    return {};
}

std::size_t raise_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 0;
    }
    if (limit.rlim_cur < limit.rlim_max) {
        const rlim_t before = limit.rlim_cur;
        limit.rlim_cur = limit.rlim_max;
        if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
            limit.rlim_cur = before;
        }
    }
    return static_cast<std::size_t>(limit.rlim_cur);
}

}  // namespace spread::daemon
