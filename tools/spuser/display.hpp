#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "spread/event.hpp"

namespace spread::spuser {

/// Longest body shown; what is beyond is only counted.
inline constexpr std::size_t kShownBytesMax = 4096;

/// What was received, for people and for grep: one line with the facts, starting with its kind in
/// brackets, then indented lines. `self` is our private group.
[[nodiscard]] std::string describe(const Event& event, std::string_view self);

/// Text from another client, made safe for a terminal: UTF-8 passes, control characters become
/// \xNN, and lines after the first are indented.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace spread::spuser
