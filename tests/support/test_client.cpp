#include "tests/support/test_client.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace spread::support {

client::MessageView Received::view() const {
    client::MessageView view;
    view.header = header;
    view.type = header.type;
    view.groups = groups;
    view.body = body;
    return view;
}

std::string Received::text() const {
    std::string text;
    for (const std::byte b : body) {
        text += static_cast<char>(b);
    }
    return text;
}

client::Membership Received::membership() const {
    auto decoded = client::decode_membership(view());
    if (!decoded) {
        throw std::runtime_error("no membership message: " + decoded.error().text);
    }
    return *std::move(decoded);
}

Bytes bytes_of(std::string_view text) {
    Bytes bytes(text.size());
    std::ranges::transform(text, bytes.begin(), [](char c) { return static_cast<std::byte>(c); });
    return bytes;
}

TestClient::TestClient(RawConnection connection, const std::string& private_name,
                       bool wants_membership)
    : connection_(std::move(connection)) {
    protocol::ConnectRequest opening;
    opening.flags = wants_membership ? 1 : 0;
    opening.private_name = private_name;
    connection_.send(protocol::encode_connect(opening));
    const auto list_length = std::to_integer<std::size_t>(connection_.read(1).front());
    if (list_length >= 128) {
        throw std::runtime_error("the daemon rejects " + private_name + " with code " +
                                 std::to_string(static_cast<int>(list_length) - 256));
    }
    static_cast<void>(connection_.read(list_length));
    connection_.send(protocol::encode_auth_choice(std::array<std::string, 1>{"NULL"}));
    const Bytes accept = connection_.read(1);
    if (accept.front() != protocol::kAcceptSession) {
        throw std::runtime_error("the daemon rejects " + private_name + " with " + hex_of(accept));
    }
    const Bytes rest = connection_.read(4);
    for (const std::byte b : connection_.read(std::to_integer<std::size_t>(rest.back()))) {
        private_group_ += static_cast<char>(b);
    }
}

TestClient TestClient::tcp(const std::string& address, std::uint16_t port,
                           const std::string& private_name, bool wants_membership) {
    return {RawConnection::tcp(address, port), private_name, wants_membership};
}

void TestClient::request(std::uint32_t type, std::string_view group, std::string_view text,
                         std::int16_t mess_type) {
    protocol::SessionHeader header;
    header.type = type;
    header.private_group_name = protocol::NameField(private_group_);
    header.num_groups = 1;
    header.hint = protocol::make_hint(mess_type);
    header.data_len = static_cast<std::int32_t>(text.size());
    std::array<std::byte, protocol::kSessionHeaderBytes> head{};
    protocol::encode_session_header(header, head);
    Bytes frame(head.begin(), head.end());
    const protocol::NameField name(group);
    frame.insert(frame.end(), name.bytes().begin(), name.bytes().end());
    const Bytes body = bytes_of(text);
    frame.insert(frame.end(), body.begin(), body.end());
    connection_.send(frame);
}

void TestClient::join(std::string_view group) {
    request(protocol::kJoinMess, group, "", 0);
}

void TestClient::leave(std::string_view group) {
    request(protocol::kLeaveMess, group, "", 0);
}

void TestClient::kill() {
    request(protocol::kKillMess, private_group_, "", 0);
}

void TestClient::multicast(std::string_view group, std::string_view text, std::uint32_t service,
                           std::int16_t mess_type) {
    request(service, group, text, mess_type);
}

Received TestClient::receive(std::chrono::milliseconds patience) {
    const Bytes head = connection_.read(protocol::kSessionHeaderBytes, patience);
    Received message;
    message.header = protocol::decode_session_header(
        std::span<const std::byte, protocol::kSessionHeaderBytes>(head));
    if (message.header.num_groups < 0 || message.header.data_len < 0) {
        throw std::runtime_error("a message with negative lengths: " + hex_of(head));
    }
    message.groups = connection_.read(
        static_cast<std::size_t>(message.header.num_groups) * protocol::kNameFieldBytes, patience);
    message.body = connection_.read(static_cast<std::size_t>(message.header.data_len), patience);
    return message;
}

client::Membership TestClient::receive_membership(std::string_view group, std::uint32_t cause,
                                                  std::chrono::milliseconds patience) {
    const Received message = receive(patience);
    if (!message.view().is_regular_membership()) {
        throw std::runtime_error("type " + std::to_string(message.type()) +
                                 " instead of a membership, from " + message.name());
    }
    auto membership = message.membership();
    if (membership.group != group || membership.cause != cause) {
        throw std::runtime_error("a membership of " + membership.group + " with cause " +
                                 std::to_string(membership.cause));
    }
    return membership;
}

client::Membership TestClient::wait_for_members(std::string_view group,
                                                const std::vector<std::string>& members,
                                                std::chrono::milliseconds patience) {
    const Deadline deadline(patience);
    std::string last = "none";
    while (!deadline.passed()) {
        Received message;
        try {
            message = receive(std::chrono::milliseconds(deadline.poll_timeout()));
        } catch (const std::exception& problem) {
            throw std::runtime_error(private_group_ + " waits for members of " +
                                     std::string(group) + ": " + problem.what() +
                                     "; last membership: " + last);
        }
        if (!message.view().is_regular_membership() || message.name() != group) {
            continue;
        }
        auto membership = message.membership();
        if (membership.members == members) {
            return membership;
        }
        last.clear();
        for (const auto& member : membership.members) {
            last += member + " ";
        }
    }
    throw std::runtime_error(private_group_ + " waits in vain for members of " +
                             std::string(group) + "; last membership: " + last);
}

}  // namespace spread::support
