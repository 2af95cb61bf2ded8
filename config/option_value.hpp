#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "config/configuration.hpp"
#include "config/diagnostics.hpp"
#include "config/lexer.hpp"
#include "config/options.hpp"

namespace spread::config {

/// monostate: the option was given without a value. TriState::kAuto also stands for the word `auto`
/// where an option takes it.
using OptionValue = std::variant<std::monostate, bool, TriState, std::uint32_t, std::string,
                                 LogPriority, IpAddress::Family>;

/// The value of an option that takes a single token, or nullopt after reporting why it is none or
/// out of its range. A token that was reported already is passed over in silence.
[[nodiscard]] std::optional<OptionValue> read_value(const OptionSpec& spec, const Token& token,
                                                    Diagnostics& diagnostics);

/// Puts a value that was read for `spec` where the table says. Lists of authentication methods are
/// left out: all lines of a file count together.
void store_value(const OptionSpec& spec, const OptionValue& value, Configuration& configuration);

/// The value an option has in `configuration`, as it would be written in a file: `auto` for one
/// that takes it and is not set, nullopt for another one that is not set.
[[nodiscard]] std::optional<std::string> value_text(const OptionSpec& spec,
                                                    const Configuration& configuration);

}  // namespace spread::config
