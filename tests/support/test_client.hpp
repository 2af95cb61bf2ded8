#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/codec/message_view.hpp"
#include "protocol/session_wire.hpp"
#include "tests/support/raw_connection.hpp"

namespace spread::support {

/// A message as a client got it, with storage of its own.
struct Received {
    protocol::SessionHeader header;
    Bytes groups;
    Bytes body;

    /// As the client library sees it; valid as long as this message.
    [[nodiscard]] client::MessageView view() const;
    [[nodiscard]] std::uint32_t type() const { return header.type; }
    /// Sender, or group of a membership message.
    [[nodiscard]] std::string name() const { return header.private_group_name.string(); }
    [[nodiscard]] std::string text() const;
    /// Throws unless this is a regular membership or a transitional signal.
    [[nodiscard]] client::Membership membership() const;
};

/// A client of one daemon that does one thing at a time and throws when a reply does not come.
class TestClient {
  public:
    /// Runs the handshake over a fresh connection.
    TestClient(RawConnection connection, const std::string& private_name,
               bool wants_membership = true);

    [[nodiscard]] static TestClient tcp(const std::string& address, std::uint16_t port,
                                        const std::string& private_name,
                                        bool wants_membership = true);

    [[nodiscard]] const std::string& private_group() const { return private_group_; }

    void join(std::string_view group);
    void leave(std::string_view group);
    /// `service` is a type word: kAgreedMess and so on, with options.
    void multicast(std::string_view group, std::string_view text,
                   std::uint32_t service = protocol::kAgreedMess, std::int16_t mess_type = 0);
    void kill();

    [[nodiscard]] Received receive(std::chrono::milliseconds patience = kPatience);
    /// The next message, which must be a regular membership of `group` with this cause.
    client::Membership receive_membership(std::string_view group, std::uint32_t cause,
                                          std::chrono::milliseconds patience = kPatience);
    /// Reads memberships of `group`, and anything else, until one has exactly these members.
    client::Membership wait_for_members(std::string_view group,
                                        const std::vector<std::string>& members,
                                        std::chrono::milliseconds patience = kPatience);

    [[nodiscard]] RawConnection& connection() { return connection_; }

  private:
    void request(std::uint32_t type, std::string_view group, std::string_view text,
                 std::int16_t mess_type);

    RawConnection connection_;
    std::string private_group_;
};

/// A text as bytes of a body.
[[nodiscard]] Bytes bytes_of(std::string_view text);

}  // namespace spread::support
