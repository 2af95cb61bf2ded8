#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "client/address.hpp"
#include "client/codec/error.hpp"
#include "client/socket.hpp"
#include "client/tls_channel.hpp"
#include "protocol/session_wire.hpp"
#include "spread/options.hpp"

namespace spread::client {

struct ConnectOptions {
    std::string address;           ///< see parse_address()
    std::string private_name;      ///< 1 to 10 bytes; empty: the daemon invents one
    bool wants_membership = true;  ///< memberships, transitional signals and self-leave notices
    bool priority = false;         ///< carried, without effect in any known daemon
    /// As in Options.
    std::vector<std::string> auth_methods{};
    std::optional<Login> login{};
    std::optional<Tls> tls{};
    std::chrono::milliseconds timeout{5000};  ///< for name, connection and handshake
};

/// A socket on which the handshake is done; both session classes are made from one.
struct Connection {
    FileDescriptor socket;              ///< non-blocking
    std::unique_ptr<TlsChannel> tls{};  ///< over it; null: plain text
    std::string peer;                   ///< the address as the user wrote it
    protocol::NameField private_group;  ///< "#user#daemon", who we are from now on
    protocol::SpreadVersion daemon_version;
    std::vector<std::byte> early_bytes;  ///< came in one read with the end of the handshake

    // As read_some() and write_some(), over TLS where there is one.
    [[nodiscard]] Result<std::size_t> read(std::span<std::byte> into) const {
        return tls ? tls->read(into) : read_some(socket.get(), into);
    }
    [[nodiscard]] Result<std::size_t> write(std::span<const std::byte> bytes) const {
        return tls ? tls->write(bytes) : write_some(socket.get(), bytes);
    }
};

/// Opens the socket and runs the handshake.
[[nodiscard]] Result<Connection> connect(const ConnectOptions& options);

/// Runs the handshake (CP 3) on a connected stream socket, over `tls` if that is given; `peer` is
/// for messages.
[[nodiscard]] Result<Connection> run_handshake(FileDescriptor socket, const ConnectOptions& options,
                                               std::string peer, Deadline deadline,
                                               std::unique_ptr<TlsChannel> tls = nullptr);

}  // namespace spread::client
