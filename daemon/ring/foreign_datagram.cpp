#include "daemon/ring/foreign_datagram.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "protocol/ring_wire.hpp"

namespace spread::daemon {
namespace {

/// Stock's packets begin with a type whose mask of byte order reads the same in either order.
constexpr std::size_t kStockHeaderBytes = 32;
constexpr std::uint8_t kStockMark = 0x80;

}  // namespace

ForeignDatagram ForeignDatagram::of(std::span<const std::byte> datagram) {
    if (const auto other = protocol::read_other_version(datagram)) {
        return {What::kOtherVersion, other->version, other->sender, {}};
    }
    if (const auto envelope = sealing::read_envelope(datagram)) {
        return {What::kSealed, 0, envelope->sender, envelope->key};
    }
    if (std::ranges::equal(datagram.first(std::min(datagram.size(), kDoctorMagic.size())),
                           std::as_bytes(std::span(kDoctorMagic)))) {
        return {What::kDoctor, 0, {}, {}};
    }
    if (datagram.size() < kStockHeaderBytes) {
        return {};
    }
    const auto first = std::to_integer<std::uint8_t>(datagram[0]);
    const auto last = std::to_integer<std::uint8_t>(datagram[3]);
    const bool is_stock = (first & kStockMark) != 0 && last == kStockMark;
    return {is_stock ? What::kStockDaemon : What::kUnknown, 0, {}, {}};
}

std::string ForeignDatagram::describe() const {
    switch (what) {
        case What::kOtherVersion:
            return fmt::format(
                "speaks version {} of the ring's wire, this daemon {} to {}; "
                "install the same release of spreadd on all hosts, or neighbouring ones",
                version, protocol::kRingWireLeast, protocol::kRingWireGreatest);
        case What::kStockDaemon:
            return "is a daemon of stock Spread, which cannot be in a ring with spreadd; replace "
                   "all daemons of a ring at once";
        case What::kSealed:
            return fmt::format(
                "seals with ring key {}, and no RingKeyFile is set here; give all daemons of the "
                "ring the same file",
                sealing::to_string(key));
        case What::kDoctor: return "is a spreadctl doctor, and looks for daemons that are stopped";
        case What::kUnknown: break;
    }
    return "sent a datagram that is not of a spreadd ring";
}

}  // namespace spread::daemon
