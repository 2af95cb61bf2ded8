#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "daemon/ring/flight_file.hpp"
#include "protocol/ids.hpp"

namespace spread::spreadctl {

/// What a recording says of one ring.
struct RecordedRing {
    std::vector<std::string> members;  ///< unknown when it was installed before
    std::uint64_t accepted = 0;
    std::uint64_t delivered = 0;
    std::uint64_t first = 0;  ///< place in the order of the first delivery that is recorded
    std::uint64_t last = 0;
    std::vector<std::string> lines;  ///< states, configurations, recoveries, refusals
};

/// By number and representative. Nothing has its place in a ring before the first one that the
/// recording knows: that is 0.
[[nodiscard]] std::map<std::pair<std::uint64_t, std::uint64_t>, RecordedRing> recorded_rings(
    const daemon::FlightLog& log);

}  // namespace spread::spreadctl
