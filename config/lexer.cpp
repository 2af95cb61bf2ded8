#include "config/lexer.hpp"

#include <algorithm>
#include <utility>

#include "config/options.hpp"
#include "config/text.hpp"

namespace spread::config {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kNumberDigitsMax = 9;
constexpr std::size_t kPortDigitsMax = 5;
/// A template variable is looked for no further, so that the search stays linear.
constexpr std::size_t kVariableBytesMax = 64;
constexpr std::uint64_t kPortMax = 65535;

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f';
}

bool is_bracket(char c) {
    return c == '[' || c == ']';
}

/// Bytes an unquoted string is made of.
bool is_word_byte(char c) {
    return !is_blank(c) && !is_bracket(c) && c != '#' && c != '{' && c != '}';
}

bool is_control(char c) {
    return (c >= 0 && c < ' ' && !is_blank(c)) || c == '\x7F';
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_hex_digit(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// Words an equals sign may follow without a blank.
bool takes_equals(std::string_view word) {
    return word == "VirtualID" || word == "Host" || word == "Count" || word == "LinkProtocol" ||
           find_option(word) != nullptr;
}

bool looks_like_ipv4(std::string_view text) {
    const std::string_view host = text.substr(0, text.find_first_of(":/%"));
    return !host.empty() && is_digit(host.front()) && host.find('.') != std::string_view::npos &&
           std::all_of(host.begin(), host.end(), [](char c) { return is_digit(c) || c == '.'; });
}

bool looks_like_ipv6(std::string_view text) {
    const std::string_view host = text.substr(0, text.find_first_of("%/"));
    return std::count(host.begin(), host.end(), ':') >= 2 &&
           std::all_of(host.begin(), host.end(),
                       [](char c) { return is_hex_digit(c) || c == ':' || c == '.'; });
}

bool looks_like_template(std::string_view text) {
    return text.find('$') != std::string_view::npos || text.find('@') != std::string_view::npos;
}

std::string explain_bad_port(std::string_view port) {
    if (looks_like_template(port)) {
        return in_quotes(port) +
               " is not a port number; it looks like a template variable that was not filled in";
    }
    if (!all_digits(port)) {
        return in_quotes(port) + " is not a port number; write 1 to 65534";
    }
    return "port " + in_quotes(port) + " is out of range; write 1 to 65534";
}

std::string explain_bad_ipv4(std::string_view host) {
    std::size_t groups = 0;
    std::string fault;
    std::string_view rest = host;
    while (true) {
        const std::size_t dot = rest.find('.');
        const std::string_view group = rest.substr(0, dot);
        ++groups;
        if (fault.empty()) {
            if (group.empty()) {
                fault = "two dots follow each other or it ends with one";
            } else if (group.size() > 3 || number_of(group) > 255) {
                fault = in_quotes(group) + " is above 255";
            } else if (group.size() > 1 && group.front() == '0') {
                fault = "write " + in_quotes(group) + " without leading zeros";
            }
        }
        if (dot == std::string_view::npos) {
            break;
        }
        rest.remove_prefix(dot + 1);
    }
    if (groups != 4) {
        fault = "it has " + std::to_string(groups) + " numbers instead of 4";
    }
    return "invalid IPv4 address " + in_quotes(host) + ": " + fault;
}

std::string explain_bad_ipv6(std::string_view host) {
    const std::string start = "invalid IPv6 address " + in_quotes(host) + ": ";
    if (host.find('.') != std::string_view::npos) {
        return start +
               "addresses with an embedded dotted quad are not supported; write the IPv4 address "
               "alone or all groups in hexadecimal";
    }
    if (host.find(":::") != std::string_view::npos) {
        return start + "it contains ':::'";
    }
    return start + "write eight groups of hexadecimal digits, or fewer and one '::'";
}

}  // namespace

std::string describe(const Token& token) {
    return token.kind == TokenKind::kEnd ? "the end of the file" : in_quotes(token.text);
}

bool all_digits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

std::uint64_t number_of(std::string_view digits) {
    std::uint64_t value = 0;
    for (const char digit : digits) {
        value = value * 10 + static_cast<std::uint64_t>(digit - '0');
    }
    return value;
}

std::string explain_bad_address(std::string_view text) {
    if (text.front() == '[') {
        const std::size_t close = text.find(']');
        const std::string_view host =
            text.substr(1, close == std::string_view::npos ? std::string_view::npos : close - 1);
        if (close == std::string_view::npos) {
            return "']' is missing after the address in " + in_quotes(text);
        }
        const auto address = parse_ip(host);
        if (!address) {
            return explain_bad_ipv6(host);
        }
        if (address->family == IpAddress::Family::kV4) {
            return "brackets are only for IPv6; write " + in_quotes(host) + " without them";
        }
        const std::string_view rest = text.substr(close + 1);
        if (rest.front() != ':') {
            return "unexpected " + in_quotes(rest) + " after the address; write [address]:port";
        }
        return explain_bad_port(rest.substr(1));
    }
    if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
        return "unexpected " + in_quotes(text.substr(slash)) +
               " after an address; write the address alone, without a prefix length";
    }
    if (!looks_like_ipv4(text)) {
        return explain_bad_ipv6(text);
    }
    const std::size_t end = text.find_first_of(":%");
    const std::string_view host = text.substr(0, end);
    if (!parse_ip(host) || end == std::string_view::npos) {
        return explain_bad_ipv4(host);
    }
    if (text[end] == '%') {
        return "unexpected " + in_quotes(text.substr(end)) + ": only IPv6 addresses have a scope";
    }
    return explain_bad_port(text.substr(end + 1));
}

