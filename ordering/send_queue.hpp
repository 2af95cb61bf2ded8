#pragma once

#include <cstddef>

#include "ordering/submission.hpp"
#include "protocol/fifo.hpp"

namespace spread::ordering {

/// Messages waiting for a token visit, in three lanes: control messages (group state) go first and
/// are never held back; then those ahead, then ordinary ones, both of which wait while the queue is
/// paused after a configuration change.
///
/// A message stays here until its last piece is stamped. If the ring breaks half-way through one,
/// rewind() makes it start again on the next ring; receivers discard the half (GS 3.4).
class SendQueue {
  public:
    SendQueue(std::size_t messages_max, std::size_t bytes_max)
        : messages_max_(messages_max), bytes_max_(bytes_max) {}

    /// For ordinary messages. The others always have room: there are few, and control messages must
    /// not be lost.
    [[nodiscard]] bool has_room() const {
        return normal_.size() < messages_max_ && bytes_ < bytes_max_;
    }
    void push(Submission&& submission);

    /// The message to send from now, or null when nothing may be sent.
    [[nodiscard]] Submission* current();
    /// Bytes of current() already stamped.
    [[nodiscard]] std::size_t offset() const { return offset_; }
    /// Marks `bytes` more of current() as stamped; at its end it leaves the queue.
    void advance(std::size_t bytes);
    /// Takes current() out whole (a ring of one); it must not be partly stamped.
    [[nodiscard]] Submission take_current();
    /// Forgets the stamped part of current().
    void rewind() {
        offset_ = 0;
        in_progress_ = nullptr;
    }

    void pause() { paused_ = true; }
    void resume() { paused_ = false; }

    /// True when a token visit would find something to send.
    [[nodiscard]] bool has_sendable() const {
        return !control_.empty() || (!paused_ && !(ahead_.empty() && normal_.empty()));
    }
    /// Bytes a token visit could send.
    [[nodiscard]] std::size_t sendable_bytes() const {
        return control_bytes_ + (paused_ ? 0 : bytes_) - offset_;
    }
    [[nodiscard]] std::size_t messages() const {
        return control_.size() + ahead_.size() + normal_.size();
    }
    [[nodiscard]] std::size_t sendable_messages() const {
        return control_.size() + (paused_ ? 0 : ahead_.size() + normal_.size());
    }
    [[nodiscard]] std::size_t ahead_messages() const { return ahead_.size(); }
    [[nodiscard]] std::size_t ordinary_messages() const { return normal_.size(); }

  private:
    using Lane = protocol::Fifo<Submission>;
    /// Which one current() is the front of when none is partly stamped; null when there is none.
    [[nodiscard]] Lane* next_lane();
    void pop(Lane& lane);

    std::size_t messages_max_;
    std::size_t bytes_max_;
    Lane control_;
    Lane ahead_;
    Lane normal_;
    std::size_t control_bytes_ = 0;
    std::size_t bytes_ = 0;  ///< in the other two
    std::size_t offset_ = 0;
    Lane* in_progress_ = nullptr;  ///< lane whose front is partly stamped
    bool paused_ = false;
};

}  // namespace spread::ordering
