#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/configuration.hpp"

namespace spread::config {

/// The words that stand for values in a file, and what they stand for. Those of bool and TriState
/// are read without regard to case, the others as they are spelt.
[[nodiscard]] std::optional<bool> parse_bool(std::string_view word);
[[nodiscard]] std::optional<TriState> parse_tri_state(std::string_view word);
[[nodiscard]] std::optional<LogPriority> parse_priority(std::string_view word);
[[nodiscard]] std::optional<IpAddress::Family> parse_ip_version(std::string_view word);

/// The bits a flag of DebugFlags stands for; none for NONE.
[[nodiscard]] std::optional<std::uint32_t> parse_debug_flag(std::string_view word);

[[nodiscard]] std::span<const std::string_view> priority_names();
[[nodiscard]] std::span<const std::string_view> debug_flag_names();

[[nodiscard]] std::string_view word_of(TriState value);
[[nodiscard]] std::string_view word_of(LogPriority value);
[[nodiscard]] std::string_view word_of(IpAddress::Family value);
/// As it is written in a file: "{ EXIT PRINT }".
[[nodiscard]] std::string debug_flags_text(std::uint32_t flags);

}  // namespace spread::config
