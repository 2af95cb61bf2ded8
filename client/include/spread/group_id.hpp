#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace spread {

/// Names one view of one group. Equal identifiers mean the same view; all members that see a view
/// see it under the same identifier. The order is that of the three numbers, of use for maps only:
/// it does not say which view came first.
struct GroupId {
    std::int32_t proc_id = 0;
    std::int32_t time = 0;
    std::int32_t index = 0;

    friend bool operator==(const GroupId&, const GroupId&) = default;
    friend auto operator<=>(const GroupId&, const GroupId&) = default;
};

}  // namespace spread

template <>
struct std::hash<spread::GroupId> {
    std::size_t operator()(const spread::GroupId& id) const noexcept {
        // The finaliser of MurmurHash3 over all 96 bits.
        auto mix = [](std::uint64_t value) {
            value ^= value >> 33U;
            value *= 0xff51afd7ed558ccdU;
            value ^= value >> 33U;
            value *= 0xc4ceb9fe1a85ec53U;
            return value ^ (value >> 33U);
        };
        const auto high = static_cast<std::uint64_t>(static_cast<std::uint32_t>(id.proc_id)) << 32U;
        const auto first = mix(high | static_cast<std::uint32_t>(id.time));
        return static_cast<std::size_t>(mix(first ^ static_cast<std::uint32_t>(id.index)));
    }
};
