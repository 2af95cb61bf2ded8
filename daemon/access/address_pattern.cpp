#include "daemon/access/address_pattern.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "config/ip_address.hpp"
#include "config/text.hpp"

namespace spread::access {

namespace {

using config::in_quotes;
using config::IpAddress;
using Kind = AddressPattern::Kind;

constexpr std::uint32_t kV4Bits = 32;
constexpr std::uint32_t kV6Bits = 128;
constexpr std::uint32_t kMappedBits = 96;  // of the prefix ::ffff:0:0 that stands for IPv4
constexpr std::array<std::string_view, 2> kWords = {"unix", "local"};

/// The bits of byte `index` that lie behind the first `prefix` bits of an address.
std::uint8_t host_bits(std::size_t index, std::uint32_t prefix) {
    const std::size_t before = index * 8;
    if (before >= prefix) {
        return 0xFF;
    }
    const std::size_t inside = std::min<std::size_t>(prefix - before, 8);
    return static_cast<std::uint8_t>(0xFFU >> inside);
}

AddressPatternResult refuse(std::string error) {
    AddressPatternResult result;
    result.error = std::move(error);
    return result;
}

/// Decimal, at most `max`.
std::optional<std::uint32_t> parse_prefix(std::string_view digits, std::uint32_t max) {
    constexpr std::size_t kDigitsMax = 3;
    std::uint32_t value = 0;
    for (const char digit : digits) {
        if (digit < '0' || digit > '9') {
            return std::nullopt;
        }
        value = value * 10 + static_cast<std::uint32_t>(digit - '0');
    }
    if (digits.empty() || digits.size() > kDigitsMax || value > max) {
        return std::nullopt;
    }
    return value;
}

}  // namespace

bool AddressPattern::matches(const PeerAddress& peer) const {
    switch (kind) {
        case Kind::kUnix: return peer.kind == PeerAddress::Kind::kUnix;
        case Kind::kLocal: {
            if (peer.kind == PeerAddress::Kind::kV4) {
                return peer.bytes[0] == 127;
            }
            return peer.kind == PeerAddress::Kind::kV6 && peer.bytes.back() == 1 &&
                   std::all_of(peer.bytes.begin(), peer.bytes.end() - 1,
                               [](std::uint8_t byte) { return byte == 0; });
        }
        case Kind::kNetwork: break;
    }
    // last() is of the same kind, and no other lies between.
    return first <= peer && peer <= last();
}

PeerAddress AddressPattern::last() const {
    PeerAddress address = first;
    const std::size_t size = first.kind == PeerAddress::Kind::kV4 ? 4 : address.bytes.size();
    for (std::size_t i = 0; i < size; ++i) {
        address.bytes[i] = static_cast<std::uint8_t>(address.bytes[i] | host_bits(i, prefix));
    }
    return address;
}

AddressPatternResult parse_address_pattern(std::string_view word) {
    AddressPatternResult result;
    AddressPattern pattern;
    if (word == "unix" || word == "local") {
        pattern.kind = word == "unix" ? Kind::kUnix : Kind::kLocal;
        result.pattern = pattern;
        return result;
    }
    const std::size_t slash = word.find('/');
    auto address = config::parse_ip(word.substr(0, slash));
    if (!address) {
        return refuse(in_quotes(word) + " is no address" + config::did_you_mean(word, kWords) +
                      "; write unix, local, an address as 10.0.0.7 or fd00::7, or a network as "
                      "10.0.0.0/8 or fd00::/16");
    }
    if (!address->scope.empty()) {
        address->scope.clear();
        return refuse(in_quotes(word) + " names an interface, and rules know none; write " +
                      address->to_string());
    }
    const bool is_v4 = address->family == IpAddress::Family::kV4;
    const std::uint32_t bits = is_v4 ? kV4Bits : kV6Bits;
    std::uint32_t prefix = bits;
    if (slash != std::string_view::npos) {
        const auto given = parse_prefix(word.substr(slash + 1), bits);
        if (!given) {
            return refuse("the prefix of " + in_quotes(word) + " must be a number from 0 to " +
                          std::to_string(bits));
        }
        prefix = *given;
    }
    bool has_host_bits = false;
    for (std::size_t i = 0; i < bits / 8; ++i) {
        const std::uint8_t behind = host_bits(i, prefix);
        has_host_bits = has_host_bits || (address->bytes[i] & behind) != 0;
        address->bytes[i] = static_cast<std::uint8_t>(address->bytes[i] & ~behind);
    }
    if (has_host_bits) {
        result.warning = in_quotes(word) +
                         " has bits behind its prefix, which do not count; write " +
                         address->to_string() + "/" + std::to_string(prefix);
    }
    pattern.kind = Kind::kNetwork;
    pattern.first = PeerAddress::of(*address);
    pattern.prefix = prefix;
    if (!is_v4 && pattern.first.kind == PeerAddress::Kind::kV4) {
        if (prefix >= kMappedBits) {
            pattern.prefix = prefix - kMappedBits;
        } else {
            // Clients with such addresses count as IPv4, so this network is not about them.
            pattern.first.kind = PeerAddress::Kind::kV6;
            pattern.first.bytes = address->bytes;
        }
    }
    result.pattern = pattern;
    return result;
}

}  // namespace spread::access
