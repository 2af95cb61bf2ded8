#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <utility>

#include "protocol/message.hpp"

namespace spread::daemon {

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

    /// Moves a message out of buffers much larger than itself, for all who share it: a small one
    /// that waits long must not keep a whole packet or read block.
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

/// Whole messages and bytes that went to the kernel.
struct SentCount {
    std::size_t messages = 0;
    std::size_t bytes = 0;
};

/// Frames waiting for one client. Its limits are kept by SessionCore, which is told what was sent.
class OutboundQueue {
  public:
    void push(FrameRef frame) { frames_.push_back(std::move(frame)); }
    void clear() {
        frames_.clear();
        head_sent_ = 0;
        compact_ = 0;
    }
    /// Compacts every frame: the queue will wait.
    void compact() {
        for (; compact_ < frames_.size(); ++compact_) {
            frames_[compact_].compact();
        }
    }
    [[nodiscard]] bool empty() const { return frames_.empty(); }
    [[nodiscard]] std::size_t size() const { return frames_.size(); }
    /// Not written yet.
    [[nodiscard]] std::size_t bytes_left() const;

    /// Fills `slices` with what comes next, from where the last write ended; returns how many.
    [[nodiscard]] std::size_t gather(std::span<iovec> slices) const;
    /// Drops `bytes` from the front; returns the messages completed by that.
    std::size_t consume(std::size_t bytes);

  private:
    std::deque<FrameRef> frames_;
    std::size_t head_sent_ = 0;  // bytes of the first frame already written
    std::size_t compact_ = 0;    // frames at the front that are compact
};

enum class FlushResult : std::uint8_t {
    kDone,     ///< the queue is empty
    kBlocked,  ///< the kernel takes no more now
    kFailed    ///< the peer is gone
};

/// Writes as much of `queue` as the non-blocking socket `fd` takes, in as few calls as possible;
/// `sent` grows by what was taken.
[[nodiscard]] FlushResult flush(int fd, OutboundQueue& queue, SentCount& sent);

}  // namespace spread::daemon
