#include "daemon/clients/client_socket.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

namespace spread::daemon {

void set_tcp_options(int fd) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &kKeepAliveIdle, sizeof kKeepAliveIdle);
    ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &kKeepAliveInterval, sizeof kKeepAliveInterval);
    ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &kKeepAliveProbes, sizeof kKeepAliveProbes);
}

void ClientSocket::note_input(std::uint32_t epoll_events) {
    if (std::exchange(reads_when_writable_, false) && input_ == Input::kEmpty) {
        input_ = Input::kReadable;
    }
    if ((epoll_events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        input_ = Input::kEnding;
    } else if ((epoll_events & EPOLLIN) != 0 && input_ == Input::kEmpty) {
        input_ = Input::kReadable;
    }
}

/// A read that is not filled has emptied the socket, except for the end of the stream, which is
/// announced once. (Bytes behind urgent data or descriptors, which no client sends, wait for the
/// next ones.)
ClientSocket::Read ClientSocket::read(std::span<std::byte> room) {
    if (tls_ != nullptr) {
        return read_tls(room);
    }
    const ssize_t count = ::recv(fd_.get(), room.data(), room.size(), MSG_DONTWAIT);
    if (count > 0) {
        const auto bytes = static_cast<std::size_t>(count);
        if (bytes < room.size() && input_ == Input::kReadable) {
            input_ = Input::kEmpty;
        }
        return {ReadResult::kBytes, bytes};
    }
    if (count == 0) {
        return {ReadResult::kEnd};
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        input_ = Input::kEmpty;
        return {ReadResult::kNothing};
    }
    return {errno == EINTR ? ReadResult::kNothing : ReadResult::kBroken};
}

bool ClientSocket::has_hung_up() const {
    pollfd poll{fd_.get(), POLLRDHUP, 0};
    return ::poll(&poll, 1, 0) > 0 && (poll.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

void ClientSocket::drain() {
    constexpr int kReadsMax = 64;
    std::array<std::byte, 4096> scrap{};
    for (int i = 0; i < kReadsMax && read(scrap).result == ReadResult::kBytes; ++i) {
    }
}

ClientSocket::Write ClientSocket::write(const session::OutboundQueue& queue) {
    if (tls_ != nullptr) {
        return write_tls(queue);
    }
    std::array<iovec, IOV_MAX> slices;
    std::size_t used = 0;
    queue.for_each_slice([&](const protocol::Slice& slice, std::size_t skip) {
        slices[used++] = {slice.buffer->data() + slice.offset + skip, slice.length - skip};
        return used < slices.size();
    });
    msghdr header{};
    header.msg_iov = slices.data();
    header.msg_iovlen = used;
    for (;;) {
        const ssize_t count = ::sendmsg(fd_.get(), &header, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count >= 0) {
            return {WriteResult::kTaken, static_cast<std::size_t>(count)};
        }
        if (errno != EINTR) {
            const bool is_full = errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS;
            return {is_full ? WriteResult::kFull : WriteResult::kBroken};
        }
    }
}

void ClientSocket::shut_down() {
    if (tls_ != nullptr) {
        tls_->close();
    }
    ::shutdown(fd_.get(), SHUT_WR);
}

// TLS -----------------------------------------------------------------------------------------

ClientSocket::Peek ClientSocket::peek() {
    std::byte first{};
    const ssize_t count = ::recv(fd_.get(), &first, 1, MSG_PEEK | MSG_DONTWAIT);
    if (count > 0) {
        return {first};
    }
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        input_ = Input::kEmpty;
        return {};
    }
    return {std::nullopt, true};
}

UniqueFd ClientSocket::give_away() {
    is_unheard_ = false;
    input_ = Input::kEmpty;
    return std::move(fd_);
}

void ClientSocket::take_back(UniqueFd fd, std::unique_ptr<tls::Stream> stream) {
    fd_ = std::move(fd);
    tls_ = std::move(stream);
    input_ = Input::kReadable;
}

ClientSocket::Read ClientSocket::read_tls(std::span<std::byte> room) {
    using State = tls::Stream::State;
    const tls::Stream::Io io = tls_->read(room);
    if (io.state == State::kWantRead || io.state == State::kWantWrite) {
        input_ = Input::kEmpty;
        reads_when_writable_ = io.state == State::kWantWrite;
    }
    if (io.bytes > 0) {
        return {ReadResult::kBytes, io.bytes};
    }
    switch (io.state) {
        case State::kEnd: return {ReadResult::kEnd};
        case State::kBroken: return {ReadResult::kBroken};
        case State::kDone:
        case State::kWantRead:
        case State::kWantWrite:
        case State::kPause: break;
    }
    return {ReadResult::kNothing};
}

/// One record, of as many messages as it has room for. A record that the socket does not take is
/// kept encrypted; the queue offers what is in it again, since it begins with what is not sent.
ClientSocket::Write ClientSocket::write_tls(const session::OutboundQueue& queue) {
    std::array<std::byte, tls::kRecordBytes> record;
    std::size_t used = 0;
    queue.for_each_slice([&](const protocol::Slice& slice, std::size_t skip) {
        const std::size_t count = std::min<std::size_t>(slice.length - skip, record.size() - used);
        std::copy_n(slice.buffer->data() + slice.offset + skip, count, record.data() + used);
        used += count;
        return used < record.size();
    });
    const tls::Stream::Io io = tls_->write(std::span(record).first(used));
    if (io.bytes > 0) {
        return {WriteResult::kTaken, io.bytes};
    }
    const bool is_full = io.state == tls::Stream::State::kWantWrite;
    return {is_full ? WriteResult::kFull : WriteResult::kBroken};
}

}  // namespace spread::daemon
