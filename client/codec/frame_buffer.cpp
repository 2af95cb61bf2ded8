#include "client/codec/frame_buffer.hpp"

#include <algorithm>
#include <string>

namespace spread::client {

namespace {

using protocol::kNameFieldBytes;
using protocol::kSessionHeaderBytes;

}  // namespace

std::span<std::byte> FrameBuffer::room() {
    if (begin_ == end_) {
        begin_ = 0;
        end_ = 0;
    }
    const std::size_t needed = std::max(needed_, kSessionHeaderBytes);
    // Moving the rest of an incomplete message to the front costs less than reading in slivers.
    if (begin_ > 0 &&
        (begin_ + needed > storage_.size() || storage_.size() - end_ < storage_.size() / 4)) {
        std::copy(storage_.begin() + static_cast<std::ptrdiff_t>(begin_),
                  storage_.begin() + static_cast<std::ptrdiff_t>(end_), storage_.begin());
        end_ -= begin_;
        begin_ = 0;
    }
    if (end_ == storage_.size()) {
        // Doubling keeps memory in proportion to what was really received.
        storage_.resize(storage_.size() * 2);
    }
    return std::span(storage_).subspan(end_);
}

void FrameBuffer::append(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const auto place = room();
        const auto count = std::min(place.size(), bytes.size());
        std::copy_n(bytes.begin(), count, place.begin());
        commit(count);
        bytes = bytes.subspan(count);
    }
}

Result<std::optional<MessageView>> FrameBuffer::next() {
    const auto bytes = pending();
    if (bytes.size() < kSessionHeaderBytes) {
        needed_ = kSessionHeaderBytes;
        return std::nullopt;
    }
    MessageView message;
    message.header = protocol::decode_session_header(bytes.first<kSessionHeaderBytes>());
    const auto& header = message.header;
    const auto behind = bytes_behind(header);
    if (!behind) {
        return fail(ErrorCode::kIllegalMessage,
                    "the daemon announced a message with " + std::to_string(header.num_groups) +
                        " groups and " + std::to_string(header.data_len) + " bytes");
    }
    const std::size_t total = kSessionHeaderBytes + *behind;
    if (bytes.size() < total) {
        needed_ = total;
        return std::nullopt;
    }
    auto rest = bytes.subspan(kSessionHeaderBytes, total - kSessionHeaderBytes);
    message.type = header.type;
    if (message.is_reject()) {
        message.type = reject_type(header.order, rest.first<kOldTypeBytes>());
        rest = rest.subspan(kOldTypeBytes);
    }
    const std::size_t group_bytes = kNameFieldBytes * static_cast<std::size_t>(header.num_groups);
    message.groups = rest.first(group_bytes);
    message.body = rest.subspan(group_bytes);
    begin_ += total;
    needed_ = kSessionHeaderBytes;
    return message;
}

bool FrameBuffer::has_message() const {
    const auto bytes = pending();
    if (bytes.size() < kSessionHeaderBytes) {
        return false;
    }
    const auto header = protocol::decode_session_header(bytes.first<kSessionHeaderBytes>());
    const auto behind = bytes_behind(header);
    return !behind || kSessionHeaderBytes + *behind <= bytes.size();
}

std::size_t FrameBuffer::bytes_wanted() const {
    const auto bytes = pending();
    if (bytes.size() < kSessionHeaderBytes) {
        return kSessionHeaderBytes - bytes.size();
    }
    const auto header = protocol::decode_session_header(bytes.first<kSessionHeaderBytes>());
    const auto behind = bytes_behind(header);
    if (!behind) {
        return 1;
    }
    const std::size_t total = kSessionHeaderBytes + *behind;
    const std::size_t body_start = total - static_cast<std::size_t>(header.data_len);
    if (bytes.size() < body_start) {
        return body_start - bytes.size();
    }
    return bytes.size() < total ? total - bytes.size() : 1;
}

}  // namespace spread::client
