#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace spread::fuzz {

/// The fuzzer's bytes as a program: random bytes alone hardly ever pass a handshake or a header
/// check. Behind their end there are zeros.
class Script {
  public:
    explicit Script(std::span<const std::byte> bytes) : bytes_(bytes) {}

    [[nodiscard]] bool done() const { return bytes_.empty(); }

    std::uint8_t byte() {
        if (bytes_.empty()) {
            return 0;
        }
        const auto value = std::to_integer<std::uint8_t>(bytes_.front());
        bytes_ = bytes_.subspan(1);
        return value;
    }

    std::uint32_t word() {
        std::uint32_t value = 0;
        for (int i = 0; i < 4; ++i) {
            value = (value << 8U) | byte();
        }
        return value;
    }

    std::span<const std::byte> some(std::size_t count) {
        const auto taken = bytes_.first(std::min(count, bytes_.size()));
        bytes_ = bytes_.subspan(taken.size());
        return taken;
    }

  private:
    std::span<const std::byte> bytes_;
};

}  // namespace spread::fuzz
