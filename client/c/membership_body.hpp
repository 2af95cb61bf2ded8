#pragma once

#include <cstdint>
#include <optional>

#include "client/c/pieces.hpp"
#include "protocol/session_wire.hpp"

namespace spread::c_api {

/// Layout of a membership body (CP 7.2): group id, number of sets, offset of the own
/// set behind these; then the sets, each a count and its names.
inline constexpr std::size_t kGroupIdBytes = 12;
inline constexpr std::size_t kSetCountOffset = 12;
inline constexpr std::size_t kOwnSetOffset = 16;
inline constexpr std::size_t kSetsOffset = 20;
inline constexpr std::size_t kCountBytes = 4;

/// The integer at `offset` in the byte order of this machine; nothing when it is not all there.
[[nodiscard]] std::optional<std::uint32_t> read_u32(const Pieces& body, std::size_t offset);

/// Turns the integers of a received body into those of this machine, as far as the body reaches.
/// False when it does not keep to the layout, so that the helpers of sp.h, which are not told how
/// long it is, could read beyond it.
[[nodiscard]] bool normalise_membership(const Pieces& body, std::uint32_t type,
                                        protocol::ByteOrder order);

}  // namespace spread::c_api
