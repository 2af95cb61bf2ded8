#include "daemon/session/outbound_queue.hpp"

#include <algorithm>

#include "protocol/assert.hpp"

namespace spread::session {
namespace {

/// Room that a queue keeps when it is empty, and written frames it keeps before it moves the rest.
constexpr std::size_t kRoomKept = 1024;
constexpr std::size_t kWrittenKept = 64;

}  // namespace

void FrameRef::compact() const {
    constexpr std::size_t kSlack = 512;
    protocol::Message& bytes = frame_->bytes;
    std::size_t kept = 0;
    const protocol::Buffer* last = nullptr;
    for (std::size_t i = 0; i < bytes.slice_count(); ++i) {
        // The packets of one burst are neighbours in one buffer.
        const protocol::Buffer* buffer = &*bytes.slice(i).buffer;
        kept += buffer != last ? buffer->capacity() : 0;
        last = buffer;
    }
    if (kept > 2 * bytes.size() + kSlack) {
        std::vector<std::byte> scratch;
        bytes = protocol::make_message(bytes.contiguous(scratch));
    }
}

void OutboundQueue::clear() {
    if (frames_.capacity() > kRoomKept) {
        frames_ = {};
    } else {
        frames_.clear();
    }
    first_ = 0;
    head_sent_ = 0;
    bytes_left_ = 0;
    compact_ = 0;
}

std::size_t OutboundQueue::consume(std::size_t bytes) {
    SPREAD_ASSERT(bytes <= bytes_left_);
    const std::size_t before = first_;
    bytes_left_ -= bytes;
    head_sent_ += bytes;
    while (!empty() && head_sent_ >= frames_[first_].bytes().size()) {
        head_sent_ -= frames_[first_].bytes().size();
        frames_[first_] = {};
        ++first_;
    }
    const std::size_t messages = first_ - before;
    forget_written();
    return messages;
}

void OutboundQueue::forget_written() {
    if (empty()) {
        clear();
    } else if (first_ >= kWrittenKept && 2 * first_ >= frames_.size()) {
        frames_.erase(frames_.begin(), frames_.begin() + static_cast<std::ptrdiff_t>(first_));
        compact_ -= std::min(compact_, first_);
        first_ = 0;
    }
}

}  // namespace spread::session
