#include "config/daemon_parser.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "config/options.hpp"
#include "config/text.hpp"

namespace spread::config {

namespace {

constexpr std::size_t kIdDigitsMax = 10;
constexpr std::uint64_t kIdMax = 4294967294;

class DaemonParser {
  public:
    DaemonParser(TokenStream& in, std::vector<StanzaSpan>& stanzas) : in_(in), stanzas_(stanzas) {}

    DaemonTerm parse();

  private:
    void check_name_token(const Token& token, DaemonTerm& daemon);
    [[nodiscard]] bool at_property(std::string_view word);
    void parse_properties(DaemonTerm& daemon);
    void parse_host(DaemonTerm& daemon);
    void parse_count(DaemonTerm& daemon);
    void parse_virtual_id(DaemonTerm& daemon, bool keep);
    void parse_stanza(DaemonTerm& daemon);
    bool parse_interface_word(const Token& open, InterfaceTerm& interface);

    TokenStream& in_;
    std::vector<StanzaSpan>& stanzas_;
};

DaemonTerm DaemonParser::parse() {
    const Token name = in_.take();
    const std::size_t errors_before = in_.error_count();
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
        if (in_.at(TokenKind::kAddress) && !daemon.is_broken) {
            const Token token = in_.take();
            daemon.address = AddressTerm{token.address, token.port, token.address_text,
                                         token.is_bracketed, token.at};
        } else if (in_.at(TokenKind::kAddress) && in_.on_same_line()) {
            in_.take();
        } else if (in_.at(TokenKind::kBadAddress) && name.kind != TokenKind::kBadAddress) {
            const Token token = in_.take();
            in_.error(token, explain_bad_address(token.text));
        } else if (in_.at(TokenKind::kInvalid) && in_.on_same_line()) {
            in_.take();
            daemon.is_broken = true;
        }
    }
    parse_properties(daemon);
    if (in_.at(TokenKind::kOpenBrace)) {
        parse_stanza(daemon);
        if (at_property(kVirtualIdWord)) {
            in_.error(in_.peek(), "VirtualID must stand before the interface stanza of its daemon");
            parse_virtual_id(daemon, false);
        }
    }
    if (in_.at(TokenKind::kSemicolon)) {
        in_.take();
        daemon.ends_with_semicolon = true;
    }

