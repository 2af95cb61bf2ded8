#include "daemon/admin/admin_sockets.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "config/listen_address.hpp"
#include "daemon/host/endpoint.hpp"
#include "daemon/host/logging.hpp"
#include "daemon/host/startup_error.hpp"
#include "protocol/names.hpp"

namespace spread::admin {
namespace {

using daemon::log_event;
using daemon::log_event_with;
using daemon::LogEvent;
using daemon::StartupError;
using daemon::UniqueFd;
using daemon::UnixListener;

constexpr const char* kDirectory = "/run/spread";
constexpr mode_t kForItsGroup = 0660;
constexpr int kBacklog = 16;

/// DaemonGroup, else the group of DaemonUser, else "spread" where there is one.
std::optional<gid_t> control_group(const config::Configuration& configuration) {
    if (const auto& name = configuration.daemon_group) {
        const group* found = ::getgrnam(name->c_str());
        return found == nullptr ? std::nullopt : std::optional(found->gr_gid);
    }
    if (const auto& name = configuration.daemon_user) {
        const passwd* found = ::getpwnam(name->c_str());
        return found == nullptr ? std::nullopt : std::optional(found->pw_gid);
    }
    const group* found = ::getgrnam("spread");
    return found == nullptr ? std::nullopt : std::optional(found->gr_gid);
}

std::unique_ptr<UnixListener> open_control_socket(const config::Configuration& configuration,
                                                  const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos || slash + 1 == path.size()) {
        throw StartupError(
            fmt::format("ControlSocket {} is not the path of a file, such as /run/spread/4803.ctl",
                        protocol::escaped(path)));
    }
    const std::string directory = slash == 0 ? "/" : path.substr(0, slash);
    if (directory == kDirectory) {
        constexpr mode_t kDirectoryMode = 0755;
        (void)::mkdir(kDirectory, kDirectoryMode);  // if not, the socket says why
    }
    auto listener = std::make_unique<UnixListener>(directory, path.substr(slash + 1), kForItsGroup);
    if (!listener->problem().empty()) {
        log_event(LogEvent::kControlSocketFailed,
                  "spreadctl cannot reach this daemon: {}; ControlSocket chooses another place",
                  listener->problem());
        return nullptr;
    }
    const auto group = ::geteuid() == 0 ? control_group(configuration) : std::nullopt;
    if (const int error = group ? listener->give_to_group(*group) : 0) {
        log_event_with(LogEvent::kControlSocketFailed, {{"path", path}},
                       "cannot let its group use {}: {}", path, std::strerror(error));
    }
    log_event(LogEvent::kControlSocket, "control socket {}", path);
    return listener;
}

UniqueFd open_tcp(const config::ListenAddress& listen) {
    const daemon::Endpoint at = daemon::make_endpoint(listen.address, listen.port);
    UniqueFd fd(::socket(at.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int on = 1;
    if (fd) {
        ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    }
    if (!fd || ::bind(fd.get(), at.address(), at.length) != 0 ||
        ::listen(fd.get(), kBacklog) != 0) {
        throw StartupError(
            fmt::format("cannot listen at AdminListen {}: {}; choose another port "
                        "or see who has it (ss -ltnp)",
                        at.to_string(), std::strerror(errno)));
    }
    log_event(LogEvent::kAdminPage, "status page and metrics at http://{}/", at.to_string());
    return fd;
}

}  // namespace

AdminSockets open_admin_sockets(const config::Configuration& configuration, std::size_t self,
                                const std::optional<std::string>& control_socket,
                                const std::optional<std::string>& unix_dir) {
    const std::uint16_t port = configuration.segments[configuration.daemons[self].segment].port;
    const std::string usual = fmt::format("{}/{}.ctl", unix_dir.value_or(kDirectory), port);
    const std::string path = control_socket.value_or(configuration.control_socket.value_or(usual));
    AdminSockets out;
    out.token = AdminToken::load(configuration);
    if (path != "off") {
        out.control = open_control_socket(configuration, path);
    }
    if (const auto listen =
            config::parse_listen_address(configuration.admin_listen.value_or(std::string()))) {
        out.tcp.push_back(open_tcp(*listen));
    }
    return out;
}

}  // namespace spread::admin
