#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace spread::config {

/// An IPv4 or IPv6 address literal, network byte order, without a port.
struct IpAddress {
    enum class Family : std::uint8_t { kV4, kV6 };
    Family family = Family::kV4;
    std::array<std::uint8_t, 16> bytes{};  ///< the first 4 for IPv4
    std::string scope;                     ///< IPv6 "%interface", not part of identity or hash

    friend bool operator==(const IpAddress& a, const IpAddress& b) {
        return a.family == b.family && a.bytes == b.bytes;
    }
    [[nodiscard]] bool is_multicast() const;
    [[nodiscard]] bool is_loopback() const;
    [[nodiscard]] bool is_unspecified() const;
    /// Text that parse_ip() reads back: IPv6 in its shortest form, with "%scope" when there is one.
    [[nodiscard]] std::string to_string() const;
};

/// An address literal without brackets and port: four decimal octets without
/// leading zeros, or IPv6 groups without an embedded dotted quad and with an optional "%scope".
[[nodiscard]] std::optional<IpAddress> parse_ip(std::string_view text);

}  // namespace spread::config
