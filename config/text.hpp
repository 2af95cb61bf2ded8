#pragma once

#include <span>
#include <string>
#include <string_view>

#include "config/diagnostic.hpp"

namespace spread::config {

/// `text` in single quotes for a message: one line, at most some 40 bytes, and bytes that are
/// neither printable ASCII nor part of valid UTF-8 written as \xNN.
[[nodiscard]] std::string in_quotes(std::string_view text);

/// "line:column".
[[nodiscard]] std::string to_text(Position position);

[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);

/// The candidate a misspelt `word` most likely means, or an empty view when none is near. Case does
/// not count.
[[nodiscard]] std::string_view nearest(std::string_view word,
                                       std::span<const std::string_view> candidates);

/// "; did you mean 'X'?" for the nearest candidate, or nothing.
[[nodiscard]] std::string did_you_mean(std::string_view word,
                                       std::span<const std::string_view> candidates);

}  // namespace spread::config
