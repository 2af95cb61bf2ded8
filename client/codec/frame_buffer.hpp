#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "client/codec/error.hpp"
#include "client/codec/message_view.hpp"

namespace spread::client {

/// Bytes of one stream on their way to becoming messages. Filled by large reads, parsed in place:
///
///     const auto room = frames.room();
///     frames.commit(read(descriptor, room));
///     while (auto message = frames.next(); message && *message) { ... }
///
/// Views handed out stay valid until the next call of room().
class FrameBuffer {
  public:
    static constexpr std::size_t kDefaultBytes = 64 * 1024;

    explicit FrameBuffer(std::size_t bytes = kDefaultBytes) : storage_(bytes) {}

    /// Where the next bytes go; never empty. Grows when a message needs it.
    [[nodiscard]] std::span<std::byte> room();
    void commit(std::size_t bytes) { end_ += bytes; }
    /// Bytes that arrived by another way.
    void append(std::span<const std::byte> bytes);

    /// The next whole message; nothing while bytes are missing; kIllegalMessage for counts no
    /// daemon sends, after which the stream is lost.
    [[nodiscard]] Result<std::optional<MessageView>> next();

    /// How many bytes the stock library would ask for now: those missing from the header, then
    /// from the group list, then from the body.
    [[nodiscard]] std::size_t bytes_wanted() const;
    /// Whether next() has something to say: a message, or that there will be none.
    [[nodiscard]] bool has_message() const;
    [[nodiscard]] std::size_t buffered() const { return end_ - begin_; }

  private:
    [[nodiscard]] std::span<const std::byte> pending() const {
        return std::span(storage_).subspan(begin_, buffered());
    }

    std::vector<std::byte> storage_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::size_t needed_ = 0;  // size of the message whose header is in, else of a header
};

}  // namespace spread::client
