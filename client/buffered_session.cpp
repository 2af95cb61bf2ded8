#include "client/buffered_session.hpp"

#include <algorithm>

namespace spread::client {

BufferedSession::BufferedSession(Connection connection, IoStyle style)
    : connection_(std::move(connection)), style_(style) {
    frames_.append(connection_.early_bytes);
}

Result<void> BufferedSession::queued(Result<void> appended) {
    if (appended) {
        queue_.added();
    }
    return appended;
}

Result<void> BufferedSession::join(std::string_view group) {
    return queued(append_join(queue_.tail(), connection_.private_group, group));
}

Result<void> BufferedSession::leave(std::string_view group) {
    return queued(append_leave(queue_.tail(), connection_.private_group, group));
}

Result<void> BufferedSession::multicast(const Multicast& multicast) {
    if (style_ == IoStyle::kBuffered) {
        return queued(append_multicast(queue_.tail(), connection_.private_group, multicast));
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
        const auto written = connection_.write(bytes);
        if (!written) {
            return tl::unexpected(written.error());
        }
        bytes = bytes.subspan(*written);
    }
    queue_.tail().insert(queue_.tail().end(), bytes.begin(), bytes.end());
    return {};
}

Result<std::size_t> BufferedSession::flush() {
    while (unsent() > 0) {
        const auto written = connection_.write(queue_.pending());
        if (!written) {
            return written;
        }
        if (*written == 0) {
            return unsent();
        }
        queue_.consume(*written);
    }
    return std::size_t{0};
}

Result<std::size_t> BufferedSession::read() {
    auto room = frames_.room();
    if (style_ == IoStyle::kStock) {
        room = room.first(std::min(room.size(), frames_.bytes_wanted()));
    }
    auto count = connection_.read(room);
    if (count) {
        frames_.commit(*count);
        was_short_read_ = *count < room.size();
    }
    if (connection_.tls && count) {
        return read_pending(*count);
    }
    return count;
}

/// What is left of a record whose first part has been read: nothing else shows that it is there.
Result<std::size_t> BufferedSession::read_pending(std::size_t count) {
    while (connection_.tls->pending() > 0) {
        const auto room = frames_.room();
        const auto more =
            connection_.tls->read(room.first(std::min(room.size(), tls::kRecordBytes)));
        if (!more || *more == 0) {
            break;
        }
        frames_.commit(*more);
        count += *more;
    }
    // An end that came with the last record is told by the next read.
    was_short_read_ = false;
    return count;
}

void BufferedSession::disconnect() {
    if (!connection_.socket) {
        return;
    }
    append_kill(queue_.tail(), connection_.private_group);
    queue_.added();
    static_cast<void>(flush());
    if (connection_.tls) {
        connection_.tls->close();
    }
    connection_.socket.reset();
}

}  // namespace spread::client
