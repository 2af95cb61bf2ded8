#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "protocol/message.hpp"
#include "protocol/session_wire.hpp"

namespace spread::session {

/// A refused request as its author gets it back (CP 7.5). Only the author is told, so
/// there is nothing when it does not want its own messages. `request` is a little-endian frame.
[[nodiscard]] std::optional<protocol::Message> rejection_of(std::span<const std::byte> request);
[[nodiscard]] std::optional<protocol::Message> rejection_of(const protocol::JoinRequest& join);

}  // namespace spread::session
