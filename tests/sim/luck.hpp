#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/rng.hpp"

namespace spread::sim {

/// Folds `value` into `state`; good enough for luck and digests, not for secrets.
[[nodiscard]] constexpr std::uint64_t mixed(std::uint64_t state, std::uint64_t value) {
    std::uint64_t z = (state ^ value) + 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

/// A stream of its own for each consumer, so that a change in one does not shift the others.
[[nodiscard]] inline protocol::Rng stream(std::uint64_t seed, std::string_view name,
                                          std::uint64_t number = 0) {
    std::uint64_t state = mixed(seed, number);
    for (const char c : name) {
        state = mixed(state, static_cast<unsigned char>(c));
    }
    return protocol::Rng(state);
}

}  // namespace spread::sim
