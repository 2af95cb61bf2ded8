#pragma once

#include <chrono>
#include <string>

#include "protocol/time.hpp"

namespace spread::session {

/// A duration as a person would write it in a configuration file.
[[nodiscard]] inline std::string in_seconds(protocol::Duration duration) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
    return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

}  // namespace spread::session
