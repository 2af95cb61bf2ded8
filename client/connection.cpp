#include "client/connection.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "client/codec/handshake.hpp"
#include "protocol/names.hpp"

namespace spread::client {

namespace {

Result<void> write_by_tls(TlsChannel& tls, int descriptor, std::span<const std::byte> bytes,
                          Deadline deadline) {
    while (!bytes.empty()) {
        const auto written = tls.write(bytes);
        if (!written) {
            return tl::unexpected(written.error());
        }
        bytes = bytes.subspan(*written);
        if (*written == 0) {
            if (auto ready = wait_writable(descriptor, deadline); !ready) {
                return ready;
            }
        }
    }
    return {};
}

/// A daemon that rejects may be gone before we have spoken; its reject byte can still be read, so
/// only the read decides what went wrong.
Result<void> write_unless_closed(const Connection& connection, std::span<const std::byte> bytes,
                                 Deadline deadline) {
    auto written = connection.tls
                       ? write_by_tls(*connection.tls, connection.socket.get(), bytes, deadline)
                       : write_all(connection.socket.get(), bytes, deadline);
    if (!written && written.error().code == ErrorCode::kConnectionClosed) {
        return {};
    }
    return written;
}

constexpr std::string_view kPasswordMethod = "PWORD";

std::vector<std::string> methods_of(const ConnectOptions& options) {
    if (!options.auth_methods.empty()) {
        return options.auth_methods;
    }
    return {options.login ? std::string(kPasswordMethod) : "NULL"};
}

Result<void> check_authentication(const ConnectOptions& options) {
    const auto methods = methods_of(options);
    if (methods.size() > protocol::kAuthMethodsMax) {
        return fail(ErrorCode::kRejectAuth, "a client may name up to three methods");
    }
    bool gives_password = false;
    for (const auto& method : methods) {
        if (method == kPasswordMethod && !gives_password) {
            gives_password = true;
        } else if (method != "NULL" && method != "IP") {
            return fail(ErrorCode::kRejectAuth, "\"" + protocol::escaped(method) +
                                                    "\" is no authentication method, or there "
                                                    "twice: NULL, IP and PWORD are known");
        }
    }
    if (gives_password != options.login.has_value()) {
        return fail(ErrorCode::kRejectAuth, "method PWORD and a login go together");
    }
    if (!options.login) {
        return {};
    }
    const auto& [user, password] = *options.login;
    if (user.empty() || user.size() > protocol::kPasswordUserBytes || password.empty() ||
        password.size() > protocol::kPasswordBytes || user.find('\0') != std::string::npos ||
        password.find('\0') != std::string::npos) {
        return fail(ErrorCode::kRejectAuth,
                    "a login is a user of 1 to 32 bytes and a password of 1 to 8, without NUL");
    }
    return {};
}

Result<void> check_options(const ConnectOptions& options) {
    if (!options.private_name.empty() && !protocol::is_private_name(options.private_name)) {
        return fail(ErrorCode::kRejectIllegalName,
                    "\"" + protocol::escaped(options.private_name) +
                        "\" is no user name: 1 to 10 bytes, no blanks, no '#', plain ASCII");
    }
    return check_authentication(options);
}

}  // namespace

Result<Connection> run_handshake(FileDescriptor socket, const ConnectOptions& options,
                                 std::string peer, Deadline deadline,
                                 std::unique_ptr<TlsChannel> tls) {
    Connection connection;
    connection.socket = std::move(socket);
    connection.tls = std::move(tls);
    const int descriptor = connection.socket.get();
    if (auto checked = check_options(options); !checked) {
        return tl::unexpected(checked.error());
    }
    const auto in_handshake = [&peer](Error error, std::string_view awaited = {}) {
        error.text = "handshake with " + peer + ": " + error.text +
                     (awaited.empty() ? "" : " waiting for " + std::string(awaited));
        return tl::unexpected(std::move(error));
    };
    HandshakeOptions wanted{.private_name = options.private_name,
                            .wants_membership = options.wants_membership,
                            .priority = options.priority,
                            .auth_methods = methods_of(options)};
    if (options.login) {
        wanted.login = {.user = options.login->user, .password = options.login->password};
    }
    Handshake handshake(std::move(wanted));
    std::array<std::byte, 256> chunk{};
    while (true) {
        // One write: stock daemons do not accept the opening bytes in pieces (CP 3.1).
        if (auto sent = write_unless_closed(connection, handshake.output(), deadline); !sent) {
            return in_handshake(sent.error());
        }
        if (handshake.accepted()) {
            break;
        }
        const auto count = connection.read(chunk);
        if (!count) {
            return in_handshake(count.error(), handshake.awaited());
        }
        if (*count == 0) {
            if (auto ready = wait_readable(descriptor, deadline); !ready) {
                return in_handshake(ready.error(), handshake.awaited());
            }
        } else if (auto taken = handshake.on_bytes(std::span(chunk).first(*count)); !taken) {
            return in_handshake(taken.error());
        }
    }
    const auto& accepted = *handshake.accepted();
    if (!protocol::parse_private_group(accepted.private_group.view())) {
        return in_handshake({ErrorCode::kConnectionClosed,
                             "the daemon gave us the illegal private group \"" +
                                 protocol::escaped(accepted.private_group.view()) + "\""});
    }
    connection.private_group = accepted.private_group;
    connection.daemon_version = accepted.daemon;
    connection.early_bytes = handshake.take_rest();
    // The socket does not show them any more.
    while (connection.tls && connection.tls->pending() > 0) {
        const auto count = connection.read(chunk);
        if (!count) {
            return in_handshake(count.error());
        }
        connection.early_bytes.insert(connection.early_bytes.end(), chunk.begin(),
                                      chunk.begin() + static_cast<std::ptrdiff_t>(*count));
    }
    connection.peer = std::move(peer);
    return connection;
}

Result<Connection> connect(const ConnectOptions& options) {
    const auto address = parse_address(options.address);
    if (!address) {
        return tl::unexpected(address.error());
    }
    if (auto checked = check_options(options); !checked) {
        return tl::unexpected(checked.error());
    }
    const Deadline deadline = Clock::now() + options.timeout;
    auto socket = open_socket(*address, deadline);
    if (!socket) {
        return tl::unexpected(socket.error());
    }
    const std::string peer = address->text.empty() ? address->unix_path : address->text;
    std::unique_ptr<TlsChannel> tls;
    if (options.tls && !address->is_unix()) {
        auto opened = TlsChannel::open(socket->get(), *options.tls, address->host, deadline);
        if (!opened) {
            opened.error().text = "TLS with " + peer + ": " + opened.error().text;
            return tl::unexpected(std::move(opened.error()));
        }
        tls = std::move(*opened);
    }
    return run_handshake(std::move(*socket), options, peer, deadline, std::move(tls));
}

}  // namespace spread::client
