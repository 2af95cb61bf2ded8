#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "client/codec/error.hpp"
#include "protocol/names.hpp"
#include "protocol/session_wire.hpp"

namespace spread::client {

/// Requests to the daemon (CP 5), checked as the stock libraries check them and
/// appended to `out` in wire form. `self` is the private group of the session. On an error nothing
/// is appended.
using Bytes = std::vector<std::byte>;

/// The 48 bytes in front of a request's groups and body, for who sends those from where they stand.
/// Nothing is checked: the counts must be those of the request.
[[nodiscard]] std::array<std::byte, protocol::kSessionHeaderBytes> make_request_head(
    const protocol::NameField& self, std::uint32_t type, std::size_t group_count,
    std::int16_t mess_type, std::size_t body_bytes);

[[nodiscard]] Result<void> append_join(Bytes& out, const protocol::NameField& self,
                                       std::string_view group);
[[nodiscard]] Result<void> append_leave(Bytes& out, const protocol::NameField& self,
                                        std::string_view group);
void append_kill(Bytes& out, const protocol::NameField& self);

/// What a multicast says about itself.
struct Multicast {
    std::uint32_t service = 0;   ///< one of the six services, optionally kSelfDiscard
    std::int16_t mess_type = 0;  ///< the application's
    std::span<const protocol::NameField> groups;  ///< 1 to 100
    std::span<const std::byte> body;
};

/// Header and groups, so that the body can be sent from where it stands.
[[nodiscard]] Result<void> append_multicast_head(Bytes& out, const protocol::NameField& self,
                                                 const Multicast& multicast);
[[nodiscard]] Result<void> append_multicast(Bytes& out, const protocol::NameField& self,
                                            const Multicast& multicast);

/// Group names for a multicast. Private groups ("#user#daemon") are as good as any; kIllegalGroup
/// for names that are empty or do not fit.
[[nodiscard]] Result<protocol::NameField> make_group(std::string_view name);
[[nodiscard]] Result<std::vector<protocol::NameField>> make_group_list(
    std::span<const std::string_view> names);

}  // namespace spread::client
