#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace spread::driver {

/// Numbers that one thread publishes now and then and any other may read, as they were at one
/// moment. The writer never waits; a reader that meets it at work looks again (a sequence lock).
template <std::size_t kCount>
class Snapshot {
  public:
    using Values = std::array<std::uint64_t, kCount>;

    /// One thread at a time.
    void publish(const Values& values) {
        const std::uint64_t version = version_.load(std::memory_order_relaxed);
        version_.store(version + 1, std::memory_order_relaxed);
        for (std::size_t i = 0; i < kCount; ++i) {
            values_[i].store(values[i], std::memory_order_release);  // after the odd version
        }
        version_.store(version + 2, std::memory_order_release);
    }

    /// All 0 before the first publication.
    [[nodiscard]] Values read() const {
        Values values{};
        for (;;) {
            const std::uint64_t before = version_.load(std::memory_order_acquire);
            for (std::size_t i = 0; i < kCount; ++i) {
                values[i] = values_[i].load(std::memory_order_acquire);  // before the version
            }
            if (before % 2 == 0 && version_.load(std::memory_order_relaxed) == before) {
                return values;
            }
        }
    }

  private:
    std::atomic<std::uint64_t> version_{0};  ///< odd while values are being written
    std::array<std::atomic<std::uint64_t>, kCount> values_{};
};

}  // namespace spread::driver
