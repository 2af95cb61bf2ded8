#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace spread::spreadctl {

/// "30s", "10m", "2h" or "7d"; nothing: it is none of these, or no time at all.
[[nodiscard]] std::optional<std::chrono::seconds> seconds_of(const std::string& text);

/// When an operator means, so that it compares with times in JSON, "2026-03-01T03:00:00": so long
/// before `now`; a time of the day, the last one; or a whole one as events show it. All in UTC.
/// Nothing: it is none of these.
[[nodiscard]] std::optional<std::string> moment_of(const std::string& text,
                                                   std::chrono::system_clock::time_point now);

}  // namespace spread::spreadctl
