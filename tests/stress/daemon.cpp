#include "tests/stress/daemon.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>

#include "tests/support/daemon_process.hpp"
#include "tests/support/read_file.hpp"

namespace spread::stress {
namespace {

using client::FileDescriptor;

/// Addresses 127.1.0.1 to 127.1.0.200, for 28000 connections each.
constexpr std::size_t kSources = 200;

template <typename Address>
bool begin_connect(int fd, const Address& address, std::size_t length) {
    const auto* generic =
        reinterpret_cast<const sockaddr*>(&address);  // NOLINT(*-reinterpret-cast)
    return connect(fd, generic, static_cast<socklen_t>(length)) == 0 || errno == EINPROGRESS;
}

FileDescriptor open_tcp(const Door& door, std::size_t number) {
    FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) {
        return {};
    }
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(door.port);
    if (inet_pton(AF_INET, door.address.c_str(), &to.sin_addr) != 1) {
        throw std::runtime_error("no IPv4 address: " + door.address);
    }
    if (door.address.starts_with("127.")) {
        setsockopt(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        sockaddr_in from{};
        from.sin_family = AF_INET;
        from.sin_addr.s_addr = htonl(0x7f010001U + static_cast<std::uint32_t>(number % kSources));
        const auto* generic =
            reinterpret_cast<const sockaddr*>(&from);  // NOLINT(*-reinterpret-cast)
        if (bind(fd.get(), generic, sizeof from) != 0) {
            return {};
        }
    }
    return begin_connect(fd.get(), to, sizeof to) ? std::move(fd) : FileDescriptor();
}

FileDescriptor open_unix(const Door& door) {
    FileDescriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) {
        return {};
    }
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    const std::string path = door.socket.string();
    if (path.size() >= sizeof to.sun_path) {
        throw std::runtime_error("too long for a Unix socket: " + path);
    }
    std::copy(path.begin(), path.end(), std::begin(to.sun_path));
    return begin_connect(fd.get(), to, sizeof to) ? std::move(fd) : FileDescriptor();
}

/// "VmRSS:   1234 kB" of /proc/PID/status.
std::size_t status_field(const std::string& status, std::string_view name) {
    const auto at = status.find(name);
    return at == std::string::npos ? 0
                                   : std::strtoul(status.c_str() + at + name.size(), nullptr, 10);
}

}  // namespace

FileDescriptor open_socket(const Door& door, Way way, std::size_t number) {
    return way == Way::kTcp ? open_tcp(door, number) : open_unix(door);
}

Usage usage_of(pid_t pid) {
    const std::string proc = "/proc/" + std::to_string(pid);
    Usage usage;
    const std::string status = support::read_file(proc + "/status");
    usage.rss_kib = status_field(status, "VmRSS:");
    usage.peak_rss_kib = status_field(status, "VmHWM:");
    std::error_code gone;
    for (std::filesystem::directory_iterator entry(proc + "/fd", gone), end; entry != end;
         entry.increment(gone)) {
        ++usage.descriptors;
    }
    // Fields 14 and 15 of stat; the second, the name, ends at the last parenthesis.
    const std::string stat = support::read_file(proc + "/stat");
    std::istringstream fields(stat.substr(std::min(stat.size(), stat.rfind(')') + 1)));
    std::string skipped;
    for (int i = 3; i < 14; ++i) {
        fields >> skipped;
    }
    double user = 0;
    double system = 0;
    fields >> user >> system;
    usage.cpu_seconds = (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
    return usage;
}

std::string mib(std::size_t kib) {
    return fmt::format("{:.1f} MiB", static_cast<double>(kib) / 1024);
}

Daemon::Daemon(const std::filesystem::path& program, const std::string& extra_options) {
    const auto port = support::pick_port();
    const auto& where = directory_.path();
    door_ = {"127.0.0.1", port, where / std::to_string(port)};
    const auto configuration =
        directory_.write("spread.conf", support::ring_configuration(support::DaemonKind::kOurs,
                                                                    {{"d1", door_.address, -1}},
                                                                    "127.0.0.255", port) +
                                            extra_options);
    process_ = std::make_unique<support::ChildProcess>(support::ChildProcess::Options{
        .command = {program.string(), "-n", "d1", "-c", configuration.string(), "--unix-dir",
                    where.string(), "--state-dir", where.string()},
        .output = where / "d1.log",
        .input = {},
        .network_namespace = -1,
        .directory = where});
    support::wait_until("the daemon to accept clients", [this] {
        if (!process_->is_running()) {
            throw std::runtime_error("the daemon ended at once:\n" + log());
        }
        FileDescriptor fd = open_unix(door_);
        return static_cast<bool>(fd);
    });
    // Shadow memory is reserved by the terabyte.
    const auto status = support::read_file("/proc/" + std::to_string(process_->pid()) + "/status");
    is_sanitized_ = status_field(status, "VmPeak:") > std::size_t{1} << 30U;
}

std::string Daemon::stop() {
    if (!is_running()) {
        return fmt::format("the daemon ended by itself with status {}:\n{}", process_->wait_exit(),
                           last_words());
    }
    process_->signal(SIGTERM);
    const int status = process_->wait_exit();
    if (status != 0) {
        return fmt::format("told to stop, the daemon ended with status {}:\n{}", status,
                           last_words());
    }
    const std::string text = log();
    for (const char* alarm : {"Sanitizer", "runtime error:"}) {
        if (text.find(alarm) != std::string::npos) {
            return "a sanitizer complained:\n" + last_words();
        }
    }
    return "";
}

std::string Daemon::last_words() const {
    constexpr std::size_t kBytes = 6000;
    const std::string text = log();
    return text.substr(text.size() - std::min(text.size(), kBytes));
}

}  // namespace spread::stress
