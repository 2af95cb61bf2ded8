#include "daemon/clients/outbound_queue.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <climits>
#include <vector>

#include "protocol/assert.hpp"

namespace spread::daemon {

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

std::size_t OutboundQueue::gather(std::span<iovec> slices) const {
    std::size_t used = 0;
    std::size_t skip = head_sent_;
    for (const FrameRef& frame : frames_) {
        const protocol::Message& message = frame.bytes();
        for (std::size_t i = 0; i < message.slice_count(); ++i) {
            const auto bytes = message.slice(i).bytes();
            if (skip >= bytes.size()) {
                skip -= bytes.size();
                continue;
            }
            if (used == slices.size()) {
                return used;
            }
            // The kernel only reads it; iovec has no const form.
            slices[used++] = {const_cast<std::byte*>(bytes.data() + skip), bytes.size() - skip};
            skip = 0;
        }
    }
    return used;
}

std::size_t OutboundQueue::bytes_left() const {
    std::size_t bytes = 0;
    for (const FrameRef& frame : frames_) {
        bytes += frame.bytes().size();
    }
    return bytes - head_sent_;
}

std::size_t OutboundQueue::consume(std::size_t bytes) {
    std::size_t messages = 0;
    head_sent_ += bytes;
    while (!frames_.empty() && head_sent_ >= frames_.front().bytes().size()) {
        head_sent_ -= frames_.front().bytes().size();
        frames_.pop_front();
        compact_ -= compact_ > 0 ? 1 : 0;
        ++messages;
    }
    SPREAD_ASSERT(!frames_.empty() || head_sent_ == 0);
    return messages;
}

FlushResult flush(int fd, OutboundQueue& queue, SentCount& sent) {
    std::array<iovec, IOV_MAX> slices;
    while (!queue.empty()) {
        msghdr header{};
        header.msg_iov = slices.data();
        header.msg_iovlen = queue.gather(slices);
        if (header.msg_iovlen == 0) {
            sent.messages += queue.consume(0);  // only empty messages are left
            continue;
        }
        const ssize_t count = ::sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0) {
            if (errno == EINTR) {
                continue;
            }
            return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS
                       ? FlushResult::kBlocked
                       : FlushResult::kFailed;
        }
        sent.bytes += static_cast<std::size_t>(count);
        sent.messages += queue.consume(static_cast<std::size_t>(count));
    }
    return FlushResult::kDone;
}

}  // namespace spread::daemon
