#include "client/buffered_session.hpp"

#include <algorithm>

namespace spread::client {

BufferedSession::BufferedSession(Connection connection, IoStyle style)
    : connection_(std::move(connection)), style_(style) {
    frames_.append(connection_.early_bytes);
}

Result<void> BufferedSession::join(std::string_view group) {
    return append_join(out_, connection_.private_group, group);
}

Result<void> BufferedSession::leave(std::string_view group) {
    return append_leave(out_, connection_.private_group, group);
}

Result<void> BufferedSession::multicast(const Multicast& multicast) {
    if (style_ == IoStyle::kBuffered) {
        return append_multicast(out_, connection_.private_group, multicast);
    }
    head_.clear();
    if (auto appended = append_multicast_head(head_, connection_.private_group, multicast);
        !appended) {
        return appended;
    }
    if (auto written = write_or_queue(head_); !written) {
        return written;
    }
    return write_or_queue(multicast.body);
}

Result<void> BufferedSession::write_or_queue(std::span<const std::byte> bytes) {
    if (unsent() == 0 && !bytes.empty()) {
        const auto written = write_some(connection_.socket.get(), bytes);
        if (!written) {
            return tl::unexpected(written.error());
        }
        bytes = bytes.subspan(*written);
    }
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    return {};
}

Result<std::size_t> BufferedSession::flush() {
    while (unsent() > 0) {
        const auto written =
            write_some(connection_.socket.get(), std::span<const std::byte>(out_).subspan(sent_));
        if (!written) {
            return written;
        }
        if (*written == 0) {
            drop_sent_prefix();
            return unsent();
        }
        sent_ += *written;
    }
    out_.clear();
    sent_ = 0;
    return std::size_t{0};
}

void BufferedSession::drop_sent_prefix() {
    // Under steady back-pressure the queue never runs empty; it must not grow for all that.
    constexpr std::size_t kWorthMoving = 256 * 1024;
    if (sent_ >= kWorthMoving) {
        out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(sent_));
        sent_ = 0;
    }
}

Result<std::size_t> BufferedSession::read_once() {
    auto room = frames_.room();
    if (style_ == IoStyle::kStock) {
        room = room.first(std::min(room.size(), frames_.bytes_wanted()));
    }
    const auto count = read_some(connection_.socket.get(), room);
    if (count) {
        frames_.commit(*count);
    }
    return count;
}

void BufferedSession::disconnect() {
    if (!connection_.socket) {
        return;
    }
    append_kill(out_, connection_.private_group);
    static_cast<void>(flush());
    connection_.socket.reset();
}

}  // namespace spread::client
