#pragma once

#include <cstddef>
#include <string_view>

namespace spread::support {

/// How often `part` is in `text`.
[[nodiscard]] inline std::size_t times_in(std::string_view text, std::string_view part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string_view::npos;
         at = text.find(part, at + 1)) {
        ++found;
    }
    return found;
}

}  // namespace spread::support
