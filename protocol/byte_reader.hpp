#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace spread::protocol {

/// Bounds-checked, sticky reader: after the first short read everything reads as zero and `ok()` is
/// false, so decoders stay straight-line and check once.
class ByteReader {
  public:
    explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

    template <std::unsigned_integral T>
    [[nodiscard]] T read_le() {
        const auto field = take(sizeof(T));
        T value = 0;
        if (field.empty()) {
            return value;
        }
        if constexpr (std::endian::native == std::endian::little) {
            std::memcpy(&value, field.data(), sizeof value);  // one load, where the loop is many
        } else {
            for (std::size_t i = field.size(); i > 0; --i) {
                value = static_cast<T>((static_cast<std::uint64_t>(value) << 8U) |
                                       std::to_integer<std::uint64_t>(field[i - 1]));
            }
        }
        return value;
    }

    template <std::unsigned_integral T>
    [[nodiscard]] T read_be() {
        const auto field = take(sizeof(T));
        T value = 0;
        for (const std::byte b : field) {
            value = static_cast<T>((static_cast<std::uint64_t>(value) << 8U) |
                                   std::to_integer<std::uint64_t>(b));
        }
        return value;
    }

    /// The next `count` bytes, or an empty span (and not ok) when fewer are left.
    [[nodiscard]] std::span<const std::byte> read_bytes(std::size_t count) { return take(count); }

    void skip(std::size_t count) { static_cast<void>(take(count)); }

    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] std::size_t remaining() const { return bytes_.size() - position_; }
    [[nodiscard]] std::size_t position() const { return position_; }

  private:
    std::span<const std::byte> take(std::size_t count) {
        if (!ok_ || count > remaining()) {
            ok_ = false;
            position_ = bytes_.size();
            return {};
        }
        const auto field = bytes_.subspan(position_, count);
        position_ += count;
        return field;
    }

    std::span<const std::byte> bytes_;
    std::size_t position_ = 0;
    bool ok_ = true;
};

}  // namespace spread::protocol
