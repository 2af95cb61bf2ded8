#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "protocol/assert.hpp"

namespace spread::protocol {

/// Writes into a caller's buffer. Running over its end is a bug of ours, hence asserted: encoders
/// know their sizes before they start.
class ByteWriter {
  public:
    explicit ByteWriter(std::span<std::byte> bytes) : bytes_(bytes) {}

    template <std::unsigned_integral T>
    void write_le(T value) {
        SPREAD_ASSERT(sizeof(T) <= remaining());
        if constexpr (std::endian::native == std::endian::little) {
            std::memcpy(&bytes_[position_], &value, sizeof value);  // one store
        } else {
            for (std::size_t i = 0; i < sizeof(T); ++i) {
                bytes_[position_ + i] = static_cast<std::byte>(value >> (8U * i));
            }
        }
        position_ += sizeof(T);
    }

    void write_bytes(std::span<const std::byte> field) {
        SPREAD_ASSERT(field.size() <= remaining());
        std::copy(field.begin(), field.end(),
                  bytes_.begin() + static_cast<std::ptrdiff_t>(position_));
        position_ += field.size();
    }

    void write_zeros(std::size_t count) {
        SPREAD_ASSERT(count <= remaining());
        std::fill_n(bytes_.begin() + static_cast<std::ptrdiff_t>(position_), count, std::byte{0});
        position_ += count;
    }

    [[nodiscard]] std::size_t position() const { return position_; }
    [[nodiscard]] std::size_t remaining() const { return bytes_.size() - position_; }

  private:
    std::span<std::byte> bytes_;
    std::size_t position_ = 0;
};

}  // namespace spread::protocol
