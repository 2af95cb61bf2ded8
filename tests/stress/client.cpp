#include "tests/stress/client.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <utility>

#include "protocol/session_wire.hpp"

namespace spread::stress {
namespace {

using protocol::RejectCode;

constexpr auto kRetryAfter = std::chrono::milliseconds(2);
constexpr int kReadsPerTurn = 8;

void must(const client::Result<void>& result) {
    if (!result) {
        throw std::logic_error(result.error().text);
    }
}

}  // namespace

Client::Client(Loop& loop, Door door, Options options)
    : loop_(loop), door_(std::move(door)), options_(std::move(options)) {}

Client::~Client() {
    close();
}

void Client::connect() {
    close();
    reject_code_.reset();
    reply_.clear();
    frames_ = client::FrameBuffer(128);
    finishing_ = false;
    state_ = State::kConnecting;
    socket_ = open_socket(door_, options_.way, options_.number);
    if (!socket_) {
        if (errno != EAGAIN) {
            end("cannot connect: " + client::system_error_text(errno));
            return;
        }
        retry_ = loop_.after(kRetryAfter, [this] {
            retry_ = 0;
            connect();
        });
        return;
    }
    if (options_.receive_buffer > 0) {
        setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &options_.receive_buffer,
                   sizeof options_.receive_buffer);
    }
    protocol::ConnectRequest opening;
    opening.flags = options_.wants_membership ? 1 : 0;
    opening.private_name = options_.name;
    unsent_ = protocol::encode_connect(opening);
    sent_ = 0;
    state_ = State::kAuth;
    if (options_.opening_bytes) {
        unsent_.resize(std::min(unsent_.size(), *options_.opening_bytes));
        state_ = State::kSilent;
    }
    interest_ = EPOLLIN | EPOLLOUT;
    loop_.watch(socket_.get(), interest_, [this](std::uint32_t events) { on_ready(events); });
}

void Client::close() {
    if (retry_ != 0) {
        loop_.cancel(std::exchange(retry_, 0));
    }
    if (socket_) {
        loop_.forget(socket_.get());
        socket_.reset();
    }
    unsent_.clear();
    sent_ = 0;
    state_ = State::kClosed;
}

void Client::reset() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
}

void Client::end(const std::string& why) {
    close();
    if (on_end) {
        on_end(why);
    }
}

void Client::on_ready(std::uint32_t events) {
    if ((events & EPOLLOUT) != 0) {
        flush();
    }
    if (state_ == State::kClosed || (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) == 0) {
        return;
    }
    if (reading_) {
        read();
    } else {
        end("the daemon dropped the connection");
    }
}

void Client::read() {
    for (int i = 0; i < kReadsPerTurn; ++i) {
        const auto room = frames_.room();
        const ssize_t count = ::recv(socket_.get(), room.data(), room.size(), 0);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (count <= 0) {
            end(count == 0 ? "the daemon closed the connection"
                           : "reading failed: " + client::system_error_text(errno));
            return;
        }
        const auto got = room.first(static_cast<std::size_t>(count));
        if (state_ == State::kOpen) {
            frames_.commit(got.size());
        } else if (state_ != State::kSilent) {
            reply_.insert(reply_.end(), got.begin(), got.end());
            while (state_ != State::kOpen && take_reply()) {
            }
        }
        if (state_ == State::kOpen) {
            take_messages();
        }
        if (state_ == State::kClosed || got.size() < room.size()) {
            return;
        }
    }
}

bool Client::take_reply() {
    const auto refused = [this](RejectCode code) {
        reject_code_ = static_cast<int>(code);
        end("rejected: " + std::string(protocol::to_string(code)));
        return false;
    };
    if (state_ == State::kAuth) {
        const auto list = protocol::decode_auth_list(reply_);
        if (!list) {
            return refused(list.error());
        }
        if (!*list) {
            return false;
        }
        reply_.erase(reply_.begin(),
                     reply_.begin() + static_cast<std::ptrdiff_t>((*list)->bytes_used));
        const std::array<std::string, 1> methods{"NULL"};
        state_ = State::kAccept;
        send_raw(protocol::encode_auth_choice(methods));
        return state_ == State::kAccept;
    }
    if (state_ != State::kAccept) {
        return false;
    }
    const auto accept = protocol::decode_accept(protocol::kPresentedVersion, reply_);
    if (!accept) {
        return refused(accept.error());
    }
    if (!*accept) {
        return false;
    }
    private_group_ = protocol::NameField(std::string_view((*accept)->private_group));
    frames_.append(std::span(reply_).subspan((*accept)->bytes_used));
    reply_ = {};
    state_ = State::kOpen;
    if (on_open) {
        on_open();
    }
    return false;
}

void Client::take_messages() {
    while (state_ == State::kOpen) {
        const auto message = frames_.next();
        if (!message) {
            end("illegal message from the daemon: " + message.error().text);
            return;
        }
        if (!*message) {
            return;
        }
        if (on_message) {
            on_message(**message);
        }
    }
}

void Client::send_raw(std::span<const std::byte> bytes) {
    if (state_ == State::kClosed) {
        return;
    }
    unsent_.insert(unsent_.end(), bytes.begin(), bytes.end());
    flush();
}

void Client::flush() {
    while (sent_ < unsent_.size()) {
        const ssize_t count = ::send(socket_.get(), unsent_.data() + sent_, unsent_.size() - sent_,
                                     MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0) {
            // A failure is met again by reading, behind what the daemon still said.
            if (errno != EAGAIN && errno != EINTR && errno != ENOTCONN) {
                sent_ = unsent_.size();
            }
            break;
        }
        sent_ += static_cast<std::size_t>(count);
    }
    if (sent_ == unsent_.size()) {
        unsent_.clear();
        sent_ = 0;
        if (finishing_) {
            shutdown(socket_.get(), SHUT_WR);
        }
    }
    update_interest();
}

void Client::update_interest() {
    const std::uint32_t wanted =
        (reading_ ? EPOLLIN : 0U) | (unsent() > 0 ? std::uint32_t{EPOLLOUT} : 0U);
    if (socket_ && wanted != interest_) {
        interest_ = wanted;
        loop_.change(socket_.get(), wanted);
    }
}

void Client::set_reading(bool reading) {
    reading_ = reading;
    update_interest();
}

void Client::finish_sending() {
    finishing_ = true;
    if (state_ != State::kClosed) {
        flush();
    }
}

void Client::join(std::string_view group) {
    client::Bytes request;
    must(client::append_join(request, private_group_, group));
    send_raw(request);
}

void Client::leave(std::string_view group) {
    client::Bytes request;
    must(client::append_leave(request, private_group_, group));
    send_raw(request);
}

void Client::multicast(std::uint32_t service, std::string_view group,
                       std::span<const std::byte> body) {
    const std::array<protocol::NameField, 1> groups{protocol::NameField(group)};
    client::Bytes request;
    must(client::append_multicast(
        request, private_group_,
        {.service = service, .mess_type = 0, .groups = groups, .body = body}));
    send_raw(request);
}

std::unique_ptr<Client> make_client(Loop& loop, const support::DaemonProcess& daemon,
                                    const std::string& name, bool wants_membership,
                                    std::string& problem) {
    auto client = std::make_unique<Client>(
        loop, Door{daemon.spec().address, daemon.port(), {}},
        Client::Options{.name = name, .wants_membership = wants_membership});
    client->on_end = [&problem, name](const std::string& why) { problem = name + ": " + why; };
    return client;
}

}  // namespace spread::stress
