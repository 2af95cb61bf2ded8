#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace spread::spbench {

/// Running hash over a delivery sequence of (sender, number) pairs. Two receivers that saw the same
/// messages in the same order have equal digests; others differ, but for a chance of 2^-64.
/// Checkpoints say roughly where two sequences part.
class OrderDigest {
  public:
    static constexpr std::uint64_t kCheckpointEvery = 1024;

    void add(std::uint32_t sender, std::uint64_t number) {
        hash_ = mix(hash_ ^ mix((std::uint64_t{sender} << 48U) ^ number));
        if (++count_ % kCheckpointEvery == 0) {
            checkpoints_.push_back(hash_);
        }
    }

    [[nodiscard]] std::uint64_t count() const { return count_; }
    [[nodiscard]] std::uint64_t hash() const { return hash_; }

    /// The position by which the two sequences differ for certain: they agree on everything up to
    /// kCheckpointEvery before it. Nothing when they are equal.
    [[nodiscard]] std::optional<std::uint64_t> differs_before(const OrderDigest& other) const {
        if (count_ == other.count_ && hash_ == other.hash_) {
            return std::nullopt;
        }
        const auto [mine, theirs] =
            std::mismatch(checkpoints_.begin(), checkpoints_.end(), other.checkpoints_.begin(),
                          other.checkpoints_.end());
        const auto agreed = static_cast<std::uint64_t>(mine - checkpoints_.begin());
        return (agreed + 1) * kCheckpointEvery;
    }

  private:
    /// The finalizer of splitmix64: every input bit reaches every output bit.
    static constexpr std::uint64_t mix(std::uint64_t x) {
        x += 0x9e3779b97f4a7c15U;
        x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
        x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
        return x ^ (x >> 31U);
    }

    std::uint64_t hash_ = 0;
    std::uint64_t count_ = 0;
    std::vector<std::uint64_t> checkpoints_;
};

}  // namespace spread::spbench
