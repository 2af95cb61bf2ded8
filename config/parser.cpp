#include "config/parser.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <deque>
#include <utility>

#include "config/lexer.hpp"
#include "config/option_value.hpp"
#include "config/text.hpp"

namespace spread::config {

namespace {

constexpr std::string_view kSegmentWord = "Spread_Segment";
constexpr std::string_view kVirtualIdWord = "VirtualID";
constexpr std::size_t kIdDigitsMax = 10;
constexpr std::uint64_t kIdMax = 4294967294;

/// Words of 3.x and 4.x files that mean nothing any more (configuration 11).
constexpr std::array<std::string_view, 3> kFormerOptions = {"LinkProtocol", "RouteMatrix",
                                                            "DebugInitialSequence"};

bool is_former_option(std::string_view word) {
    return std::find(kFormerOptions.begin(), kFormerOptions.end(), word) != kFormerOptions.end();
}

bool is_string(const Token& token) {
    return token.kind == TokenKind::kWord || token.kind == TokenKind::kQuoted;
}

bool is_word(const Token& token, std::string_view word) {
    return token.kind == TokenKind::kWord && token.text == word;
}

/// An unquoted word in the place of a statement: "Window=160" has lost its option's name to the
/// rest when the name is misspelt.
std::string_view statement_name(std::string_view word) {
    return word.substr(0, word.find('='));
}

class Parser {
  public:
    Parser(std::string_view text, Diagnostics& diagnostics)
        : lexer_(text, diagnostics), diagnostics_(diagnostics) {}

    SyntaxTree parse_file();

  private:
    /// Where an unclosed segment most likely lost its brace.
    struct StanzaSpan {
        Position open;
        Position close;
        bool close_starts_line = false;
    };

    const Token& peek(std::size_t ahead = 0) {
        while (tokens_.size() <= ahead) {
            tokens_.push_back(lexer_.next());
        }
        return tokens_[ahead];
    }

    Token take() {
        Token token = peek();
        tokens_.pop_front();
        return token;
    }

    bool at(TokenKind kind) { return peek().kind == kind; }
    void error(const Token& token, std::string message) { error(token.at, std::move(message)); }
    void error(Position where, std::string message) {
        diagnostics_.error(where, std::move(message));
    }

    /// The next token continues the line of the token taken last.
    bool on_same_line() { return !at(TokenKind::kEnd) && !peek().starts_line; }
    bool at_statement() {
        return at(TokenKind::kWord) &&
               (peek().text == kSegmentWord || find_option(peek().text) != nullptr);
    }

    void skip_line();
    void skip_block();
    void skip_equals_and_value();

    void parse_statement();
    void parse_unknown_statement();
    void parse_former_option();
    void parse_stray(const Token& token);

    void parse_segment();
    bool parse_segment_header(SegmentTerm& segment, Token& open);
    void parse_segment_address(SegmentTerm& segment);
    void parse_segment_body(SegmentTerm& segment, const Token& open);
    void report_unclosed_segment(const SegmentTerm& segment, const Token& open);
    bool at_option_in_segment();

    void parse_daemon(SegmentTerm& segment);
    void check_name_token(const Token& token, DaemonTerm& daemon);
    void parse_virtual_id(DaemonTerm& daemon, bool keep);
    void parse_stanza(DaemonTerm& daemon);
    bool parse_interface_word(const Token& open, InterfaceTerm& interface);

    void parse_option(bool keep);
    void parse_value(OptionTerm& option);
    void parse_flags(OptionTerm& option, const Token& open);

