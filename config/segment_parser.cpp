#include "config/segment_parser.hpp"

#include <string>
#include <utility>

#include "config/option_parser.hpp"
#include "config/text.hpp"

namespace spread::config {

void SegmentParser::parse(SyntaxTree& tree) {
    const Token word = in_.take();
    ++segment_count_;
    if (segment_count_ == kMaxSegments + 1) {
        in_.error(word,
                  "too many segments: a configuration has at most " + std::to_string(kMaxSegments));
    }
    SegmentTerm segment;
    segment.at = word.at;
    stanzas_.clear();
    const std::size_t errors_before = in_.error_count();
    Token open;
    if (parse_header(segment, open)) {
        parse_body(segment, open);
    }
    segment.is_broken = in_.error_count() != errors_before || in_.is_full();
    if (segment_count_ <= kMaxSegments) {
        tree.segments.push_back(std::move(segment));
    }
}

/// Everything up to the opening brace. Returns false when there is no body to read.
// Long: a flat switch.
bool SegmentParser::parse_header(SegmentTerm& segment, Token& open) {
    open = in_.peek();
    bool is_blamed = false;
    while (!in_.is_full()) {
        if (parse_unicast(segment)) {
            is_blamed = true;
            continue;
        }
        const Token token = in_.peek();
        switch (token.kind) {
            case TokenKind::kAddress: parse_address(segment); break;
            case TokenKind::kOpenBrace:
                open = in_.take();
                if (segment.addresses.empty() && !is_blamed) {
                    in_.error(open,
                              "expected the address of the segment before '{': Spread_Segment "
                              "address:port {");
                }
                return true;
            case TokenKind::kBadAddress:
                if (token.starts_line && !segment.addresses.empty()) {
                    in_.error(token, "expected '{' before " + in_quotes(token.text));
                    return true;
                }
                in_.error(token, explain_bad_address(token.text));
                is_blamed = true;
                in_.take();
                break;
            case TokenKind::kColon:
                in_.error(token, "write the address and its port without blanks: address:port");
                is_blamed = true;
                in_.take();
                if (in_.at(TokenKind::kNumber)) {
                    in_.take();
                }
                break;
            case TokenKind::kNumber:
                if (token.starts_line && !segment.addresses.empty()) {
                    in_.error(token, "expected '{' before " + in_quotes(token.text));
                    return true;
                }
                in_.error(token, "unexpected " + in_quotes(token.text) +
                                     "; if it is the port, write address:port");
                is_blamed = true;
                in_.take();
                break;
            case TokenKind::kWord:
            case TokenKind::kQuoted:
                if (in_.at_statement()) {
                    in_.error(token, "expected '{' and the daemons of the segment of " +
                                         to_text(segment.at) + " before " + in_quotes(token.text));
                    return false;
                }
                if (token.starts_line && (is_blamed || !segment.addresses.empty())) {
                    in_.error(token, "expected '{' before " + in_quotes(token.text));
                    return true;
                }
                in_.error(token,
                          in_quotes(token.text) +
                              " is no address; a segment needs a literal multicast or broadcast "
                              "address, as in 239.0.0.1:4803");
                is_blamed = true;
                in_.take();
                break;
            case TokenKind::kForeignComment: in_.refuse_foreign_comment(); break;
            case TokenKind::kInvalid:
                is_blamed = true;
                in_.take();
                break;
            case TokenKind::kCloseBrace:
                in_.error(token, "expected '{' before '}'");
                in_.take();
                return false;
            case TokenKind::kEnd:
                in_.error(segment.at,
                          "expected an address and '{' with the daemons of this segment "
                          "before the end of the file");
                return false;
            default:
                in_.error(token, "unexpected " + in_quotes(token.text) +
                                     "; write Spread_Segment address:port {");
                is_blamed = true;
                in_.take();
                break;
        }
    }
    return false;
}

/// unicast[:PORT], the segment without a group address. False where something else stands.
bool SegmentParser::parse_unicast(SegmentTerm& segment) {
    const Token token = in_.peek();
    std::string_view rest = token.text;
    if ((token.kind != TokenKind::kWord && token.kind != TokenKind::kBadAddress) ||
        !rest.starts_with(kUnicastWord)) {
        return false;
    }
    rest.remove_prefix(kUnicastWord.size());
    if (!rest.empty() && !rest.starts_with(':')) {
        return false;
    }
    in_.take();
    if (segment.is_unicast || !segment.addresses.empty()) {
        in_.error(token, "a unicast segment has no addresses; remove one or the other");
        return true;
    }
    segment.is_unicast = true;
    segment.unicast_at = token.at;
    if (!rest.empty()) {
        constexpr std::size_t kPortDigitsMax = 5;
        rest.remove_prefix(1);
        if (!all_digits(rest) || rest.size() > kPortDigitsMax) {
            in_.error(token, "the port after 'unicast:' must be a number from 1 to 65534, found " +
                                 in_quotes(rest));
        } else {
            segment.unicast_port = static_cast<std::uint32_t>(number_of(rest));
        }
    }
    return true;
}

void SegmentParser::parse_address(SegmentTerm& segment) {
    const Token token = in_.take();
    if (segment.is_unicast) {
        in_.error(token, "a unicast segment has no addresses; remove one or the other");
        return;
    }
    if (segment.addresses.size() == kMaxSegmentAddresses) {
        in_.error(token, "too many segment addresses: a segment has at most " +
                             std::to_string(kMaxSegmentAddresses));
        // Once is enough.
        while (in_.at(TokenKind::kAddress)) {
            in_.take();
        }
        return;
    }
    if (token.port && !segment.addresses.empty()) {
        in_.error(token,
                  "only the first address of a segment carries a port, which holds for all; "
                  "remove ':" +
                      std::to_string(*token.port) + "'");
    }
    segment.addresses.push_back(
        AddressTerm{token.address, token.port, token.address_text, token.is_bracketed, token.at});
}

bool SegmentParser::at_option_in_segment() {
    const OptionSpec* const spec =
        in_.at(TokenKind::kWord) ? find_option(in_.peek().text) : nullptr;
    if (spec == nullptr) {
        return false;
    }
    const Token& next = in_.peek(1);
    if (next.kind == TokenKind::kEquals) {
        return true;
    }
    if (next.kind == TokenKind::kAddress || next.kind == TokenKind::kBadAddress ||
        is_word(next, kVirtualIdWord)) {
        return false;
    }
    return spec->kind == ValueKind::kNone || spec->kind == ValueKind::kOptionalString ||
           (!next.starts_line &&
            (next.kind == TokenKind::kWord || next.kind == TokenKind::kQuoted ||
             next.kind == TokenKind::kNumber));
}

void SegmentParser::parse_body(SegmentTerm& segment, const Token& open) {
    while (!in_.is_full()) {
        const Token token = in_.peek();
        switch (token.kind) {
            case TokenKind::kCloseBrace: in_.take(); return;
            case TokenKind::kEnd: report_unclosed(segment, open); return;
            case TokenKind::kWord:
                if (token.text == kSegmentWord) {
                    in_.error(token,
                              "a segment cannot contain another one; close the segment opened at " +
                                  to_text(open.at) + " with '}' first");
                    in_.owe_brace();
                    return;
                }
                if (at_option_in_segment()) {
                    in_.error(token,
                              "option " + in_quotes(token.text) +
                                  " inside a segment; move it outside of the braces opened at " +
                                  to_text(open.at));
                    (void)parse_option(in_);
                } else if ((token.text == kVirtualIdWord || token.text == kHostWord ||
                            token.text == kCountWord) &&
                           in_.peek(1).kind == TokenKind::kEquals) {
                    in_.error(token, token.text == kVirtualIdWord
                                         ? "VirtualID comes after the name and the address of its "
                                           "daemon: name address VirtualID = number"
                                         : std::string(token.text) +
                                               " comes after the name of its daemon: name Host = "
                                               "\"name\"");
                    in_.take();
                    in_.skip_equals_and_value();
                } else if (in_.peek(1).kind == TokenKind::kEquals) {
                    in_.error(token, "unknown option " + in_quotes(token.text) +
                                         did_you_mean(token.text, option_names()) +
                                         " (options stand outside of segments)");
                    in_.take();
                    in_.skip_equals_and_value();
                } else {
                    add_daemon(segment);
                }
                break;
            case TokenKind::kQuoted:
            case TokenKind::kNumber:
            case TokenKind::kAddress:
            case TokenKind::kBadAddress: add_daemon(segment); break;
            case TokenKind::kSemicolon:
                in_.error(token,
                          "unexpected ';': one follows a daemon, to separate it from the next");
                in_.take();
                break;
            case TokenKind::kOpenBrace:
                in_.error(token, "'{' of an interface stanza needs a daemon before it");
                in_.skip_block();
                break;
            case TokenKind::kForeignComment: in_.refuse_foreign_comment(); break;
            case TokenKind::kInvalid:
                in_.take();
                in_.skip_line();
                break;
            default:
                in_.error(token,
                          "unexpected " + in_quotes(token.text) + "; expected a daemon or '}'");
                in_.take();
                in_.skip_line();
                break;
        }
    }
}

void SegmentParser::report_unclosed(const SegmentTerm& segment, const Token& open) {
    // When a stanza's brace is forgotten, the segment's brace closes the stanza: it then stands
    // where a segment ends, first on its line and no further right than Spread_Segment.
    for (const StanzaSpan& stanza : stanzas_) {
        if (stanza.close_starts_line && stanza.close.line != stanza.open.line &&
            stanza.close.column <= segment.at.column) {
            in_.error(stanza.open, "this '{' is not closed (the '}' at " + to_text(stanza.close) +
                                       " seems to be that of the segment); add the missing '}'");
            return;
        }
    }
    in_.error(open.at,
              "this '{' is never closed; add the missing '}' after the daemons of the segment");
}

/// "node1 alfa": the second name was meant as the address of the first.
void SegmentParser::check_lone_name(const SegmentTerm& segment, const DaemonTerm& daemon,
                                    bool starts_line) {
    const auto is_lone = [](const DaemonTerm& term) {
        return !term.is_broken && !term.address && !term.host && !term.count && !term.virtual_id &&
               !term.stanza_at;
    };
    if (starts_line || segment.daemons.empty() || !is_lone(daemon)) {
        return;
    }
    const DaemonTerm& before = segment.daemons.back();
    if (is_lone(before) && !before.ends_with_semicolon) {
        in_.diagnostics().warning(
            daemon.at, in_quotes(daemon.name) +
                           " is read as another daemon, not as the address of " +
                           in_quotes(before.name) +
                           ": write a literal address after a name, or each daemon on a line of "
                           "its own");
    }
}

void SegmentParser::add_daemon(SegmentTerm& segment) {
    const bool starts_line = in_.peek().starts_line;
    DaemonTerm daemon = parse_daemon(in_, stanzas_);
    check_lone_name(segment, daemon, starts_line);
    const bool fitted = daemon_count_ <= kMaxDaemons;
    daemon_count_ += daemon.count.value_or(1);
    if (fitted && daemon_count_ > kMaxDaemons) {
        in_.error(daemon.at,
                  "too many daemons: a configuration has at most " + std::to_string(kMaxDaemons));
    }
    if (daemon_count_ <= kMaxDaemons) {
        segment.daemons.push_back(std::move(daemon));
    }
}

}  // namespace spread::config
