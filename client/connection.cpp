#include "client/connection.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "client/codec/handshake.hpp"
#include "protocol/names.hpp"

namespace spread::client {

namespace {

/// A daemon that rejects may be gone before we have spoken; its reject byte can still be read, so
/// only the read decides what went wrong.
Result<void> write_unless_closed(int descriptor, std::span<const std::byte> bytes,
                                 Deadline deadline) {
    auto written = write_all(descriptor, bytes, deadline);
    if (!written && written.error().code == ErrorCode::kConnectionClosed) {
        return {};
    }
    return written;
}

Result<void> check_options(const ConnectOptions& options) {
    if (!options.private_name.empty() && !protocol::is_private_name(options.private_name)) {
        return fail(ErrorCode::kRejectIllegalName,
                    "\"" + protocol::escaped(options.private_name) +
                        "\" is no user name: 1 to 10 bytes, no blanks, no '#', plain ASCII");
    }
    if (options.auth_method.empty() || options.auth_method.size() >= protocol::kAuthNameBytes) {
        return fail(ErrorCode::kRejectAuth, "an authentication method has 1 to 29 bytes");
    }
    return {};
}

}  // namespace

Result<Connection> run_handshake(FileDescriptor socket, const ConnectOptions& options,
                                 std::string peer, Deadline deadline) {
    if (auto checked = check_options(options); !checked) {
        return tl::unexpected(checked.error());
    }
    const auto in_handshake = [&peer](Error error, std::string_view awaited = {}) {
        error.text = "handshake with " + peer + ": " + error.text +
                     (awaited.empty() ? "" : " waiting for " + std::string(awaited));
        return tl::unexpected(std::move(error));
    };
    Handshake handshake({.private_name = options.private_name,
                         .wants_membership = options.wants_membership,
                         .priority = options.priority,
                         .auth_methods = {options.auth_method}});
    std::array<std::byte, 256> chunk{};
    while (true) {
        // One write: stock daemons do not accept the opening bytes in pieces (client protocol 3.1).
        if (auto sent = write_unless_closed(socket.get(), handshake.output(), deadline); !sent) {
            return in_handshake(sent.error());
        }
        if (handshake.accepted()) {
            break;
        }
        const auto count = read_some(socket.get(), chunk);
        if (!count) {
            return in_handshake(count.error(), handshake.awaited());
        }
        if (*count == 0) {
            if (auto ready = wait_readable(socket.get(), deadline); !ready) {
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
    Connection connection;
    connection.socket = std::move(socket);
    connection.private_group = accepted.private_group;
    connection.daemon_version = accepted.daemon;
    connection.early_bytes = handshake.take_rest();
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
    return run_handshake(std::move(*socket), options,
                         address->text.empty() ? address->unix_path : address->text, deadline);
}

}  // namespace spread::client
