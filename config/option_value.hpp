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

/// monostate: the option was given without a value.
using OptionValue = std::variant<std::monostate, bool, TriState, std::uint32_t, std::string,
                                 LogPriority, IpAddress::Family>;

/// The value of an option that takes a single token, or nullopt after reporting why it is none or
/// out of its range. A token that was reported already is passed over in silence.
[[nodiscard]] std::optional<OptionValue> read_value(const OptionSpec& spec, const Token& token,
                                                    Diagnostics& diagnostics);

}  // namespace spread::config
