#include "tests/support/daemon_process.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "tests/support/read_file.hpp"

namespace spread::support {
namespace {

bool is_free(int type, std::uint16_t port) {
    const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_port = htons(port);
    const auto* address = reinterpret_cast<const sockaddr*>(&any);  // NOLINT(*-reinterpret-cast)
    const bool free = bind(fd, address, sizeof any) == 0;
    close(fd);
    return free;
}

/// An IPv4 address as the kernel's tables show it; empty for IPv6.
std::string kernel_form(const std::string& address) {
    in_addr bytes{};
    if (inet_pton(AF_INET, address.c_str(), &bytes) != 1) {
        return "";
    }
    std::array<char, 9> text{};
    std::snprintf(text.data(), text.size(), "%08X", bytes.s_addr);
    return text.data();
}

constexpr std::string_view kEveryAddress = "00000000";

/// Does the process's network namespace have a TCP listener there? The kernel's table is read
/// because a trial connection would be a client to the daemon.
bool has_listener(pid_t pid, const std::string& address, std::uint16_t port) {
    const std::string wanted = kernel_form(address);
    for (const char* table : {"tcp", "tcp6"}) {
        std::istringstream lines(
            read_file("/proc/" + std::to_string(pid) + "/net/" + std::string(table)));
        std::string line;
        while (std::getline(lines, line)) {
            std::istringstream fields(line);
            std::string slot;
            std::string local;
            std::string remote;
            std::string state;
            fields >> slot >> local >> remote >> state;
            const auto colon = local.rfind(':');
            if (state == "0A" && colon != std::string::npos &&
                std::stoul(local.substr(colon + 1), nullptr, 16) == port &&
                (wanted.empty() || local.substr(0, colon) == wanted ||
                 local.substr(0, colon) == kEveryAddress)) {
                return true;
            }
        }
    }
    return false;
}

}  // namespace

std::filesystem::path daemon_binary() {
    const char* other = std::getenv("SPREAD_TEST_DAEMON");
    return other != nullptr && other[0] != '\0' ? other : SPREAD_DAEMON_BINARY;
}

std::optional<std::filesystem::path> stock_directory() {
    const char* directory = std::getenv("SPREAD_STOCK_DIR");
    if (directory == nullptr || *directory == '\0') {
        return std::nullopt;
    }
    return directory;
}

std::string ring_configuration(DaemonKind kind, const std::vector<DaemonSpec>& daemons,
                               const std::string& segment_address, std::uint16_t port) {
    const bool v6 = segment_address.find(':') != std::string::npos;
    std::ostringstream text;
    text << "Spread_Segment " << (v6 ? "[" + segment_address + "]" : segment_address) << ':' << port
         << " {\n";
    for (const auto& daemon : daemons) {
        text << "    " << daemon.name << ' ' << daemon.address << " { " << daemon.address << " }\n";
    }
    text << "}\n";
    if (kind == DaemonKind::kStock) {
        // Started as root, stock insists on changing to a user that exists and a directory.
        text << "DaemonUser = root\nDaemonGroup = root\nRuntimeDir = /tmp\n"
             << "DebugFlags = { EXIT PRINT CONFIGURATION MEMBERSHIP }\n";
    }
    return text.str();
}

std::uint16_t pick_port() {
    // Neighbouring process ids are neighbouring tests of one run: they get ports far enough apart.
    static int next = 10000 + static_cast<int>(getpid()) * 8 % 20000;
    for (int tries = 0; tries < 5000; ++tries) {
        next = next + 2 < 32000 ? next + 2 : 10000;
        const auto port = static_cast<std::uint16_t>(next);
        const auto successor = static_cast<std::uint16_t>(next + 1);
        if (is_free(SOCK_STREAM, port) && is_free(SOCK_DGRAM, port) &&
            is_free(SOCK_DGRAM, successor) &&
            !std::filesystem::exists("/tmp/" + std::to_string(port))) {
            return port;
        }
    }
    throw std::runtime_error("no free port");
}

DaemonProcess::DaemonProcess(DaemonKind kind, DaemonSpec spec,
                             const std::filesystem::path& configuration, std::uint16_t port,
                             const std::filesystem::path& directory)
    : kind_(kind),
      spec_(std::move(spec)),
      configuration_(configuration),
      port_(port),
      log_file_(directory / (spec_.name + ".log")) {
    start();
}

std::filesystem::path DaemonProcess::control_socket() const {
    return log_file_.parent_path() / (spec_.name + ".ctl");
}

void DaemonProcess::start() {
    const auto stock = stock_directory();
    if (kind_ == DaemonKind::kStock && !stock) {
        throw std::runtime_error("SPREAD_STOCK_DIR is not set");
    }
    std::string program = spec_.program.string();
    if (program.empty()) {
        program = kind_ == DaemonKind::kStock ? (*stock / "sbin/spread").string()
                                              : daemon_binary().string();
    }
    std::vector<std::string> command{program, "-n", spec_.name, "-c", configuration_.string()};
    if (kind_ == DaemonKind::kOurs) {
        // Nothing of a test may meet a daemon that really serves this machine, or another test.
        const std::string directory = log_file_.parent_path().string();
        command.insert(command.end(), {"--unix-dir", directory, "--state-dir", directory,
                                       "--control-socket", control_socket().string()});
        command.insert(command.end(), spec_.arguments.begin(), spec_.arguments.end());
    }
    process_ = std::make_unique<ChildProcess>(
        ChildProcess::Options{.command = std::move(command),
                              .output = log_file_,
                              .input = {},
                              .network_namespace = spec_.network_namespace,
                              .directory = {},
                              .etc = spec_.etc,
                              .environment = spec_.environment});
}

void DaemonProcess::wait_listening() {
    wait_until("daemon " + spec_.name + " to listen on port " + std::to_string(port_), [this] {
        if (!process_->is_running()) {
            throw std::runtime_error("daemon " + spec_.name + " ended with status " +
                                     std::to_string(process_->wait_exit()) + ":\n" + log());
        }
        return has_listener(process_->pid(), spec_.address, port_);
    });
}

int DaemonProcess::stop() {
    process_->signal(SIGTERM);
    return process_->wait_exit();
}

void DaemonProcess::crash() {
    process_->signal(SIGKILL);
    process_->wait_exit();
}

void DaemonProcess::restart() {
    process_->wait_exit();
    start();
    wait_listening();
}

std::filesystem::path DaemonProcess::unix_socket() const {
    const std::filesystem::path directory =
        kind_ == DaemonKind::kStock ? "/tmp" : log_file_.parent_path();
    return directory / std::to_string(port_);
}

std::string DaemonProcess::log() const {
    return read_file(log_file_);
}

void DaemonProcess::wait_logged(const std::string& text) const {
    wait_until(spec_.name + " to log '" + text + "'",
               [&] { return log().find(text) != std::string::npos; });
}

}  // namespace spread::support
