#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "protocol/time.hpp"

namespace spread::membership {

/// How long rotations of the token took that did not rest, as a histogram: the first bucket ends at
/// 50 us, each further one at twice the time, and the last one has no end.
struct RotationTimes {
    static constexpr std::size_t kEnds = 16;
    static constexpr protocol::Duration kFirstEnd = std::chrono::microseconds(50);

    std::array<std::uint64_t, kEnds + 1> in_bucket{};
    protocol::Duration sum{};

    [[nodiscard]] static constexpr protocol::Duration end_of(std::size_t bucket) {
        return kFirstEnd * (std::int64_t{1} << bucket);
    }

    void add(protocol::Duration took) {
        const auto units = static_cast<std::uint64_t>(
            (std::max(took, protocol::Duration{1}) - protocol::Duration{1}) / kFirstEnd);
        ++in_bucket[std::min<std::size_t>(std::bit_width(units), kEnds)];
        sum += took;
    }

    [[nodiscard]] std::uint64_t count() const {
        std::uint64_t all = 0;
        for (const std::uint64_t each : in_bucket) {
            all += each;
        }
        return all;
    }

    /// What came after `earlier`, of the same engine.
    [[nodiscard]] RotationTimes since(const RotationTimes& earlier) const {
        RotationTimes out = *this;
        for (std::size_t i = 0; i < in_bucket.size(); ++i) {
            out.in_bucket[i] -= earlier.in_bucket[i];
        }
        out.sum -= earlier.sum;
        return out;
    }

    /// The end of the bucket in which such a share of the rotations, up to 1, is complete: an upper
    /// bound, at most twice too long. Nothing without rotations; the end before the last bucket for
    /// those without an end.
    [[nodiscard]] std::optional<protocol::Duration> quantile(double share) const {
        const std::uint64_t all = count();
        std::uint64_t below = 0;
        for (std::size_t i = 0; all > 0 && i < kEnds; ++i) {
            below += in_bucket[i];
            if (static_cast<double>(below) >= share * static_cast<double>(all)) {
                return end_of(i);
            }
        }
        return all == 0 ? std::nullopt : std::optional(end_of(kEnds - 1));
    }

    friend bool operator==(const RotationTimes&, const RotationTimes&) = default;
};

}  // namespace spread::membership
