#include "client/socket.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <future>
#include <memory>
#include <system_error>
#include <thread>

namespace spread::client {

namespace {

constexpr int kSocketBufferBytes = 200 * 1024;

struct AddrinfoDeleter {
    void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

int milliseconds_left(Deadline deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    return static_cast<int>(std::clamp<decltype(left)>(left, 0, 1'000'000'000));
}

Result<void> wait_for(int descriptor, short events, Deadline deadline, int wakeup = -1) {
    while (true) {
        std::array<pollfd, 2> entries{{{descriptor, events, 0}, {wakeup, POLLIN, 0}}};
        const int count = poll(entries.data(), entries.size(), milliseconds_left(deadline));
        if (count > 0) {
            return {};
        }
        if (count == 0) {
            return fail(ErrorCode::kTimedOut, "timed out");
        }
        if (errno != EINTR) {
            return fail(ErrorCode::kConnectionClosed, "poll: " + system_error_text(errno));
        }
    }
}

void set_option(int descriptor, int level, int option, int value) {
    // Best effort: the connection works without these options.
    static_cast<void>(setsockopt(descriptor, level, option, &value, sizeof value));
}

Result<FileDescriptor> connect_to(const sockaddr* address, socklen_t length, int family,
                                  const std::string& what, Deadline deadline) {
    FileDescriptor descriptor(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!descriptor) {
        return fail(ErrorCode::kCouldNotConnect,
                    "cannot open a socket for " + what + ": " + system_error_text(errno));
    }
    if (family != AF_UNIX) {
        set_option(descriptor.get(), IPPROTO_TCP, TCP_NODELAY, 1);
        set_option(descriptor.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
    }
    set_option(descriptor.get(), SOL_SOCKET, SO_SNDBUF, kSocketBufferBytes);
    set_option(descriptor.get(), SOL_SOCKET, SO_RCVBUF, kSocketBufferBytes);

    while (true) {
        int error = connect(descriptor.get(), address, length) == 0 ? 0 : errno;
        if (error == EAGAIN && family == AF_UNIX && Clock::now() < deadline) {
            // The backlog of the Unix socket is full; there is nothing to poll for.
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            continue;
        }
        if (error == EINPROGRESS || error == EINTR) {
            if (!wait_writable(descriptor.get(), deadline)) {
                return fail(ErrorCode::kCouldNotConnect,
                            "cannot connect to " + what + ": no answer in time");
            }
            socklen_t size = sizeof error;
            error = 0;
            static_cast<void>(getsockopt(descriptor.get(), SOL_SOCKET, SO_ERROR, &error, &size));
        }
        if (error != 0) {
            return fail(ErrorCode::kCouldNotConnect, "cannot connect to " + what + ": " +
                                                         system_error_text(error) +
                                                         "; is the daemon running there?");
        }
        return descriptor;
    }
}

Result<FileDescriptor> open_unix(const Address& address, Deadline deadline) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    if (address.unix_path.size() >= sizeof name.sun_path) {
        return fail(ErrorCode::kIllegalAddress, "path too long: " + address.unix_path);
    }
    std::copy(address.unix_path.begin(), address.unix_path.end(), name.sun_path);
    const std::string what = "Unix socket " + address.unix_path;
    // The socket interface takes every address family through the one generic type.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
    return connect_to(reinterpret_cast<const sockaddr*>(&name), sizeof name, AF_UNIX, what,
                      deadline);
}

std::string numeric_host(const addrinfo& entry) {
    std::array<char, NI_MAXHOST> host{};
    if (getnameinfo(entry.ai_addr, entry.ai_addrlen, host.data(), host.size(), nullptr, 0,
                    NI_NUMERICHOST) != 0) {
        return "?";
    }
    return host.data();
}

using Addresses = std::unique_ptr<addrinfo, AddrinfoDeleter>;

/// Either a list or what getaddrinfo() says is wrong.
struct Resolved {
    int status = 0;
    Addresses list;
};

Resolved look_up(const std::string& host, const std::string& port, int flags) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV | flags;
    addrinfo* found = nullptr;
    const int status = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
    return {status, Addresses(found)};
}

/// Name servers may take long, and nothing can interrupt the wait for them: a thread of its own
/// does the waiting, and is left to itself at the deadline.
Resolved look_up_in_time(const std::string& host, const std::string& port, Deadline deadline) {
    auto numeric = look_up(host, port, AI_NUMERICHOST);
    if (numeric.status == 0) {
        return numeric;
    }
    std::packaged_task<Resolved()> task([host, port] { return look_up(host, port, 0); });
    auto answer = task.get_future();
    try {
        std::thread(std::move(task)).detach();
    } catch (const std::system_error&) {
        return look_up(host, port, 0);  // then without a limit
    }
    if (answer.wait_until(deadline) != std::future_status::ready) {
        return {EAI_AGAIN, nullptr};
    }
    return answer.get();
}

std::size_t length_of(const addrinfo* list) {
    std::size_t length = 0;
    for (; list != nullptr; list = list->ai_next) {
        ++length;
    }
    return length;
}

Result<FileDescriptor> open_tcp(const Address& address, Deadline deadline) {
    const auto port = std::to_string(address.port);
    const auto resolved = look_up_in_time(address.host, port, deadline);
    if (resolved.status != 0) {
        const bool is_unknown = resolved.status == EAI_NONAME || resolved.status == EAI_FAIL;
        return fail(
            is_unknown ? ErrorCode::kIllegalAddress : ErrorCode::kCouldNotConnect,
            "cannot resolve host \"" + address.host + "\": " + gai_strerror(resolved.status));
    }
    Result<FileDescriptor> result =
        fail(ErrorCode::kIllegalAddress, "host \"" + address.host + "\" has no usable address");
    auto left = static_cast<std::ptrdiff_t>(length_of(resolved.list.get()));
    for (const addrinfo* entry = resolved.list.get(); entry != nullptr; entry = entry->ai_next) {
        const std::string numeric = numeric_host(*entry);
        const std::string what =
            address.host + " port " + port + (numeric == address.host ? "" : " (" + numeric + ")");
        // An address that never answers leaves the others their share of the time.
        const Deadline share = Clock::now() + (deadline - Clock::now()) / left--;
        result = connect_to(entry->ai_addr, entry->ai_addrlen, entry->ai_family, what, share);
        if (result) {
            break;
        }
    }
    return result;
}

Result<FileDescriptor> open_here(const Address& address, Deadline deadline) {
    return address.is_unix() ? open_unix(address, deadline) : open_tcp(address, deadline);
}

/// The namespace is a property of the thread, so a helper thread enters it, opens the socket (which
/// stays in that namespace for ever) and ends.
Result<FileDescriptor> open_in_namespace(const Address& address, Deadline deadline) {
    Result<FileDescriptor> result = fail(ErrorCode::kCouldNotConnect, "not tried");
    std::thread helper([&] {
        const std::string path = "/run/netns/" + address.network_namespace;
        const FileDescriptor space(open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!space) {
            result = fail(ErrorCode::kCouldNotConnect, "cannot open network namespace " + path +
                                                           ": " + system_error_text(errno));
            return;
        }
        if (setns(space.get(), CLONE_NEWNET) != 0) {
            result = fail(ErrorCode::kCouldNotConnect,
                          "cannot enter network namespace " + address.network_namespace + ": " +
                              system_error_text(errno) + (errno == EPERM ? "; are you root?" : ""));
            return;
        }
        result = open_here(address, deadline);
    });
    helper.join();
    if (!result && result.error().text.find("namespace") == std::string::npos) {
        result.error().text += " (inside network namespace " + address.network_namespace + ")";
    }
    return result;
}

}  // namespace

void FileDescriptor::reset() {
    if (descriptor_ != kNone) {
        static_cast<void>(close(descriptor_));
        descriptor_ = kNone;
    }
}

Result<FileDescriptor> open_socket(const Address& address, Deadline deadline) {
    return address.network_namespace.empty() ? open_here(address, deadline)
                                             : open_in_namespace(address, deadline);
}

Result<void> wait_readable(int descriptor, Deadline deadline) {
    return wait_for(descriptor, POLLIN, deadline);
}

Result<void> wait_writable(int descriptor, Deadline deadline, int wakeup) {
    return wait_for(descriptor, POLLOUT, deadline, wakeup);
}

Result<std::size_t> read_some(int descriptor, std::span<std::byte> into) {
    while (true) {
        const ssize_t count = recv(descriptor, into.data(), into.size(), MSG_DONTWAIT);
        if (count > 0) {
            return static_cast<std::size_t>(count);
        }
        if (count == 0) {
            return fail(ErrorCode::kConnectionClosed, "the daemon closed the connection");
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return 0;
        }
        if (errno != EINTR) {
            return fail(ErrorCode::kConnectionClosed,
                        "the connection to the daemon broke: " + system_error_text(errno));
        }
    }
}

Result<std::size_t> write_some(int descriptor, std::span<const std::byte> bytes) {
    while (true) {
        const ssize_t count =
            ::send(descriptor, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count >= 0) {
            return static_cast<std::size_t>(count);
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return 0;
        }
        if (errno != EINTR) {
            return fail(ErrorCode::kConnectionClosed,
                        "the connection to the daemon broke: " + system_error_text(errno));
        }
    }
}

Result<void> write_all(int descriptor, std::span<const std::byte> bytes, Deadline deadline) {
    while (!bytes.empty()) {
        const auto written = write_some(descriptor, bytes);
        if (!written) {
            return tl::unexpected(written.error());
        }
        bytes = bytes.subspan(*written);
        if (*written == 0) {
            if (auto ready = wait_writable(descriptor, deadline); !ready) {
                return fail(ready.error().code,
                            "the daemon takes no more data: " + ready.error().text);
            }
        }
    }
    return {};
}

std::string system_error_text(int error) {
    return std::generic_category().message(error) + " (" + std::to_string(error) + ")";
}

}  // namespace spread::client
