#include "tests/sim/shrink.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "tests/sim/scenario_edit.hpp"
#include "tests/sim/scenario_names.hpp"

namespace spread::sim {
namespace {

/// Keeps the smallest scenario so far that fails; a pass proposes others, most promising first.
class Shrinker {
  public:
    Shrinker(Scenario scenario, const StillFails& fails, std::uint64_t runs_max)
        : best_(std::move(scenario)), fails_(fails), runs_left_(runs_max) {}

    Scenario shrink();

  private:
    /// Makes `candidate` the best one if it still fails.
    bool propose(Scenario candidate);
    /// The same with a change of one step.
    bool propose_step(std::size_t index, const std::function<void(Step&)>& change);

    void cut_end();
    void remove_steps();
    void remove_daemons();
    void remove_clients();
    void renumber();
    void reset_tunables();
    void reset_rates();
    void thin_out_lists();
    void reduce_numbers();
    void simplify_kinds();
    void close_gaps();
    void round_times();
    /// A smaller number for which the scenario still fails: least, or by halves.
    void reduce(std::size_t index, std::int64_t least,
                const std::function<std::int64_t(const Step&)>& read,
                const std::function<void(Step&, std::int64_t)>& write);
    template <typename Value>
    void thin_out(std::size_t index, std::vector<Value> Step::*list, std::size_t least);

