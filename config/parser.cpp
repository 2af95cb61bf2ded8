#include "config/parser.hpp"

#include <array>
#include <cstddef>
#include <utility>

#include "config/option_parser.hpp"
#include "config/segment_parser.hpp"
#include "config/text.hpp"
#include "config/token_stream.hpp"

namespace spread::config {

namespace {

/// An unquoted word in the place of a statement. With a misspelt name, "Window=160" without blanks
/// is one word.
std::string_view statement_name(std::string_view word) {
    return word.substr(0, word.find('='));
}

/// Reads statements, the outermost level of a file: options and segments.
class Parser {
  public:
    Parser(std::string_view text, Diagnostics& diagnostics) : in_(text, diagnostics) {}

    SyntaxTree parse_file();

  private:
    void parse_statement();
    void parse_unknown_statement();
    void parse_former_option();
    void parse_stray(const Token& token);

    TokenStream in_;
    SegmentParser segments_{in_};
    SyntaxTree tree_;
};

SyntaxTree Parser::parse_file() {
    while (!in_.at(TokenKind::kEnd) && !in_.is_full()) {
        parse_statement();
    }
    return std::move(tree_);
}

void Parser::parse_statement() {
    const Token token = in_.peek();
    if (token.kind == TokenKind::kWord) {
        if (token.text == kSegmentWord) {
            segments_.parse(tree_);
        } else if (find_option(token.text) != nullptr) {
            tree_.options.push_back(parse_option(in_));
        } else if (is_former_option(token.text)) {
            parse_former_option();
        } else {
            parse_unknown_statement();
        }
        return;
    }
    parse_stray(token);
}

void Parser::parse_unknown_statement() {
    const Token token = in_.peek();
    const std::string_view name = statement_name(token.text);
    const bool is_address_next = [&] {
        const TokenKind next = in_.peek(1).kind;
        return next == TokenKind::kAddress || next == TokenKind::kBadAddress;
    }();

    std::array<std::string_view, 1> segment_word = {kSegmentWord};
    if (!nearest(name, segment_word).empty()) {
        in_.error(token,
                  "unknown word " + in_quotes(token.text) + did_you_mean(name, segment_word));
        if (is_address_next || in_.peek(1).kind == TokenKind::kOpenBrace) {
            segments_.parse(tree_);
            return;
        }
    } else if (is_address_next) {
        in_.error(token, in_quotes(token.text) +
                             " stands outside of any segment; list daemons between the braces of a "
                             "Spread_Segment");
    } else if (name == kVirtualIdWord) {
        in_.error(token,
                  "VirtualID belongs to a daemon inside a segment: name address VirtualID = "
                  "number");
    } else if (is_reserved(token.text)) {
        in_.error(token,
                  "unexpected " + in_quotes(token.text) + "; expected an option or Spread_Segment");
    } else {
        in_.error(token, "unknown option " + in_quotes(name) + did_you_mean(name, option_names()));
    }
    in_.take();
    in_.skip_line();
}

void Parser::parse_former_option() {
    const Token word = in_.take();
    if (word.text == "RouteMatrix" && in_.at(TokenKind::kOpenBrace)) {
        in_.skip_block();
    } else if (word.text == "LinkProtocol") {
        in_.skip_equals_and_value();
    }
    in_.diagnostics().warning(
        word.at, std::string(word.text) + " of earlier versions has no effect any more; remove it");
}

void Parser::parse_stray(const Token& token) {
    switch (token.kind) {
        case TokenKind::kInvalid:
            in_.take();
            in_.skip_line();
            return;
        case TokenKind::kForeignComment: in_.refuse_foreign_comment(); return;
        case TokenKind::kCloseBrace:
            in_.take();
            if (!in_.settle_brace()) {
                in_.error(token, "this '}' closes nothing; remove it");
            }
            return;
        case TokenKind::kOpenBrace:
            in_.error(token,
                      "this '{' belongs to nothing; a segment starts with Spread_Segment "
                      "address:port {");
            in_.skip_block();
            in_.skip_line();
            return;
        case TokenKind::kSemicolon:
            in_.error(token,
                      "unexpected ';': it only separates daemons inside a segment; comments "
                      "start with '#'");
            in_.take();
            in_.skip_line();
            return;
        default:
            in_.error(token, "unexpected " + in_quotes(token.text) +
                                 "; expected an option or Spread_Segment");
            in_.take();
            in_.skip_line();
            return;
    }
}

}  // namespace

SyntaxTree parse_syntax(std::string_view text, Diagnostics& diagnostics) {
    return Parser(text, diagnostics).parse_file();
}

}  // namespace spread::config
