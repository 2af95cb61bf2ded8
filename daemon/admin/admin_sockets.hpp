#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/configuration.hpp"
#include "daemon/admin/admin_token.hpp"
#include "daemon/clients/unix_listener.hpp"
#include "daemon/host/unique_fd.hpp"

namespace spread::admin {

/// Where operators come in.
struct AdminSockets {
    std::unique_ptr<daemon::UnixListener> control;  ///< may be null
    std::vector<daemon::UniqueFd> tcp;              ///< listening
    AdminToken token;                               ///< with which peers of `tcp` may change things
};

/// Opens what AdminServer serves. `control_socket` overrides ControlSocket, and `unix_dir` is the
/// directory of the clients' Unix socket where one was chosen. To be called before privileges are
/// given up. Without a control socket the daemon serves all the same, and the log says why; an
/// AdminListen or AdminTokenFile that cannot be had throws StartupError.
[[nodiscard]] AdminSockets open_admin_sockets(const config::Configuration& configuration,
                                              std::size_t self,
                                              const std::optional<std::string>& control_socket,
                                              const std::optional<std::string>& unix_dir);

}  // namespace spread::admin
