#include "tests/sim/scenario_edit.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace spread::sim {
namespace {

using Numbers = std::vector<std::uint16_t>;

void sort_unique(Numbers& numbers) {
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
}

/// Removes `gone` from a list and moves later numbers up. False: nothing is left of a list that
/// had something.
bool without(Numbers& numbers, std::uint16_t gone, bool renumber) {
    const bool had_some = !numbers.empty();
    numbers.erase(std::remove(numbers.begin(), numbers.end(), gone), numbers.end());
    if (renumber) {
        for (std::uint16_t& number : numbers) {
            number = static_cast<std::uint16_t>(number > gone ? number - 1 : number);
        }
    }
    return !had_some || !numbers.empty();
}

bool without(std::optional<DaemonIndex>& number, DaemonIndex gone) {
    if (number == gone) {
        return false;
    }
    if (number && *number > gone) {
        --*number;
    }
    return true;
}

/// The step in a cluster without `gone`; false: it makes no sense there.
bool remove_daemon(Step& step, DaemonIndex gone, std::optional<DaemonIndex> heir) {
    if (!without(step.when.from, gone) || !without(step.when.to, gone) ||
        !without(step.from, gone) || !without(step.to, gone)) {
        return false;
    }
    if (step.action == Action::kConnect) {
        if (step.who[1] == gone) {
            if (!heir) {
                return false;
            }
            step.who[1] = *heir;
        }
        step.who[1] = static_cast<DaemonIndex>(step.who[1] > gone ? step.who[1] - 1 : step.who[1]);
        return true;
    }
    for (auto& part : step.parts) {
        without(part, gone, true);
    }
    if (!step.parts.empty()) {
        step.parts.erase(std::remove_if(step.parts.begin(), step.parts.end(),
                                        [](const auto& part) { return part.empty(); }),
                         step.parts.end());
        if (step.parts.empty()) {
            return false;
        }
    }
    if (step.action == Action::kLink || step.action == Action::kClog ||
        step.action == Action::kBlock || step.action == Action::kRumour) {
        return without(step.who, gone, true) && step.who.size() == 2;
    }
    return is_about_client(step.action) || without(step.who, gone, true);
}

/// Calls `visit` with every client or group number of a step.
template <typename Visit>
void for_each_client(Step& step, const Visit& visit) {
    if (is_about_client(step.action)) {
        visit(step.who[0]);
    }
    for (ClientIndex& client : step.privates) {
        visit(client);
    }
}

template <typename Visit>
void for_each_group(Step& step, const Visit& visit) {
    for (std::uint16_t& group : step.groups) {
        visit(group);
    }
}

}  // namespace

bool is_about_daemons(Action action) {
    return action <= Action::kConfigure;
}

bool is_about_client(Action action) {
    return (action >= Action::kConnect && action <= Action::kGarbage) ||
           action == Action::kExpectView;
}

Numbers clients_of(const Scenario& scenario) {
    Numbers found;
    for (Step step : scenario.steps) {
        for_each_client(step, [&](ClientIndex client) { found.push_back(client); });
    }
    sort_unique(found);
    return found;
}

Numbers groups_of(const Scenario& scenario) {
    Numbers found;
    for (const Step& step : scenario.steps) {
        found.insert(found.end(), step.groups.begin(), step.groups.end());
    }
    sort_unique(found);
    return found;
}

Scenario without_daemon(const Scenario& scenario, DaemonIndex daemon,
                        std::optional<DaemonIndex> heir) {
    Scenario smaller = scenario;
    smaller.steps.clear();
    std::size_t end = 0;
    for (auto segment = smaller.segments.begin(); segment != smaller.segments.end(); ++segment) {
        end += *segment;
        if (daemon < end) {
            if (--*segment == 0) {
                smaller.segments.erase(segment);
            }
            break;
        }
    }
    for (Step step : scenario.steps) {
        if (remove_daemon(step, daemon, heir)) {
            smaller.steps.push_back(std::move(step));
        }
    }
    return smaller;
}

