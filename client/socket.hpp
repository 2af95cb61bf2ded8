#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <utility>

#include "client/address.hpp"
#include "client/codec/error.hpp"

namespace spread::client {

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;

/// Owns one file descriptor.
class FileDescriptor {
  public:
    FileDescriptor() = default;
    explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
    FileDescriptor(FileDescriptor&& other) noexcept
        : descriptor_(std::exchange(other.descriptor_, kNone)) {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;
    ~FileDescriptor() { reset(); }

    void reset();
    [[nodiscard]] int get() const { return descriptor_; }
    [[nodiscard]] explicit operator bool() const { return descriptor_ != kNone; }

  private:
    static constexpr int kNone = -1;
    int descriptor_ = kNone;
};

/// A connected, non-blocking stream socket: no-delay and keep-alive on TCP, buffers raised to
/// 200 KiB as stock's libraries do. Every address a host name resolves to is tried.
[[nodiscard]] Result<FileDescriptor> open_socket(const Address& address, Deadline deadline);

/// Waits until the socket has bytes (or its end) to read. kTimedOut when it has none in time.
[[nodiscard]] Result<void> wait_readable(int descriptor, Deadline deadline);
/// `wakeup`, when readable, ends the wait as well.
[[nodiscard]] Result<void> wait_writable(int descriptor, Deadline deadline, int wakeup = -1);

/// One non-blocking read. 0 means "nothing there now"; the end of the stream is kConnectionClosed.
[[nodiscard]] Result<std::size_t> read_some(int descriptor, std::span<std::byte> into);
/// One non-blocking write. 0 means "no room now".
[[nodiscard]] Result<std::size_t> write_some(int descriptor, std::span<const std::byte> bytes);
/// Writes everything, waiting for room. After a time-out part of it may be gone.
[[nodiscard]] Result<void> write_all(int descriptor, std::span<const std::byte> bytes,
                                     Deadline deadline);

/// "Connection refused (111)".
[[nodiscard]] std::string system_error_text(int error);

}  // namespace spread::client
