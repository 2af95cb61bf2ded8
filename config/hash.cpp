// The identity hashes every daemon and monitor of one configuration must agree on, as stock
// computes them.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "config/identity.hpp"

namespace spread::config {

namespace {

/// Jenkins' one-at-a-time hash over `text` and its terminating zero byte. The start value is the
/// number of bytes hashed; bytes count as signed, so that names outside ASCII get the identifiers
/// stock gives them on x86.
std::uint32_t one_at_a_time(std::string_view text) {
    auto hash = static_cast<std::uint32_t>(text.size() + 1);
    const auto mix = [&hash](char byte) {
        hash += static_cast<std::uint32_t>(static_cast<std::int8_t>(byte));
        hash += hash << 10U;
        hash ^= hash >> 6U;
    };
    for (const char byte : text) {
        mix(byte);
    }
    mix('\0');
    hash += hash << 3U;
    hash ^= hash >> 11U;
    hash += hash << 15U;
    return hash;
}

/// IPv4 dotted, IPv6 as eight groups of four digits, never with a scope.
std::string hashed_form(const IpAddress& address) {
    if (address.family == IpAddress::Family::kV4) {
        return address.to_string();
    }
    static constexpr std::string_view kHex = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < address.bytes.size(); ++i) {
        if (i > 0 && i % 2 == 0) {
            text += ':';
        }
        text += kHex[address.bytes[i] >> 4U];
        text += kHex[address.bytes[i] & 0xFU];
    }
    return text;
}

}  // namespace

std::uint32_t daemon_id_of_name(std::string_view name) {
    const std::uint32_t id = one_at_a_time(name);
    if (id == 0 || id == 0xFFFFFFFFU) {
        return static_cast<std::uint32_t>(name.size() + 1) << 16U;
    }
    return id;
}

std::string hash_text(const Configuration& configuration) {
    std::string text;
    for (const Segment& segment : configuration.segments) {
        text += "Segment: port = " + std::to_string(segment.port) + ";";
        if (!configuration.exclude_seg_addrs_from_hash) {
            for (const IpAddress& address : segment.addresses) {
                text += " [" + hashed_form(address) + "]";
            }
        }
        text += '\n';
        for (const std::size_t index : segment.daemons) {
            const Daemon& daemon = configuration.daemons[index];
            const std::string place =
                daemon.host.empty() ? hashed_form(daemon.address) : "host " + daemon.host;
            text += "\t'" + daemon.name + "' [" + place + "] [" + std::to_string(daemon.id) + "]\n";
        }
        text += '\n';
    }
    text += "Version: 5\n";
    // Unset means the original ring: stock hashes before it works out its default.
    text += configuration.accelerated_ring.value_or(false) ? "Protocol: Accelerated Ring\n"
                                                           : "Protocol: Original Ring\n";
    return text;
}

std::uint32_t configuration_hash(const Configuration& configuration) {
    return one_at_a_time(hash_text(configuration));
}

}  // namespace spread::config
