// Any bytes as one of the access files, and any client asking: parsing ends, stays within its
// bounds, and answers are those of the simplest possible reading of the same text.
//
// Input: what to test (the letter a, p, r or g, of which the remainder by 4 counts), the length of
// the question (remainder by 64), the question, the text.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostics.hpp"
#include "config/ip_address.hpp"
#include "daemon/access/access_rules.hpp"
#include "daemon/access/address_pattern.hpp"
#include "daemon/access/address_rules.hpp"
#include "daemon/access/ban_list.hpp"
#include "daemon/access/glob.hpp"
#include "daemon/access/line_reader.hpp"
#include "daemon/access/password_file.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using namespace spread::access;
using spread::fuzz::require;

void check_diagnostics(const std::vector<spread::config::Diagnostic>& diagnostics, bool is_accepted,
                       std::size_t text_size) {
    const auto errors = std::count_if(diagnostics.begin(), diagnostics.end(), [](const auto& one) {
        return one.severity == spread::config::Severity::kError;
    });
    require(is_accepted == (errors == 0));
    require(diagnostics.size() <= spread::config::kMaxErrors + spread::config::kMaxWarnings + 2);
    for (const auto& diagnostic : diagnostics) {
        require(diagnostic.at.line >= 1 && diagnostic.at.line <= text_size + 1);
        require(diagnostic.at.column >= 1 && diagnostic.at.column <= text_size + 1);
        const auto line = spread::config::format(diagnostic, "fuzz");
        require(line.size() < 600 && line.find_first_of("\r\n\x1b") == std::string::npos);
    }
}

PeerAddress peer_of(std::string_view question) {
    const auto byte = [&](std::size_t i) {
        return i < question.size() ? static_cast<std::uint8_t>(question[i]) : std::uint8_t{0};
    };
    if (byte(0) % 3 == 0) {
        return PeerAddress::unix_socket();
    }
    spread::config::IpAddress address;
    const bool is_v4 = byte(0) % 3 == 1;
    address.family =
        is_v4 ? spread::config::IpAddress::Family::kV4 : spread::config::IpAddress::Family::kV6;
    for (std::size_t i = 0; i < (is_v4 ? 4U : 16U); ++i) {
        address.bytes[i] = byte(i + 1);
    }
    return PeerAddress::of(address);
}

void check_addresses(std::string_view question, std::string_view text) {
    const auto result = AddressRules::parse(text);
    check_diagnostics(result.diagnostics, result.rules.has_value(), text.size());
    if (!result.rules) {
        return;
    }
    std::vector<AddressPattern> patterns;
    std::vector<PeerAddress> peers = {peer_of(question)};
    LineReader reader(text, LineReader::Comment::kAnyHash);
    while (true) {
        const auto& words = reader.next();
        if (words.empty()) {
            break;
        }
        require(words.size() == 1);
        const auto parsed = parse_address_pattern(words.front().text);
        require(parsed.pattern.has_value());
        patterns.push_back(*parsed.pattern);
        if (parsed.pattern->kind == AddressPattern::Kind::kNetwork) {
            peers.push_back(parsed.pattern->first);
            peers.push_back(parsed.pattern->last());
            require(parsed.pattern->matches(peers.back()));
        }
    }
    require(result.rules->is_empty() == patterns.empty());
    for (const PeerAddress& peer : peers) {
        const bool expected =
            std::any_of(patterns.begin(), patterns.end(),
                        [&](const AddressPattern& pattern) { return pattern.matches(peer); });
        require(result.rules->admits(peer) == expected);
    }
}

void check_passwords(std::string_view question, std::string_view text) {
    const auto result = PasswordFile::parse(text);
    check_diagnostics(result.diagnostics, result.file.has_value(), text.size());
    if (!result.file) {
        return;
    }
    const auto& users = result.file->users();
    for (std::size_t i = 0; i < users.size(); ++i) {
        require(!users[i].name.empty() && users[i].name.size() <= kLoginBytesMax);
        require(i == 0 || users[i - 1].name < users[i].name);
        require(result.file->hash_of(users[i].name) == &users[i].hash);
        require(users[i].hash.size() >= 13 && users[i].hash.size() <= kHashBytesMax);
        require(text.find(users[i].name + ":" + users[i].hash) != std::string_view::npos);
    }
    const auto* const found = result.file->hash_of(question);
    require((found != nullptr) == std::any_of(users.begin(), users.end(), [&](const auto& user) {
                return user.name == question;
            }));
    require((result.file->stand_in_for(question) == nullptr) == users.empty());
}

