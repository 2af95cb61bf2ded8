#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace spread::stress {

/// Times from a client's send to a client's receipt, in microseconds.
class Latencies {
  public:
    void add(std::uint32_t microseconds) { samples_.push_back(microseconds); }
    void add(const Latencies& others) {
        samples_.insert(samples_.end(), others.samples_.begin(), others.samples_.end());
    }
    void clear() { samples_.clear(); }

    [[nodiscard]] std::size_t count() const { return samples_.size(); }
    /// The smallest sample that is not below `percent` of them all; 0 without samples.
    [[nodiscard]] std::uint32_t percentile(double percent) const;
    /// "p50 120 us, p99 300 us, largest 900 us (8000 samples)".
    [[nodiscard]] std::string summary() const;

  private:
    std::vector<std::uint32_t> samples_;
};

}  // namespace spread::stress