Scenario without_client(const Scenario& scenario, ClientIndex client) {
    Scenario smaller = scenario;
    smaller.steps.clear();
    for (Step step : scenario.steps) {
        if (is_about_client(step.action) && step.who[0] == client) {
            continue;
        }
        const bool has_some = without(step.privates, client, false) || !step.groups.empty();
        if (has_some) {
            smaller.steps.push_back(std::move(step));
        }
    }
    return smaller;
}

Scenario with_group_renamed(Scenario scenario, std::uint16_t from, std::uint16_t to) {
    for (Step& step : scenario.steps) {
        std::replace(step.groups.begin(), step.groups.end(), from, to);
    }
    return scenario;
}

Scenario renumbered(Scenario scenario, bool clients, bool groups) {
    const Numbers old_clients = clients_of(scenario);
    const Numbers old_groups = groups_of(scenario);
    const auto place_in = [](const Numbers& numbers) {
        return [&numbers](std::uint16_t& number) {
            number = static_cast<std::uint16_t>(
                std::lower_bound(numbers.begin(), numbers.end(), number) - numbers.begin());
        };
    };
    for (Step& step : scenario.steps) {
        if (clients) {
            for_each_client(step, place_in(old_clients));
        }
        if (groups) {
            for_each_group(step, place_in(old_groups));
        }
    }
    return scenario;
}

Scenario with_later_steps_earlier(Scenario scenario, std::size_t first, std::uint64_t by_us) {
    for (std::size_t i = first; i < scenario.steps.size(); ++i) {
        Moment& when = scenario.steps[i].when;
        if (when.kind == Moment::Kind::kAt) {
            when.time_us -= std::min(when.time_us, by_us);
        }
    }
    return scenario;
}

Scenario with_times_in_order(Scenario scenario) {
    std::uint64_t latest = 0;
    for (Step& step : scenario.steps) {
        if (step.when.kind == Moment::Kind::kAt) {
            latest = std::max(latest, step.when.time_us);
            step.when.time_us = latest;
        }
    }
    return scenario;
}

Scenario with_rounded_times(Scenario scenario, std::uint64_t grain_us) {
    for (Step& step : scenario.steps) {
        step.when.time_us = step.when.time_us / grain_us * grain_us;
    }
    return scenario;
}

bool settles_in_peace(const Scenario& scenario) {
    using Link = std::pair<std::uint16_t, std::uint16_t>;
    std::set<Link> links;  // broken or clogged
    bool drops = false;
    Rates rates;
    std::map<std::pair<Action, std::uint16_t>, std::int64_t> troubles;
    for (const Step& step : scenario.steps) {
        switch (step.action) {
            case Action::kLink:
            case Action::kClog:
            case Action::kBlock: {
                const Link link{step.who[0], step.who[1]};
                if ((step.action != Action::kLink) == (step.value != 0)) {
                    links.insert(link);
                }
                break;  // only healing surely ends it
            }
            case Action::kHeal:
                links.clear();
                drops = false;
                break;
            case Action::kDelay:
            case Action::kDrop: drops = true; break;
            case Action::kRates: rates = step.rates; break;
            case Action::kPause:
            case Action::kContinue:
                for (const std::uint16_t daemon : step.who) {
                    troubles[{Action::kPause, daemon}] = step.action == Action::kPause ? 1 : 0;
                }
                break;
            case Action::kSlow:
            case Action::kClogSessions:
            case Action::kStall:
                for (const std::uint16_t who : step.who) {
                    troubles[{step.action, who}] = step.value;
                }
                break;
            case Action::kCrash:
                for (const std::uint16_t daemon : step.who) {
                    troubles.erase({Action::kPause, daemon});
                }
                break;
            case Action::kSettle:
                if (!links.empty() || drops || rates != Rates() ||
                    std::any_of(troubles.begin(), troubles.end(),
                                [](const auto& trouble) { return trouble.second != 0; })) {
                    return false;
                }
                break;
            default: break;
        }
    }
    return true;
}

}  // namespace spread::sim
