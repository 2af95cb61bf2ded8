#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "protocol/ids.hpp"
#include "sealing/envelope.hpp"

namespace spread::daemon {

/// What a datagram is that the ring cannot read: what programs send to a ring's ports by mistake.
/// (Requests of stock's monitor are none: they are answered before.)
struct ForeignDatagram {
    enum class What : std::uint8_t {
        kUnknown,
        kOtherVersion,  ///< a spreadd of another wire version
        kStockDaemon,
        kSealed,  ///< of a ring with a key, which this daemon has not
        kDoctor   ///< spreadctl doctor on a host whose daemon is stopped tries the ways to here
    };
    static constexpr std::size_t kWhats = 5;
    /// With this the datagrams of doctors begin.
    static constexpr std::string_view kDoctorMagic = "SPDOCTOR";

    What what = What::kUnknown;
    std::uint8_t version = 0;   ///< of kOtherVersion
    protocol::DaemonId sender;  ///< of kOtherVersion and kSealed
    sealing::KeyId key{};       ///< of kSealed

    [[nodiscard]] static ForeignDatagram of(std::span<const std::byte> datagram);
    /// What it is and what to do, as the end of a sentence that begins with its source.
    [[nodiscard]] std::string describe() const;
};

}  // namespace spread::daemon
