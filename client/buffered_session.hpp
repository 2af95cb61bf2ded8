#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "client/codec/error.hpp"
#include "client/codec/frame_buffer.hpp"
#include "client/codec/requests.hpp"
#include "client/connection.hpp"

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
    [[nodiscard]] std::size_t unsent() const { return out_.size() - sent_; }

    /// Reads once and calls `consume(const MessageView&)` for each whole message. Returns the bytes
    /// read; 0 when there were none.
    template <typename Consume>
    [[nodiscard]] Result<std::size_t> receive(Consume&& consume) {
        const auto count = read_once();
        if (!count) {
            return count;
        }
        if (auto parsed = drain(consume); !parsed) {
            return tl::unexpected(parsed.error());
        }
        return count;
    }

    /// Asks the daemon to end the session, as far as the socket takes it, and closes.
    void disconnect();

    [[nodiscard]] const protocol::NameField& private_group() const {
        return connection_.private_group;
    }
    [[nodiscard]] int descriptor() const { return connection_.socket.get(); }

  private:
    [[nodiscard]] Result<std::size_t> read_once();
    /// Writes at once when nothing waits before it, else queues; the stock style's way out.
    [[nodiscard]] Result<void> write_or_queue(std::span<const std::byte> bytes);

    void drop_sent_prefix();

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
    Bytes out_;
    std::size_t sent_ = 0;  // bytes of out_ the kernel has
    Bytes head_;            // scratch of the stock style
};

}  // namespace spread::client