    daemon.is_broken = daemon.is_broken || in_.error_count() != errors_before;
    return daemon;
}

void DaemonParser::check_name_token(const Token& token, DaemonTerm& daemon) {
    const bool is_address_next = in_.at(TokenKind::kAddress);
    std::string fault;
    if (token.kind == TokenKind::kNumber) {
        fault = in_quotes(token.text) + " is a number; to use it as a daemon's name write \"" +
                std::string(token.text) + "\"";
    } else if (token.kind == TokenKind::kBadAddress) {
        const bool is_plain = token.text.find_first_of("[:/%") == std::string_view::npos;
        if (is_plain && is_address_next && in_.on_same_line() &&
            std::count(token.text.begin(), token.text.end(), '.') < 3) {
            return;  // a name such as 4.4
        }
        fault = explain_bad_address(token.text) + " (a name like this needs quotes)";
    } else if (token.kind == TokenKind::kWord && is_reserved(token.text)) {
        fault = in_quotes(token.text) + " is a keyword; to use it as a daemon's name write \"" +
                std::string(token.text) + "\"";
    }
    if (!fault.empty()) {
        in_.error(token, fault);
        daemon.is_broken = true;
    }
}

/// At `word`, which could be the name of the next daemon as well.
bool DaemonParser::at_property(std::string_view word) {
    return is_word(in_.peek(), word) && in_.peek(1).kind != TokenKind::kAddress;
}

/// What stands between a daemon's name or address and its interfaces, in any order.
void DaemonParser::parse_properties(DaemonTerm& daemon) {
    bool has_id = false;
    while (!in_.is_full()) {
        if (at_property(kVirtualIdWord) && !has_id) {
            parse_virtual_id(daemon, true);
            has_id = true;
        } else if (at_property(kHostWord)) {
            parse_host(daemon);
        } else if (at_property(kCountWord)) {
            parse_count(daemon);
        } else {
            return;
        }
    }
}

/// Host = "name", in place of an address.
void DaemonParser::parse_host(DaemonTerm& daemon) {
    const Token word = in_.take();
    if (!in_.at(TokenKind::kEquals)) {
        in_.error(word, "Host needs '=' and the name of a host after it");
        return;
    }
    in_.take();
    const Token token = in_.peek();
    const bool is_literal = token.kind == TokenKind::kAddress || parse_ip(token.text).has_value();
    if (is_literal || token.kind == TokenKind::kBadAddress) {
        in_.take();
        in_.error(token, "Host is for names; write the address " + in_quotes(token.text) +
                             " itself in its place");
        return;
    }
    const bool is_name = token.kind == TokenKind::kQuoted ||
                         (token.kind == TokenKind::kWord && !is_reserved(token.text));
    if (!is_name) {
        if (token.kind == TokenKind::kInvalid) {
            in_.take();
        } else {
            in_.error(word, "Host needs the name of a host after '='");
        }
        return;
    }
    in_.take();
    if (daemon.host) {
        in_.error(word, "this daemon has a Host already, at " + to_text(daemon.host_at));
        return;
    }
    if (daemon.address) {
        in_.error(word, "this daemon has the address " + in_quotes(daemon.address->text) + " at " +
                            to_text(daemon.address->at) + "; remove it or Host");
        return;
    }
    daemon.host = token.text;
    daemon.host_at = token.at;
}

/// Count = number: so many daemons, whose names and hosts have their number in place of '*'.
void DaemonParser::parse_count(DaemonTerm& daemon) {
    const Token word = in_.take();
    const bool has_value =
        in_.at(TokenKind::kEquals) &&
        (in_.peek(1).kind == TokenKind::kNumber || in_.peek(1).kind == TokenKind::kQuoted ||
         in_.peek(1).kind == TokenKind::kBadAddress ||
         (in_.peek(1).kind == TokenKind::kWord && !is_reserved(in_.peek(1).text)));
    const Token token = has_value ? in_.peek(1) : word;
    if (in_.at(TokenKind::kEquals)) {
        in_.take();
    }
    if (has_value) {
        in_.take();
    }
    const std::uint64_t value = token.kind == TokenKind::kNumber ? number_of(token.text) : 0;
    if (value < 1 || value > kMaxDaemons) {
        in_.error(token, "Count must be a whole number from 1 to " + std::to_string(kMaxDaemons) +
                             (has_value ? ", found " + in_quotes(token.text) : ""));
    } else if (daemon.count) {
        in_.error(word, "this daemon has a Count already, at " + to_text(daemon.count_at));
    } else {
        daemon.count = static_cast<std::uint32_t>(value);
        daemon.count_at = word.at;
    }
}

/// VirtualID = number. `keep` is false where it must not stand.
void DaemonParser::parse_virtual_id(DaemonTerm& daemon, bool keep) {
    const Token word = in_.take();
    if (in_.at(TokenKind::kEquals)) {
        in_.take();
    } else if (keep) {
        in_.error(word, "VirtualID needs '=' and a number after it");
        if (!in_.on_same_line() || !in_.at(TokenKind::kNumber)) {
            return;
        }
    }
    const Token token = in_.peek();
    const bool is_value = token.kind == TokenKind::kNumber || token.kind == TokenKind::kWord ||
                          token.kind == TokenKind::kQuoted ||
                          token.kind == TokenKind::kBadAddress || token.kind == TokenKind::kAddress;
    if (!is_value || token.text == kSegmentWord) {
        if (token.kind == TokenKind::kInvalid) {
            in_.take();
        } else {
            in_.error(word, "VirtualID needs a number after '='");
        }
        return;
    }
    in_.take();
    if (!keep) {
        return;
    }
    if (token.kind == TokenKind::kQuoted || !all_digits(token.text)) {
        in_.error(token, "VirtualID must be a whole number from 1 to " + std::to_string(kIdMax) +
                             ", found " + in_quotes(token.text));
        return;
    }
    if (token.text.size() > kIdDigitsMax || number_of(token.text) == 0 ||
        number_of(token.text) > kIdMax) {
        in_.error(token, "VirtualID must be from 1 to " + std::to_string(kIdMax) + ", found " +
                             in_quotes(token.text));
        return;
    }
    daemon.virtual_id = static_cast<std::uint32_t>(number_of(token.text));
    daemon.virtual_id_at = token.at;
}

// Long: a flat switch.
void DaemonParser::parse_stanza(DaemonTerm& daemon) {
    const Token open = in_.take();
    daemon.stanza_at = open.at;
    const std::size_t errors_before = in_.error_count();
    InterfaceTerm interface;
    Token last_letter;
    bool is_full = false;
    while (!in_.is_full()) {
        const Token token = in_.peek();
        switch (token.kind) {
            case TokenKind::kCloseBrace:
                in_.take();
                stanzas_.push_back(StanzaSpan{open.at, token.at, token.starts_line});
                if (interface.daemon || interface.client || interface.monitor) {
                    in_.error(last_letter,
                              "expected an address after " + in_quotes(last_letter.text));
                } else if (daemon.interfaces.empty() && in_.error_count() == errors_before) {
                    in_.error(open,
                              "this interface stanza is empty; list an address in it or remove "
                              "the braces");
                }
                return;
            case TokenKind::kAddress:
                in_.take();
                if (token.port) {
                    in_.error(token,
                              "an interface has no port of its own, the segment's is used; "
                              "remove ':" +
                                  std::to_string(*token.port) + "'");
                }
                if (daemon.interfaces.size() == kMaxInterfaces) {
                    if (!is_full) {
                        in_.error(token, "too many interfaces: a daemon has at most " +
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
                in_.take();
                in_.error(token, explain_bad_address(token.text));
                interface = InterfaceTerm{};
                break;
            case TokenKind::kForeignComment: in_.refuse_foreign_comment(); break;
            case TokenKind::kInvalid:
                in_.take();
                interface = InterfaceTerm{};
                break;
            case TokenKind::kEnd:
                in_.error(open,
                          "this '{' is never closed; add the missing '}' after the interfaces");
                return;
            default:
                in_.error(token,
                          "unexpected " + in_quotes(token.text) +
                              " in an interface stanza; expected D, C, M, an address or '}'");
                if (token.kind == TokenKind::kOpenBrace) {
                    in_.skip_block();
                } else {
                    in_.take();
                }
                break;
        }
    }
}

/// One word inside a stanza. Returns false when it shows that the stanza has ended without a brace.
bool DaemonParser::parse_interface_word(const Token& open, InterfaceTerm& interface) {
    const Token token = in_.peek();
    const std::string_view text = token.text;
    const bool are_letters = std::all_of(text.begin(), text.end(), [](char c) {
        return std::string_view("DCMdcm").find(c) != std::string_view::npos;
    });
    if (!are_letters && (token.starts_line || in_.at_statement() || text == kVirtualIdWord ||
                         text == kHostWord || text == kCountWord)) {
        in_.error(open, "this '{' is not closed before " + in_quotes(text) + " at " +
                            to_text(token.at) + "; add the missing '}' after the interfaces");
        return false;
    }
    in_.take();
    if (!are_letters) {
        in_.error(token, "unknown interface letter " + in_quotes(text) +
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
        in_.error(token, "unknown interface letter " + in_quotes(text) + "; did you mean " +
                             in_quotes(spaced) + "?");
    }
    return true;
}

}  // namespace

DaemonTerm parse_daemon(TokenStream& in, std::vector<StanzaSpan>& stanzas) {
    return DaemonParser(in, stanzas).parse();
}

}  // namespace spread::config
