#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/explorer/world.hpp"

namespace spread::explorer {

struct Limits {
    double seconds = 60;
    std::uint64_t states = 20'000'000;
    std::uint64_t peace_every = 64;  ///< a peace run from one in so many states; 0: none
};

/// What a search has seen.
struct Outcome {
    enum class End : std::uint8_t { kComplete, kLimit, kViolation };
    End end = End::kComplete;
    std::string problem;            ///< of kViolation
    std::vector<std::string> path;  ///< the moves that lead to it
    std::uint64_t states = 0;
    std::uint64_t transitions = 0;
    std::uint64_t peace_runs = 0;
    std::size_t depth = 0;
    double seconds = 0;
};

/// Every order of moves from the start, states of one fingerprint once.
[[nodiscard]] Outcome explore(const Setup& setup, const Limits& limits);

struct Walk {
    std::uint64_t seed = 1;
    std::size_t moves = 110;  ///< of each walk
    /// Of a hundred moves, at most so many are of this kind; each walk draws its share.
    std::uint32_t drops = 35;
    std::uint32_t timers = 14;
    std::uint32_t crashes = 3;
    std::uint32_t messages = 10;  ///< of each walk, at most
};

/// Random walks by the same moves until the time is over, each followed by a peace run.
[[nodiscard]] Outcome walk(const Setup& setup, const Walk& how, const Limits& limits);

}  // namespace spread::explorer
