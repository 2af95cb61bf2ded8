#include "protocol/buffer.hpp"

#include <new>

namespace spread::protocol {
namespace {

// Buffer and its bytes share one allocation: the header first, then the data, aligned for any use.
constexpr std::size_t kHeaderBytes = (sizeof(Buffer) + alignof(std::max_align_t) - 1) /
                                     alignof(std::max_align_t) * alignof(std::max_align_t);

std::byte* allocate_block(std::size_t capacity) {
    return static_cast<std::byte*>(::operator new(kHeaderBytes + capacity));
}

void free_block(Buffer* buffer) {
    buffer->~Buffer();
    ::operator delete(static_cast<void*>(buffer));
}

}  // namespace

BufferRef BufferRef::allocate(std::size_t capacity) {
    std::byte* block = allocate_block(capacity);
    return BufferRef(new (block) Buffer(block + kHeaderBytes, capacity, nullptr));
}

void BufferRef::release(Buffer* buffer) {
    if (buffer->pool_ != nullptr) {
        buffer->pool_->give_back(buffer);
    } else {
        free_block(buffer);
    }
}

BufferPool::BufferPool(std::size_t block_bytes, std::size_t blocks_max)
    : block_bytes_(block_bytes), blocks_max_(blocks_max) {}

BufferPool::~BufferPool() {
    SPREAD_ASSERT(in_use_.load() == 0);
    for (Buffer* list : {free_, returned_.exchange(nullptr)}) {
        while (list != nullptr) {
            Buffer* next = list->next_;
            free_block(list);
            list = next;
        }
    }
}

BufferRef BufferPool::acquire() {
    if (free_ == nullptr) {
        free_ = returned_.exchange(nullptr, std::memory_order_acquire);
    }
    Buffer* buffer = free_;
    if (buffer != nullptr) {
        free_ = buffer->next_;
        buffer->next_ = nullptr;
        buffer->references_.store(1, std::memory_order_relaxed);
    } else {
        if (allocated_ == blocks_max_) {
            return {};
        }
        std::byte* block = allocate_block(block_bytes_);
        buffer = new (block) Buffer(block + kHeaderBytes, block_bytes_, this);
        ++allocated_;
    }
    in_use_.fetch_add(1, std::memory_order_relaxed);
    return BufferRef(buffer);
}

BufferRef BufferPool::acquire_or_heap() {
    BufferRef buffer = acquire();
    return buffer ? std::move(buffer) : BufferRef::allocate(block_bytes_);
}

void BufferPool::give_back(Buffer* buffer) {
    Buffer* head = returned_.load(std::memory_order_relaxed);
    do {
        buffer->next_ = head;
    } while (!returned_.compare_exchange_weak(head, buffer, std::memory_order_release,
                                              std::memory_order_relaxed));
    in_use_.fetch_sub(1, std::memory_order_release);
}

}  // namespace spread::protocol
