#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "protocol/buffer.hpp"

namespace spread::daemon {

/// Where clients' bytes are read into, one behind the other. Messages keep the block alive; once
/// none does it is used again.
class ReadBuffer {
  public:
    static constexpr std::size_t kBlockBytes = 64U << 10U;
    /// A read gets at least this much, so that large messages are rarely cut.
    static constexpr std::size_t kRoomMin = kBlockBytes / 4;

    /// For the next read.
    [[nodiscard]] std::span<std::byte> room() {
        if (!block_ || kBlockBytes - used_ < kRoomMin) {
            if (!block_.unique()) {
                block_ = protocol::BufferRef::allocate(kBlockBytes);
            }
            used_ = 0;
        }
        return std::span(block_->data(), kBlockBytes).subspan(used_);
    }
    /// What a read has put at the front of room().
    [[nodiscard]] protocol::Slice take(std::size_t bytes) {
        protocol::Slice slice{block_, static_cast<std::uint32_t>(used_),
                              static_cast<std::uint32_t>(bytes)};
        used_ += bytes;
        return slice;
    }

  private:
    protocol::BufferRef block_;
    std::size_t used_ = 0;
};

}  // namespace spread::daemon
