#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "protocol/assert.hpp"

namespace spread::protocol {

class BufferPool;
class BufferRef;

/// A block of bytes, filled once and immutable once shared. Owned through BufferRef by an intrusive
/// atomic reference count, so that a received datagram travels from the ring thread to any number
/// of client queues without a copy.
class Buffer {
  public:
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    [[nodiscard]] std::size_t capacity() const { return capacity_; }
    [[nodiscard]] std::byte* data() { return data_; }
    [[nodiscard]] const std::byte* data() const { return data_; }

  private:
    friend class BufferPool;
    friend class BufferRef;

    Buffer(std::byte* data, std::size_t capacity, BufferPool* pool)
        : data_(data), capacity_(capacity), pool_(pool) {}

    std::atomic<std::uint32_t> references_{1};
    std::byte* data_;
    std::size_t capacity_;
    BufferPool* pool_;        // null: a heap block of its own
    Buffer* next_ = nullptr;  // free-list link
};

/// Shared ownership of a Buffer. Copying costs one relaxed atomic increment.
class BufferRef {
  public:
    BufferRef() = default;
    BufferRef(const BufferRef& other) : buffer_(other.buffer_) {
        if (buffer_ != nullptr) {
            buffer_->references_.fetch_add(1, std::memory_order_relaxed);
        }
    }
    BufferRef(BufferRef&& other) noexcept : buffer_(std::exchange(other.buffer_, nullptr)) {}
    BufferRef& operator=(const BufferRef& other) {
        BufferRef copy(other);
        std::swap(buffer_, copy.buffer_);
        return *this;
    }
    BufferRef& operator=(BufferRef&& other) noexcept {
        std::swap(buffer_, other.buffer_);
        return *this;
    }
    ~BufferRef() { reset(); }

    /// A heap block of `capacity` bytes, contents undefined.
    [[nodiscard]] static BufferRef allocate(std::size_t capacity);

    void reset() {
        if (buffer_ != nullptr &&
            buffer_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            release(buffer_);
        }
        buffer_ = nullptr;
    }

    [[nodiscard]] explicit operator bool() const { return buffer_ != nullptr; }
    [[nodiscard]] Buffer* operator->() const { return buffer_; }
    [[nodiscard]] Buffer& operator*() const { return *buffer_; }
    /// True when nobody else holds the buffer, so that it may be written again.
    [[nodiscard]] bool unique() const {
        return buffer_ != nullptr && buffer_->references_.load(std::memory_order_acquire) == 1;
    }

  private:
    friend class BufferPool;
    explicit BufferRef(Buffer* adopted) : buffer_(adopted) {}
    static void release(Buffer* buffer);

    Buffer* buffer_ = nullptr;
};

/// Fixed-size blocks recycled without locks. One thread acquires; any thread may drop the last
/// reference. The pool must outlive its buffers; its destructor asserts that all have come back.
class BufferPool {
  public:
    /// Blocks of `block_bytes`; at most `blocks_max` outstanding. Blocks are allocated on first
    /// use.
    BufferPool(std::size_t block_bytes, std::size_t blocks_max);
    ~BufferPool();
    BufferPool(const BufferPool&) = delete;
    BufferPool& operator=(const BufferPool&) = delete;

    /// A block with undefined contents, or an empty reference when `blocks_max` are in use.
    [[nodiscard]] BufferRef acquire();

    /// Like acquire(), but falls back to a heap block: for rare paths that must not fail.
    [[nodiscard]] BufferRef acquire_or_heap();

    [[nodiscard]] std::size_t block_bytes() const { return block_bytes_; }
    [[nodiscard]] std::size_t blocks_in_use() const {
        return in_use_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::size_t blocks_max() const { return blocks_max_; }

  private:
    friend class BufferRef;
    void give_back(Buffer* buffer);

    std::size_t block_bytes_;
    std::size_t blocks_max_;
    std::size_t allocated_ = 0;
    std::atomic<std::size_t> in_use_{0};
    Buffer* free_ = nullptr;                  // owner thread only
    std::atomic<Buffer*> returned_{nullptr};  // pushed by any thread, taken whole by the owner
};

/// Part of a Buffer, sharing its ownership.
struct Slice {
    BufferRef buffer;
    std::uint32_t offset = 0;
    std::uint32_t length = 0;

    [[nodiscard]] std::span<const std::byte> bytes() const {
        return buffer ? std::span<const std::byte>(buffer->data() + offset, length)
                      : std::span<const std::byte>();
    }
};

}  // namespace spread::protocol
