#pragma once

#include <vector>

#include "config/parser.hpp"
#include "config/token_stream.hpp"

namespace spread::config {

/// An interface stanza: where an unclosed segment most likely lost its brace.
struct StanzaSpan {
    Position open;
    Position close;
    bool close_starts_line = false;
};

/// Reads a daemon at its name, with its VirtualID and its interface stanza, which is added to
/// `stanzas`.
[[nodiscard]] DaemonTerm parse_daemon(TokenStream& in, std::vector<StanzaSpan>& stanzas);

}  // namespace spread::config
