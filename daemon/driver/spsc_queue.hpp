#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <utility>
#include <vector>

namespace spread::driver {

inline constexpr std::size_t kCacheLineBytes = 64;

/// Bounded queue between exactly one producing and one consuming thread, without locks.
///
/// Each side owns one index and keeps a stale copy of the other's, so that it reads the other
/// side's cache line only when the queue looks full or empty. Values live in the slots until
/// popped; popping leaves a default-constructed value behind, so that resources are given up at
/// once.
template <typename T>
class SpscQueue {
  public:
    /// Room for `capacity` values, rounded up to a power of two.
    explicit SpscQueue(std::size_t capacity)
        : slots_(std::bit_ceil(capacity < 2 ? std::size_t{2} : capacity)),
          mask_(slots_.size() - 1) {}
    SpscQueue(const SpscQueue&) = delete;
    SpscQueue& operator=(const SpscQueue&) = delete;

    /// Producer: moves from `value` only when there was room.
    [[nodiscard]] bool try_push(T&& value) {
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        if (tail - head_seen_ == slots_.size()) {
            head_seen_ = head_.load(std::memory_order_acquire);
            if (tail - head_seen_ == slots_.size()) {
                return false;
            }
        }
        slots_[tail & mask_] = std::move(value);
        tail_.store(tail + 1, std::memory_order_release);
        return true;
    }

    /// Consumer: the oldest value, or null. Stays until pop().
    [[nodiscard]] T* front() {
        const std::size_t head = head_.load(std::memory_order_relaxed);
        if (head == tail_seen_) {
            tail_seen_ = tail_.load(std::memory_order_acquire);
            if (head == tail_seen_) {
                return nullptr;
            }
        }
        return &slots_[head & mask_];
    }

    /// Consumer: drops what front() returned.
    void pop() {
        const std::size_t head = head_.load(std::memory_order_relaxed);
        slots_[head & mask_] = T();
        head_.store(head + 1, std::memory_order_release);
    }

    /// Either side; the other may be changing it right now.
    [[nodiscard]] std::size_t size() const {
        const std::size_t head = head_.load(std::memory_order_acquire);
        return tail_.load(std::memory_order_acquire) - head;
    }
    [[nodiscard]] bool empty() const { return size() == 0; }
    [[nodiscard]] std::size_t capacity() const { return slots_.size(); }

  private:
    std::vector<T> slots_;
    std::size_t mask_;
    // Producer's line.
    alignas(kCacheLineBytes) std::atomic<std::size_t> tail_{0};
    std::size_t head_seen_ = 0;
    // Consumer's line.
    alignas(kCacheLineBytes) std::atomic<std::size_t> head_{0};
    std::size_t tail_seen_ = 0;
};

}  // namespace spread::driver
