#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "protocol/roster.hpp"

namespace spread::admin {

/// Components of a ring, a number for each configured daemon by its position, as people write them:
/// names with spaces between, and a slash between components, "n1 n2 / n3". Who is not named is in
/// one component more. The error is one line.
[[nodiscard]] tl::expected<std::vector<std::int16_t>, std::string> parse_partition(
    std::string_view text, const protocol::Roster& roster);

/// The way back, with all daemons named.
[[nodiscard]] std::string describe_partition(const std::vector<std::int16_t>& components,
                                             const protocol::Roster& roster);

/// All daemons are in one component.
[[nodiscard]] bool is_whole(const std::vector<std::int16_t>& components);

}  // namespace spread::admin
