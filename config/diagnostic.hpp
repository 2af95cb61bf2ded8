#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace spread::config {

/// Where something was said: line and column from 1, the column in bytes.
struct Position {
    std::uint32_t line = 0;
    std::uint32_t column = 0;

    friend bool operator==(const Position&, const Position&) = default;
    friend auto operator<=>(const Position&, const Position&) = default;
};

enum class Severity : std::uint8_t { kWarning, kError };

/// One problem of a configuration file.
struct Diagnostic {
    Severity severity = Severity::kError;
    Position at;
    std::string message;
};

/// "file:line:column: error: message"
[[nodiscard]] std::string format(const Diagnostic& diagnostic, std::string_view file_name);

}  // namespace spread::config
