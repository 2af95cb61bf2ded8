#pragma once

#include <optional>
#include <string_view>

#include "config/configuration.hpp"
#include "config/diagnostics.hpp"
#include "config/parse.hpp"
#include "config/parser.hpp"

namespace spread::config {

/// Turns what a file says into a configuration and checks everything that grammar cannot: ranges
/// that depend on each other, uniqueness, address families, interface stanzas.
/// Names without an address are resolved, but only when nothing was wrong before, so that a
/// misread word is not looked up. Returns nullopt when `diagnostics` holds an error at the end.
[[nodiscard]] std::optional<Configuration> build_configuration(const SyntaxTree& tree,
                                                               std::string_view file_name,
                                                               Resolver& resolver,
                                                               Diagnostics& diagnostics);

}  // namespace spread::config
