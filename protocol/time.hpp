#pragma once

#include <chrono>
#include <cstdint>

namespace spread::protocol {

/// Clock type of the core. It has no `now()`: core code that tries to read a clock does not
/// compile, so time always arrives as an argument from the host (daemon or simulator).
struct EngineClock {
    using rep = std::int64_t;
    using period = std::nano;
    using duration = std::chrono::nanoseconds;
    using time_point = std::chrono::time_point<EngineClock>;
    static constexpr bool is_steady = true;
};

using Duration = EngineClock::duration;
using Instant = EngineClock::time_point;

}  // namespace spread::protocol