Lexer::Lexer(std::string_view text, Diagnostics& diagnostics)
    : text_(text),
      diagnostics_(diagnostics),
      line_end_(text.find('\n') != std::string_view::npos ? '\n' : '\r') {
    if (text_.starts_with(kByteOrderMark)) {
        offset_ = kByteOrderMark.size();
        line_start_ = offset_;
    }
}

Token Lexer::next() {
    skip_blanks_and_comments();
    Token token;
    token.at = position_of(offset_);
    token.starts_line = token.at.line != previous_end_line_;
    if (offset_ < text_.size()) {
        const char c = text_[offset_];
        if (c == '{' || c == '}') {
            token.kind = c == '{' ? TokenKind::kOpenBrace : TokenKind::kCloseBrace;
            token.text = text_.substr(offset_, 1);
            ++offset_;
        } else if (c == '"' || c == '\'') {
            token = scan_quoted(std::move(token));
        } else {
            token = scan_word(std::move(token));
        }
    }
    previous_end_line_ = line_;
    previous_kind_ = token.kind;
    previous_text_ = token.text;
    return token;
}

/// Longest match: a quoted string that goes on without a blank would be one unquoted string, its
/// quotes included, which nobody means.
Token Lexer::scan_quoted(Token token) {
    const std::size_t open = offset_;
    const char quote = text_[open];
    token.kind = TokenKind::kInvalid;
    const std::size_t close = text_.find(quote, open + 1);
    if (close == std::string_view::npos) {
        token.text = text_.substr(open, 1);
        diagnostics_.error(token.at, std::string("this quote is never closed; add the closing ") +
                                         quote + " on the same line");
        skip_rest_of_line();
        return token;
    }
    token.text = text_.substr(open + 1, close - open - 1);
    const std::size_t after = close + 1;
    if (after < text_.size() && (is_word_byte(text_[after]) || is_bracket(text_[after]))) {
        if (token.text.find(line_end_) != std::string_view::npos) {
            diagnostics_.error(token.at,
                               "the string that starts here would end in the middle of a word of a "
                               "later line; close the quote on this line");
            skip_rest_of_line();
        } else {
            diagnostics_.error(position_of(after),
                               "text follows the closing quote without a blank; there are no "
                               "escapes, put a string that contains one kind of quote between "
                               "quotes of the other kind");
            advance_to(end_of_word(after));
        }
        return token;
    }
    const std::size_t zero = token.text.find('\0');
    advance_to(after);
    if (zero != std::string_view::npos) {
        diagnostics_.error(token.at, "this string contains a zero byte; remove it");
        return token;
    }
    token.kind = TokenKind::kQuoted;
    return token;
}

Token Lexer::scan_word(Token token) {
    const std::size_t start = offset_;
    if (!is_value_position()) {
        const std::string_view pair = text_.substr(start, 2);
        if (pair == "//" || pair == "/*") {
            token.kind = TokenKind::kForeignComment;
            token.text = pair;
            skip_rest_of_line();
            return token;
        }
        if (pair.front() == '!') {
            token.kind = TokenKind::kBang;
            token.text = pair.substr(0, 1);
            ++offset_;
            return token;
        }
    }
    std::size_t end = start;
    while (end < text_.size() && is_word_byte(text_[end])) {
        ++end;
        if (end < text_.size() && text_[end] == '{' && text_[end - 1] == '$') {
            // "${variable}": no valid file contains it, but it should be reported as a whole.
            const std::string_view rest = text_.substr(end, kVariableBytesMax);
            const std::size_t close = rest.find_first_of("}\r\n");
            if (close != std::string_view::npos && rest[close] == '}') {
                end += close + 1;
            }
        }
    }
    token.text = text_.substr(start, end - start);

    if (!is_value_position()) {
        if (token.text.starts_with('=') && previous_kind_ == TokenKind::kWord &&
            takes_equals(previous_text_)) {
            token.text = token.text.substr(0, 1);
        }
        if (const std::size_t equals = token.text.find('=');
            equals != std::string_view::npos && takes_equals(token.text.substr(0, equals))) {
            token.text = token.text.substr(0, equals);
            token.kind = TokenKind::kWord;
            offset_ = start + equals;
            return token;
        }
    }
    if (token.text == "=" || token.text == ";" || token.text == ":") {
        const char c = token.text.front();
        token.kind = c == '='   ? TokenKind::kEquals
                     : c == ';' ? TokenKind::kSemicolon
                                : TokenKind::kColon;
        ++offset_;
        return token;
    }
    // Brackets belong to the whole run of bytes around them.
    end = token.text.size() + start;
    if (end < text_.size() && is_bracket(text_[end])) {
        end = end_of_word(end);
        token.text = text_.substr(start, end - start);
    }
    offset_ = end;
    return classify(std::move(token));
}

