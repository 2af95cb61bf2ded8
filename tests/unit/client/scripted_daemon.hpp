#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "client/connection.hpp"
#include "client/session_impl.hpp"
#include "client/socket.hpp"
#include "protocol/session_wire.hpp"

namespace spread::client::testing {

using Bytes = std::vector<std::byte>;

inline Bytes bytes_of(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

inline Bytes operator+(Bytes a, const Bytes& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

/// What a daemon of the given byte order would send.
inline Bytes frame(std::uint32_t type, std::string_view sender,
                   const std::vector<std::string>& groups, const Bytes& body,
                   std::int16_t mess_type = 0,
                   protocol::ByteOrder order = protocol::ByteOrder::kLittle) {
    protocol::SessionHeader header;
    header.order = order;
    header.type = type;
    header.private_group_name = protocol::NameField(sender);
    header.num_groups = static_cast<std::int32_t>(groups.size());
    header.hint = protocol::make_hint(mess_type, order);
    header.data_len = static_cast<std::int32_t>(body.size());
    Bytes out(protocol::kSessionHeaderBytes);
    protocol::encode_session_header(header, std::span(out).first<protocol::kSessionHeaderBytes>());
    for (const auto& group : groups) {
        const protocol::NameField field{std::string_view(group)};
        out.insert(out.end(), field.bytes().begin(), field.bytes().end());
    }
    return out + body;
}

inline Bytes number(std::uint32_t value, protocol::ByteOrder order = protocol::ByteOrder::kLittle) {
    Bytes out;
    for (unsigned i = 0; i < 4; ++i) {
        const unsigned shift = order == protocol::ByteOrder::kLittle ? 8 * i : 24 - 8 * i;
        out.push_back(static_cast<std::byte>(value >> shift));
    }
    return out;
}

inline Bytes name(std::string_view text) {
    const protocol::NameField field(text);
    return {field.bytes().begin(), field.bytes().end()};
}

/// D1 followed by D2 of a daemon that lets us in.
inline Bytes welcome(std::string_view private_group = "#alice#d1") {
    const std::array<std::string, 1> methods{"NULL"};
    return protocol::encode_auth_list(methods) +
           protocol::encode_accept(protocol::kPresentedVersion, private_group);
}

/// The daemon's end of a connection. Small exchanges fit the kernel's buffers, so that a test can
/// say first all that the daemon will send, then let the client run, without any thread.
class ScriptedDaemon {
  public:
    ScriptedDaemon() {
        std::array<int, 2> ends{};
        EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
        client_ = FileDescriptor(ends[0]);
        daemon_ = FileDescriptor(ends[1]);
    }

    void say(const Bytes& bytes) const {
        ASSERT_EQ(write(daemon_.get(), bytes.data(), bytes.size()),
                  static_cast<ssize_t>(bytes.size()));
    }
    /// Everything the client has sent so far.
    [[nodiscard]] Bytes heard() const {
        Bytes out;
        std::array<std::byte, 4096> chunk{};
        ssize_t count = 0;
        while ((count = read(daemon_.get(), chunk.data(), chunk.size())) > 0) {
            out.insert(out.end(), chunk.begin(), chunk.begin() + count);
        }
        return out;
    }
    void hang_up() { daemon_.reset(); }
    [[nodiscard]] int descriptor() const { return daemon_.get(); }

    /// The client's handshake, against what was said before.
    [[nodiscard]] Result<Connection> handshake(const ConnectOptions& options) {
        return run_handshake(std::move(client_), options, "test", Clock::now() + options.timeout);
    }
    /// A connection on which the handshake is done and forgotten.
    [[nodiscard]] Connection connected() {
        say(welcome());
        ConnectOptions options;
        options.private_name = "alice";
        auto connection = handshake(options);
        EXPECT_TRUE(connection.has_value());
        static_cast<void>(heard());
        return std::move(*connection);
    }

    /// A session on such a connection.
    [[nodiscard]] Session session(Options options = {}) {
        auto servers = options.servers;
        return Session(std::make_unique<SessionImpl>(std::move(options), std::move(servers),
                                                     Established{connected(), 0}));
    }

  private:
    friend class ScriptedListener;
    FileDescriptor client_;
    FileDescriptor daemon_;
};

/// A daemon to be connected to: a Unix socket in a directory of the test's.
class ScriptedListener {
  public:
    explicit ScriptedListener(std::string path) : path_(std::move(path)) {
        socket_ = FileDescriptor(socket(AF_UNIX, SOCK_STREAM, 0));
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        std::copy(path_.begin(), path_.end(), name.sun_path);
        // The socket interface takes every address family through the one generic type.
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
        EXPECT_EQ(bind(socket_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
        EXPECT_EQ(listen(socket_.get(), 5), 0);
    }

    [[nodiscard]] const std::string& path() const { return path_; }
    /// Waits for a client and says that much to it; its end is behind ScriptedDaemon's functions.
    [[nodiscard]] ScriptedDaemon accept(const Bytes& greeting) const {
        ScriptedDaemon daemon;
        EXPECT_TRUE(wait_readable(socket_.get(), Clock::now() + std::chrono::seconds(10)));
        daemon.client_.reset();
        daemon.daemon_ = FileDescriptor(accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK));
        daemon.say(greeting);
        return daemon;
    }

  private:
    std::string path_;
    FileDescriptor socket_;
};

}  // namespace spread::client::testing
