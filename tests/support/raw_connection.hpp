#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tests/support/deadline.hpp"

namespace spread::support {

using Bytes = std::vector<std::byte>;

[[nodiscard]] Bytes bytes_of_hex(std::string_view hex);
[[nodiscard]] std::string hex_of(std::span<const std::byte> bytes);

/// A client's socket, without any knowledge of what goes over it. Problems are exceptions: a test
/// that meets one has failed.
class RawConnection {
  public:
    [[nodiscard]] static RawConnection tcp(const std::string& address, std::uint16_t port);
    [[nodiscard]] static RawConnection unix_socket(const std::filesystem::path& path);
    ~RawConnection();
    RawConnection(RawConnection&& other) noexcept;
    RawConnection& operator=(RawConnection&& other) noexcept;
    RawConnection(const RawConnection&) = delete;
    RawConnection& operator=(const RawConnection&) = delete;

    void send(std::span<const std::byte> bytes);
    /// Sends what the peer still takes; a closed connection is no error.
    void send_if_open(std::span<const std::byte> bytes);
    /// Exactly this many bytes. Throws at the end of the stream or of patience.
    [[nodiscard]] Bytes read(std::size_t count, std::chrono::milliseconds patience = kPatience);
    /// What a single read of up to `count` bytes gives, as soon as there is anything; empty at the
    /// end of the stream.
    [[nodiscard]] Bytes read_once(std::size_t count,
                                  std::chrono::milliseconds patience = kPatience);
    /// Waits for the peer to close or reset. Throws when bytes come instead.
    void expect_end(std::chrono::milliseconds patience = kPatience);
    /// Waits for the peer to close or reset; what comes before is thrown away.
    void drain(std::chrono::milliseconds patience = kPatience);
    /// Whether bytes, or the end of the stream, arrive within this time.
    [[nodiscard]] bool has_input_within(std::chrono::milliseconds time);
    /// Says that nothing more will be sent, and goes on reading.
    void finish_sending();
    /// Makes closing send a reset instead of an orderly end.
    void reset_on_close();
    void set_receive_buffer(int bytes);

  private:
    explicit RawConnection(int fd) : fd_(fd) {}

    /// Bytes read, 0 at the end of the stream; throws at the end of patience.
    std::size_t read_some(std::span<std::byte> into, const Deadline& deadline);

    int fd_ = -1;
};

}  // namespace spread::support
