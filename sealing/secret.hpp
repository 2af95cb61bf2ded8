#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

namespace spread::sealing {

inline constexpr std::size_t kKeyBytes = 32;

/// Overwrites `bytes` in a way that no optimiser leaves out.
void wipe(std::span<std::byte> bytes);

/// A key. Its bytes are overwritten when it goes; each copy is wiped by itself.
class Secret {
  public:
    Secret() = default;
    explicit Secret(std::span<const std::byte, kKeyBytes> bytes) {
        std::copy(bytes.begin(), bytes.end(), bytes_.begin());
    }
    Secret(const Secret&) = default;
    Secret& operator=(const Secret&) = default;
    ~Secret() { wipe(bytes_); }

    [[nodiscard]] std::span<const std::byte, kKeyBytes> bytes() const { return bytes_; }
    [[nodiscard]] std::span<std::byte, kKeyBytes> bytes() { return bytes_; }

    /// In a time that does not depend on the bytes.
    friend bool operator==(const Secret& a, const Secret& b);

  private:
    std::array<std::byte, kKeyBytes> bytes_{};
};

}  // namespace spread::sealing
