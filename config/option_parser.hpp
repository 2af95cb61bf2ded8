#pragma once

#include "config/parser.hpp"
#include "config/token_stream.hpp"

namespace spread::config {

/// Words of 3.x and 4.x files that mean nothing any more.
[[nodiscard]] bool is_former_option(std::string_view word);

/// Reads an option at its name, with whatever of its line belongs to it. A value that is none is
/// reported, and the term says that it is not valid.
[[nodiscard]] OptionTerm parse_option(TokenStream& in);

}  // namespace spread::config
