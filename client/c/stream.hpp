#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>

#include "client/c/pieces.hpp"

namespace spread::c_api {

using Clock = std::chrono::steady_clock;
/// Nothing: no limit.
using Deadline = std::optional<Clock::time_point>;

enum class IoResult : std::uint8_t {
    kDone,
    kEnded,   ///< end of the stream or an error; errno says which error
    kClosed,  ///< close() was called, here or while waiting
    kTimedOut
};

/// Waits for `events` of poll() on one descriptor; signals do not end it. kEnded for a bad one.
[[nodiscard]] IoResult wait_for(int descriptor, short events, const Deadline& deadline);

/// The connection of a mailbox: blocking reads and writes that never leave anything half done
/// unless the connection ends, that can be woken, and that work whatever flags the program sets
/// on the descriptor. One reader and one writer at a time.
///
/// Calls do not block in the kernel but in poll(), together with a wake-up descriptor that exists
/// from the first wait on. In a forked child it is a new one: the parent's must not wake the child.
class Stream {
  public:
    /// Owns `descriptor`.
    explicit Stream(int descriptor) : descriptor_(descriptor) {}
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    Stream(Stream&&) = delete;
    Stream& operator=(Stream&&) = delete;

    /// Fills all of `into`. The number of system calls is one when the bytes are there.
    [[nodiscard]] IoResult read(Pieces& into);
    /// Writes all of `from`.
    [[nodiscard]] IoResult write(Pieces& from);
    /// Gives the kernel what it takes at once.
    void write_some(const Pieces& from) const;
    /// Bytes that wait in the kernel; 0 also when it does not say.
    [[nodiscard]] int waiting() const;

    /// Wakes who waits; from now on nobody waits any more. The descriptor stays open.
    void close();
    [[nodiscard]] bool is_closed() const { return closed_.load(); }
    /// The number belongs to somebody else by now: it is not closed by us.
    void disown() { descriptor_ = -1; }
    /// In a forked child, where only the calling thread is left.
    void after_fork();

    [[nodiscard]] int descriptor() const { return descriptor_; }

  private:
    [[nodiscard]] IoResult wait(short events);
    [[nodiscard]] int wake_descriptor();

    int descriptor_;
    std::atomic<bool> closed_{false};
    std::mutex wake_mutex_;  // guards wake_
    int wake_ = -1;          // an eventfd
};

}  // namespace spread::c_api
