#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/access/peer_address.hpp"

namespace spread::access {

/// A set of peer addresses as access files write it: `unix`, `local` (127.0.0.0/8 and ::1), an IPv4
/// or IPv6 address, or one followed by "/prefix" (docs/access.md).
struct AddressPattern {
    enum class Kind : std::uint8_t { kUnix, kLocal, kNetwork };
    Kind kind = Kind::kUnix;
    PeerAddress first{};       ///< of a network: its lowest address
    std::uint32_t prefix = 0;  ///< of a network: 0..32 or 0..128

    [[nodiscard]] bool matches(const PeerAddress& peer) const;
    /// Of a network: its highest address.
    [[nodiscard]] PeerAddress last() const;
};

struct AddressPatternResult {
    std::optional<AddressPattern> pattern;
    std::string error;    ///< why there is no pattern, and what to write
    std::string warning;  ///< bits set behind the prefix, which do not count
};

[[nodiscard]] AddressPatternResult parse_address_pattern(std::string_view word);

}  // namespace spread::access
