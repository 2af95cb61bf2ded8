#include "client/session.hpp"

#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "protocol/byte_writer.hpp"

namespace spread::client {

namespace {

bool is_plain(std::uint32_t type) {
    return (type & protocol::kRejectMess) == 0;
}

}  // namespace

bool Message::is_regular() const {
    return is_plain(type) && (type & protocol::kRegularMess) != 0;
}

bool Message::is_regular_membership() const {
    return is_plain(type) && (type & protocol::kRegMembMess) != 0;
}

bool Message::is_transitional() const {
    return is_plain(type) && (type & protocol::kTransitionMess) != 0;
}

bool Message::is_self_leave() const {
    return is_plain(type) && (type & protocol::kMembershipMess) == protocol::kCausedByLeave;
}

bool Message::is_reject() const {
    return !is_plain(type);
}

std::string_view Message::text() const {
    // Bytes may be looked at as characters.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
    return {reinterpret_cast<const char*>(body.data()), body.size()};
}

Result<Message> make_message(const MessageView& view) {
    Message message;
    message.type = view.type;
    message.sender = view.sender();
    message.groups.reserve(view.group_count());
    for (std::size_t i = 0; i < view.group_count(); ++i) {
        message.groups.push_back(view.group(i).string());
    }
    if (view.is_regular() || view.is_reject()) {
        const auto hint = view.hint();
        message.mess_type = hint.mess_type;
        message.endian_mismatch = hint.order != protocol::ByteOrder::kLittle;
    }
    message.body.assign(view.body.begin(), view.body.end());
    if (view.is_regular_membership() || view.is_transitional()) {
        auto membership = decode_membership(view);
        if (!membership) {
            return tl::unexpected(membership.error());
        }
        message.membership = std::move(*membership);
    }
    return message;
}

Result<Session> Session::connect(const ConnectOptions& options) {
    auto connection = client::connect(options);
    if (!connection) {
        return tl::unexpected(connection.error());
    }
    return Session(std::move(*connection));
}

Session::Session(Connection connection) : connection_(std::move(connection)) {
    frames_.append(connection_.early_bytes);
}

Result<void> Session::send(const Bytes& request) {
    if (!connection_.socket) {
        return fail(ErrorCode::kConnectionClosed, "the session is closed");
    }
    return write_all(connection_.socket.get(), request, Clock::now() + kSendTimeout);
}

Result<void> Session::join(std::string_view group) {
    Bytes request;
    if (auto appended = append_join(request, connection_.private_group, group); !appended) {
        return appended;
    }
    return send(request);
}

Result<void> Session::leave(std::string_view group) {
    Bytes request;
    if (auto appended = append_leave(request, connection_.private_group, group); !appended) {
        return appended;
    }
    return send(request);
}

Result<void> Session::multicast(std::uint32_t service, std::string_view group,
                                std::string_view body, std::int16_t mess_type) {
    return multigroup_multicast(service, std::span(&group, 1), body, mess_type);
}

Result<void> Session::multigroup_multicast(std::uint32_t service,
                                           std::span<const std::string_view> groups,
                                           std::string_view body, std::int16_t mess_type) {
    const auto list = make_group_list(groups);
    if (!list) {
        return tl::unexpected(list.error());
    }
    Multicast multicast;
    multicast.service = service;
    multicast.mess_type = mess_type;
    multicast.groups = *list;
    multicast.body = std::as_bytes(std::span(body));
    Bytes request;
    if (auto appended = append_multicast(request, connection_.private_group, multicast);
        !appended) {
        return appended;
    }
    return send(request);
}

Result<Message> Session::receive(std::chrono::milliseconds timeout) {
    if (!connection_.socket) {
        return fail(ErrorCode::kConnectionClosed, "the session is closed");
    }
    const Deadline deadline = Clock::now() + timeout;
    while (true) {
        const auto message = frames_.next();
        if (!message) {
            return tl::unexpected(message.error());
        }
        if (*message) {
            return make_message(**message);
        }
        const auto count = read_some(connection_.socket.get(), frames_.room());
        if (!count) {
            return tl::unexpected(count.error());
        }
        frames_.commit(*count);
        if (*count == 0) {
            if (auto ready = wait_readable(connection_.socket.get(), deadline); !ready) {
                return fail(ready.error().code, ready.error().code == ErrorCode::kTimedOut
                                                    ? "no message came in time"
                                                    : ready.error().text);
            }
        }
    }
}

Result<std::size_t> Session::poll() const {
    int waiting = 0;
    if (ioctl(connection_.socket.get(), FIONREAD, &waiting) != 0) {
        return fail(ErrorCode::kConnectionClosed, "FIONREAD: " + system_error_text(errno));
    }
    return frames_.buffered() + static_cast<std::size_t>(waiting);
}

void Session::disconnect() {
    if (!connection_.socket) {
        return;
    }
    Bytes request;
    append_kill(request, connection_.private_group);
    // The daemon takes the end of the stream for the same request, so a failure changes nothing.
    static_cast<void>(write_some(connection_.socket.get(), request));
    connection_.socket.reset();
}

}  // namespace spread::client
