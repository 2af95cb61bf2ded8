#include "tests/sim/scenario.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include "tests/sim/scenario_names.hpp"

namespace spread::sim {
namespace {

/// Where the actions of a file begin when their moments are short.
constexpr std::size_t kActionColumn = 12;

/// In the largest unit that divides it.
std::string duration(std::uint64_t us) {
    if (us != 0 && us % 1000000 == 0) {
        return std::to_string(us / 1000000) + "s";
    }
    if (us % 1000 == 0) {
        return std::to_string(us / 1000) + "ms";
    }
    return std::to_string(us) + "us";
}

std::string signed_duration(std::int64_t us) {
    return us < 0 ? "-" + duration(0 - static_cast<std::uint64_t>(us))
                  : duration(static_cast<std::uint64_t>(us));
}

std::string percent(std::uint32_t millionths) {
    std::string text = std::to_string(millionths / 10000);
    std::string rest = std::to_string(10000 + millionths % 10000).substr(1);
    while (!rest.empty() && rest.back() == '0') {
        rest.pop_back();
    }
    if (!rest.empty()) {
        text += "." + rest;
    }
    return text + "%";
}

std::string quantity(std::uint32_t value, Unit unit) {
    switch (unit) {
        case Unit::kCount: break;
        case Unit::kDuration: return duration(value);
        case Unit::kShare: return percent(value);
    }
    return std::to_string(value);
}

std::string one(char letter, std::uint16_t index) {
    return letter + std::to_string(std::uint32_t{index} + 1);
}

/// " d1 d3"
std::string list(char letter, const std::vector<std::uint16_t>& indices) {
    std::string text;
    for (const std::uint16_t index : indices) {
        text += " " + one(letter, index);
    }
    return text;
}

/// " {d1 d3}"
std::string set(char letter, const std::vector<std::uint16_t>& indices) {
    const std::string inside = list(letter, indices);
    return " {" + (inside.empty() ? inside : inside.substr(1)) + "}";
}

std::string ends(const std::optional<DaemonIndex>& from, const std::optional<DaemonIndex>& to) {
    std::string text;
    if (from) {
        text += " from " + one('d', *from);
    }
    if (to) {
        text += " to " + one('d', *to);
    }
    return text;
}

/// who[place], or the first where a step is incomplete.
std::uint16_t subject(const Step& step, std::size_t place = 0) {
    return place < step.who.size() ? step.who[place] : std::uint16_t{0};
}

std::uint16_t first_group(const Step& step) {
    return step.groups.empty() ? std::uint16_t{0} : step.groups.front();
}

std::string within(const Step& step) {
    return " within " + duration(step.within_us);
}

std::string rates_text(const Rates& rates) {
    const Rates calm;
    std::string text = "rates";
    for (const Field<Rates>& field : kRateFields) {
        if (rates.*field.member != calm.*field.member) {
            text += " " + std::string(field.name) + " " + quantity(rates.*field.member, field.unit);
        }
    }
    return rates == calm ? text + " calm" : text;
}

std::string kind_text(const Step& step) {
    return std::string(step.packet ? word_of(kPacketWords, *step.packet) : std::string_view("any"));
}

std::string drop_text(const Step& step) {
    return "drop " + std::to_string(step.value) + " " + kind_text(step) + ends(step.from, step.to);
}

std::string delay_text(const Step& step) {
    return "delay " + kind_text(step) + " by " + duration(static_cast<std::uint64_t>(step.value)) +
           ends(step.from, step.to);
}

std::string send_text(const Step& step) {
    std::string text = "send " + one('c', subject(step));
    if (step.value != 1) {
        text += " " + std::to_string(step.value) + "x";
    }
    text += " " + std::string(word_of(kServiceWords, step.service)) + " " +
            std::to_string(step.bytes) + " bytes to" + list('g', step.groups) +
            list('c', step.privates);
    return step.flag ? text + " discard" : text;
}

std::string partition_text(const Step& step) {
    std::string text = "partition";
    for (const auto& part : step.parts) {
        text += set('d', part);
    }
    return step.parts.empty() ? text + " singly" : text;
}

std::string start_text(const Step& step) {
    std::string text = "start" + (step.who.empty() ? " all" : list('d', step.who));
    if (step.fate != StateFate::kKept) {
        text += " " + std::string(word_of(kFateWords, step.fate));
    }
    return text;
}

std::string moment_text(const Moment& when) {
    std::string text;
    switch (when.kind) {
        case Moment::Kind::kAt: return "at " + duration(when.time_us);
        case Moment::Kind::kAfter:
            return when.time_us == 0 ? text : "after " + duration(when.time_us);
        case Moment::Kind::kPacket:
            text =
                "on " + std::string(word_of(kPacketWords, when.packet)) + ends(when.from, when.to);
            if (when.pass != 0) {
                text += " pass " + std::to_string(when.pass);
            }
            break;
        case Moment::Kind::kState:
            text = "on state " + (when.from ? one('d', *when.from) : "any") + " " +
                   std::string(word_of(kStateWords, when.state));
            break;
    }
    if (when.count != 1) {
        text += " count " + std::to_string(when.count);
    }
    return text;
}

std::string line_of(const Step& step, std::size_t column) {
    std::string text = moment_text(step.when);
    if (!text.empty()) {
        text += "  ";
    }
    text.resize(std::max(text.size(), column), ' ');
    return text + format_action(step);
}

}  // namespace

std::string format_action(const Step& step) {
    for (const DaemonAction& simple : kDaemonActions) {
        if (simple.action == step.action && simple.value == step.value) {
            return std::string(simple.name) + list('d', step.who);
        }
    }
    const std::string daemon = one('d', subject(step));
    const std::string client = one('c', subject(step));
    const std::string to_daemon = " to " + one('d', subject(step, 1));
    const std::string group = one('g', first_group(step));
    switch (step.action) {
        case Action::kStart: return start_text(step);
        case Action::kCrash:
        case Action::kLeave:
        case Action::kPause:
        case Action::kContinue:
        case Action::kClogSessions:
        case Action::kRotate:
        case Action::kFillDisk:
        case Action::kSeal:
        case Action::kMove:
        case Action::kAnswerNames: break;  // above
        case Action::kSlow:
            return "slow" + list('d', step.who) + " by " + signed_duration(step.value);
        case Action::kDrift:
            return "drift" + list('d', step.who) + " by " + std::to_string(step.value) + "ppm";
        case Action::kStepClock:
            return "step-clock" + list('d', step.who) + " by " + signed_duration(step.value);
        case Action::kRelease:
            return "release" + list('d', step.who) + " wire " + std::to_string(step.value);
        case Action::kConfigure:
            return "configure" + list('d', step.who) + " version " + std::to_string(step.value);
        case Action::kPartition: return partition_text(step);
        case Action::kHeal: return "heal";
        case Action::kLink:
            return "link " + daemon + to_daemon + (step.value != 0 ? " up" : " down");
        case Action::kClog: return (step.value != 0 ? "clog " : "unclog ") + daemon + to_daemon;
        case Action::kBlock:
            return (step.value != 0 ? "block " : "unblock ") +
                   std::string(word_of(kWayWords, step.way)) + " " + daemon + to_daemon;
        case Action::kRumour: return "rumour " + daemon + " about " + one('d', subject(step, 1));
        case Action::kDelay: return delay_text(step);
        case Action::kDrop: return drop_text(step);
        case Action::kRates: return rates_text(step.rates);
        case Action::kConnect:
            return "connect " + client + to_daemon + (step.flag ? " members" : " quiet");
        case Action::kJoin: return "join " + client + " " + group;
        case Action::kLeaveGroup: return "leave " + client + " " + group;
        case Action::kSend: return send_text(step);
        case Action::kDisconnect: return "disconnect " + client;
        case Action::kAbort:
            return "abort " + client +
                   (step.value != 0 ? " after " + std::to_string(step.value) + " bytes" : "");
        case Action::kStall: return (step.value != 0 ? "stall " : "unstall ") + client;
        case Action::kGarbage:
            return "garbage " + client + " " + std::to_string(step.value) + " bytes";
        case Action::kSteady:
            return step.who.empty() ? std::string("steady over") : "steady" + set('d', step.who);
        case Action::kExpectRegular:
            return "expect regular" + set('d', step.who) +
                   (step.value != 0 ? " wire " + std::to_string(step.value) : "") + within(step);
        case Action::kExpectState:
            return "expect state " + daemon + " " + std::string(word_of(kStateWords, step.state)) +
                   within(step);
        case Action::kExpectView:
            return "expect view " + client + " " + group + set('c', step.privates) + within(step);
        case Action::kSettle: return "settle" + within(step);
    }
    return "?";
}

std::string format(const Step& step) {
    return line_of(step, 0);
}

std::string format(const Scenario& scenario) {
    std::string text;
    if (!scenario.title.empty()) {
        text += "# " + scenario.title + "\n";
    }
    text += "segments";
    for (const std::uint16_t count : scenario.segments) {
        text += " " + std::to_string(count);
    }
    text += "\nluck " + std::to_string(scenario.luck) + "\n";
    for (const Field<Tunables>& field : kTunableFields) {
        const std::uint32_t value = scenario.tunables.*field.member;
        if (value != 0) {
            text += "set " + std::string(field.name) + " " + quantity(value, field.unit) + "\n";
        }
    }
    for (const Step& step : scenario.steps) {
        text += line_of(step, kActionColumn) + "\n";
    }
    return text;
}

}  // namespace spread::sim