    Scenario best_;
    const StillFails& fails_;
    std::uint64_t runs_left_;
};

Scenario Shrinker::shrink() {
    Scenario before;
    do {
        before = best_;
        cut_end();
        remove_steps();
        remove_daemons();
        remove_clients();
        reset_tunables();
        reset_rates();
        thin_out_lists();
        reduce_numbers();
        simplify_kinds();
        close_gaps();
        round_times();
        renumber();
    } while (runs_left_ > 0 && best_ != before);
    return std::move(best_);
}

bool Shrinker::propose(Scenario candidate) {
    if (runs_left_ == 0 || candidate == best_) {
        return false;
    }
    --runs_left_;
    if (!fails_(candidate)) {
        return false;
    }
    best_ = std::move(candidate);
    return true;
}

bool Shrinker::propose_step(std::size_t index, const std::function<void(Step&)>& change) {
    Scenario candidate = best_;
    change(candidate.steps[index]);
    return propose(std::move(candidate));
}

void Shrinker::cut_end() {
    // Bisects for the shortest beginning that fails, as if failing were monotone.
    std::size_t kept_least = 0;
    while (kept_least < best_.steps.size()) {
        const std::size_t kept = kept_least + (best_.steps.size() - kept_least) / 2;
        Scenario candidate = best_;
        candidate.steps.resize(kept);
        if (!propose(std::move(candidate))) {
            kept_least = kept + 1;
        }
    }
}

void Shrinker::remove_steps() {
    for (std::size_t chunk = std::max<std::size_t>(best_.steps.size() / 2, 1); chunk > 0;
         chunk /= 2) {
        for (std::size_t end = best_.steps.size(); end > 0 && runs_left_ > 0;) {
            const std::size_t start = end - std::min(chunk, end);
            Scenario candidate = best_;
            candidate.steps.erase(candidate.steps.begin() + static_cast<std::ptrdiff_t>(start),
                                  candidate.steps.begin() + static_cast<std::ptrdiff_t>(end));
            propose(std::move(candidate));
            end = start;
        }
    }
}

void Shrinker::remove_daemons() {
    for (std::size_t i = best_.daemons(); i-- > 0 && best_.daemons() > 1;) {
        const auto daemon = static_cast<DaemonIndex>(i);
        if (!propose(without_daemon(best_, daemon, {}))) {
            // Its clients may be what matters.
            propose(without_daemon(best_, daemon,
                                   daemon == 0 ? DaemonIndex{1} : static_cast<DaemonIndex>(0)));
        }
    }
    if (best_.segments.size() > 1) {
        Scenario candidate = best_;
        candidate.segments = {static_cast<std::uint16_t>(best_.daemons())};
        propose(std::move(candidate));
    }
}

void Shrinker::remove_clients() {
    const auto clients = clients_of(best_);
    for (auto client = clients.rbegin(); client != clients.rend(); ++client) {
        propose(without_client(best_, *client));
    }
    const auto groups = groups_of(best_);
    for (auto group = groups.rbegin(); group != groups.rend() && *group != groups.front();
         ++group) {
        propose(with_group_renamed(best_, *group, groups.front()));
    }
}

void Shrinker::renumber() {
    if (!propose(renumbered(best_, true, true))) {
        propose(renumbered(best_, false, true));
        propose(renumbered(best_, true, false));
    }
}

void Shrinker::reset_tunables() {
    Scenario plain = best_;
    plain.tunables = {};
    if (propose(std::move(plain))) {
        return;
    }
    for (const Field<Tunables>& field : kTunableFields) {
        Scenario candidate = best_;
        candidate.tunables.*field.member = 0;
        propose(std::move(candidate));
    }
}

void Shrinker::reset_rates() {
    const Rates calm;
    for (std::size_t i = best_.steps.size(); i-- > 0;) {
        if (best_.steps[i].action != Action::kRates ||
            propose_step(i, [&](Step& step) { step.rates = calm; })) {
            continue;
        }
        for (const Field<Rates>& field : kRateFields) {
            propose_step(i, [&](Step& step) { step.rates.*field.member = calm.*field.member; });
        }
    }
}

template <typename Value>
void Shrinker::thin_out(std::size_t index, std::vector<Value> Step::*list, std::size_t least) {
    for (std::size_t i = (best_.steps[index].*list).size(); i-- > 0;) {
        if ((best_.steps[index].*list).size() > least) {
            propose_step(index, [&](Step& step) {
                auto& values = step.*list;
                values.erase(values.begin() + static_cast<std::ptrdiff_t>(i));
            });
        }
    }
}

void Shrinker::thin_out_lists() {
    for (std::size_t i = best_.steps.size(); i-- > 0;) {
        const Step& step = best_.steps[i];
        if (is_about_daemons(step.action)) {
            thin_out(i, &Step::who, 1);
        } else if (step.action == Action::kPartition) {
            thin_out(i, &Step::parts, 0);
        } else if (step.action == Action::kSend) {
            thin_out(i, &Step::privates, step.groups.empty() ? 1 : 0);
            thin_out(i, &Step::groups, best_.steps[i].privates.empty() ? 1 : 0);
        }
    }
}

void Shrinker::reduce(std::size_t index, std::int64_t least,
                      const std::function<std::int64_t(const Step&)>& read,
                      const std::function<void(Step&, std::int64_t)>& write) {
    const std::int64_t value = read(best_.steps[index]);
    if (value == least || propose_step(index, [&](Step& step) { write(step, least); })) {
        return;
    }
    while (true) {
        const std::int64_t half = least + (read(best_.steps[index]) - least) / 2;
        if (half == least || !propose_step(index, [&](Step& step) { write(step, half); })) {
            return;
        }
    }
}

void Shrinker::reduce_numbers() {
    const auto value = [](const Step& step) { return step.value; };
    const auto set_value = [](Step& step, std::int64_t to) { step.value = to; };
    for (std::size_t i = best_.steps.size(); i-- > 0;) {
        switch (best_.steps[i].action) {
            case Action::kSend:
                reduce(i, 1, value, set_value);
                reduce(
                    i, 0, [](const Step& step) { return std::int64_t{step.bytes}; },
                    [](Step& step, std::int64_t to) {
                        step.bytes = static_cast<std::uint32_t>(to);
                    });
                break;
            case Action::kDrop:
            case Action::kGarbage: reduce(i, 1, value, set_value); break;
            case Action::kAbort:
            case Action::kDelay:
            case Action::kSlow:
            case Action::kDrift:
            case Action::kStepClock: reduce(i, 0, value, set_value); break;
            default: break;
        }
    }
}

void Shrinker::simplify_kinds() {
    for (std::size_t i = best_.steps.size(); i-- > 0;) {
        switch (best_.steps[i].action) {
            case Action::kStart:
                propose_step(i, [](Step& step) { step.fate = StateFate::kKept; });
                break;
            case Action::kSend:
                propose_step(i, [](Step& step) { step.flag = false; });
                propose_step(i, [](Step& step) { step.service = checker::ClientService::kAgreed; });
                break;
            case Action::kConnect: propose_step(i, [](Step& step) { step.flag = true; }); break;
            case Action::kLeave:
                propose_step(i, [](Step& step) { step.action = Action::kCrash; });
                break;
            default: break;
        }
    }
}

void Shrinker::close_gaps() {
    std::uint64_t previous = 0;
    for (std::size_t i = 0; i < best_.steps.size() && runs_left_ > 0; ++i) {
        const Moment& when = best_.steps[i].when;
        if (when.kind != Moment::Kind::kAt) {
            continue;
        }
        const std::uint64_t gap = when.time_us > previous ? when.time_us - previous : 0;
        if (gap > 0 && !propose(with_later_steps_earlier(best_, i, gap))) {
            propose(with_later_steps_earlier(best_, i, gap / 2));
        }
        previous = std::max(previous, best_.steps[i].when.time_us);
    }
}

void Shrinker::round_times() {
    propose(with_times_in_order(best_));
    constexpr std::array<std::uint64_t, 5> kGrains{100000, 10000, 1000, 100, 10};
    for (const std::uint64_t grain : kGrains) {
        if (propose(with_rounded_times(best_, grain))) {
            return;
        }
    }
    for (std::size_t i = 0; i < best_.steps.size(); ++i) {
        for (const std::uint64_t grain : kGrains) {
            Scenario candidate = best_;
            std::uint64_t& time = candidate.steps[i].when.time_us;
            if (time % grain == 0) {
                break;
            }
            time -= time % grain;
            if (propose(with_times_in_order(std::move(candidate)))) {
                break;
            }
        }
    }
}

}  // namespace

Scenario shrink(Scenario scenario, const StillFails& fails, std::uint64_t runs_max) {
    return Shrinker(std::move(scenario), fails, runs_max).shrink();
}

}  // namespace spread::sim
