#pragma once

#include <cstdint>

namespace spread::protocol {

/// SplitMix64: small, seedable, the same on every platform. The host supplies the seed.
class Rng {
  public:
    explicit Rng(std::uint64_t seed) : state_(seed) {}

    [[nodiscard]] std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15ULL;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }

    /// Uniform in [0, bound); 0 when bound is 0. The modulo bias is below 2^-32 for bounds below
    /// 2^32.
    [[nodiscard]] std::uint64_t below(std::uint64_t bound) {
        return bound == 0 ? 0 : next() % bound;
    }

    /// True with probability numerator / denominator.
    [[nodiscard]] bool chance(std::uint64_t numerator, std::uint64_t denominator) {
        return below(denominator) < numerator;
    }

  private:
    std::uint64_t state_;
};

}  // namespace spread::protocol