    Lexer lexer_;
    Diagnostics& diagnostics_;
    std::deque<Token> tokens_;
    SyntaxTree tree_;
    std::size_t segment_count_ = 0;
    std::size_t daemon_count_ = 0;
    /// Closing braces that belong to something already reported as unclosed.
    std::size_t braces_owed_ = 0;
    std::vector<StanzaSpan> stanzas_;  ///< of the segment being read
};

SyntaxTree Parser::parse_file() {
    while (!at(TokenKind::kEnd) && !diagnostics_.is_full()) {
        parse_statement();
    }
    return std::move(tree_);
}

// Recovery.

/// Skips what is left of the line, with the blocks that open on it.
void Parser::skip_line() {
    while (on_same_line() && !at(TokenKind::kCloseBrace)) {
        if (at(TokenKind::kOpenBrace)) {
            skip_block();
        } else {
            take();
        }
    }
}

/// Skips a block at its opening brace. A segment starting inside it means that its closing brace is
/// missing.
void Parser::skip_block() {
    std::size_t depth = 0;
    while (!at(TokenKind::kEnd)) {
        if (is_word(peek(), kSegmentWord)) {
            braces_owed_ += depth;
            return;
        }
        const Token token = take();
        if (token.kind == TokenKind::kOpenBrace) {
            ++depth;
        } else if (token.kind == TokenKind::kCloseBrace && --depth == 0) {
            return;
        }
    }
}

void Parser::skip_equals_and_value() {
    if (at(TokenKind::kEquals)) {
        take();
        if (at(TokenKind::kOpenBrace)) {
            skip_block();
        } else if (on_same_line() && !at(TokenKind::kCloseBrace)) {
            take();
        }
    }
}

// Statements.

void Parser::parse_statement() {
    const Token token = peek();
    if (token.kind == TokenKind::kWord) {
        if (token.text == kSegmentWord) {
            parse_segment();
        } else if (find_option(token.text) != nullptr) {
            parse_option(true);
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
    const Token token = peek();
    const std::string_view name = statement_name(token.text);
    const bool is_address_next = [&] {
        const TokenKind next = peek(1).kind;
        return next == TokenKind::kAddress || next == TokenKind::kBadAddress;
    }();

    std::array<std::string_view, 1> segment_word = {kSegmentWord};
    if (!nearest(name, segment_word).empty()) {
        error(token, "unknown word " + in_quotes(token.text) + did_you_mean(name, segment_word));
        if (is_address_next || peek(1).kind == TokenKind::kOpenBrace) {
            parse_segment();
            return;
        }
    } else if (is_address_next) {
        error(token, in_quotes(token.text) +
                         " stands outside of any segment; list daemons between the braces of a "
                         "Spread_Segment");
    } else if (name == kVirtualIdWord) {
        error(token,
              "VirtualID belongs to a daemon inside a segment: name address VirtualID = "
              "number");
    } else if (is_reserved(token.text)) {
        error(token,
              "unexpected " + in_quotes(token.text) + "; expected an option or Spread_Segment");
    } else {
        error(token, "unknown option " + in_quotes(name) + did_you_mean(name, option_names()));
    }
    take();
    skip_line();
}

void Parser::parse_former_option() {
    const Token word = take();
    if (word.text == "RouteMatrix" && at(TokenKind::kOpenBrace)) {
        skip_block();
    } else if (word.text == "LinkProtocol") {
        skip_equals_and_value();
    }
    diagnostics_.warning(
        word.at, std::string(word.text) + " of earlier versions has no effect any more; remove it");
}

void Parser::parse_stray(const Token& token) {
    switch (token.kind) {
        case TokenKind::kInvalid:
            take();
            skip_line();
            return;
        case TokenKind::kForeignComment:
            error(token, in_quotes(token.text) + " starts no comment here; use '#'");
            take();
            return;
        case TokenKind::kCloseBrace:
            take();
            if (braces_owed_ > 0) {
                --braces_owed_;
            } else {
                error(token, "this '}' closes nothing; remove it");
            }
            return;
        case TokenKind::kOpenBrace:
            error(token,
                  "this '{' belongs to nothing; a segment starts with Spread_Segment "
                  "address:port {");
            skip_block();
            skip_line();
            return;
        case TokenKind::kSemicolon:
            error(token,
                  "unexpected ';': it only separates daemons inside a segment; comments "
                  "start with '#'");
            take();
            skip_line();
            return;
        default:
            error(token,
                  "unexpected " + in_quotes(token.text) + "; expected an option or Spread_Segment");
            take();
            skip_line();
            return;
    }
}

// Segments.

void Parser::parse_segment() {
    const Token word = take();
    ++segment_count_;
    if (segment_count_ == kMaxSegments + 1) {
        error(word,
              "too many segments: a configuration has at most " + std::to_string(kMaxSegments));
    }
    SegmentTerm segment;
    segment.at = word.at;
    stanzas_.clear();
    const std::size_t errors_before = diagnostics_.error_count();
    Token open;
    if (parse_segment_header(segment, open)) {
        parse_segment_body(segment, open);
    }
    segment.is_broken = diagnostics_.error_count() != errors_before || diagnostics_.is_full();
    if (segment_count_ <= kMaxSegments) {
        tree_.segments.push_back(std::move(segment));
    }
}

/// Everything up to the opening brace. Returns false when there is no body to read.
bool Parser::parse_segment_header(SegmentTerm& segment, Token& open) {
    open = peek();
    bool is_blamed = false;
    while (!diagnostics_.is_full()) {
        const Token token = peek();
        switch (token.kind) {
            case TokenKind::kAddress: parse_segment_address(segment); break;
            case TokenKind::kOpenBrace:
                open = take();
                if (segment.addresses.empty() && !is_blamed) {
                    error(open,
                          "expected the address of the segment before '{': Spread_Segment "
                          "address:port {");
                }
                return true;
            case TokenKind::kBadAddress:
                if (token.starts_line && !segment.addresses.empty()) {
                    error(token, "expected '{' before " + in_quotes(token.text));
                    return true;
                }
                error(token, explain_bad_address(token.text));
                is_blamed = true;
                take();
                break;
            case TokenKind::kColon:
                error(token, "write the address and its port without blanks: address:port");
                is_blamed = true;
                take();
                if (at(TokenKind::kNumber)) {
                    take();
                }
                break;
            case TokenKind::kNumber:
                if (token.starts_line && !segment.addresses.empty()) {
                    error(token, "expected '{' before " + in_quotes(token.text));
                    return true;
                }
                error(token, "unexpected " + in_quotes(token.text) +
                                 "; if it is the port, write address:port");
                is_blamed = true;
                take();
                break;
            case TokenKind::kWord:
            case TokenKind::kQuoted:
                if (at_statement()) {
                    error(token, "expected '{' and the daemons of the segment of " +
                                     to_text(segment.at) + " before " + in_quotes(token.text));
                    return false;
                }
                if (token.starts_line && (is_blamed || !segment.addresses.empty())) {
                    error(token, "expected '{' before " + in_quotes(token.text));
                    return true;
                }
                error(token, in_quotes(token.text) +
                                 " is no address; a segment needs a literal multicast or broadcast "
                                 "address, as in 239.0.0.1:4803");
                is_blamed = true;
                take();
                break;
            case TokenKind::kForeignComment: parse_stray(token); break;
            case TokenKind::kInvalid:
                is_blamed = true;
                take();
                break;
            case TokenKind::kCloseBrace:
                error(token, "expected '{' before '}'");
                take();
                return false;
            case TokenKind::kEnd:
                error(segment.at,
                      "expected an address and '{' with the daemons of this segment "
                      "before the end of the file");
                return false;
            default:
                error(token, "unexpected " + in_quotes(token.text) +
                                 "; write Spread_Segment address:port {");
                is_blamed = true;
                take();
                break;
        }
    }
    return false;
}

void Parser::parse_segment_address(SegmentTerm& segment) {
    const Token token = take();
    if (segment.addresses.size() == kMaxSegmentAddresses) {
        error(token, "too many segment addresses: a segment has at most " +
                         std::to_string(kMaxSegmentAddresses));
        // Once is enough.
        while (at(TokenKind::kAddress)) {
            take();
        }
        return;
    }
    if (token.port && !segment.addresses.empty()) {
        error(token,
              "only the first address of a segment carries a port, which holds for all; "
              "remove ':" +
                  std::to_string(*token.port) + "'");
    }
    segment.addresses.push_back(
        AddressTerm{token.address, token.port, token.address_text, token.is_bracketed, token.at});
}

bool Parser::at_option_in_segment() {
    const OptionSpec* const spec = at(TokenKind::kWord) ? find_option(peek().text) : nullptr;
    if (spec == nullptr) {
        return false;
    }
    const Token& next = peek(1);
    if (next.kind == TokenKind::kEquals) {
        return true;
    }
    if (next.kind == TokenKind::kAddress || next.kind == TokenKind::kBadAddress ||
        is_word(next, kVirtualIdWord)) {
        return false;
    }
    return spec->kind == ValueKind::kNone || spec->kind == ValueKind::kOptionalString ||
           (!next.starts_line && (is_string(next) || next.kind == TokenKind::kNumber));
}

void Parser::parse_segment_body(SegmentTerm& segment, const Token& open) {
    while (!diagnostics_.is_full()) {
        const Token token = peek();
        switch (token.kind) {
            case TokenKind::kCloseBrace: take(); return;
            case TokenKind::kEnd: report_unclosed_segment(segment, open); return;
            case TokenKind::kWord:
                if (token.text == kSegmentWord) {
                    error(token,
                          "a segment cannot contain another one; close the segment opened at " +
                              to_text(open.at) + " with '}' first");
                    ++braces_owed_;
                    return;
                }
                if (at_option_in_segment()) {
                    error(token, "option " + in_quotes(token.text) +
                                     " inside a segment; move it outside of the braces opened at " +
                                     to_text(open.at));
                    parse_option(false);
                } else if (token.text == kVirtualIdWord && peek(1).kind == TokenKind::kEquals) {
                    error(token,
                          "VirtualID comes after the name and the address of its daemon: "
                          "name address VirtualID = number");
                    take();
                    skip_equals_and_value();
                } else if (peek(1).kind == TokenKind::kEquals) {
                    error(token, "unknown option " + in_quotes(token.text) +
                                     did_you_mean(token.text, option_names()) +
                                     " (options stand outside of segments)");
                    take();
                    skip_equals_and_value();
                } else {
                    parse_daemon(segment);
                }
                break;
            case TokenKind::kQuoted:
            case TokenKind::kNumber:
            case TokenKind::kAddress:
            case TokenKind::kBadAddress: parse_daemon(segment); break;
            case TokenKind::kSemicolon:
                error(token, "unexpected ';': one follows a daemon, to separate it from the next");
                take();
                break;
            case TokenKind::kOpenBrace:
                error(token, "'{' of an interface stanza needs a daemon before it");
                skip_block();
                break;
            case TokenKind::kForeignComment: parse_stray(token); break;
            case TokenKind::kInvalid:
                take();
                skip_line();
                break;
            default:
                error(token, "unexpected " + in_quotes(token.text) + "; expected a daemon or '}'");
                take();
                skip_line();
                break;
        }
    }
}

void Parser::report_unclosed_segment(const SegmentTerm& segment, const Token& open) {
    // When a stanza's brace is forgotten, the segment's brace closes the stanza: it then stands
    // where a segment ends, first on its line and no further right than Spread_Segment.
    for (const StanzaSpan& stanza : stanzas_) {
        if (stanza.close_starts_line && stanza.close.line != stanza.open.line &&
            stanza.close.column <= segment.at.column) {
            error(stanza.open, "this '{' is not closed (the '}' at " + to_text(stanza.close) +
                                   " seems to be that of the segment); add the missing '}'");
            return;
        }
    }
    error(open.at,
          "this '{' is never closed; add the missing '}' after the daemons of the segment");
}

// Daemons.

void Parser::parse_daemon(SegmentTerm& segment) {
    const Token name = take();
    const std::size_t errors_before = diagnostics_.error_count();
    DaemonTerm daemon;
    daemon.name = name.text;
    daemon.at = name.at;
    daemon.is_name_quoted = name.kind == TokenKind::kQuoted;
    if (name.kind == TokenKind::kAddress) {
        daemon.name = name.address_text;
        daemon.is_name_an_address = true;
        daemon.address =
            AddressTerm{name.address, name.port, name.address_text, name.is_bracketed, name.at};
    } else {
        check_name_token(name, daemon);
        if (at(TokenKind::kAddress) && !daemon.is_broken) {
            const Token token = take();
            daemon.address = AddressTerm{token.address, token.port, token.address_text,
                                         token.is_bracketed, token.at};
        } else if (at(TokenKind::kAddress) && on_same_line()) {
            take();
        } else if (at(TokenKind::kBadAddress) && name.kind != TokenKind::kBadAddress) {
            const Token token = take();
            error(token, explain_bad_address(token.text));
        } else if (at(TokenKind::kInvalid) && on_same_line()) {
            take();
            daemon.is_broken = true;
        }
    }
    if (is_word(peek(), kVirtualIdWord) && peek(1).kind != TokenKind::kAddress) {
        parse_virtual_id(daemon, true);
    }
    if (at(TokenKind::kOpenBrace)) {
        parse_stanza(daemon);
        if (is_word(peek(), kVirtualIdWord) && peek(1).kind != TokenKind::kAddress) {
            error(peek(), "VirtualID must stand before the interface stanza of its daemon");
            parse_virtual_id(daemon, false);
        }
    }
    if (at(TokenKind::kSemicolon)) {
        take();
    }

    daemon.is_broken = daemon.is_broken || diagnostics_.error_count() != errors_before;
    ++daemon_count_;
    if (daemon_count_ == kMaxDaemons + 1) {
        error(daemon.at,
              "too many daemons: a configuration has at most " + std::to_string(kMaxDaemons));
    }
    if (daemon_count_ <= kMaxDaemons) {
        segment.daemons.push_back(std::move(daemon));
    }
}

void Parser::check_name_token(const Token& token, DaemonTerm& daemon) {
    const bool is_address_next = at(TokenKind::kAddress);
    std::string fault;
    if (token.kind == TokenKind::kNumber) {
        fault = in_quotes(token.text) + " is a number; to use it as a daemon's name write \"" +
                std::string(token.text) + "\"";
    } else if (token.kind == TokenKind::kBadAddress) {
        const bool is_plain = token.text.find_first_of("[:/%") == std::string_view::npos;
        if (is_plain && is_address_next && on_same_line() &&
            std::count(token.text.begin(), token.text.end(), '.') < 3) {
            return;  // a name such as 4.4
        }
        fault = explain_bad_address(token.text) + " (a name like this needs quotes)";
    } else if (token.kind == TokenKind::kWord && is_reserved(token.text)) {
        fault = in_quotes(token.text) + " is a keyword; to use it as a daemon's name write \"" +
                std::string(token.text) + "\"";
    }
    if (!fault.empty()) {
        error(token, fault);
        daemon.is_broken = true;
    }
}

/// VirtualID = number. `keep` is false where it must not stand.
void Parser::parse_virtual_id(DaemonTerm& daemon, bool keep) {
    const Token word = take();
    if (at(TokenKind::kEquals)) {
        take();
    } else if (keep) {
        error(word, "VirtualID needs '=' and a number after it");
        if (!on_same_line() || !at(TokenKind::kNumber)) {
            return;
        }
    }
    const Token token = peek();
    const bool is_value = token.kind == TokenKind::kNumber || token.kind == TokenKind::kWord ||
                          token.kind == TokenKind::kQuoted ||
                          token.kind == TokenKind::kBadAddress || token.kind == TokenKind::kAddress;
    if (!is_value || token.text == kSegmentWord) {
        if (token.kind == TokenKind::kInvalid) {
            take();
        } else {
            error(word, "VirtualID needs a number after '='");
        }
        return;
    }
    take();
    if (!keep) {
        return;
    }
    if (token.kind == TokenKind::kQuoted || !all_digits(token.text)) {
        error(token, "VirtualID must be a whole number from 1 to " + std::to_string(kIdMax) +
                         ", found " + in_quotes(token.text));
        return;
    }
    if (token.text.size() > kIdDigitsMax || number_of(token.text) == 0 ||
        number_of(token.text) > kIdMax) {
        error(token, "VirtualID must be from 1 to " + std::to_string(kIdMax) + ", found " +
                         in_quotes(token.text));
        return;
    }
    daemon.virtual_id = static_cast<std::uint32_t>(number_of(token.text));
    daemon.virtual_id_at = token.at;
}

void Parser::parse_stanza(DaemonTerm& daemon) {
    const Token open = take();
    daemon.stanza_at = open.at;
    const std::size_t errors_before = diagnostics_.error_count();
    InterfaceTerm interface;
    Token last_letter;
    bool is_full = false;
    while (!diagnostics_.is_full()) {
        const Token token = peek();
        switch (token.kind) {
            case TokenKind::kCloseBrace:
                take();
                stanzas_.push_back(StanzaSpan{open.at, token.at, token.starts_line});
                if (interface.daemon || interface.client || interface.monitor) {
                    error(last_letter, "expected an address after " + in_quotes(last_letter.text));
                } else if (daemon.interfaces.empty() &&
                           diagnostics_.error_count() == errors_before) {
                    error(open,
                          "this interface stanza is empty; list an address in it or remove "
                          "the braces");
                }
                return;
            case TokenKind::kAddress:
                take();
                if (token.port) {
                    error(token,
                          "an interface has no port of its own, the segment's is used; "
                          "remove ':" +
                              std::to_string(*token.port) + "'");
                }
                if (daemon.interfaces.size() == kMaxInterfaces) {
                    if (!is_full) {
                        error(token, "too many interfaces: a daemon has at most " +
                                         std::to_string(kMaxInterfaces));
                    }
                    is_full = true;
                } else {
                    interface.address = AddressTerm{token.address, token.port, token.address_text,
                                                    token.is_bracketed, token.at};
                    daemon.interfaces.push_back(interface);
                }
                interface = InterfaceTerm{};
                break;
            case TokenKind::kWord:
                if (!parse_interface_word(open, interface)) {
                    return;
                }
                last_letter = token;
                break;
            case TokenKind::kBadAddress:
                take();
                error(token, explain_bad_address(token.text));
                interface = InterfaceTerm{};
                break;
            case TokenKind::kForeignComment: parse_stray(token); break;
            case TokenKind::kInvalid:
                take();
                interface = InterfaceTerm{};
                break;
            case TokenKind::kEnd:
                error(open, "this '{' is never closed; add the missing '}' after the interfaces");
                return;
            default:
                error(token, "unexpected " + in_quotes(token.text) +
                                 " in an interface stanza; expected D, C, M, an address or '}'");
                if (token.kind == TokenKind::kOpenBrace) {
                    skip_block();
                } else {
                    take();
                }
                break;
        }
    }
}

/// One word inside a stanza. Returns false when it shows that the stanza has ended without a brace.
bool Parser::parse_interface_word(const Token& open, InterfaceTerm& interface) {
    const Token token = peek();
    const std::string_view text = token.text;
    const bool are_letters = std::all_of(text.begin(), text.end(), [](char c) {
        return std::string_view("DCMdcm").find(c) != std::string_view::npos;
    });
    if (!are_letters && (token.starts_line || at_statement() || text == kVirtualIdWord)) {
        error(open, "this '{' is not closed before " + in_quotes(text) + " at " +
                        to_text(token.at) + "; add the missing '}' after the interfaces");
        return false;
    }
    take();
    if (!are_letters) {
        error(token, "unknown interface letter " + in_quotes(text) +
                         "; expected D (daemons), C (clients), M (monitor) or an address");
        return true;
    }
    std::string spaced;
    for (const char c : text) {
        const char letter = c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
        interface.daemon = interface.daemon || letter == 'D';
        interface.client = interface.client || letter == 'C';
        interface.monitor = interface.monitor || letter == 'M';
        spaced += spaced.empty() ? "" : " ";
        spaced += letter;
    }
    if (spaced != text) {
        error(token, "unknown interface letter " + in_quotes(text) + "; did you mean " +
                         in_quotes(spaced) + "?");
    }
    return true;
}

// Options.

/// `keep` is false inside a segment, where the option was reported already.
void Parser::parse_option(bool keep) {
    const Token word = take();
    OptionTerm option;
    option.spec = find_option(word.text);
    option.at = word.at;
    option.value_at = word.at;
    const std::string name(word.text);

    if (option.spec->kind == ValueKind::kNone) {
        option.is_valid = true;
        if (at(TokenKind::kEquals)) {
            error(peek(), name + " takes no value; remove the '=' and what follows");
            skip_equals_and_value();
            option.is_valid = false;
        }
    } else if (at(TokenKind::kEquals)) {
        const Token equals = take();
        if (at(TokenKind::kEnd) || (!on_same_line() && at_statement()) ||
            at(TokenKind::kCloseBrace)) {
            error(equals, name + " has no value after '='");
        } else {
            parse_value(option);
        }
    } else if (option.spec->kind == ValueKind::kOptionalString) {
        option.value = std::string(kDefaultTimeStamp);
        option.is_valid = true;
    } else if (on_same_line() && !at_statement() && !at(TokenKind::kCloseBrace)) {
        error(peek(), "expected '=' between " + name + " and its value, found " + describe(peek()));
        skip_line();
    } else {
        error(word, name + " needs '=' and a value after it");
    }

    // Two statements may share a line, but nothing else may follow a value.
    if (option.is_valid && on_same_line() && !at_statement() && !at(TokenKind::kCloseBrace) &&
        !at(TokenKind::kForeignComment) && !at(TokenKind::kInvalid) &&
        !(at(TokenKind::kWord) && is_former_option(peek().text))) {
        const bool is_text = option.spec->kind == ValueKind::kString ||
                             option.spec->kind == ValueKind::kOptionalString;
        error(peek(), "unexpected " + in_quotes(peek().text) + " after the value of " + name +
                          (is_text ? "; a value of several words needs quotes around all of it"
                                   : std::string()));
        skip_line();
    }
    if (!option.is_valid && on_same_line() && !at_statement()) {
        skip_line();
    }
    if (keep) {
        tree_.options.push_back(std::move(option));
    }
}

void Parser::parse_value(OptionTerm& option) {
    const Token token = take();
    option.value_at = token.at;
    if (option.spec->kind == ValueKind::kFlags) {
        parse_flags(option, token);
        return;
    }
    if (auto value = read_value(*option.spec, token, diagnostics_)) {
        option.value = *std::move(value);
        option.is_valid = true;
    } else if (token.kind == TokenKind::kOpenBrace) {
        tokens_.push_front(token);
        skip_block();
    }
}

/// DebugFlags = { ... }; `open` is what follows the equals sign.
void Parser::parse_flags(OptionTerm& option, const Token& open) {
    if (open.kind == TokenKind::kInvalid) {
        return;
    }
    const std::string name(option.spec->name);
    if (open.kind != TokenKind::kOpenBrace) {
        error(open,
              name + " needs a list in braces, as in { ALL !DATA_LINK }, found " + describe(open));
        return;
    }
    const std::size_t errors_before = diagnostics_.error_count();
    std::uint32_t flags = 0;
    while (!diagnostics_.is_full()) {
        if (at(TokenKind::kEnd) || at_statement()) {
            error(open, "this '{' is not closed before " + describe(peek()) +
                            "; add the missing '}' after the flags");
            return;
        }
        const Token token = take();
        if (token.kind == TokenKind::kCloseBrace) {
            option.value = flags;
            option.is_valid = diagnostics_.error_count() == errors_before;
            return;
        }
        const bool is_negated = token.kind == TokenKind::kBang;
        if (is_negated && (at(TokenKind::kCloseBrace) || at(TokenKind::kEnd))) {
            error(token, "expected a flag after '!'");
            continue;
        }
        const Token flag = is_negated ? take() : token;
        if (flag.kind == TokenKind::kOpenBrace) {
            error(flag, "unexpected '{' in the list of flags");
            tokens_.push_front(flag);
            skip_block();
            continue;
        }
        const auto bits =
            flag.kind == TokenKind::kWord ? parse_debug_flag(flag.text) : std::nullopt;
        if (!bits) {
            if (flag.kind != TokenKind::kInvalid) {
                error(flag, "unknown flag " + in_quotes(flag.text) +
                                did_you_mean(flag.text, debug_flag_names()));
            }
            continue;
        }
        flags = is_negated ? flags & ~*bits : flags | *bits;
    }
}

}  // namespace

SyntaxTree parse_syntax(std::string_view text, Diagnostics& diagnostics) {
    return Parser(text, diagnostics).parse_file();
}

}  // namespace spread::config
