#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "tests/sim/scenario.hpp"
#include "tests/sim/scenario_line.hpp"

namespace spread::sim {
namespace {

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kU32Max = std::numeric_limits<std::uint32_t>::max();

std::int64_t wire_version(ScenarioLine& line) {
    return static_cast<std::int64_t>(line.count(protocol::kRingWireLeast,
                                                protocol::kRingWireGreatest,
                                                "a version of the wire that this release speaks"));
}

class ScenarioParser {
  public:
    protocol::Result<Scenario, ScenarioError> parse(std::string_view text);

  private:
    void parse_line(std::string_view text, ScenarioLine& line);
    /// True when the line was one of those that stand before the steps.
    bool parse_head(ScenarioLine& line);
    void parse_segments(ScenarioLine& line);
    void parse_tunable(ScenarioLine& line);

    [[nodiscard]] Step parse_step(ScenarioLine& line) const;
    [[nodiscard]] Moment parse_moment(ScenarioLine& line) const;
    void parse_ends(ScenarioLine& line, std::optional<DaemonIndex>& from,
                    std::optional<DaemonIndex>& to) const;
    /// Each takes the words after the action's own; false: it is none of theirs.
    bool parse_daemon_action(std::string_view word, ScenarioLine& line, Step& step) const;
    bool parse_network_action(std::string_view word, ScenarioLine& line, Step& step) const;
    bool parse_client_action(std::string_view word, ScenarioLine& line, Step& step) const;
    bool parse_check(std::string_view word, ScenarioLine& line, Step& step) const;
    static void parse_kind(ScenarioLine& line, Step& step);
    void parse_partition(ScenarioLine& line, Step& step) const;
    void parse_rates(ScenarioLine& line, Rates& rates) const;
    void parse_send(ScenarioLine& line, Step& step) const;

