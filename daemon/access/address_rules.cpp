#include "daemon/access/address_rules.hpp"

#include <algorithm>
#include <array>

#include "config/diagnostics.hpp"
#include "config/text.hpp"
#include "daemon/access/address_pattern.hpp"
#include "daemon/access/line_reader.hpp"

namespace spread::access {

namespace {

using Range = std::pair<PeerAddress, PeerAddress>;

void append(std::vector<Range>& ranges, std::string_view network) {
    const auto parsed = parse_address_pattern(network);
    ranges.emplace_back(parsed.pattern->first, parsed.pattern->last());
}

/// Ascending, and without overlap.
void settle(std::vector<Range>& ranges) {
    std::sort(ranges.begin(), ranges.end());
    std::vector<Range> settled;
    for (const Range& range : ranges) {
        // Addresses of different kinds never compare as overlapping: the kind comes first.
        if (!settled.empty() && range.first <= settled.back().second) {
            settled.back().second = std::max(settled.back().second, range.second);
        } else {
            settled.push_back(range);
        }
    }
    ranges = std::move(settled);
}

}  // namespace

AddressRulesResult AddressRules::parse(std::string_view text) {
    config::Diagnostics diagnostics;
    AddressRules rules;
    LineReader reader(text, LineReader::Comment::kAnyHash);
    while (!diagnostics.is_full()) {
        const std::vector<Word>& words = reader.next();
        if (words.empty()) {
            break;
        }
        if (words.size() > 1) {
            diagnostics.error(words[1].at, "unexpected " + config::in_quotes(words[1].text) +
                                               "; write one address per line");
            continue;
        }
        auto parsed = parse_address_pattern(words.front().text);
        if (!parsed.pattern) {
            diagnostics.error(words.front().at, std::move(parsed.error));
            continue;
        }
        if (!parsed.warning.empty()) {
            diagnostics.warning(words.front().at, std::move(parsed.warning));
        }
        switch (parsed.pattern->kind) {
            case AddressPattern::Kind::kUnix: rules.admits_unix_ = true; break;
            case AddressPattern::Kind::kLocal:
                append(rules.ranges_, "127.0.0.0/8");
                append(rules.ranges_, "::1");
                break;
            case AddressPattern::Kind::kNetwork:
                rules.ranges_.emplace_back(parsed.pattern->first, parsed.pattern->last());
                break;
        }
    }
    AddressRulesResult result;
    if (diagnostics.error_count() == 0) {
        settle(rules.ranges_);
        result.rules = std::move(rules);
    }
    result.diagnostics = diagnostics.take();
    return result;
}

bool AddressRules::admits(const PeerAddress& peer) const {
    if (peer.kind == PeerAddress::Kind::kUnix) {
        return admits_unix_;
    }
    const auto after =
        std::upper_bound(ranges_.begin(), ranges_.end(), peer,
                         [](const PeerAddress& a, const Range& range) { return a < range.first; });
    return after != ranges_.begin() && peer <= std::prev(after)->second;
}

}  // namespace spread::access
