#include "config/option_parser.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "config/option_value.hpp"
#include "config/text.hpp"
#include "config/words.hpp"

namespace spread::config {

namespace {

constexpr std::array<std::string_view, 3> kFormerOptions = {"LinkProtocol", "RouteMatrix",
                                                            "DebugInitialSequence"};

class OptionParser {
  public:
    explicit OptionParser(TokenStream& in) : in_(in) {}

    OptionTerm parse();

  private:
    void parse_value(OptionTerm& option);
    void parse_flags(OptionTerm& option, const Token& open);

    TokenStream& in_;
};

OptionTerm OptionParser::parse() {
    const Token word = in_.take();
    OptionTerm option;
    option.spec = find_option(word.text);
    option.at = word.at;
    option.value_at = word.at;
    const std::string name(word.text);

    if (option.spec->kind == ValueKind::kNone) {
        option.is_valid = true;
        if (in_.at(TokenKind::kEquals)) {
            in_.error(in_.peek(), name + " takes no value; remove the '=' and what follows");
            in_.skip_equals_and_value();
            option.is_valid = false;
        }
    } else if (in_.at(TokenKind::kEquals)) {
        const Token equals = in_.take();
        if (in_.at(TokenKind::kEnd) || (!in_.on_same_line() && in_.at_statement()) ||
            in_.at(TokenKind::kCloseBrace)) {
            in_.error(equals, name + " has no value after '='");
        } else {
            parse_value(option);
        }
    } else if (option.spec->kind == ValueKind::kOptionalString) {
        option.value = std::string(kDefaultTimeStamp);
        option.is_valid = true;
    } else if (in_.on_same_line() && !in_.at_statement() && !in_.at(TokenKind::kCloseBrace)) {
        in_.error(in_.peek(),
                  "expected '=' between " + name + " and its value, found " + describe(in_.peek()));
        in_.skip_line();
    } else {
        in_.error(word, name + " needs '=' and a value after it");
    }

    // Two statements may share a line, but nothing else may follow a value.
    if (option.is_valid && in_.on_same_line() && !in_.at_statement() &&
        !in_.at(TokenKind::kCloseBrace) && !in_.at(TokenKind::kForeignComment) &&
        !in_.at(TokenKind::kInvalid) &&
        !(in_.at(TokenKind::kWord) && is_former_option(in_.peek().text))) {
        const bool is_text = option.spec->kind == ValueKind::kString ||
                             option.spec->kind == ValueKind::kChoice ||
                             option.spec->kind == ValueKind::kMethods ||
                             option.spec->kind == ValueKind::kOptionalString;
        in_.error(in_.peek(),
                  "unexpected " + in_quotes(in_.peek().text) + " after the value of " + name +
                      (is_text ? "; a value of several words needs quotes around all of it"
                               : std::string()));
        in_.skip_line();
    }
    if (!option.is_valid && in_.on_same_line() && !in_.at_statement()) {
        in_.skip_line();
    }
    return option;
}

void OptionParser::parse_value(OptionTerm& option) {
    const Token token = in_.take();
    option.value_at = token.at;
    if (option.spec->kind == ValueKind::kFlags) {
        parse_flags(option, token);
        return;
    }
    if (auto value = read_value(*option.spec, token, in_.diagnostics())) {
        option.value = *std::move(value);
        option.is_valid = true;
    } else if (token.kind == TokenKind::kOpenBrace) {
        in_.put_back(token);
        in_.skip_block();
    }
}

/// DebugFlags = { ... }; `open` is what follows the equals sign.
void OptionParser::parse_flags(OptionTerm& option, const Token& open) {
    if (open.kind == TokenKind::kInvalid) {
        return;
    }
    const std::string name(option.spec->name);
    if (open.kind != TokenKind::kOpenBrace) {
        in_.error(open, name + " needs a list in braces, as in { ALL !DATA_LINK }, found " +
                            describe(open));
        return;
    }
    const std::size_t errors_before = in_.error_count();
    std::uint32_t flags = 0;
    while (!in_.is_full()) {
        if (in_.at(TokenKind::kEnd) || in_.at_statement()) {
            in_.error(open, "this '{' is not closed before " + describe(in_.peek()) +
                                "; add the missing '}' after the flags");
            return;
        }
        const Token token = in_.take();
        if (token.kind == TokenKind::kCloseBrace) {
            option.value = flags;
            option.is_valid = in_.error_count() == errors_before;
            return;
        }
        const bool is_negated = token.kind == TokenKind::kBang;
        if (is_negated && (in_.at(TokenKind::kCloseBrace) || in_.at(TokenKind::kEnd))) {
            in_.error(token, "expected a flag after '!'");
            continue;
        }
        const Token flag = is_negated ? in_.take() : token;
        if (flag.kind == TokenKind::kOpenBrace) {
            in_.error(flag, "unexpected '{' in the list of flags");
            in_.put_back(flag);
            in_.skip_block();
            continue;
        }
        const auto bits =
            flag.kind == TokenKind::kWord ? parse_debug_flag(flag.text) : std::nullopt;
        if (!bits) {
            if (flag.kind != TokenKind::kInvalid) {
                in_.error(flag, "unknown flag " + in_quotes(flag.text) +
                                    did_you_mean(flag.text, debug_flag_names()));
            }
            continue;
        }
        flags = is_negated ? flags & ~*bits : flags | *bits;
    }
}

}  // namespace

bool is_former_option(std::string_view word) {
    return std::find(kFormerOptions.begin(), kFormerOptions.end(), word) != kFormerOptions.end();
}

OptionTerm parse_option(TokenStream& in) {
    return OptionParser(in).parse();
}

}  // namespace spread::config
