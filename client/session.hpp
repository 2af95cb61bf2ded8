#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/codec/error.hpp"
#include "client/codec/frame_buffer.hpp"
#include "client/codec/requests.hpp"
#include "client/connection.hpp"

namespace spread::client {

/// A message with its own memory, for programs that would rather not care about buffers.
struct Message {
    std::uint32_t type = 0;           ///< service-type bits without endian bits
    std::string sender;               ///< sender, or the group of a membership message
    std::vector<std::string> groups;  ///< destinations, or the members of a membership message
    std::int16_t mess_type = 0;       ///< the application's type of a regular message
    /// The sender's integers are in the other byte order: the body may need swapping.
    bool endian_mismatch = false;
    std::vector<std::byte> body;
    std::optional<Membership> membership;  ///< of regular memberships and transitional signals

    [[nodiscard]] bool is_regular() const;
    [[nodiscard]] bool is_regular_membership() const;
    [[nodiscard]] bool is_transitional() const;
    [[nodiscard]] bool is_self_leave() const;
    [[nodiscard]] bool is_reject() const;
    [[nodiscard]] std::string_view text() const;  ///< the body as characters
};

/// Copies a view; kIllegalMessage for a membership body that breaks the layout.
[[nodiscard]] Result<Message> make_message(const MessageView& view);

/// One session with a daemon, blocking: every call does its work or says why not. Not for threads.
///
///     auto session = Session::connect({.address = "4803@localhost", .private_name = "alice"});
///     session->join("room");
///     session->multicast(protocol::kAgreedMess, "room", "hello");
///     auto message = session->receive(std::chrono::seconds(1));
///
/// After kConnectionClosed or kIllegalMessage, or a send that timed out, the session is of no
/// further use.
class Session {
  public:
    static constexpr std::chrono::seconds kSendTimeout{30};

    [[nodiscard]] static Result<Session> connect(const ConnectOptions& options);
    explicit Session(Connection connection);

    [[nodiscard]] Result<void> join(std::string_view group);
    [[nodiscard]] Result<void> leave(std::string_view group);
    [[nodiscard]] Result<void> multicast(std::uint32_t service, std::string_view group,
                                         std::string_view body, std::int16_t mess_type = 0);
    [[nodiscard]] Result<void> multigroup_multicast(std::uint32_t service,
                                                    std::span<const std::string_view> groups,
                                                    std::string_view body,
                                                    std::int16_t mess_type = 0);

    /// The next message; kTimedOut when none came in time.
    [[nodiscard]] Result<Message> receive(std::chrono::milliseconds timeout);
    /// Bytes that wait to be received, in our buffer and in the kernel's.
    [[nodiscard]] Result<std::size_t> poll() const;
    /// True when receive() can work without the socket becoming readable.
    [[nodiscard]] bool has_buffered_bytes() const { return frames_.buffered() > 0; }

    /// Says good-bye and closes. The destructor closes without a word.
    void disconnect();

    [[nodiscard]] std::string private_group() const { return connection_.private_group.string(); }
    [[nodiscard]] protocol::SpreadVersion daemon_version() const {
        return connection_.daemon_version;
    }
    /// For poll() and friends; see has_buffered_bytes().
    [[nodiscard]] int descriptor() const { return connection_.socket.get(); }

  private:
    [[nodiscard]] Result<void> send(const Bytes& request);

    Connection connection_;
    FrameBuffer frames_;
};

}  // namespace spread::client
