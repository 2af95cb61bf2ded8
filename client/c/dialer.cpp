#include "client/c/dialer.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <memory>
#include <thread>
#include <utility>

namespace spread::c_api {

namespace {

constexpr int kSocketBufferBytes = 200 * 1024;
constexpr int kBacklogWaitMs = 2;

struct AddressListDeleter {
    void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using AddressList = std::unique_ptr<addrinfo, AddressListDeleter>;

/// Status of getaddrinfo() and what it found.
struct Resolved {
    int status = EAI_AGAIN;
    AddressList list;
};

void set_option(int descriptor, int level, int option, int value) {
    // Best effort: each of them only makes the connection faster or tidier.
    static_cast<void>(setsockopt(descriptor, level, option, &value, sizeof value));
}

bool is_over(const Deadline& deadline) {
    return deadline && Clock::now() >= *deadline;
}

Resolved resolve_now(const SpreadName& name, int flags) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV | flags;
    addrinfo* found = nullptr;
    Resolved resolved;
    resolved.status =
        getaddrinfo(name.host.c_str(), std::to_string(name.port).c_str(), &hints, &found);
    resolved.list.reset(resolved.status == 0 ? found : nullptr);
    return resolved;
}

/// The system's resolver takes no time limit, so it runs in a thread of its own, which is left
/// behind when the time is over. Nothing then.
std::optional<Resolved> resolve_within(const SpreadName& name, Clock::time_point deadline) {
    struct Task {
        std::mutex mutex;
        std::condition_variable is_done;
        std::optional<Resolved> result;
    };
    auto task = std::make_shared<Task>();
    std::thread([task, name] {
        auto result = resolve_now(name, 0);
        const std::scoped_lock lock(task->mutex);
        task->result = std::move(result);
        task->is_done.notify_one();
    }).detach();
    std::unique_lock lock(task->mutex);
    task->is_done.wait_until(lock, deadline, [&task] { return task->result.has_value(); });
    return std::move(task->result);
}

std::optional<Resolved> resolve(const SpreadName& name, const Deadline& deadline) {
    auto resolved = resolve_now(name, AI_NUMERICHOST);  // asks nobody
    if (resolved.status == 0) {
        return resolved;
    }
    return deadline ? resolve_within(name, *deadline) : std::optional(resolve_now(name, 0));
}

/// Waits until a connect that is under way has ended; its error.
int finish_connect(int descriptor, const Deadline& deadline) {
    const auto waited = wait_for(descriptor, POLLOUT, deadline);
    if (waited != IoResult::kDone) {
        return waited == IoResult::kTimedOut ? ETIMEDOUT : errno;
    }
    int error = 0;
    socklen_t size = sizeof error;
    static_cast<void>(getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size));
    return error;
}

Dialed connect_to(const sockaddr* address, socklen_t length, int family, const Deadline& deadline) {
    OwnedDescriptor descriptor(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (descriptor.get() < 0) {
        return {COULD_NOT_CONNECT, OwnedDescriptor()};
    }
    if (family != AF_UNIX) {
        set_option(descriptor.get(), IPPROTO_TCP, TCP_NODELAY, 1);
        set_option(descriptor.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
    }
    set_option(descriptor.get(), SOL_SOCKET, SO_SNDBUF, kSocketBufferBytes);
    set_option(descriptor.get(), SOL_SOCKET, SO_RCVBUF, kSocketBufferBytes);
    while (true) {
        int error = connect(descriptor.get(), address, length) == 0 ? 0 : errno;
        if (error == EAGAIN && family == AF_UNIX && !is_over(deadline)) {
            // The backlog of the Unix socket is full; there is nothing to wait for but time.
            static_cast<void>(poll(nullptr, 0, kBacklogWaitMs));
            continue;
        }
        if (error == EINPROGRESS || error == EINTR) {
            error = finish_connect(descriptor.get(), deadline);
        }
        if (error == 0) {
            return {0, std::move(descriptor)};
        }
        errno = error;
        return {is_over(deadline) && (error == ETIMEDOUT || error == EAGAIN) ? CONNECTION_CLOSED
                                                                             : COULD_NOT_CONNECT,
                OwnedDescriptor()};
    }
}

Dialed dial_unix(std::uint16_t port, const Deadline& deadline) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = "/tmp/" + std::to_string(port);
    std::copy(path.begin(), path.end(), address.sun_path);
    // The socket interface takes every address family through the one generic type.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
    return connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof address, AF_UNIX,
                      deadline);
}

Dialed dial_tcp(const SpreadName& name, const Deadline& deadline) {
    const auto resolved = resolve(name, deadline);
    if (!resolved) {
        return {CONNECTION_CLOSED, OwnedDescriptor()};
    }
    if (resolved->status != 0) {
        const bool is_unknown = resolved->status == EAI_NONAME || resolved->status == EAI_NODATA;
        return {is_unknown ? ILLEGAL_SPREAD : COULD_NOT_CONNECT, OwnedDescriptor()};
    }
    int left = 0;
    for (const addrinfo* entry = resolved->list.get(); entry != nullptr; entry = entry->ai_next) {
        ++left;
    }
    Dialed dialed{COULD_NOT_CONNECT, OwnedDescriptor()};
    for (const addrinfo* entry = resolved->list.get(); entry != nullptr; entry = entry->ai_next) {
        Deadline share = deadline;
        if (deadline && left > 1) {
            // One address that does not answer must not take the time of all.
            const auto now = Clock::now();
            share = now + (*deadline - now) / left;
        }
        --left;
        dialed = connect_to(entry->ai_addr, entry->ai_addrlen, entry->ai_family, share);
        if (dialed.code == 0) {
            break;
        }
    }
    return dialed;
}

}  // namespace

OwnedDescriptor& OwnedDescriptor::operator=(OwnedDescriptor&& other) noexcept {
    if (this != &other) {
        reset();
        descriptor_ = other.release();
    }
    return *this;
}

void OwnedDescriptor::reset() {
    if (descriptor_ >= 0) {
        static_cast<void>(close(descriptor_));
        descriptor_ = -1;
    }
}

int OwnedDescriptor::release() {
    return std::exchange(descriptor_, -1);
}

Dialed dial(const SpreadName& name, const Deadline& deadline) {
    return name.host.empty() ? dial_unix(name.port, deadline) : dial_tcp(name, deadline);
}

}  // namespace spread::c_api
