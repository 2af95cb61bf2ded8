#include "tests/stress/latency.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace spread::stress {

std::uint32_t Latencies::percentile(double percent) const {
    if (samples_.empty()) {
        return 0;
    }
    auto sorted = samples_;
    const auto rank =
        static_cast<std::size_t>(std::ceil(percent / 100 * static_cast<double>(sorted.size())));
    const auto place =
        sorted.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(rank, 1) - 1);
    std::nth_element(sorted.begin(), place, sorted.end());
    return *place;
}

std::string Latencies::summary() const {
    return fmt::format("p50 {} us, p99 {} us, largest {} us ({} samples)", percentile(50),
                       percentile(99), percentile(100), samples_.size());
}

}  // namespace spread::stress
