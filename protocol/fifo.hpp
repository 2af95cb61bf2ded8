#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "protocol/assert.hpp"

namespace spread::protocol {

/// A queue in a ring buffer that doubles when it is full and never shrinks. Unlike std::deque,
/// which gets and frees a block every few values, it allocates nothing once it has been as long as
/// it gets.
template <typename T>
class Fifo {
  public:
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] std::size_t size() const { return size_; }

    [[nodiscard]] T& front() {
        SPREAD_ASSERT(size_ > 0);
        return slots_[head_];
    }
    [[nodiscard]] const T& front() const {
        SPREAD_ASSERT(size_ > 0);
        return slots_[head_];
    }

    void push_back(T&& value) {
        if (size_ == slots_.size()) {
            grow();
        }
        slots_[index(size_)] = std::move(value);
        ++size_;
    }

    /// Leaves a default-constructed value behind, so that resources are given up at once.
    void pop_front() {
        SPREAD_ASSERT(size_ > 0);
        slots_[head_] = T();
        head_ = index(1);
        --size_;
    }

  private:
    static constexpr std::size_t kFirstCapacity = 16;

    /// The number of slots is a power of two.
    [[nodiscard]] std::size_t index(std::size_t at) const {
        return (head_ + at) & (slots_.size() - 1);
    }

    void grow() {
        std::vector<T> larger(slots_.empty() ? kFirstCapacity : 2 * slots_.size());
        for (std::size_t i = 0; i < size_; ++i) {
            larger[i] = std::move(slots_[index(i)]);
        }
        slots_ = std::move(larger);
        head_ = 0;
    }

    std::vector<T> slots_;
    std::size_t head_ = 0;
    std::size_t size_ = 0;
};

}  // namespace spread::protocol
