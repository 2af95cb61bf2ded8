#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/configuration.hpp"
#include "daemon/access/peer_address.hpp"
#include "protocol/buffer.hpp"
#include "protocol/message.hpp"
#include "protocol/names.hpp"
#include "protocol/session_wire.hpp"

namespace spread::session {

/// What a client writes, put together by hand, for sessions of the user "tst" on daemon "d1" unless
/// told otherwise.
using Bytes = std::vector<std::byte>;

inline Bytes from_hex(std::string_view hex) {
    Bytes bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        bytes.push_back(
            static_cast<std::byte>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
    }
    return bytes;
}

inline std::string to_hex(std::span<const std::byte> bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string hex;
    for (const std::byte b : bytes) {
        const auto value = std::to_integer<unsigned>(b);
        hex.push_back(kDigits[value >> 4U]);
        hex.push_back(kDigits[value & 0xfU]);
    }
    return hex;
}

inline Bytes concat(std::initializer_list<Bytes> parts) {
    Bytes all;
    for (const Bytes& part : parts) {
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

/// A read buffer holding `bytes` behind a few others, as after earlier messages.
inline protocol::Slice slice_of(std::span<const std::byte> bytes) {
    constexpr std::size_t kOffset = 3;
    protocol::BufferRef buffer = protocol::BufferRef::allocate(kOffset + bytes.size());
    std::copy(bytes.begin(), bytes.end(), buffer->data() + kOffset);
    return {std::move(buffer), kOffset, static_cast<std::uint32_t>(bytes.size())};
}

inline Bytes bytes_of(const protocol::Message& message) {
    Bytes bytes(message.size());
    message.copy_to(bytes);
    return bytes;
}

inline Bytes connect_bytes(std::string_view name, std::uint8_t flags = 1) {
    protocol::ConnectRequest request;
    request.flags = flags;
    request.private_name = name;
    return protocol::encode_connect(request);
}

inline Bytes auth_bytes(const std::string& method = "NULL") {
    const std::vector<std::string> methods = {method};
    const auto choice = protocol::encode_auth_choice(methods);
    return {choice.begin(), choice.end()};
}

inline protocol::SessionHeader header_for(std::uint32_t type, std::int32_t num_groups,
                                          std::int32_t data_len,
                                          std::string_view sender = "#tst#d1") {
    protocol::SessionHeader header;
    header.type = type;
    header.private_group_name = protocol::NameField(sender);
    header.num_groups = num_groups;
    header.hint = protocol::make_hint(0);
    header.data_len = data_len;
    return header;
}

/// Group names may hold anything, NULs included; they are cut to 32 bytes.
inline Bytes message_bytes(const protocol::SessionHeader& header,
                           const std::vector<std::string>& groups, std::string_view body) {
    constexpr std::size_t kHeader = protocol::kSessionHeaderBytes;
    constexpr std::size_t kField = protocol::kNameFieldBytes;
    Bytes bytes(kHeader + kField * groups.size());
    protocol::encode_session_header(header, std::span(bytes).first<kHeader>());
    for (std::size_t i = 0; i < groups.size(); ++i) {
        const auto name = std::as_bytes(std::span(groups[i]));
        std::copy_n(name.begin(), std::min(name.size(), kField),
                    bytes.begin() + static_cast<std::ptrdiff_t>(kHeader + kField * i));
    }
    const auto tail = std::as_bytes(std::span(body));
    bytes.insert(bytes.end(), tail.begin(), tail.end());
    return bytes;
}

inline Bytes request_bytes(std::uint32_t type, const std::vector<std::string>& groups,
                           std::string_view body, std::string_view sender = "#tst#d1") {
    return message_bytes(header_for(type, static_cast<std::int32_t>(groups.size()),
                                    static_cast<std::int32_t>(body.size()), sender),
                         groups, body);
}

inline Bytes multicast_bytes(const std::vector<std::string>& groups, std::string_view body,
                             std::uint32_t type = protocol::kAgreedMess,
                             std::string_view sender = "#tst#d1") {
    return request_bytes(type, groups, body, sender);
}

inline Bytes join_bytes(const std::string& group, std::string_view sender = "#tst#d1") {
    return request_bytes(protocol::kJoinMess, {group}, "", sender);
}

inline Bytes leave_bytes(const std::string& group, std::string_view sender = "#tst#d1") {
    return request_bytes(protocol::kLeaveMess, {group}, "", sender);
}

inline Bytes kill_bytes(std::string_view sender = "#tst#d1") {
    return request_bytes(protocol::kKillMess, {std::string(sender)}, "", sender);
}

inline Bytes choice_bytes(const std::vector<std::string>& methods) {
    const auto choice = protocol::encode_auth_choice(methods);
    return {choice.begin(), choice.end()};
}

inline Bytes proof_bytes(std::string_view user, std::string_view password) {
    const auto proof = protocol::encode_password_proof(user, password);
    return {proof.begin(), proof.end()};
}

// What the daemon answers, and where a client comes from.

inline const Bytes kRejectNotUnique = {std::byte{0xfa}};
inline const Bytes kRejectAuth = {std::byte{0xf7}};

inline access::PeerAddress address_of(std::string_view text) {
    return access::PeerAddress::of(*config::parse_ip(text));
}

}  // namespace spread::session
