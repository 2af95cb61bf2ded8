#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "protocol/message.hpp"

namespace spread::session {

/// Bytes on their way to one or many clients, shared by all their queues. Counted without atomics:
/// frames never leave the session thread.
class FrameRef {
  public:
    FrameRef() = default;
    /// `account` grows by the frame's bytes as long as it lives, and must outlive it; may be null.
    explicit FrameRef(protocol::Message bytes, std::size_t* account = nullptr)
        : frame_(new Frame{std::move(bytes), 1, account}) {
        frame_->charge();
    }
    FrameRef(const FrameRef& other) : frame_(other.frame_) {
        if (frame_ != nullptr) {
            ++frame_->references;
        }
    }
    FrameRef(FrameRef&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    FrameRef& operator=(FrameRef other) noexcept {
        std::swap(frame_, other.frame_);
        return *this;
    }
    ~FrameRef() {
        if (frame_ != nullptr && --frame_->references == 0) {
            frame_->refund();
            delete frame_;
        }
    }

    [[nodiscard]] const protocol::Message& bytes() const { return frame_->bytes; }

    /// Copies a message out of buffers much larger than itself, for all that share it: a small
    /// message that waits long must not keep a whole packet or read block in use.
    void compact() const;

  private:
    struct Frame {
        protocol::Message bytes;
        std::uint32_t references;
        std::size_t* account;

        void charge() const {
            if (account != nullptr) {
                *account += bytes.size();
            }
        }
        void refund() const {
            if (account != nullptr) {
                *account -= bytes.size();
            }
        }
    };
    Frame* frame_ = nullptr;
};

/// Frames waiting for one client, none of them empty. Its limits are kept by Outbound.
class OutboundQueue {
  public:
    void push(FrameRef frame) {
        bytes_left_ += frame.bytes().size();
        frames_.push_back(std::move(frame));
    }
    void clear();
    /// Compacts every frame. For a queue whose frames may wait long.
    void compact() {
        for (compact_ = std::max(compact_, first_); compact_ < frames_.size(); ++compact_) {
            frames_[compact_].compact();
        }
    }
    [[nodiscard]] bool empty() const { return first_ == frames_.size(); }
    [[nodiscard]] std::size_t size() const { return frames_.size() - first_; }
    /// Not written yet.
    [[nodiscard]] std::size_t bytes_left() const { return bytes_left_; }

    /// Calls `take(slice, skip)` for slice after slice from where the last write ended, until it
    /// returns false. All bytes of the slice behind the first `skip` are to be written.
    template <typename Take>
    void for_each_slice(Take&& take) const {
        std::size_t skip = head_sent_;
        for (std::size_t at = first_; at < frames_.size(); ++at) {
            const protocol::Message& message = frames_[at].bytes();
            const std::size_t slices = message.slice_count();
            for (std::size_t i = 0; i < slices; ++i) {
                const protocol::Slice& slice = message.slice(i);
                if (skip >= slice.length) {
                    skip -= slice.length;
                    continue;
                }
                if (!take(slice, skip)) {
                    return;
                }
                skip = 0;
            }
        }
    }

    /// Drops `bytes` from the front, no more than are left; returns the messages completed by that.
    std::size_t consume(std::size_t bytes);

  private:
    void forget_written();

    /// Those before first_ are written and empty; they go when all or many are.
    std::vector<FrameRef> frames_;
    std::size_t first_ = 0;
    std::size_t head_sent_ = 0;  ///< bytes of the first frame already written
    std::size_t bytes_left_ = 0;
    std::size_t compact_ = 0;  ///< frames before this one are compact
};

}  // namespace spread::session