/// "[host]:port". False when it is none, which `token` says then. `port` has no data without a
/// colon.
bool Lexer::split_bracketed(Token& token, std::string_view& host, std::string_view& port) {
    const std::string_view text = token.text;
    const std::size_t close = text.find(']');
    host = text.substr(1, close == std::string_view::npos ? std::string_view::npos : close - 1);
    const bool has_colon = host.find(':') != std::string_view::npos;
    if ((!has_colon && !looks_like_ipv4(host)) || host.find('[') != std::string_view::npos) {
        diagnostics_.error(token.at, "unexpected " + in_quotes(text) +
                                         ": brackets only stand around an IPv6 address; in a "
                                         "name or value they need quotes");
        token.kind = TokenKind::kInvalid;
        return false;
    }
    token.is_bracketed = true;
    token.kind = TokenKind::kBadAddress;
    if (close == std::string_view::npos || !has_colon) {
        return false;
    }
    const std::string_view rest = text.substr(close + 1);
    if (rest.empty()) {
        return true;
    }
    port = rest.substr(1);
    return rest.front() == ':';
}

Token Lexer::classify(Token token) {
    const std::string_view text = token.text;
    const auto control = std::find_if(text.begin(), text.end(), is_control);
    if (control != text.end()) {
        const auto index = static_cast<std::size_t>(control - text.begin());
        Position at = token.at;
        at.column += static_cast<std::uint32_t>(index);
        diagnostics_.error(at, "control character " + in_quotes(text.substr(index, 1)) +
                                   " in the text; remove it");
        token.kind = TokenKind::kInvalid;
        return token;
    }
    if (all_digits(text)) {
        token.kind = text.size() <= kNumberDigitsMax ? TokenKind::kNumber : TokenKind::kWord;
        return token;
    }

    std::string_view host = text;
    std::string_view port;
    bool has_port = false;
    if (text.front() == '[') {
        if (!split_bracketed(token, host, port)) {
            return token;
        }
        has_port = port.data() != nullptr;
    } else if (text.find_first_of("[]") != std::string_view::npos) {
        diagnostics_.error(
            token.at, "brackets in an unquoted string; write " + in_quotes(text) + " in quotes");
        token.kind = TokenKind::kInvalid;
        return token;
    } else if (looks_like_ipv4(text)) {
        token.kind = TokenKind::kBadAddress;
        const std::size_t colon = text.find(':');
        has_port = colon != std::string_view::npos;
        host = text.substr(0, colon);
        port = has_port ? text.substr(colon + 1) : std::string_view();
    } else if (looks_like_ipv6(text)) {
        token.kind = TokenKind::kBadAddress;
    } else {
        token.kind = TokenKind::kWord;
        if (text.find("${") != std::string_view::npos) {
            diagnostics_.error(token.at, in_quotes(text) +
                                             " looks like a template variable that was not filled "
                                             "in");
            token.kind = TokenKind::kInvalid;
        }
        return token;
    }

    auto address = parse_ip(host);
    if (!address) {
        return token;
    }
    if (has_port) {
        if (!all_digits(port) || port.size() > kPortDigitsMax || number_of(port) > kPortMax) {
            return token;
        }
        token.port = static_cast<std::uint32_t>(number_of(port));
    }
    token.kind = TokenKind::kAddress;
    token.address = *std::move(address);
    token.address_text = host.substr(0, host.find('%'));
    return token;
}

std::size_t Lexer::end_of_word(std::size_t from) const {
    while (from < text_.size() && (is_word_byte(text_[from]) || is_bracket(text_[from]))) {
        ++from;
    }
    return from;
}

Position Lexer::position_of(std::size_t offset) const {
    return Position{line_, static_cast<std::uint32_t>(offset - line_start_ + 1)};
}

void Lexer::skip_blanks_and_comments() {
    while (offset_ < text_.size()) {
        if (text_[offset_] == '#') {
            skip_rest_of_line();
        } else if (is_blank(text_[offset_])) {
            advance_to(offset_ + 1);
        } else {
            return;
        }
    }
}

void Lexer::skip_rest_of_line() {
    offset_ = std::min(text_.find(line_end_, offset_), text_.size());
}

void Lexer::advance_to(std::size_t offset) {
    for (; offset_ < offset; ++offset_) {
        if (text_[offset_] == line_end_) {
            ++line_;
            line_start_ = offset_ + 1;
        }
    }
}

}  // namespace spread::config
