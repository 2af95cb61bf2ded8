#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "client/codec/error.hpp"
#include "client/codec/frame_buffer.hpp"
#include "client/codec/requests.hpp"
#include "client/connection.hpp"
#include "client/send_queue.hpp"

namespace spread::client {

/// How a BufferedSession uses its socket.
enum class IoStyle : std::uint8_t {
    kBuffered,  ///< writes gathered until flush(), reads of 64 KiB
    /// As the stock library does: header with groups, then body, are written at once and apart;
    /// header, groups and body are read one by one. For measuring daemons under unchanged clients.
    kStock
};

/// A session for load: never blocks, gathers small writes, parses large reads where they lie. The
/// caller owns the event loop: wait for readability, and for writability while unsent() > 0.
class BufferedSession {
  public:
    explicit BufferedSession(Connection connection, IoStyle style = IoStyle::kBuffered);

    [[nodiscard]] Result<void> join(std::string_view group);
    [[nodiscard]] Result<void> leave(std::string_view group);
    [[nodiscard]] Result<void> multicast(const Multicast& multicast);

    /// Gives the kernel what it takes; returns the bytes still unsent.
    [[nodiscard]] Result<std::size_t> flush();
    [[nodiscard]] std::size_t unsent() const { return queue_.size(); }
    /// What is queued; frames() and unsent_frames() only mean something in the buffered style.
    [[nodiscard]] const SendQueue& queue() const { return queue_; }

    /// Reads once and calls `consume(const MessageView&)` for each whole message. Returns the bytes
    /// read; 0 when there were none.
    template <typename Consume>
    [[nodiscard]] Result<std::size_t> receive(Consume&& consume) {
        const auto count = read();
        if (!count) {
            return count;
        }
        if (auto parsed = drain(consume); !parsed) {
            return tl::unexpected(parsed.error());
        }
        return count;
    }

    /// The two halves of receive(), for callers that want one message at a time: read() once, then
    /// next() until it has no more. Views live until the next read().
    [[nodiscard]] Result<std::size_t> read();
    [[nodiscard]] Result<std::optional<MessageView>> next() { return frames_.next(); }
    /// The last read got less than it asked for: there was no more.
    [[nodiscard]] bool was_short_read() const { return was_short_read_; }
    [[nodiscard]] const FrameBuffer& frames() const { return frames_; }

    /// Asks the daemon to end the session, as far as the socket takes it, and closes.
    void disconnect();

    [[nodiscard]] const protocol::NameField& private_group() const {
        return connection_.private_group;
    }
    [[nodiscard]] protocol::SpreadVersion daemon_version() const {
        return connection_.daemon_version;
    }
    [[nodiscard]] int descriptor() const { return connection_.socket.get(); }

  private:
    [[nodiscard]] Result<std::size_t> read_pending(std::size_t count);
    [[nodiscard]] Result<void> queued(Result<void> appended);
    /// Writes at once when nothing waits before it, else queues; the stock style's way out.
    [[nodiscard]] Result<void> write_or_queue(std::span<const std::byte> bytes);

    template <typename Consume>
    [[nodiscard]] Result<void> drain(Consume& consume) {
        while (true) {
            const auto message = frames_.next();
            if (!message) {
                return tl::unexpected(message.error());
            }
            if (!*message) {
                return {};
            }
            consume(**message);
        }
    }

    Connection connection_;
    IoStyle style_;
    FrameBuffer frames_;
    SendQueue queue_;
    bool was_short_read_ = false;
    Bytes head_;  // scratch of the stock style
};

}  // namespace spread::client