    Scenario scenario_;
    std::size_t daemons_ = Scenario().daemons();
    bool has_first_line_ = false;
    bool has_segments_ = false;
    bool has_luck_ = false;
};

protocol::Result<Scenario, ScenarioError> ScenarioParser::parse(std::string_view text) {
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        ScenarioLine line(text.substr(0, end));
        parse_line(text.substr(0, end), line);
        if (line.error()) {
            return tl::unexpected(ScenarioError{number, *line.error()});
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return std::move(scenario_);
}

void ScenarioParser::parse_line(std::string_view text, ScenarioLine& line) {
    constexpr std::string_view kBlanks = " \t\r";
    const std::size_t start = text.find_first_not_of(kBlanks);
    if (start == std::string_view::npos) {
        return;
    }
    if (line.empty()) {  // a comment; the title if nothing stands before it
        const std::size_t from = text.find_first_not_of(kBlanks, start + 1);
        if (!has_first_line_ && from != std::string_view::npos) {
            scenario_.title = text.substr(from, text.find_last_not_of(kBlanks) + 1 - from);
            has_first_line_ = true;
        }
        return;
    }
    has_first_line_ = true;
    if (!parse_head(line)) {
        scenario_.steps.push_back(parse_step(line));
    }
    line.require_end();
}

bool ScenarioParser::parse_head(ScenarioLine& line) {
    const std::string_view word = line.peek();
    if (word != "segments" && word != "luck" && word != "set") {
        return false;
    }
    if (!scenario_.steps.empty()) {
        line.complain(std::string(word) + " must stand before the first step");
        return true;
    }
    static_cast<void>(line.take("a word"));
    if (word == "segments") {
        parse_segments(line);
    } else if (word == "set") {
        parse_tunable(line);
    } else if (std::exchange(has_luck_, true)) {
        line.complain("luck is given twice");
    } else {
        scenario_.luck = line.count(0, kNoLimit, "a number");
    }
    return true;
}

void ScenarioParser::parse_segments(ScenarioLine& line) {
    if (std::exchange(has_segments_, true)) {
        line.complain("segments are given twice");
        return;
    }
    scenario_.segments.clear();
    do {
        const std::uint64_t count =
            line.count(1, kDaemonsMax, "a number of daemons, 1 to " + std::to_string(kDaemonsMax));
        scenario_.segments.push_back(static_cast<std::uint16_t>(count));
    } while (!line.error() && !line.empty() && scenario_.segments.size() <= kSegmentsMax);
    daemons_ = scenario_.daemons();
    if (scenario_.segments.size() > kSegmentsMax || daemons_ > kDaemonsMax) {
        line.complain("too many segments or daemons, expected at most " +
                      std::to_string(kSegmentsMax) + " segments with " +
                      std::to_string(kDaemonsMax) + " daemons in all");
    }
}

void ScenarioParser::parse_tunable(ScenarioLine& line) {
    const std::string_view name = line.take("the name of a number");
    const auto* field = find_word(kTunableFields, name);
    if (field == nullptr) {
        line.complain("unknown number to set, expected token_loss, window, ... (Tunables)");
        return;
    }
    std::uint32_t& value = scenario_.tunables.*field->member;
    if (value != 0) {
        line.complain(std::string(name) + " is set twice");
    }
    value = line.quantity(field->unit);
}

Step ScenarioParser::parse_step(ScenarioLine& line) const {
    Step step;
    step.when = parse_moment(line);
    if (line.error() || line.empty()) {
        line.fail("an action");
        return step;
    }
    const std::string word(line.peek());
    ScenarioLine rest = line;
    static_cast<void>(rest.take("an action"));
    if (parse_daemon_action(word, rest, step) || parse_network_action(word, rest, step) ||
        parse_client_action(word, rest, step) || parse_check(word, rest, step)) {
        line = rest;
    } else {
        line.fail("an action (start, crash, partition, connect, send, expect, settle, ...)");
    }
    return step;
}

Moment ScenarioParser::parse_moment(ScenarioLine& line) const {
    Moment when;
    if (line.accept("at")) {
        when.kind = Moment::Kind::kAt;
        when.time_us = line.duration(kNoLimit);
        return when;
    }
    if (line.accept("after")) {
        when.time_us = line.duration(kNoLimit);
        return when;
    }
    if (!line.accept("on")) {
        return when;
    }
    if (line.accept("state")) {
        when.kind = Moment::Kind::kState;
        if (!line.accept("any")) {
            when.from = line.index('d', daemons_);
        }
        when.state = line.word(kStateWords);
    } else {
        when.kind = Moment::Kind::kPacket;
        when.packet = line.word(kPacketWords);
        parse_ends(line, when.from, when.to);
        if (when.packet == protocol::PacketKind::kCommit && line.accept("pass")) {
            when.pass = static_cast<std::uint32_t>(line.count(1, 2, "1 or 2"));
        }
    }
    if (line.accept("count")) {
        when.count = static_cast<std::uint32_t>(line.count(1, kU32Max, "a number from 1"));
    }
    return when;
}

void ScenarioParser::parse_ends(ScenarioLine& line, std::optional<DaemonIndex>& from,
                                std::optional<DaemonIndex>& to) const {
    if (line.accept("from")) {
        from = line.index('d', daemons_);
    }
    if (line.accept("to")) {
        to = line.index('d', daemons_);
    }
}

bool ScenarioParser::parse_daemon_action(std::string_view word, ScenarioLine& line,
                                         Step& step) const {
    if (const auto* simple = find_word(kDaemonActions, word); simple != nullptr) {
        step.action = simple->action;
        step.value = simple->value;
        step.who = line.indices('d', daemons_);
        return true;
    }
    if (word == "start") {
        step.action = Action::kStart;
        if (!line.accept("all")) {
            step.who = line.indices('d', daemons_);
        }
        if (!line.empty()) {
            step.fate = line.word(kFateWords);
        }
        return true;
    }
    constexpr std::array<Word<Action>, 5> kMeasured{{{"slow", Action::kSlow},
                                                     {"drift", Action::kDrift},
                                                     {"step-clock", Action::kStepClock},
                                                     {"release", Action::kRelease},
                                                     {"configure", Action::kConfigure}}};
    const auto* measured = find_word(kMeasured, word);
    if (measured == nullptr) {
        return false;
    }
    step.action = measured->value;
    step.who = line.indices('d', daemons_);
    line.require(step.action == Action::kConfigure ? "version"
                 : step.action == Action::kRelease ? "wire"
                                                   : "by");
    switch (step.action) {
        case Action::kSlow: step.value = static_cast<std::int64_t>(line.duration(kU32Max)); break;
        case Action::kDrift: step.value = line.drift(); break;
        case Action::kStepClock: step.value = line.signed_duration(); break;
        case Action::kRelease: step.value = wire_version(line); break;
        default: step.value = static_cast<std::int64_t>(line.count(0, kU32Max, "a version number"));
    }
    return true;
}

bool ScenarioParser::parse_network_action(std::string_view word, ScenarioLine& line,
                                          Step& step) const {
    if (word == "partition") {
        parse_partition(line, step);
    } else if (word == "heal") {
        step.action = Action::kHeal;
    } else if (word == "link" || word == "clog" || word == "unclog") {
        step.action = word == "link" ? Action::kLink : Action::kClog;
        step.value = word == "clog" ? 1 : 0;
        step.who.push_back(line.index('d', daemons_));
        line.require("to");
        step.who.push_back(line.index('d', daemons_));
        if (word == "link") {
            constexpr std::array<Word<std::int64_t>, 2> kUpDown{{{"up", 1}, {"down", 0}}};
            step.value = line.word(kUpDown);
        }
    } else if (word == "block" || word == "unblock") {
        step.action = Action::kBlock;
        step.value = word == "block" ? 1 : 0;
        step.way = line.word(kWayWords);
        step.who.push_back(line.index('d', daemons_));
        line.require("to");
        step.who.push_back(line.index('d', daemons_));
    } else if (word == "rumour") {
        step.action = Action::kRumour;
        step.who.push_back(line.index('d', daemons_));
        line.require("about");
        step.who.push_back(line.index('d', daemons_));
    } else if (word == "drop") {
        step.action = Action::kDrop;
        step.value = static_cast<std::int64_t>(line.count(1, kU32Max, "a number from 1"));
        parse_kind(line, step);
        parse_ends(line, step.from, step.to);
    } else if (word == "delay") {
        step.action = Action::kDelay;
        parse_kind(line, step);
        line.require("by");
        step.value = static_cast<std::int64_t>(line.duration(kU32Max));
        parse_ends(line, step.from, step.to);
    } else if (word == "rates") {
        step.action = Action::kRates;
        parse_rates(line, step.rates);
    } else {
        return false;
    }
    return true;
}

void ScenarioParser::parse_kind(ScenarioLine& line, Step& step) {
    if (!line.accept("any")) {
        step.packet = line.word(kPacketWords);
    }
}

void ScenarioParser::parse_partition(ScenarioLine& line, Step& step) const {
    step.action = Action::kPartition;
    if (line.accept("singly")) {
        return;
    }
    std::vector<bool> taken(daemons_);
    do {
        step.parts.push_back(line.set('d', daemons_));
        if (!line.error() && step.parts.back().empty()) {
            line.complain("an empty part, expected daemons in braces or \"singly\"");
        }
        for (const DaemonIndex daemon : step.parts.back()) {
            if (taken[daemon]) {
                line.complain("d" + std::to_string(daemon + 1) + " is in two parts");
            }
            taken[daemon] = true;
        }
    } while (!line.error() && !line.empty());
}

void ScenarioParser::parse_rates(ScenarioLine& line, Rates& rates) const {
    if (line.accept("calm")) {
        return;
    }
    std::vector<const Field<Rates>*> seen;
    do {
        const auto* field = find_word(kRateFields, line.peek());
        if (field == nullptr) {
            line.fail("calm, or a rate (loss, burst, late, latency, ...) and its value");
            return;
        }
        if (std::find(seen.begin(), seen.end(), field) != seen.end()) {
            line.complain(std::string(field->name) + " comes twice");
        }
        seen.push_back(field);
        static_cast<void>(line.take("a rate"));
        rates.*field->member = line.quantity(field->unit);
    } while (!line.error() && !line.empty());
}

bool ScenarioParser::parse_client_action(std::string_view word, ScenarioLine& line,
                                         Step& step) const {
    constexpr std::array<Word<Action>, 9> kClientActions{{
        {"connect", Action::kConnect},
        {"join", Action::kJoin},
        {"leave", Action::kLeaveGroup},
        {"send", Action::kSend},
        {"disconnect", Action::kDisconnect},
        {"abort", Action::kAbort},
        {"stall", Action::kStall},
        {"unstall", Action::kStall},
        {"garbage", Action::kGarbage},
    }};
    const auto* action = find_word(kClientActions, word);
    if (action == nullptr) {
        return false;
    }
    step.action = action->value;
    step.who.push_back(line.index('c', kClientsMax));
    switch (step.action) {
        case Action::kConnect: {
            constexpr std::array<Word<bool>, 2> kMemberships{{{"members", true}, {"quiet", false}}};
            line.require("to");
            step.who.push_back(line.index('d', daemons_));
            step.flag = line.word(kMemberships);
            break;
        }
        case Action::kJoin:
        case Action::kLeaveGroup: step.groups.push_back(line.index('g', kGroupsMax)); break;
        case Action::kSend: parse_send(line, step); break;
        case Action::kAbort:
            if (line.accept("after")) {
                step.value = static_cast<std::int64_t>(line.count(1, kU32Max, "a number from 1"));
                line.require("bytes");
            }
            break;
        case Action::kGarbage:
            step.value = static_cast<std::int64_t>(line.count(1, kU32Max, "a number from 1"));
            line.require("bytes");
            break;
        case Action::kStall: step.value = word == "stall" ? 1 : 0; break;
        default: break;
    }
    return true;
}

void ScenarioParser::parse_send(ScenarioLine& line, Step& step) const {
    step.value = line.repetitions();
    step.service = line.word(kServiceWords);
    step.bytes = static_cast<std::uint32_t>(line.count(0, kU32Max, "a size in bytes"));
    line.require("bytes");
    line.require("to");
    do {
        if (line.at_index('g')) {
            step.groups.push_back(line.index('g', kGroupsMax));
        } else if (line.at_index('c')) {
            step.privates.push_back(line.index('c', kClientsMax));
        } else {
            line.fail("a group or client such as g1 or c2");
        }
    } while (line.at_index('g') || line.at_index('c'));
    step.flag = line.accept("discard");
}

bool ScenarioParser::parse_check(std::string_view word, ScenarioLine& line, Step& step) const {
    if (word == "steady") {
        step.action = Action::kSteady;
        if (!line.accept("over")) {
            step.who = line.set('d', daemons_);
        }
        return true;
    }
    if (word == "settle") {
        step.action = Action::kSettle;
    } else if (word == "expect") {
        constexpr std::array<Word<Action>, 3> kExpectations{{{"regular", Action::kExpectRegular},
                                                             {"state", Action::kExpectState},
                                                             {"view", Action::kExpectView}}};
        step.action = line.word(kExpectations);
        if (step.action == Action::kExpectState) {
            step.who.push_back(line.index('d', daemons_));
            step.state = line.word(kStateWords);
        } else if (step.action == Action::kExpectView) {
            step.who.push_back(line.index('c', kClientsMax));
            step.groups.push_back(line.index('g', kGroupsMax));
            step.privates = line.set('c', kClientsMax);
        } else {
            step.who = line.set('d', daemons_);
            step.value = line.accept("wire") ? wire_version(line) : 0;
        }
    } else {
        return false;
    }
    line.require("within");
    step.within_us = line.duration(kNoLimit);
    return true;
}

}  // namespace

protocol::Result<Scenario, ScenarioError> parse_scenario(std::string_view text) {
    return ScenarioParser().parse(text);
}

}  // namespace spread::sim
