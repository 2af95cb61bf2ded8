#include "tests/support/raw_connection.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace spread::support {
namespace {

[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error(what + ": " + std::strerror(errno));
}

// The socket interface takes every address family through one pointer type.
const sockaddr* generic(const auto& address) {
    return reinterpret_cast<const sockaddr*>(&address);  // NOLINT(*-reinterpret-cast)
}

}  // namespace

Bytes bytes_of_hex(std::string_view hex) {
    Bytes bytes;
    bytes.reserve(hex.size() / 2);
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        unsigned value = 0;
        const auto result = std::from_chars(hex.data() + i, hex.data() + i + 2, value, 16);
        if (result.ptr != hex.data() + i + 2) {
            throw std::runtime_error("not hexadecimal: " + std::string(hex.substr(i, 2)));
        }
        bytes.push_back(static_cast<std::byte>(value));
    }
    return bytes;
}

std::string hex_of(std::span<const std::byte> bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const std::byte b : bytes) {
        text += kDigits[std::to_integer<std::size_t>(b >> 4U)];
        text += kDigits[std::to_integer<std::size_t>(b & std::byte{15})];
    }
    return text;
}

RawConnection RawConnection::tcp(const std::string& address, std::uint16_t port) {
    const bool v6 = address.find(':') != std::string::npos;
    RawConnection connection(socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    int result = -1;
    if (v6) {
        sockaddr_in6 to{};
        to.sin6_family = AF_INET6;
        to.sin6_port = htons(port);
        inet_pton(AF_INET6, address.c_str(), &to.sin6_addr);
        result = connect(connection.fd_, generic(to), sizeof to);
    } else {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        inet_pton(AF_INET, address.c_str(), &to.sin_addr);
        result = connect(connection.fd_, generic(to), sizeof to);
    }
    if (result != 0) {
        fail("cannot connect to " + address + " port " + std::to_string(port));
    }
    const int on = 1;
    setsockopt(connection.fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return connection;
}

RawConnection RawConnection::unix_socket(const std::filesystem::path& path) {
    RawConnection connection(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    const std::string text = path.string();
    if (text.size() >= sizeof to.sun_path) {
        throw std::runtime_error("socket path too long: " + text);
    }
    std::ranges::copy(text, static_cast<char*>(to.sun_path));
    if (connect(connection.fd_, generic(to), sizeof to) != 0) {
        fail("cannot connect to " + text);
    }
    return connection;
}

RawConnection::~RawConnection() {
    if (fd_ >= 0) {
        close(fd_);
    }
}

RawConnection::RawConnection(RawConnection&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

RawConnection& RawConnection::operator=(RawConnection&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

void RawConnection::send(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        pollfd waiting{fd_, POLLOUT, 0};
        const Deadline deadline(kPatience);
        if (poll(&waiting, 1, deadline.poll_timeout()) == 0) {
            throw std::runtime_error("the daemon does not read what a client sends");
        }
        const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0) {
            if (errno == EAGAIN || errno == EINTR) {
                continue;
            }
            fail("cannot send");
        }
        bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
}

void RawConnection::send_if_open(std::span<const std::byte> bytes) {
    try {
        send(bytes);
    } catch (const std::exception&) {
        // The daemon was quicker; the caller looks at what it answered.
    }
}

std::size_t RawConnection::read_some(std::span<std::byte> into, const Deadline& deadline) {
    while (true) {
        pollfd waiting{fd_, POLLIN, 0};
        const int ready = poll(&waiting, 1, deadline.poll_timeout());
        if (ready == 0) {
            throw std::runtime_error("nothing arrived in time");
        }
        const auto count = recv(fd_, into.data(), into.size(), MSG_DONTWAIT);
        if (count >= 0) {
            return static_cast<std::size_t>(count);
        }
        if (errno == ECONNRESET || errno == EPIPE) {
            return 0;  // the end, too: the peer closed with our bytes unread
        }
        if (errno != EAGAIN && errno != EINTR) {
            fail("cannot read");
        }
    }
}

Bytes RawConnection::read(std::size_t count, std::chrono::milliseconds patience) {
    const Deadline deadline(patience);
    Bytes bytes(count);
    std::size_t have = 0;
    while (have < count) {
        const auto got = read_some(std::span(bytes).subspan(have), deadline);
        if (got == 0) {
            bytes.resize(have);
            throw std::runtime_error("the stream ended after " + std::to_string(have) + " of " +
                                     std::to_string(count) + " bytes: " + hex_of(bytes));
        }
        have += got;
    }
    return bytes;
}

Bytes RawConnection::read_once(std::size_t count, std::chrono::milliseconds patience) {
    Bytes bytes(count);
    bytes.resize(read_some(bytes, Deadline(patience)));
    return bytes;
}

void RawConnection::expect_end(std::chrono::milliseconds patience) {
    std::array<std::byte, 256> unexpected{};
    const auto got = read_some(unexpected, Deadline(patience));
    if (got > 0) {
        throw std::runtime_error("bytes instead of the end of the stream: " +
                                 hex_of(std::span(unexpected).first(got)));
    }
}

void RawConnection::drain(std::chrono::milliseconds patience) {
    const Deadline deadline(patience);
    Bytes chunk(65536);
    while (read_some(chunk, deadline) > 0) {
    }
}

bool RawConnection::has_input_within(std::chrono::milliseconds time) {
    pollfd waiting{fd_, POLLIN, 0};
    return poll(&waiting, 1, static_cast<int>(time.count())) > 0;
}

void RawConnection::finish_sending() {
    shutdown(fd_, SHUT_WR);
}

void RawConnection::reset_on_close() {
    const linger at_once{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void RawConnection::set_receive_buffer(int bytes) {
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

}  // namespace spread::support
