#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

// Of config.json.

namespace spread::spreadctl {

/// What an option's number counts, for a column; empty: it has no unit.
[[nodiscard]] std::string unit_of(const std::string& option);

/// A table of options; `only_set`: of those that are not at their defaults.
[[nodiscard]] std::string config_text(const nlohmann::json& config, bool only_set = false);

/// What differs, first that which must be the same on all daemons:
/// [{"setting", "must_be_same", "here", "there"}], each side null, or {"value", "line"}.
[[nodiscard]] nlohmann::json config_differences(const nlohmann::json& here,
                                                const nlohmann::json& there);

/// What one other daemon has otherwise, as an entry of `spreadctl --json config diff`: "daemon",
/// "file", "hash", "differences".
[[nodiscard]] nlohmann::json compared(const std::string& daemon, const nlohmann::json& here,
                                      const nlohmann::json& there);

/// For people, of {"daemon", "file", "hash", "others"}. Settings that each host may choose are
/// named; `all`: and shown. "others" that could not be asked have "why" in place of the rest.
[[nodiscard]] std::string comparison_text(const nlohmann::json& comparison, bool all);

/// Whether anything differs that must be the same, or, with `all`, anything.
[[nodiscard]] bool differs(const nlohmann::json& comparison, bool all);

}  // namespace spread::spreadctl
