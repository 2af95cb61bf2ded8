#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace spread::sim {

/// What runs have to come to, so that what is said of it has been tried: states that are rare, and
/// sizes that are far from the usual ones.
enum class Goal : std::uint8_t {
    kHole,
    kPromise,
    kHoleAndPromise,
    kInterruptedTwice,
    kInterruptedThrice,
    kExchangeInterrupted,
    kSeveralParts,
    kWindowBeyond512,
    kManyPacketsHeld,
    kFullRequestList,
    kLargeRing,
    kLargestRing,
    kLargeGroup,
    kHours,
    kCounterPasses31Bits,
    kCounterPasses32Bits,
    kPacketsPass31Bits,
    kPacketsPass32Bits,
    kIndexPasses31Bits,
    kCount
};

inline constexpr auto kGoals = static_cast<std::size_t>(Goal::kCount);

/// In the order of Goal. What is counted, and by whom it is seen.
inline constexpr std::array<std::string_view, kGoals> kGoalNames{
    "recoveries with a hole",
    "recoveries with a promise to a lost daemon",
    "recoveries with a hole and a promise",
    "rings installed after two interrupted recoveries",
    "rings installed after three and more",
    "group state exchanges interrupted by a transitional configuration",
    "group states of several parts",
    "turns with a window beyond 512",
    "turns with more than 512 packets not yet safe",
    "tokens with as many requests as fit",
    "members of rings of 64 and more",
    "members of rings of 128",
    "views of 2000 members and more",
    "runs of two hours and more",
    "ring counters that pass an odd multiple of 2^31",
    "ring counters that pass a multiple of 2^32",
    "packet numbers that pass 2^31",
    "packet numbers that pass 2^32",
    "views whose index has passed 2^31",
};

/// How often each was reached.
struct Reached {
    std::array<std::uint64_t, kGoals> times{};

    void note(Goal goal) { ++times[static_cast<std::size_t>(goal)]; }
    void add(const Reached& other) {
        for (std::size_t i = 0; i < kGoals; ++i) {
            times[i] += other.times[i];
        }
    }
};

}  // namespace spread::sim
