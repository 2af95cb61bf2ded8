#include "client/c/connector.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <vector>

#include "client/c/dialer.hpp"
#include "client/codec/handshake.hpp"

namespace spread::c_api {

namespace {

struct AuthMethods {
    std::mutex mutex;
    std::vector<AuthMethod> list;
};

int no_exchange(int /*descriptor*/, void* /*data*/) {
    return 1;
}

/// Lives as long as the process, as programs may connect while they exit.
AuthMethods& auth_methods() {
    static AuthMethods* const methods = [] {
        auto* made = new AuthMethods;
        made->list.push_back({.name = "NULL", .function = no_exchange, .data = nullptr});
        return made;
    }();
    return *methods;
}

/// Plain blocking socket or the opposite.
void set_blocking(int descriptor, bool is_blocking) {
    const int flags = fcntl(descriptor, F_GETFL);
    static_cast<void>(
        fcntl(descriptor, F_SETFL, is_blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK));
}

/// Limit for one send or receive of somebody else's code; none without a deadline.
void set_time_limit(int descriptor, const Deadline& deadline) {
    timeval limit{};
    if (deadline) {
        const auto left =
            std::max(std::chrono::ceil<std::chrono::microseconds>(*deadline - Clock::now()).count(),
                     decltype(std::chrono::microseconds().count()){1});
        limit.tv_sec = left / 1'000'000;
        limit.tv_usec = left % 1'000'000;
    }
    static_cast<void>(setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
    static_cast<void>(setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit));
}

/// False when the time is over. A connection that does not take the bytes may still hold the
/// daemon's reason, so that is for the next read to find out.
bool send_all(int descriptor, std::span<const std::byte> bytes, const Deadline& deadline) {
    while (!bytes.empty()) {
        const ssize_t count =
            send(descriptor, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count >= 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(count));
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (wait_for(descriptor, POLLOUT, deadline) == IoResult::kTimedOut) {
                return false;
            }
        } else if (errno != EINTR) {
            return true;
        }
    }
    return true;
}

/// Bytes read, at least one; 0 at the end of the stream, on errors, and when the time is over.
std::size_t receive_some(int descriptor, std::span<std::byte> into, const Deadline& deadline) {
    while (!deadline || Clock::now() < *deadline) {
        const ssize_t count = recv(descriptor, into.data(), into.size(), MSG_DONTWAIT);
        if (count >= 0) {
            return static_cast<std::size_t>(count);
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (wait_for(descriptor, POLLIN, deadline) != IoResult::kDone) {
                return 0;
            }
        } else if (errno != EINTR) {
            return 0;
        }
    }
    return 0;
}

/// All methods in their order, also after a failure.
bool authenticate(int descriptor, const std::vector<AuthMethod>& methods,
                  const Deadline& deadline) {
    set_blocking(descriptor, true);
    bool all_succeeded = true;
    for (const auto& method : methods) {
        set_time_limit(descriptor, deadline);
        all_succeeded &= method.function(descriptor, method.data) != 0;
    }
    set_time_limit(descriptor, std::nullopt);
    return all_succeeded;
}

/// Reads no byte beyond the handshake: they are for SP_receive() and for who watches the socket.
int shake_hands(int descriptor, client::Handshake& handshake,
                const std::vector<AuthMethod>& methods, const Deadline& deadline) {
    std::array<std::byte, 256> chunk{};
    bool is_authenticated = false;
    while (true) {
        if (!send_all(descriptor, handshake.output(), deadline)) {
            return CONNECTION_CLOSED;
        }
        if (handshake.has_chosen() && !is_authenticated) {
            if (!authenticate(descriptor, methods, deadline)) {
                return REJECT_AUTH;
            }
            is_authenticated = true;
        }
        if (handshake.accepted()) {
            return ACCEPT_SESSION;
        }
        const auto wanted = std::min(handshake.bytes_wanted(), chunk.size());
        const auto count = receive_some(descriptor, std::span(chunk).first(wanted), deadline);
        if (count == 0) {
            return CONNECTION_CLOSED;
        }
        if (auto taken = handshake.on_bytes(std::span(chunk).first(count)); !taken) {
            return static_cast<int>(taken.error().code);
        }
    }
}

}  // namespace

bool set_auth_methods(int count, const char* const names[], int (*const functions[])(int, void*),
                      void* const data[]) {
    if (count < 0 || count > static_cast<int>(protocol::kAuthMethodsMax) ||
        (count > 0 && (names == nullptr || functions == nullptr))) {
        return false;
    }
    std::vector<AuthMethod> list;
    for (int i = 0; i < count; ++i) {
        if (names[i] == nullptr || functions[i] == nullptr ||
            std::strlen(names[i]) >= protocol::kAuthNameBytes) {
            return false;
        }
        list.push_back({.name = names[i],
                        .function = functions[i],
                        .data = data == nullptr ? nullptr : data[i]});
    }
    auto& methods = auth_methods();
    const std::scoped_lock lock(methods.mutex);
    methods.list = std::move(list);
    return true;
}

int open_session(const SessionRequest& request, const Deadline& deadline, OpenSession& opened) {
    std::vector<AuthMethod> methods;
    {
        auto& all = auth_methods();
        const std::scoped_lock lock(all.mutex);
        methods = all.list;
    }
    auto dialed = dial(request.name, deadline);
    if (dialed.code != 0) {
        return dialed.code;
    }
    client::HandshakeOptions options{.private_name = request.private_name,
                                     .wants_membership = request.wants_membership,
                                     .priority = request.priority,
                                     .auth_methods = {}};
    for (const auto& method : methods) {
        options.auth_methods.push_back(method.name);
    }
    client::Handshake handshake(std::move(options));
    const int code = shake_hands(dialed.socket.get(), handshake, methods, deadline);
    if (code != ACCEPT_SESSION) {
        return code;
    }
    set_blocking(dialed.socket.get(), true);
    opened.private_group = handshake.accepted()->private_group;
    opened.descriptor = dialed.socket.release();
    return ACCEPT_SESSION;
}

}  // namespace spread::c_api
