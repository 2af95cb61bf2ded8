#include "client/c/stream.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <new>

namespace spread::c_api {

namespace {

/// How often who waits looks for close() when there is no wake-up descriptor to be had.
constexpr int kBlindWaitMs = 50;

constexpr std::size_t kScratchBytes = 4096;

/// recv() for one piece, as a header is: it costs less.
ssize_t receive_some(int descriptor, std::span<iovec> pieces) {
    if (pieces.size() == 1) {
        return recv(descriptor, pieces[0].iov_base, pieces[0].iov_len, MSG_DONTWAIT);
    }
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    return recvmsg(descriptor, &message, MSG_DONTWAIT);
}

bool is_not_ready(int error) {
    return error == EAGAIN || error == EWOULDBLOCK;
}

}  // namespace

IoResult wait_for(int descriptor, short events, const Deadline& deadline) {
    while (true) {
        int timeout = -1;
        if (deadline) {
            const auto left =
                std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count();
            timeout = static_cast<int>(std::clamp<decltype(left)>(left, 0, 1'000'000'000));
        }
        pollfd entry{descriptor, events, 0};
        const int count = poll(&entry, 1, timeout);
        if (count > 0) {
            if ((entry.revents & POLLNVAL) != 0) {
                errno = EBADF;
                return IoResult::kEnded;
            }
            return IoResult::kDone;
        }
        if (count == 0 && deadline && Clock::now() >= *deadline) {
            return IoResult::kTimedOut;
        }
        if (count < 0 && errno != EINTR) {
            return IoResult::kEnded;
        }
    }
}

Stream::~Stream() {
    if (descriptor_ >= 0) {
        static_cast<void>(::close(descriptor_));
    }
    if (wake_ >= 0) {
        static_cast<void>(::close(wake_));
    }
}

IoResult Stream::read(Pieces& into) {
    std::array<iovec, kPiecesMax> vectors;
    std::array<std::byte, kScratchBytes> scratch;
    while (!into.empty()) {
        if (is_closed()) {
            return IoResult::kClosed;
        }
        const ssize_t count = receive_some(descriptor_, into.next(vectors, scratch));
        if (count > 0) {
            into.advance(static_cast<std::size_t>(count));
            continue;
        }
        if (count == 0) {
            return IoResult::kEnded;
        }
        if (is_not_ready(errno)) {
            if (const auto waited = wait(POLLIN); waited != IoResult::kDone) {
                return waited;
            }
        } else if (errno != EINTR) {
            return IoResult::kEnded;
        }
    }
    return IoResult::kDone;
}

IoResult Stream::write(Pieces& from) {
    std::array<iovec, kPiecesMax> vectors;
    while (!from.empty()) {
        if (is_closed()) {
            return IoResult::kClosed;
        }
        const auto next = from.next(vectors, {});
        msghdr message{};
        message.msg_iov = next.data();
        message.msg_iovlen = next.size();
        const ssize_t count = sendmsg(descriptor_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count >= 0) {
            from.advance(static_cast<std::size_t>(count));
        } else if (is_not_ready(errno)) {
            if (const auto waited = wait(POLLOUT); waited != IoResult::kDone) {
                return waited;
            }
        } else if (errno != EINTR) {
            return IoResult::kEnded;
        }
    }
    return IoResult::kDone;
}

void Stream::write_some(const Pieces& from) const {
    std::array<iovec, kPiecesMax> vectors;
    const auto next = from.next(vectors, {});
    msghdr message{};
    message.msg_iov = next.data();
    message.msg_iovlen = next.size();
    static_cast<void>(sendmsg(descriptor_, &message, MSG_DONTWAIT | MSG_NOSIGNAL));
}

int Stream::waiting() const {
    int bytes = 0;
    return ioctl(descriptor_, FIONREAD, &bytes) == 0 ? bytes : 0;
}

void Stream::close() {
    // Before the mutex: who comes for the wake-up descriptor after us sees it.
    closed_.store(true);
    const std::scoped_lock lock(wake_mutex_);
    if (wake_ >= 0) {
        static_cast<void>(eventfd_write(wake_, 1));
    }
}

void Stream::after_fork() {
    // The mutex may have been held by a thread that is not here; nobody else can be using it.
    new (&wake_mutex_) std::mutex;
    if (wake_ >= 0) {
        static_cast<void>(::close(wake_));
        wake_ = -1;
    }
}

int Stream::wake_descriptor() {
    const std::scoped_lock lock(wake_mutex_);
    if (wake_ < 0) {
        wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    }
    return wake_;
}

IoResult Stream::wait(short events) {
    std::array<pollfd, 2> entries{};
    entries[0] = {descriptor_, events, 0};
    entries[1] = {wake_descriptor(), POLLIN, 0};
    while (true) {
        if (is_closed()) {
            return IoResult::kClosed;
        }
        const int count =
            poll(entries.data(), entries.size(), entries[1].fd >= 0 ? -1 : kBlindWaitMs);
        if (count < 0 && errno != EINTR) {
            return IoResult::kEnded;
        }
        if (count > 0 && (entries[0].revents & POLLNVAL) != 0) {
            errno = EBADF;
            return IoResult::kEnded;
        }
        if (count > 0 && entries[0].revents != 0) {
            return is_closed() ? IoResult::kClosed : IoResult::kDone;
        }
    }
}

}  // namespace spread::c_api
