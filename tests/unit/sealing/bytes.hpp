#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sealing/secret.hpp"

namespace spread::sealing::test {

using Bytes = std::vector<std::byte>;

inline Bytes hex(std::string_view digits) {
    const auto value = [](char digit) {
        return static_cast<unsigned>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    };
    Bytes bytes;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
        bytes.push_back(static_cast<std::byte>(value(digits[i]) << 4U | value(digits[i + 1])));
    }
    return bytes;
}

inline std::string to_hex(std::span<const std::byte> bytes) {
    std::string digits;
    for (const std::byte byte : bytes) {
        digits += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4U];
        digits += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 15U];
    }
    return digits;
}

inline Bytes text(std::string_view characters) {
    const auto bytes = std::as_bytes(std::span(characters));
    return {bytes.begin(), bytes.end()};
}

/// The key `first`, `first` + 1, ... .
inline Secret key_from(std::uint8_t first) {
    Secret key;
    for (std::size_t i = 0; i < kKeyBytes; ++i) {
        key.bytes()[i] = static_cast<std::byte>(first + i);
    }
    return key;
}

}  // namespace spread::sealing::test
