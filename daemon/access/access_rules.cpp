#include "daemon/access/access_rules.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "config/diagnostics.hpp"
#include "config/text.hpp"
#include "daemon/access/line_reader.hpp"

namespace spread::access {

namespace {

using config::did_you_mean;
using config::in_quotes;

// The longest names of the client protocol; a pattern for longer ones is a mistake.
constexpr std::size_t kUserBytesMax = 10;
constexpr std::size_t kLoginBytesMax = 32;
constexpr std::size_t kGroupBytesMax = 32;

constexpr std::size_t kCertificateBytesMax = 253;

constexpr std::string_view kLoginPrefix = "login:";
constexpr std::string_view kCertificatePrefix = "tls:";
constexpr std::array<std::string_view, 4> kFirstWords = {"allow", "deny", "limit", "default"};
constexpr std::array<std::string_view, 3> kActions = {"connect", "join", "send"};

}  // namespace

/// Reads one file of rules.
class RuleParser {
  public:
    explicit RuleParser(std::string_view text) : reader_(text, LineReader::Comment::kHashAlone) {}

    AccessRulesResult run();

  private:
    using Words = std::vector<Word>;
    using Rule = AccessRules::Rule;

    /// The rules of one action, and the first that matches everything, which ends the list.
    struct Action {
        AccessRules::Action* to;
        std::vector<Glob> groups{};  ///< of join and send
        std::uint32_t closed_in_line = 0;
    };

    void error(const Word& at, std::string message) {
        diagnostics_.error(at.at, std::move(message));
    }
    void read_line(const Words& words);
    void read_default(const Words& words);
    void read_rule(const Words& words);
    void read_limit(const Words& words);
    bool read_rate(const Word& word, SendLimit& limit);
    bool has_room(const Word& at);
    bool read_user(const Word& word, Rule& rule);
    std::optional<Glob> read_group(const Word& word);
    bool read_from(const Words& words, Rule& rule);
    std::optional<Glob> read_glob(const Word& word, std::string_view text, std::size_t bytes_max,
                                  std::string_view what);
    bool is_end(const Words& words, std::size_t count, std::string_view form);

