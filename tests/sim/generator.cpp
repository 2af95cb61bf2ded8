#include "tests/sim/generator.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <numeric>
#include <utility>

#include "tests/sim/generator_draft.hpp"
#include "tests/sim/ring_settings.hpp"
#include "tests/sim/seal_watch.hpp"

namespace spread::sim {
namespace {

/// Of the seeds, how many are about a fault that lasts; a minute of virtual time takes its time.
constexpr std::uint32_t kSteadyPercent = 3;

/// A ring of one needs no network, but it has a group layer and comes and goes.
void draw_cluster(Draft& draft) {
    Draw draw(draft.seed, "cluster");
    const std::size_t size = draw.weighted({3, 14, 24, 20, 14, 10, 10, 5});
    std::size_t daemons = size + 1;
    if (size == 6) {
        daemons = draw.between(7, 9);
    } else if (size == 7) {
        daemons = draw.between(10, 16);
    }
    const std::size_t segments = std::min<std::size_t>(daemons, 1 + draw.weighted({60, 24, 10, 6}));
    draft.scenario.segments.assign(segments, 1);
    for (std::size_t i = segments; i < daemons; ++i) {
        ++draft.scenario.segments[draw.between(0, segments - 1)];
    }
}

void draw_phases(Draft& draft) {
    Draw draw(draft.seed, "phases");
    constexpr std::uint64_t kFaultsLeast = 300000;
    constexpr std::uint64_t kFaultsMost = 2000000;
    const std::uint64_t token_loss = draft.timeouts.token_loss_us;
    draft.faults_us = draw.skewed(1, 4 * token_loss);
    draft.peace_us =
        draft.faults_us + std::clamp(draw.between(6, 22) * token_loss, kFaultsLeast, kFaultsMost);
}

/// Usually all daemons; sometimes the others are down or cut off for good.
void draw_core(Draft& draft) {
    Draw draw(draft.seed, "core");
    draft.core.resize(draft.scenario.daemons());
    std::iota(draft.core.begin(), draft.core.end(), DaemonIndex{0});
    if (draw.percent(30)) {
        draw.shuffle(draft.core);
        draft.core.resize(draw.between(1, draft.core.size()));
        std::sort(draft.core.begin(), draft.core.end());
    }
}

void draw_starts(Draft& draft) {
    Draw draw(draft.seed, "starts");
    const bool at_once = draw.percent(40);
    for (std::size_t i = 0; i < draft.scenario.daemons(); ++i) {
        std::uint64_t at = at_once ? 0 : draw.skewed(0, 2 * draft.timeouts.start_us);
        if (draw.percent(7)) {
            at = draft.any_time(draw);  // the others do without it for a while
        }
        draft.started_us.push_back(at);
        draft.push(at, Action::kStart, {static_cast<std::uint16_t>(i)});
    }
}

/// Those whom some step is about, each once.
std::vector<std::uint16_t> subjects(const Scenario& scenario, Action action) {
    std::vector<std::uint16_t> found;
    for (const Step& step : scenario.steps) {
        if (step.action == action) {
            found.insert(found.end(), step.who.begin(), step.who.end());
        }
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

/// Faults stop: everybody runs, and the core is connected.
void push_peace(Draft& draft) {
    Draw draw(draft.seed, "peace");
    struct Remedy {
        Action fault;
        Action action;
    };
    constexpr std::array<Remedy, 3> kRemedies{{
        {Action::kPause, Action::kContinue},
        {Action::kClogSessions, Action::kClogSessions},
        {Action::kSlow, Action::kSlow},
    }};
    const std::uint64_t at = draft.peace_us;
    draft.push(at, Action::kRates, {});
    draft.push(at, Action::kHeal, {});
    for (const Remedy& remedy : kRemedies) {
        auto patients = subjects(draft.scenario, remedy.fault);
        if (!patients.empty()) {
            draft.push(at, remedy.action, std::move(patients));
        }
    }
    draft.push(at, Action::kStart, {});

    std::vector<std::uint16_t> others;
    for (std::uint16_t daemon = 0; daemon < draft.scenario.daemons(); ++daemon) {
        if (!std::binary_search(draft.core.begin(), draft.core.end(), daemon)) {
            others.push_back(daemon);
        }
    }
    if (others.empty()) {
        return;
    }
    if (draw.percent(50)) {
        draft.push(at, Action::kCrash, others);
        for (const std::uint16_t daemon : others) {
            draft.outages.push_back({at, daemon});
        }
        return;
    }
    Step cut;
    cut.action = Action::kPartition;
    cut.parts = {draft.core};
    if (draw.percent(50)) {
        cut.parts.push_back(others);
    }
    draft.push(at, std::move(cut));
}

/// The steps in the order of their times, and after all of them the cluster has to settle.
Scenario finished(Draft& draft) {
    for (const std::uint16_t client : subjects(draft.scenario, Action::kStall)) {
        draft.push(draft.peace_us, Action::kStall, {client}, 0);
    }
    Step settle;
    settle.action = Action::kSettle;
    settle.within_us = settle_bound_us(draft.scenario.tunables);
    auto& steps = draft.scenario.steps;
    // What is pushed first comes first among steps of one time.
    std::stable_sort(steps.begin(), steps.end(), [](const Step& left, const Step& right) {
        return left.when.time_us < right.when.time_us;
    });
    for (Step& step : steps) {
        if (step.when.kind == Moment::Kind::kState || step.when.kind == Moment::Kind::kPacket) {
            step.when.time_us = 0;  // it was their place among the others
        }
    }
    steps.push_back(std::move(settle));
    return std::move(draft.scenario);
}

void draw_starts_at_once(Draft& draft) {
    draft.started_us.assign(draft.scenario.daemons(), 0);
    draft.push(0, Action::kStart, {});
}

}  // namespace

std::uint64_t settle_bound_us(const Tunables& tunables) {
    constexpr std::uint64_t kDeliveries = 2000000;
    const membership::RingConfig ring = timeouts_of(tunables);
    const protocol::Duration bound = 15 * ring.token_loss_timeout +
                                     5 * ring.token_loss_timeout_max + 4 * ring.consensus_timeout +
                                     2 * ring.start_timeout + 10 * ring.merge_detect_timeout;
    return kDeliveries + static_cast<std::uint64_t>(
                             std::chrono::duration_cast<std::chrono::microseconds>(bound).count());
}

namespace {

/// A fault that lasts, and daemons it does not touch: they must not notice (L4).
Scenario steady_scenario(Draft& draft) {
    constexpr std::uint64_t kFaultLastsUs = 60'000'000;
    Draw draw(draft.seed, "phases");
    draft.faults_us = draw.percent(50) ? 1 : 1'000'000;
    draft.peace_us = draft.faults_us + kFaultLastsUs;
    draft.core.resize(draft.scenario.daemons());
    std::iota(draft.core.begin(), draft.core.end(), DaemonIndex{0});
    draft.scenario.tunables.datagram_bytes = 0;
    draw_starts_at_once(draft);
    draw_lasting_fault(draft);
    Step over;
    over.action = Action::kSteady;
    draft.push(draft.peace_us, std::move(over));
    push_peace(draft);
    draw_workload(draft);
    return finished(draft);
}

}  // namespace

namespace {

Draft draft_of(std::uint64_t seed, const std::string& title) {
    Draft draft;
    draft.seed = seed;
    draft.scenario.title = title + std::to_string(seed);
    draft.scenario.luck = seed;
    return draft;
}

Scenario usual_scenario(Draft& draft, bool has_holes) {
    draw_phases(draft);
    draw_core(draft);
    draw_starts(draft);
    draw_faults(draft);
    if (has_holes) {
        draw_holes(draft);
    }
    push_peace(draft);
    draw_workload(draft);
    return finished(draft);
}

}  // namespace

Scenario generate(std::uint64_t seed) {
    Draft draft = draft_of(seed, "seed ");
    draw_cluster(draft);
    draw_tunables(draft);
    if (Draw(seed, "steady").percent(kSteadyPercent) && draft.scenario.daemons() > 1) {
        return steady_scenario(draft);
    }
    return usual_scenario(draft, false);
}

namespace {

constexpr std::uint64_t kNamedPercent = 15;
/// After peace, name servers that failed are asked again within ten seconds.
constexpr std::uint64_t kNamesSettleUs = 15'000'000;

void push_sorted(Scenario& scenario, std::uint64_t at_us, Action action,
                 std::vector<DaemonIndex> who, std::int64_t value = 0) {
    Step step;
    step.when.kind = Moment::Kind::kAt;
    step.when.time_us = at_us;
    step.action = action;
    step.who = std::move(who);
    step.value = value;
    // Steps are taken in their order, and those that wait for something else have no time.
    auto place = scenario.steps.begin();
    for (auto each = place; each != scenario.steps.end(); ++each) {
        if (each->when.kind == Moment::Kind::kAt && each->when.time_us <= at_us) {
            place = each + 1;
        }
    }
    scenario.steps.insert(place, std::move(step));
}

std::uint64_t last_time(const Scenario& scenario) {
    std::uint64_t last = 0;
    for (const Step& step : scenario.steps) {
        last = step.when.kind == Moment::Kind::kAt ? std::max(last, step.when.time_us) : last;
    }
    return last;
}

/// Rotations at any time, two at once among them, and disks that are full for a while, or for ever.
void draw_key_changes(Scenario& scenario, std::uint64_t seed) {
    Draw draw(seed, "key changes");
    const std::uint64_t last = last_time(scenario);
    const auto any = [&] {
        return static_cast<DaemonIndex>(draw.between(0, scenario.daemons() - 1));
    };
    for (std::uint64_t i = draw.between(1, 4); i > 0; --i) {
        push_sorted(scenario, draw.between(0, last), Action::kRotate, {any()});
    }
    if (draw.percent(30)) {
        const DaemonIndex daemon = any();
        const std::uint64_t from = draw.between(0, last);
        push_sorted(scenario, from, Action::kFillDisk, {daemon}, 1);
        const std::uint64_t to = draw.between(from, last);
        if (!draw.percent(30)) {
            push_sorted(scenario, to, Action::kFillDisk, {daemon}, 0);
        }
    }
}

/// Names in place of addresses. Hosts move, or trade places, and resolvers fail or tell what was.
void draw_moves(Scenario& scenario, std::uint64_t seed) {
    Draw draw(seed, "moves");
    scenario.tunables.named = 1;
    scenario.steps.back().within_us += kNamesSettleUs;
    const auto heal =
        std::find_if(scenario.steps.rbegin(), scenario.steps.rend(), [](const Step& step) {
            return step.action == Action::kHeal && step.when.kind == Moment::Kind::kAt;
        });
    const bool is_steady =
        std::any_of(scenario.steps.begin(), scenario.steps.end(),
                    [](const Step& step) { return step.action == Action::kSteady; });
    // Who is steady has no part in this: they have found each other, and nobody moves.
    if (heal == scenario.steps.rend() || is_steady) {
        return;
    }
    const std::uint64_t peace = heal->when.time_us;
    std::vector<DaemonIndex> all(scenario.daemons());
    std::iota(all.begin(), all.end(), DaemonIndex{0});
    for (std::uint64_t i = draw.between(1, 5); i > 0; --i) {
        draw.shuffle(all);
        const std::size_t how_many =
            std::min<std::size_t>(all.size(), draw.weighted({0, 70, 20, 10}));
        push_sorted(scenario, draw.between(0, peace), Action::kMove,
                    {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(how_many)});
    }
    for (std::uint64_t i = draw.between(0, 3); i > 0; --i) {
        const DaemonIndex daemon = draw.one_of(all);
        const std::uint64_t from = draw.between(0, peace);
        push_sorted(scenario, from, Action::kAnswerNames, {daemon}, draw.percent(50) ? 1 : 2);
        push_sorted(scenario, draw.between(from, peace), Action::kAnswerNames, {daemon});
    }
}

/// Nothing happens but that keys change, or that the ring goes from plain to sealed and back (S6).
Scenario calm_scenario(Draft& draft) {
    Draw draw(draft.seed, "calm");
    draft.faults_us = 1;
    draft.peace_us = 8'000'000;
    draft.core.resize(draft.scenario.daemons());
    std::iota(draft.core.begin(), draft.core.end(), DaemonIndex{0});
    draw_starts_at_once(draft);
    std::vector<DaemonIndex> order = draft.core;
    const bool is_rollout = draw.percent(50);
    draft.scenario.tunables.sealed =
        static_cast<std::uint32_t>(is_rollout ? Sealed::kAccept : Sealed::kRequire);
    if (is_rollout) {
        std::uint64_t at = 2'000'000;
        for (const std::int64_t mode : {1, 2, 1, 0}) {
            draw.shuffle(order);
            for (const DaemonIndex daemon : order) {
                draft.push(at += draw.between(1, 200'000), Action::kSeal, {daemon}, mode);
            }
            if (draw.percent(40)) {
                break;
            }
        }
    }
    for (std::uint64_t i = draw.between(is_rollout ? 0 : 1, 4); i > 0; --i) {
        draft.push(draw.between(2'000'000, draft.peace_us), Action::kRotate,
                   {draft.any_daemon(draw)});
    }
    draw_workload(draft);
    return finished(draft);
}

}  // namespace

Scenario generate_unusual(std::uint64_t seed) {
    Draft draft = draft_of(seed, "unusual seed ");
    draw_numbers(draft);
    const Size size = size_of(seed);
    if (size == Size::kUsual) {
        draw_cluster(draft);
        draw_tunables(draft);
        Scenario scenario = usual_scenario(draft, draft.scenario.daemons() > 1);
        if (Draw(seed, "names").percent(kNamedPercent)) {
            draw_moves(scenario, seed);
        }
        return scenario;
    }
    draw_size(draft, size);
    push_peace(draft);
    if (size == Size::kRing || size == Size::kHours) {  // the others have their clients
        draw_workload(draft);
    }
    return finished(draft);
}

Scenario generate_sealed(std::uint64_t seed) {
    if (Draw(seed, "calm keys").percent(10)) {
        Draft draft = draft_of(seed, "seed ");
        draw_cluster(draft);
        const Tunables usual = draft.scenario.tunables;
        draw_tunables(draft);
        draft.scenario.tunables = usual;
        return calm_scenario(draft);
    }
    Scenario scenario = generate(seed);
    const std::size_t choice = Draw(seed, "sealing").weighted({5, 5, 70, 10, 10});
    scenario.tunables.sealed = static_cast<std::uint32_t>(choice + 1);
    if (Draw(seed, "changes of keys").percent(50)) {
        draw_key_changes(scenario, seed);
    }
    if (Draw(seed, "names").percent(kNamedPercent)) {
        draw_moves(scenario, seed);
    }
    return scenario;
}

}  // namespace spread::sim
