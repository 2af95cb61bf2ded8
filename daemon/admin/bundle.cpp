#include "daemon/admin/bundle.hpp"

#include <fcntl.h>

#include <array>
#include <sstream>
#include <string_view>

#include <fmt/format.h>

#include "daemon/host/read_file.hpp"
#include "daemon/host/unique_fd.hpp"

namespace spread::admin {
namespace {

constexpr std::size_t kBytesMax = 1U << 20U;

std::string content_of(const std::string& path) {
    const daemon::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    return fd ? daemon::read_file(fd.get(), kBytesMax).value_or(std::string()) : std::string();
}

/// Of a table of sockets its first line and those at one of our ports.
std::string sockets_at(const std::string& table, std::uint16_t port) {
    const std::array wanted = {fmt::format(":{:04X} ", port),
                               fmt::format(":{:04X} ", static_cast<std::uint16_t>(port + 1))};
    std::istringstream lines(content_of(table));
    std::string out;
    std::string line;
    for (bool is_first = true; std::getline(lines, line); is_first = false) {
        if (is_first || line.find(wanted[0]) != std::string::npos ||
            line.find(wanted[1]) != std::string::npos) {
            out += line + "\n";
        }
    }
    return out;
}

}  // namespace

std::vector<TarFile> host_files(std::uint16_t port) {
    std::string settings;
    for (const char* name : {"net/core/rmem_max", "net/core/rmem_default", "net/core/wmem_max",
                             "net/core/netdev_max_backlog", "net/ipv4/udp_mem", "fs/file-nr",
                             "fs/epoll/max_user_watches", "kernel/hostname", "kernel/osrelease"}) {
        settings += fmt::format("{} = {}", name, content_of(std::string("/proc/sys/") + name));
    }
    std::string sockets;
    for (const char* table :
         {"/proc/net/udp", "/proc/net/udp6", "/proc/net/tcp", "/proc/net/tcp6"}) {
        sockets += fmt::format("{}\n{}", table, sockets_at(table, port));
    }
    return {{"limits.txt", content_of("/proc/self/limits")},
            {"settings.txt", std::move(settings)},
            {"sockets.txt", std::move(sockets)},
            {"process.txt", content_of("/proc/self/status")},
            {"udp_counters.txt", content_of("/proc/net/snmp")},
            {"interfaces.txt", content_of("/proc/net/dev")},
            {"pressure.txt", content_of("/proc/loadavg") + content_of("/proc/pressure/cpu") +
                                 content_of("/proc/pressure/memory")}};
}

std::string directory_name(std::string daemon) {
    constexpr std::string_view kOthers = "-_.";
    for (char& c : daemon) {
        const bool is_kept = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || kOthers.find(c) != std::string_view::npos;
        c = is_kept ? c : '_';
    }
    if (daemon.empty() || daemon.front() == '.') {
        daemon.insert(0, "_");
    }
    return daemon;
}

}  // namespace spread::admin
