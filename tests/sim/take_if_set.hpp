#pragma once

#include <chrono>
#include <cstdint>

#include "protocol/time.hpp"

namespace spread::sim {

/// A tunable of a scenario, in microseconds, where it is set at all.
inline void take_if_set(protocol::Duration& target, std::uint32_t us) {
    if (us != 0) {
        target = std::chrono::microseconds(us);
    }
}

template <typename T>
void take_if_set(T& target, std::uint32_t value) {
    if (value != 0) {
        target = value;
    }
}

}  // namespace spread::sim
