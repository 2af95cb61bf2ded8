#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "protocol/ids.hpp"

namespace spread::driver {

/// What a daemon remembers from one life to the next, so that neither an incarnation nor a ring
/// counter repeats even when the clock was set back.
struct DaemonState {
    std::uint64_t incarnation = 0;   ///< milliseconds since 1970 at the start, or more
    std::uint64_t ring_counter = 0;  ///< of the last ring this daemon helped to form

    friend bool operator==(const DaemonState&, const DaemonState&) = default;
};

/// The state of a new life: past the stored one and not behind the wall clock.
[[nodiscard]] inline DaemonState next_state(const std::optional<DaemonState>& stored,
                                            std::uint64_t wall_milliseconds) {
    DaemonState state{wall_milliseconds, wall_milliseconds / protocol::kRingCounterMs};
    if (stored) {
        state.incarnation = std::max(state.incarnation, stored->incarnation + 1);
        state.ring_counter = std::max(state.ring_counter, stored->ring_counter + 1);
    }
    return state;
}

}  // namespace spread::driver
