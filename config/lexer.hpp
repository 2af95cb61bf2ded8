#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/diagnostics.hpp"
#include "config/ip_address.hpp"

namespace spread::config {

enum class TokenKind : std::uint8_t {
    kEnd,
    kWord,        ///< unquoted string, keywords included
    kQuoted,      ///< quoted string; the text is without its quotes
    kNumber,      ///< one to nine digits
    kAddress,     ///< IPv4 or IPv6, perhaps with a port
    kBadAddress,  ///< unquoted string that was meant to be an address and is none
    kEquals,
    kOpenBrace,
    kCloseBrace,
    kSemicolon,
    kColon,
    kBang,
    kForeignComment,  ///< a comment of another language, up to the end of its line
    kInvalid,         ///< already reported
};

struct Token {
    TokenKind kind = TokenKind::kEnd;
    Position at;
    bool starts_line = false;  ///< no other token stands before it on its line
    std::string_view text;     ///< part of the text given to the lexer
    // For kAddress only:
    IpAddress address{};
    std::string_view address_text{};  ///< without brackets, port and scope
    std::optional<std::uint32_t> port{};
    bool is_bracketed = false;
};

/// Cuts the text of a configuration file into tokens.
///
/// Goes beyond stock where stock's reading can only be an accident: `a=b` is three tokens after an
/// option's name, brackets around an IPv6 address need no port, form feed and vertical tab are
/// blanks. What stock swallows silently (stray brackets, unterminated quotes, zero bytes) is
/// reported and becomes kInvalid. Lines end with LF; in a file without any LF, with CR.
class Lexer {
  public:
    /// `text` must outlive the lexer and its tokens.
    Lexer(std::string_view text, Diagnostics& diagnostics);

    /// The next token; kEnd for ever after the last one.
    [[nodiscard]] Token next();

  private:
    [[nodiscard]] Token scan_quoted(Token token);
    [[nodiscard]] Token scan_word(Token token);
    [[nodiscard]] Token classify(Token token);
    bool split_bracketed(Token& token, std::string_view& host, std::string_view& port);
    [[nodiscard]] std::size_t end_of_word(std::size_t from) const;
    [[nodiscard]] bool is_value_position() const { return previous_kind_ == TokenKind::kEquals; }
    [[nodiscard]] Position position_of(std::size_t offset) const;

    void skip_blanks_and_comments();
    void skip_rest_of_line();
    void advance_to(std::size_t offset);

    std::string_view text_;
    Diagnostics& diagnostics_;
    char line_end_;
    std::size_t offset_ = 0;
    std::uint32_t line_ = 1;
    std::size_t line_start_ = 0;
    std::uint32_t previous_end_line_ = 0;
    TokenKind previous_kind_ = TokenKind::kEnd;
    std::string_view previous_text_;
};

/// A token in a message: its text in quotes, or "the end of the file".
[[nodiscard]] std::string describe(const Token& token);

[[nodiscard]] bool all_digits(std::string_view text);

/// Value of 1 to 19 decimal digits.
[[nodiscard]] std::uint64_t number_of(std::string_view digits);

/// One sentence: why text of kind kBadAddress is no address, and what to write instead.
[[nodiscard]] std::string explain_bad_address(std::string_view text);

}  // namespace spread::config
