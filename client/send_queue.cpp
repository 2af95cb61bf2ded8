#include "client/send_queue.hpp"

#include "protocol/session_wire.hpp"

namespace spread::client {

std::size_t first_frame_bytes(std::span<const std::byte> bytes) {
    return protocol::frame_bytes(
        protocol::decode_session_header(bytes.first<protocol::kSessionHeaderBytes>()));
}

void SendQueue::consume(std::size_t count) {
    sent_ += count;
    if (sent_ == bytes_.size()) {
        bytes_.clear();
        sent_ = 0;
        boundary_ = 0;
        frames_ = 0;
        return;
    }
    // Only a socket that is full gets us here, so walking over the headers costs nothing that
    // matters.
    while (frames_ > 0) {
        const std::size_t end = boundary_ + first_frame_bytes(unsent_frames());
        if (end > sent_) {
            break;
        }
        boundary_ = end;
        --frames_;
    }
    if (frames_ == 0) {
        boundary_ = sent_;  // somebody queues pieces of frames and does not want to know
    }
    // Under steady back-pressure the queue never runs empty, but it must not grow.
    constexpr std::size_t kWorthMoving = 256 * 1024;
    if (boundary_ >= kWorthMoving) {
        bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(boundary_));
        sent_ -= boundary_;
        boundary_ = 0;
    }
}

}  // namespace spread::client