void check_rules(std::string_view question, std::string_view text) {
    const auto result = AccessRules::parse(text);
    check_diagnostics(result.diagnostics, result.rules.has_value(), text.size());
    if (!result.rules) {
        return;
    }
    // Three names from one question, so that short inputs can hit rules.
    const std::size_t third = question.size() / 3;
    const std::string_view group = question.substr(2 * third);
    const Identity who{std::string(question.substr(0, third)),
                       std::string(question.substr(third, third)), peer_of(question)};
    const bool may_connect = result.rules->may_connect(who);
    const bool may_join = result.rules->may_join(result.rules->standing_of(who), group);
    const bool may_send = result.rules->may_send(result.rules->standing_of(who), group);

    // A rule about everybody decides when it comes first, and changes no decision made before it
    // when it comes last.
    for (const std::string verdict : {"allow", "deny"}) {
        const bool allows = verdict == "allow";
        const std::string all =
            verdict + " connect *\n" + verdict + " join * *\n" + verdict + " send * *\n";
        if (const auto first = AccessRules::parse(all + std::string(text)); first.rules) {
            require(first.rules->may_connect(who) == allows);
            require(first.rules->may_join(first.rules->standing_of(who), group) == allows);
            require(first.rules->may_send(first.rules->standing_of(who), group) == allows);
        }
        const auto last = AccessRules::parse(std::string(text) + "\n" + all);
        if (!last.rules) {
            continue;  // one rule too many
        }
        // Whatever the old answer came from, a rule or the default, only the default's can change.
        require(last.rules->may_connect(who) == allows ||
                last.rules->may_connect(who) == may_connect);
        require(last.rules->may_join(last.rules->standing_of(who), group) == allows ||
                last.rules->may_join(last.rules->standing_of(who), group) == may_join);
        require(last.rules->may_send(last.rules->standing_of(who), group) == allows ||
                last.rules->may_send(last.rules->standing_of(who), group) == may_send);
    }
    const SendLimit limit = result.rules->standing_of(who).send_limit();
    require(!limit.is_any() || result.rules->has_limits());
    const SendLimit seven{7, 0};
    const auto first = AccessRules::parse("limit send * 7/s\n" + std::string(text));
    require(!first.rules || first.rules->standing_of(who).send_limit() == seven);
    const auto last = AccessRules::parse(std::string(text) + "\nlimit send * 7/s\n");
    require(!last.rules ||
            last.rules->standing_of(who).send_limit() == (limit.is_any() ? limit : seven));
}

/// A subject is the same again when it is read from its own text.
void check_ban(std::string_view question, std::string_view text) {
    const auto subject = BanSubject::parse(text, question);
    require(subject.has_value() || !subject.error().empty());
    if (!subject) {
        return;
    }
    const auto again = BanSubject::parse(subject->text(), "another");
    require(again && again->text() == subject->text());
    const Identity who{std::string(question), std::string(question), peer_of(question)};
    require(again->is_about(who) == subject->is_about(who));
}

/// Matching as its definition says, in a table: row by row, whether the pattern so far matches the
/// text so far. `is_special` marks the '*' and '?' that are not literal.
bool matches_by_table(std::string_view pattern, const std::vector<bool>& is_special,
                      std::string_view text) {
    std::vector<bool> row(text.size() + 1, false);
    row[0] = true;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        std::vector<bool> next(text.size() + 1, false);
        const bool is_run = is_special[i] && pattern[i] == '*';
        next[0] = is_run && row[0];
        for (std::size_t j = 1; j <= text.size(); ++j) {
            next[j] = is_run ? row[j] || next[j - 1]
                             : row[j - 1] && (is_special[i] || pattern[i] == text[j - 1]);
        }
        row = std::move(next);
    }
    return row[text.size()];
}

void check_glob(std::string_view question, std::string_view text) {
    const auto parsed = parse_glob(question);
    require(parsed.glob.has_value() == parsed.error.empty());
    if (!parsed.glob) {
        return;
    }
    std::string pattern;
    std::vector<bool> is_special;
    for (std::size_t i = 0; i < question.size(); ++i) {
        bool special = question[i] == '*' || question[i] == '?';
        char byte = question[i];
        if (byte == '\\') {
            byte = question[++i];
            if (byte == 'x') {
                byte = static_cast<char>(
                    std::stoi(std::string(question.substr(i + 1, 2)), nullptr, 16));
                i += 2;
            }
        }
        pattern += byte;
        is_special.push_back(special);
    }
    const std::string_view name = text.substr(0, 256);
    const bool matches = parsed.glob->matches(name);
    require(matches == matches_by_table(pattern, is_special, name));
    require(!matches || name.size() >= parsed.glob->shortest_match());
    require(!parsed.glob->matches_everything() || matches);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const std::string input(data, data + size);
    const std::string_view rest = std::string_view(input).substr(2);
    const std::size_t length = std::min<std::size_t>(data[1] % 64, rest.size());
    const std::string_view question = rest.substr(0, length);
    const std::string_view text = rest.substr(length);
    switch (data[0] % 4) {
        case 'a' % 4: check_addresses(question, text); break;
        case 'p' % 4: check_passwords(question, text); break;
        case 'r' % 4: check_rules(question, text); break;
        case 'g' % 4:
            check_glob(question, text);
            check_ban(question, text);
            break;
    }
    return 0;
}
