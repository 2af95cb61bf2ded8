#pragma once

#include <sp.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>

#include "client/c/pieces.hpp"
#include "client/c/stream.hpp"
#include "protocol/session_wire.hpp"

namespace spread::c_api {

using GroupName = char[MAX_GROUP_NAME];

/// Where a message is to go.
struct Room {
    bool drop = false;  ///< cut what does not fit
    std::size_t groups_max = 0;
    GroupName* groups = nullptr;
    Pieces body;
};

/// What is told of a message besides groups and body, in the terms of SP_receive().
struct Received {
    std::uint32_t type = 0;
    std::array<char, MAX_GROUP_NAME> sender{};
    int num_groups = 0;
    int mess_type = 0;
    int endian_mismatch = 0;
};

/// One session with a daemon behind a mailbox. Results are the numbers of sp.h. Sending and
/// receiving have a lock each. An error of the stream marks the session: all that follows is
/// NET_ERROR_ON_SESSION.
class Mailbox {
  public:
    Mailbox(int descriptor, const protocol::NameField& private_group)
        : stream_(descriptor), private_group_(private_group) {}

    /// Join or leave; the name is checked by the caller.
    [[nodiscard]] int send_group_request(std::uint32_t type, const char* group);
    /// `groups` is a list of 32-byte names, sent as it is.
    [[nodiscard]] int multicast(std::uint32_t type, std::span<const std::byte> groups,
                                std::int16_t mess_type, const Pieces& body);

    /// Reads exactly one message; `received` is set when the result is not negative, and with
    /// BUFFER_TOO_SHORT and GROUPS_TOO_SHORT, which keep the message.
    [[nodiscard]] int receive(const Room& room, Received& received);

    [[nodiscard]] int poll() const { return stream_.waiting(); }
    /// Nothing but disconnecting is left.
    [[nodiscard]] bool is_broken() const { return is_broken_.load(); }

    /// Tells the daemon, as far as that goes without waiting.
    void send_kill();
    /// Ends waiting calls with CONNECTION_CLOSED.
    void close() { stream_.close(); }

    [[nodiscard]] const protocol::NameField& private_group() const { return private_group_; }
    [[nodiscard]] Stream& stream() { return stream_; }
    void after_fork();

  private:
    /// A message whose header has been read.
    struct Pending {
        protocol::SessionHeader header;
        std::size_t groups = 0;
        std::size_t body_bytes = 0;
    };

    [[nodiscard]] int send(Pieces& frame);
    [[nodiscard]] int read_header();
    [[nodiscard]] int read_rest(const Room& room, Received& received);
    /// The result that fits how a read or write ended.
    [[nodiscard]] int failed(IoResult result);
    [[nodiscard]] int finish_membership(const Room& room, const Pending& pending, bool is_cut,
                                        Received& received) const;

    Stream stream_;
    const protocol::NameField private_group_;
    std::atomic<bool> is_broken_{false};
    std::mutex send_mutex_;
    std::mutex receive_mutex_;
    std::optional<Pending> pending_;  // guarded by receive_mutex_
};

}  // namespace spread::c_api