    LineReader reader_;
    config::Diagnostics diagnostics_;
    AccessRules result_;
    std::array<Action, kActions.size()> actions_ = {
        {{&result_.connect_}, {&result_.join_}, {&result_.send_}}};
    std::size_t rule_count_ = 0;
    std::uint32_t default_line_ = 0;
};

AccessRulesResult RuleParser::run() {
    while (!diagnostics_.is_full()) {
        const Words& words = reader_.next();
        if (words.empty()) {
            break;
        }
        read_line(words);
    }
    AccessRulesResult result;
    if (diagnostics_.error_count() == 0) {
        result_.is_blank_ = rule_count_ == 0 && default_line_ == 0;
        for (Action& action : actions_) {
            action.to->groups = GlobSet(action.groups);
        }
        result.rules = std::move(result_);
    }
    result.diagnostics = diagnostics_.take();
    return result;
}

void RuleParser::read_line(const Words& words) {
    const std::string_view first = words.front().text;
    if (first == "default") {
        read_default(words);
    } else if (first == "allow" || first == "deny") {
        read_rule(words);
    } else if (first == "limit") {
        read_limit(words);
    } else {
        error(words.front(), "a line begins with allow, deny, limit or default, not with " +
                                 in_quotes(first) + did_you_mean(first, kFirstWords));
    }
}

void RuleParser::read_default(const Words& words) {
    if (words.size() < 2 || (words[1].text != "allow" && words[1].text != "deny")) {
        error(words.size() < 2 ? words[0] : words[1], "write default allow or default deny");
        return;
    }
    if (!is_end(words, 2, "default allow|deny")) {
        return;
    }
    if (default_line_ != 0) {
        error(words[0], "the default is given already in line " + std::to_string(default_line_) +
                            "; remove one of them");
        return;
    }
    default_line_ = words[0].at.line;
    result_.default_allow_ = words[1].text == "allow";
}

void RuleParser::read_rule(const Words& words) {
    const std::string verdict(words[0].text);
    const std::string_view name = words.size() > 1 ? words[1].text : std::string_view();
    const auto* const action = std::find(kActions.begin(), kActions.end(), name);
    if (action == kActions.end()) {
        error(
            words.size() < 2 ? words[0] : words[1],
            verdict + " is followed by connect, join or send" +
                (words.size() < 2 ? std::string()
                                  : ", not by " + in_quotes(name) + did_you_mean(name, kActions)));
        return;
    }
    const bool is_connect = name == "connect";
    const std::size_t names = is_connect ? 3 : 4;
    const std::string form =
        verdict + " " + std::string(name) + (is_connect ? " USER [from ADDRESS]" : " USER GROUP");
    if (words.size() < names) {
        error(words[1], "this rule is incomplete; write " + form);
        return;
    }
    Rule rule;
    rule.allow = verdict == "allow";
    if (!read_user(words[2], rule)) {
        return;
    }
    std::optional<Glob> group;
    if (is_connect) {
        if (!read_from(words, rule)) {
            return;
        }
    } else if (!(group = read_group(words[3])) || !is_end(words, names, form)) {
        return;
    }
    if (!has_room(words[0])) {
        return;
    }
    rule.line = words[0].at.line;
    Action& target = actions_[static_cast<std::size_t>(action - kActions.begin())];
    if (target.closed_in_line != 0) {
        diagnostics_.warning(words[0].at, "this rule is never reached: the one in line " +
                                              std::to_string(target.closed_in_line) +
                                              " decides about everybody");
    } else if (rule.by == Rule::By::kUser && rule.user.matches_everything() &&
               (!group || group->matches_everything()) && !rule.from) {
        target.closed_in_line = words[0].at.line;
    }
    target.to->rules.push_back(std::move(rule));
    if (group) {
        target.groups.push_back(*std::move(group));
    }
}

bool RuleParser::has_room(const Word& at) {
    if (rule_count_ == AccessRules::kRulesMax) {
        error(at, "there are more than " + std::to_string(AccessRules::kRulesMax) +
                      " rules; combine some with patterns");
        return false;
    }
    ++rule_count_;
    return true;
}

/// limit send USER RATE...
void RuleParser::read_limit(const Words& words) {
    if (words.size() < 4 || words[1].text != "send") {
        error(words.size() < 2 || words[1].text == "send" ? words[0] : words[1],
              "write limit send USER RATE, with a RATE such as 5000/s or 20MB/s");
        return;
    }
    AccessRules::Limit limit;
    limit.who.line = words[0].at.line;
    if (!read_user(words[2], limit.who)) {
        return;
    }
    for (std::size_t i = 3; i < words.size(); ++i) {
        if (!read_rate(words[i], limit.limit)) {
            return;
        }
    }
    if (has_room(words[0])) {
        result_.limits_.push_back(std::move(limit));
    }
}

/// "5000/s", "64kB/s", "20MB/s".
bool RuleParser::read_rate(const Word& word, SendLimit& limit) {
    constexpr std::uint64_t kMost = 1000000000;
    std::uint64_t number = 0;
    const char* const last = word.text.data() + word.text.size();
    const auto [end, failed] = std::from_chars(word.text.data(), last, number);
    const std::string_view unit(end, static_cast<std::size_t>(last - end));
    const std::uint64_t factor = unit == "kB/s" ? 1000 : unit == "MB/s" ? 1000000 : 1;
    if (failed != std::errc() || number == 0 || number > kMost ||
        (unit != "/s" && unit != "kB/s" && unit != "MB/s")) {
        error(word,
              "a rate is a number from 1 to 1000000000 with /s (messages), kB/s or MB/s "
              "behind it, found " +
                  in_quotes(word.text));
        return false;
    }
    std::uint64_t& target = unit == "/s" ? limit.messages_per_s : limit.bytes_per_s;
    if (target != 0) {
        error(word, "one rate of messages and one of bytes are enough");
        return false;
    }
    target = number * factor;
    return true;
}

bool RuleParser::read_user(const Word& word, Rule& rule) {
    std::string_view text = word.text;
    std::optional<Glob> glob;
    if (text.starts_with(kLoginPrefix)) {
        rule.by = Rule::By::kLogin;
        text.remove_prefix(kLoginPrefix.size());
        glob = read_glob(word, text, kLoginBytesMax, "login names");
    } else if (text.starts_with(kCertificatePrefix)) {
        rule.by = Rule::By::kCertificate;
        text.remove_prefix(kCertificatePrefix.size());
        glob = read_glob(word, text, kCertificateBytesMax, "names in certificates");
    } else {
        glob = read_glob(word, text, kUserBytesMax, "user names");
    }
    if (!glob) {
        return false;
    }
    rule.user = *std::move(glob);
    return true;
}

std::optional<Glob> RuleParser::read_group(const Word& word) {
    auto glob = read_glob(word, word.text, kGroupBytesMax, "group names");
    if (glob && word.text.front() == '#' &&
        word.text.find_first_of("#*?\\", 1) == std::string_view::npos) {
        diagnostics_.warning(word.at, in_quotes(word.text) +
                                          " is taken as the name of a group; a comment needs a "
                                          "blank behind its '#'");
    }
    return glob;
}

bool RuleParser::read_from(const Words& words, Rule& rule) {
    if (words.size() == 3) {
        return true;
    }
    if (words[3].text != "from") {
        error(words[3], "unexpected " + in_quotes(words[3].text) +
                            "; a connect rule goes on with from ADDRESS or ends");
        return false;
    }
    if (words.size() == 4) {
        error(words[3], "from is followed by an address, a network, local or unix");
        return false;
    }
    auto parsed = parse_address_pattern(words[4].text);
    if (!parsed.pattern) {
        error(words[4], std::move(parsed.error));
        return false;
    }
    if (!parsed.warning.empty()) {
        diagnostics_.warning(words[4].at, std::move(parsed.warning));
    }
    rule.from = parsed.pattern;
    return is_end(words, 5, std::string(words[0].text) + " connect USER from ADDRESS");
}

std::optional<Glob> RuleParser::read_glob(const Word& word, std::string_view text,
                                          std::size_t bytes_max, std::string_view what) {
    if (text.empty()) {
        error(word, "there is no pattern behind " + in_quotes(word.text) + "; write " +
                        std::string(word.text) + "* for all");
        return std::nullopt;
    }
    auto parsed = parse_glob(text);
    if (!parsed.glob) {
        error(word, std::move(parsed.error));
        return std::nullopt;
    }
    if (parsed.glob->shortest_match() > bytes_max) {
        error(word, "the pattern " + in_quotes(text) + " can match nothing: " + std::string(what) +
                        " have at most " + std::to_string(bytes_max) + " bytes");
        return std::nullopt;
    }
    return std::move(parsed.glob);
}

bool RuleParser::is_end(const Words& words, std::size_t count, std::string_view form) {
    if (words.size() == count) {
        return true;
    }
    error(words[count], "unexpected " + in_quotes(words[count].text) + "; write " +
                            std::string(form) + ", and a blank behind the '#' of a comment");
    return false;
}

AccessRulesResult AccessRules::parse(std::string_view text) {
    return RuleParser(text).run();
}

bool AccessRules::Rule::is_about(const Identity& who) const {
    if (from && !from->matches(who.peer)) {
        return false;
    }
    switch (by) {
        case By::kLogin: return !who.login.empty() && user.matches(who.login);
        case By::kCertificate: return !who.certificate.empty() && user.matches(who.certificate);
        case By::kUser: break;
    }
    return user.matches(who.user);
}

const AccessRules::Rule* AccessRules::connect_rule_of(const Identity& who) const {
    const auto& rules = connect_.rules;
    const auto first = std::find_if(rules.begin(), rules.end(),
                                    [&](const Rule& rule) { return rule.is_about(who); });
    return first != rules.end() ? &*first : nullptr;
}

bool AccessRules::may_connect(const Identity& who) const {
    const Rule* const rule = connect_rule_of(who);
    return rule != nullptr ? rule->allow : default_allow_;
}

std::string AccessRules::why_not_connect(const Identity& who) const {
    const Rule* const rule = connect_rule_of(who);
    return rule != nullptr
               ? "line " + std::to_string(rule->line) + " of the access rules denies connect"
               : std::string("no access rule fits, and the default denies connect");
}

AccessRules::Standing AccessRules::standing_of(const Identity& who) const {
    Standing standing;
    standing.join_ = about(join_.rules, who);
    standing.send_ = about(send_.rules, who);
    const auto limit = std::find_if(limits_.begin(), limits_.end(),
                                    [&](const Limit& each) { return each.who.is_about(who); });
    if (limit != limits_.end()) {
        standing.limit_ = limit->limit;
    }
    return standing;
}

NumberSet AccessRules::about(const std::vector<Rule>& rules, const Identity& who) {
    NumberSet numbers(rules.size());
    for (std::size_t i = 0; i < rules.size(); ++i) {
        if (rules[i].is_about(who)) {
            numbers.insert(i);
        }
    }
    return numbers;
}

bool AccessRules::decide(const Action& action, const NumberSet& about,
                         std::string_view group) const {
    const auto first = action.groups.first_match(group, about);
    return first ? action.rules[*first].allow : default_allow_;
}

}  // namespace spread::access
