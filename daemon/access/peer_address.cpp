#include "daemon/access/peer_address.hpp"

#include <algorithm>
#include <cstddef>

namespace spread::access {

namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

}  // namespace

PeerAddress PeerAddress::of(const config::IpAddress& address) {
    PeerAddress peer;
    const auto* from = address.bytes.begin();
    std::size_t length = address.bytes.size();
    if (address.family == config::IpAddress::Family::kV4) {
        peer.kind = Kind::kV4;
        length = 4;
    } else if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), from)) {
        peer.kind = Kind::kV4;
        from += kMappedPrefix.size();
        length = 4;
    } else {
        peer.kind = Kind::kV6;
    }
    std::copy_n(from, length, peer.bytes.begin());
    return peer;
}

PeerAddress PeerAddress::place() const {
    constexpr std::uint8_t kLoopbackNetwork = 127;
    constexpr std::size_t kNetworkBytes = 8;
    if (kind == Kind::kV4 && bytes.front() == kLoopbackNetwork) {
        return unix_socket();
    }
    PeerAddress place = *this;
    if (kind == Kind::kV6) {
        const bool starts_with_zeros = std::all_of(bytes.begin(), bytes.end() - 1,
                                                   [](std::uint8_t byte) { return byte == 0; });
        if (starts_with_zeros && bytes.back() == 1) {
            return unix_socket();
        }
        std::fill(place.bytes.begin() + kNetworkBytes, place.bytes.end(), std::uint8_t{0});
    }
    return place;
}

}  // namespace spread::access
