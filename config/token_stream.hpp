#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

#include "config/diagnostics.hpp"
#include "config/lexer.hpp"

namespace spread::config {

inline constexpr std::string_view kSegmentWord = "Spread_Segment";
inline constexpr std::string_view kVirtualIdWord = "VirtualID";
inline constexpr std::string_view kUnicastWord = "unicast";
inline constexpr std::string_view kHostWord = "Host";
inline constexpr std::string_view kCountWord = "Count";

[[nodiscard]] inline bool is_word(const Token& token, std::string_view word) {
    return token.kind == TokenKind::kWord && token.text == word;
}

/// Tokens with look-ahead, and the ways to go on behind a mistake: what all parts of the parser
/// share.
class TokenStream {
  public:
    TokenStream(std::string_view text, Diagnostics& diagnostics)
        : lexer_(text, diagnostics), diagnostics_(diagnostics) {}

    const Token& peek(std::size_t ahead = 0);
    Token take();
    void put_back(const Token& token) { tokens_.push_front(token); }

    [[nodiscard]] bool at(TokenKind kind) { return peek().kind == kind; }
    /// The next token continues the line of the token taken last.
    [[nodiscard]] bool on_same_line() { return !at(TokenKind::kEnd) && !peek().starts_line; }
    /// At a word that begins a segment or an option.
    [[nodiscard]] bool at_statement();

    /// Skips what is left of the line, with the blocks that open on it.
    void skip_line();
    /// Skips a block at its opening brace. A segment starting inside it means that its closing
    /// brace is missing.
    void skip_block();
    void skip_equals_and_value();
    /// Reports and takes a comment of another language.
    void refuse_foreign_comment();

    /// A closing brace that will come belongs to something already reported as unclosed.
    void owe_brace() { ++braces_owed_; }
    /// Whether a closing brace that closes nothing was owed; it is then settled.
    [[nodiscard]] bool settle_brace();

    [[nodiscard]] Diagnostics& diagnostics() { return diagnostics_; }
    [[nodiscard]] std::size_t error_count() const { return diagnostics_.error_count(); }
    [[nodiscard]] bool is_full() const { return diagnostics_.is_full(); }
    void error(const Token& token, std::string message) { error(token.at, std::move(message)); }
    void error(Position where, std::string message) {
        diagnostics_.error(where, std::move(message));
    }

  private:
    Lexer lexer_;
    Diagnostics& diagnostics_;
    std::deque<Token> tokens_;
    std::size_t braces_owed_ = 0;
};

}  // namespace spread::config
