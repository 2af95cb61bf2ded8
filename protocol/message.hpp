#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "protocol/buffer.hpp"

namespace spread::protocol {

/// The bytes of one message as a chain of slices: one for a small message, one per packet for a
/// fragmented one. Move-friendly; copying copies references, never bytes. Up to two slices, as of a
/// message no longer than a packet, stand in the object itself; only more take memory of their own.
class Message {
  public:
    Message() = default;
    explicit Message(Slice slice) { append(std::move(slice)); }

    void append(Slice slice) {
        if (!slice.buffer) {
            return;
        }
        size_ += slice.length;
        if (!first_.buffer) {
            first_ = std::move(slice);
        } else if (!second_.buffer) {
            second_ = std::move(slice);
        } else {
            rest_.push_back(std::move(slice));
        }
    }

    /// Makes room for a chain of `slices`, so that appending them allocates once at most.
    void reserve(std::size_t slices) { rest_.reserve(slices > 2 ? slices - 2 : 0); }

    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] std::size_t slice_count() const {
        return !first_.buffer ? 0 : !second_.buffer ? 1 : 2 + rest_.size();
    }
    [[nodiscard]] const Slice& slice(std::size_t index) const {
        return index == 0 ? first_ : index == 1 ? second_ : rest_[index - 2];
    }

    /// Copies bytes [offset, offset + destination.size()) of the chain; returns how many were
    /// there.
    // NOLINTNEXTLINE(modernize-use-nodiscard): who knows the size need not look at it
    std::size_t copy_to(std::span<std::byte> destination, std::size_t offset = 0) const {
        std::size_t done = 0;
        for (std::size_t i = 0; i < slice_count() && done < destination.size(); ++i) {
            const auto bytes = slice(i).bytes();
            if (offset >= bytes.size()) {
                offset -= bytes.size();
                continue;
            }
            const auto count = std::min(bytes.size() - offset, destination.size() - done);
            std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), count,
                        destination.begin() + static_cast<std::ptrdiff_t>(done));
            done += count;
            offset = 0;
        }
        return done;
    }

    /// The whole message in one span: in place when it is one slice, else copied into `scratch`.
    [[nodiscard]] std::span<const std::byte> contiguous(std::vector<std::byte>& scratch) const {
        if (slice_count() <= 1) {
            return first_.bytes();
        }
        scratch.resize(size_);
        copy_to(scratch);
        return scratch;
    }

    void clear() {
        first_ = Slice{};
        second_ = Slice{};
        rest_.clear();
        size_ = 0;
    }

  private:
    Slice first_;
    Slice second_;
    std::vector<Slice> rest_;
    std::size_t size_ = 0;
};

/// A message holding a copy of `bytes` in a heap buffer of its own.
[[nodiscard]] inline Message make_message(std::span<const std::byte> bytes) {
    BufferRef buffer = BufferRef::allocate(std::max<std::size_t>(bytes.size(), 1));
    std::copy(bytes.begin(), bytes.end(), buffer->data());
    return Message(Slice{std::move(buffer), 0, static_cast<std::uint32_t>(bytes.size())});
}

}  // namespace spread::protocol
