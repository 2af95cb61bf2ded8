#include "config/ip_address.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace spread::config {

namespace {

constexpr std::size_t kGroups = 8;

std::optional<IpAddress> parse_v4(std::string_view text) {
    IpAddress address;
    for (std::size_t octet = 0; octet < 4; ++octet) {
        if (octet > 0) {
            if (text.empty() || text.front() != '.') {
                return std::nullopt;
            }
            text.remove_prefix(1);
        }
        std::uint32_t value = 0;
        std::size_t digits = 0;
        while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
            value = value * 10 + static_cast<std::uint32_t>(text[digits] - '0');
            ++digits;
            if (digits > 3) {
                return std::nullopt;
            }
        }
        if (digits == 0 || value > 255 || (digits > 1 && text.front() == '0')) {
            return std::nullopt;
        }
        address.bytes[octet] = static_cast<std::uint8_t>(value);
        text.remove_prefix(digits);
    }
    if (!text.empty()) {
        return std::nullopt;
    }
    return address;
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

/// Colon-separated groups, none for empty text. Returns how many, or nullopt when malformed.
std::optional<std::size_t> parse_groups(std::string_view text,
                                        std::array<std::uint16_t, kGroups>& groups) {
    if (text.empty()) {
        return 0;
    }
    std::size_t count = 0;
    while (true) {
        std::uint32_t value = 0;
        std::size_t digits = 0;
        while (digits < text.size() && hex_value(text[digits]) >= 0) {
            if (digits == 4) {
                return std::nullopt;
            }
            value = value * 16 + static_cast<std::uint32_t>(hex_value(text[digits]));
            ++digits;
        }
        if (digits == 0 || count == kGroups) {
            return std::nullopt;
        }
        groups[count++] = static_cast<std::uint16_t>(value);
        text.remove_prefix(digits);
        if (text.empty()) {
            return count;
        }
        if (text.front() != ':') {
            return std::nullopt;
        }
        text.remove_prefix(1);
    }
}

std::optional<IpAddress> parse_v6(std::string_view text) {
    IpAddress address;
    address.family = IpAddress::Family::kV6;
    if (const std::size_t percent = text.find('%'); percent != std::string_view::npos) {
        address.scope = text.substr(percent + 1);
        if (address.scope.empty()) {
            return std::nullopt;
        }
        text = text.substr(0, percent);
    }
    std::array<std::uint16_t, kGroups> head{};
    std::array<std::uint16_t, kGroups> tail{};
    std::size_t tail_count = 0;
    const std::size_t gap = text.find("::");
    const auto head_count = parse_groups(text.substr(0, gap), head);
    if (!head_count) {
        return std::nullopt;
    }
    if (gap == std::string_view::npos) {
        if (*head_count != kGroups) {
            return std::nullopt;
        }
    } else {
        const auto count = parse_groups(text.substr(gap + 2), tail);
        // "::" stands for at least one group.
        if (!count || *head_count + *count >= kGroups) {
            return std::nullopt;
        }
        tail_count = *count;
    }
    for (std::size_t i = 0; i < tail_count; ++i) {
        head[kGroups - tail_count + i] = tail[i];
    }
    for (std::size_t i = 0; i < kGroups; ++i) {
        address.bytes[2 * i] = static_cast<std::uint8_t>(head[i] >> 8U);
        address.bytes[2 * i + 1] = static_cast<std::uint8_t>(head[i] & 0xFFU);
    }
    return address;
}

void append_hex(std::string& text, std::uint32_t value) {
    static constexpr std::string_view kHex = "0123456789abcdef";
    bool started = false;
    for (int shift = 12; shift >= 0; shift -= 4) {
        const std::uint32_t digit = (value >> static_cast<unsigned>(shift)) & 0xFU;
        started = started || digit != 0 || shift == 0;
        if (started) {
            text += kHex[digit];
        }
    }
}

}  // namespace

bool IpAddress::is_multicast() const {
    return family == Family::kV4 ? (bytes[0] & 0xF0U) == 0xE0U : bytes[0] == 0xFF;
}

bool IpAddress::is_loopback() const {
    if (family == Family::kV4) {
        return bytes[0] == 127;
    }
    return bytes[15] == 1 && std::all_of(bytes.begin(), bytes.begin() + 15,
                                         [](std::uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_unspecified() const {
    const auto end = bytes.begin() + (family == Family::kV4 ? 4 : 16);
    return std::all_of(bytes.begin(), end, [](std::uint8_t byte) { return byte == 0; });
}

std::string IpAddress::to_string() const {
    std::string text;
    if (family == Family::kV4) {
        for (std::size_t i = 0; i < 4; ++i) {
            text += (i == 0 ? "" : ".") + std::to_string(bytes[i]);
        }
        return text;
    }
    std::array<std::uint32_t, kGroups> groups{};
    for (std::size_t i = 0; i < kGroups; ++i) {
        groups[i] = static_cast<std::uint32_t>(bytes[2 * i] << 8U) | bytes[2 * i + 1];
    }
    // The first longest run of at least two zero groups becomes "::" (RFC 5952).
    std::size_t gap = kGroups;
    std::size_t gap_length = 1;
    for (std::size_t i = 0; i < kGroups; ++i) {
        std::size_t length = 0;
        while (i + length < kGroups && groups[i + length] == 0) {
            ++length;
        }
        if (length > gap_length) {
            gap = i;
            gap_length = length;
        }
    }
    for (std::size_t i = 0; i < kGroups; ++i) {
        if (i == gap) {
            text += "::";
            i += gap_length - 1;
            continue;
        }
        if (!text.empty() && text.back() != ':') {
            text += ':';
        }
        append_hex(text, groups[i]);
    }
    if (!scope.empty()) {
        text += '%' + scope;
    }
    return text;
}

std::optional<IpAddress> parse_ip(std::string_view text) {
    return text.find(':') == std::string_view::npos ? parse_v4(text) : parse_v6(text);
}

}  // namespace spread::config
