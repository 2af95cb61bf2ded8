#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <thread>
#include <vector>

#include "client/socket.hpp"

namespace spread::support {

/// A datagram that was seen, and the port it went to, less that of the ring.
struct SeenDatagram {
    std::vector<std::byte> bytes;
    std::uint16_t port = 0;
};

/// Reads what daemons send to each other, as somebody on the path could: on loopback, or on the
/// outer ends of the links of a NetworkLab. Fragments are left out.
class DatagramRecorder {
  public:
    /// Of datagrams to `port` and the next one, those of the beginning, `most` at most.
    DatagramRecorder(std::uint16_t port, std::size_t most);
    ~DatagramRecorder();
    DatagramRecorder(const DatagramRecorder&) = delete;
    DatagramRecorder& operator=(const DatagramRecorder&) = delete;

    /// Whether packet sockets are to be had.
    [[nodiscard]] bool works() const { return static_cast<bool>(socket_); }
    /// What was seen until now; nothing is recorded any more.
    [[nodiscard]] std::vector<SeenDatagram> stop();

  private:
    void run();
    void note(std::span<const std::byte> packet);

    std::uint16_t port_;
    std::size_t most_;
    client::FileDescriptor socket_;
    std::atomic<bool> is_over_ = false;
    std::vector<SeenDatagram> seen_;
    std::thread thread_;
};

}  // namespace spread::support
