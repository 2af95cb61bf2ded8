#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/codec/frame_buffer.hpp"
#include "client/codec/message_view.hpp"
#include "client/codec/requests.hpp"
#include "client/socket.hpp"
#include "protocol/names.hpp"
#include "tests/stress/daemon.hpp"
#include "tests/stress/loop.hpp"
#include "tests/support/daemon_process.hpp"

namespace spread::stress {

/// A well-behaved client on a loop. Its memory is a few hundred bytes until messages come, so that
/// tens of thousands fit into one process.
class Client {
  public:
    struct Options {
        std::string name;
        bool wants_membership = true;
        Way way = Way::kTcp;
        std::size_t number = 0;  ///< see open_socket()
        int receive_buffer = 0;  ///< of the socket; 0: the system's choice
        /// Says only so many bytes of its handshake, and nothing more.
        std::optional<std::size_t> opening_bytes = std::nullopt;
    };

    enum class State : std::uint8_t { kConnecting, kSilent, kAuth, kAccept, kOpen, kClosed };

    Client(Loop& loop, Door door, Options options);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// Called from the loop; whoever is told may close() the client, but not destroy it.
    std::function<void()> on_open;
    std::function<void(const client::MessageView&)> on_message;
    /// The connection ended, and not by our close().
    std::function<void(const std::string& why)> on_end;

    void connect();
    void close();
    /// Closing sends a reset.
    void reset();

    void join(std::string_view group);
    void leave(std::string_view group);
    void multicast(std::uint32_t service, std::string_view group, std::span<const std::byte> body);
    void send_raw(std::span<const std::byte> bytes);
    void finish_sending();
    /// Leaves what comes in the socket, or takes it again.
    void set_reading(bool reading);

    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] bool is_open() const { return state_ == State::kOpen; }
    [[nodiscard]] const std::string& name() const { return options_.name; }
    [[nodiscard]] std::string private_group() const { return private_group_.string(); }
    /// What the daemon said instead of letting us in.
    [[nodiscard]] std::optional<int> reject_code() const { return reject_code_; }
    /// Bytes the socket has not taken.
    [[nodiscard]] std::size_t unsent() const { return unsent_.size() - sent_; }

  private:
    void on_ready(std::uint32_t events);
    void read();
    void flush();
    void take_messages();
    /// False when bytes are missing, or the connection ended.
    bool take_reply();
    void end(const std::string& why);
    void update_interest();

    Loop& loop_;
    Door door_;
    Options options_;
    State state_ = State::kClosed;
    client::FileDescriptor socket_;
    Loop::Timer retry_ = 0;
    std::vector<std::byte> unsent_;
    std::size_t sent_ = 0;
    std::vector<std::byte> reply_;  ///< of the handshake, incomplete
    client::FrameBuffer frames_{128};
    protocol::NameField private_group_;
    std::optional<int> reject_code_;
    bool reading_ = true;
    bool finishing_ = false;
    std::uint32_t interest_ = 0;
};

/// A client of `daemon` that is yet to connect. When its connection ends, and not by our close(),
/// its name and the reason go to `problem`, which must outlive it.
[[nodiscard]] std::unique_ptr<Client> make_client(Loop& loop, const support::DaemonProcess& daemon,
                                                  const std::string& name, bool wants_membership,
                                                  std::string& problem);

}  // namespace spread::stress
