#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "client/codec/requests.hpp"

namespace spread::client {

/// Requests on their way to the socket: whole frames, in the order in which they were made. Knows
/// at any time which of them the socket has not taken as a whole, without a note for each.
class SendQueue {
  public:
    /// Where the requests.hpp functions put one more frame; follow it by added().
    [[nodiscard]] Bytes& tail() { return bytes_; }
    void added() { ++frames_; }

    /// What to write next.
    [[nodiscard]] std::span<const std::byte> pending() const {
        return std::span(bytes_).subspan(sent_);
    }
    [[nodiscard]] std::size_t size() const { return bytes_.size() - sent_; }
    /// The socket took so many more bytes.
    void consume(std::size_t count);

    /// Frames of which at least a byte is still here.
    [[nodiscard]] std::size_t frames() const { return frames_; }
    /// Those frames, each from its first byte on, one after the other.
    [[nodiscard]] std::span<const std::byte> unsent_frames() const {
        return std::span(bytes_).subspan(boundary_);
    }

  private:
    Bytes bytes_;
    std::size_t sent_ = 0;      // bytes the socket has
    std::size_t boundary_ = 0;  // start of the first frame it has not as a whole
    std::size_t frames_ = 0;    // from there on
};

/// Size of the frame of our own making that `bytes` begins with.
[[nodiscard]] std::size_t first_frame_bytes(std::span<const std::byte> bytes);

}  // namespace spread::client
