#include <algorithm>
#include <array>
#include <numeric>

#include "tests/sim/generator_draft.hpp"
#include "tests/sim/scenario_names.hpp"

namespace spread::sim {

Step any_partition(const Draft& draft, Draw& draw) {
    const std::size_t daemons = draft.scenario.daemons();
    Step step;
    step.action = Action::kPartition;
    const std::size_t count =
        draw.between(2, std::min<std::size_t>(daemons, 2 + draw.skewed(0, 3)));
    step.parts.resize(count);
    std::vector<DaemonIndex> order(daemons);
    std::iota(order.begin(), order.end(), DaemonIndex{0});
    draw.shuffle(order);
    for (std::size_t i = 0; i < daemons; ++i) {  // one for each part, then as it comes
        step.parts[i < count ? i : draw.between(0, count - 1)].push_back(order[i]);
    }
    for (auto& part : step.parts) {
        std::sort(part.begin(), part.end());
    }
    std::sort(step.parts.begin(), step.parts.end());
    return step;
}

namespace {

/// Incidents of a fault that is switched on.
std::uint64_t incidents(Draw& draw) {
    return draw.skewed(1, 6);
}

void draw_partitions(Draft& draft, Draw& draw) {
    for (std::uint64_t left = incidents(draw); left > 0; --left) {
        const std::uint64_t at = draft.any_time(draw);
        draft.push(at, any_partition(draft, draw));
        if (draw.percent(70)) {
            draft.push(draft.soon_after(draw, at), Action::kHeal, {});
        }
    }
}

/// Partitions and merges in quick succession: they hit gathering, recovery and state exchange.
void draw_cascade(Draft& draft, Draw& draw) {
    std::uint64_t at = draft.any_time(draw);
    for (std::uint64_t left = draw.between(2, 8); left > 0 && at < draft.peace_us; --left) {
        if (draw.percent(35)) {
            draft.push(at, Action::kHeal, {});
        } else {
            draft.push(at, any_partition(draft, draw));
        }
        at += draw.skewed(50, draft.timeouts.token_loss_us * 2);
    }
}

void draw_one_way_links(Draft& draft, Draw& draw) {
    for (std::uint64_t left = incidents(draw); left > 0; --left) {
        const std::uint64_t at = draft.any_time(draw);
        const auto link = draft.any_link(draw);
        draft.push(at, Action::kLink, link, 0);
        draft.push(draft.soon_after(draw, at), Action::kLink, link, 1);
    }
}

/// A and B hear each other, and B and C, but not A and C.
void draw_broken_pairs(Draft& draft, Draw& draw) {
    for (std::uint64_t left = incidents(draw); left > 0; --left) {
        const std::uint64_t at = draft.any_time(draw);
        const std::uint64_t until = draft.soon_after(draw, at);
        auto link = draft.any_link(draw);
        for (int direction = 0; direction < 2; ++direction) {
            draft.push(at, Action::kLink, link, 0);
            draft.push(until, Action::kLink, link, 1);
            std::swap(link.front(), link.back());
        }
    }
}

/// One link, or everything that comes to or from one daemon, waits and then comes in a burst.
void draw_clogs(Draft& draft, Draw& draw) {
    for (std::uint64_t left = incidents(draw); left > 0; --left) {
        const std::uint64_t at = draft.any_time(draw);
        std::vector<std::vector<std::uint16_t>> links = {draft.any_link(draw)};
        if (draw.percent(30)) {
            const std::uint16_t victim = links[0][0];
            const bool outward = draw.percent(50);
            links.clear();
            for (std::uint16_t i = 0; i < draft.scenario.daemons(); ++i) {
                if (i != victim) {
                    links.push_back(outward ? std::vector{victim, i} : std::vector{i, victim});
                }
            }
        }
        for (const auto& link : links) {
            draft.push(at, Action::kClog, link, 1);
            draft.push(draft.soon_after(draw, at), Action::kClog, link, 0);
        }
    }
}

void draw_targeted_drops(Draft& draft, Draw& draw) {
    for (std::uint64_t left = 2 * incidents(draw); left > 0; --left) {
        Step step;
        step.action = Action::kDrop;
        step.value = static_cast<std::int64_t>(draw.skewed(1, 12));
        // Data 3, token 4, join 3, commit 5, wake 2, hold 2, probe 1, leave 1, anything 1.
        const std::size_t kind = draw.weighted({3, 4, 3, 5, 2, 2, 1, 1, 1});
        if (kind < kPacketWords.size()) {
            step.packet = kPacketWords[kind].value;
        }
        if (draw.percent(50)) {
            step.from = draft.any_daemon(draw);
        }
        if (draw.percent(50)) {
            step.to = draft.any_daemon(draw);
        }
        draft.push(draft.any_time(draw), std::move(step));
    }
}

/// Data does not get through to one daemon, tokens do, until the next heal step: the ring turns
/// without progress and has to go on without somebody.
void draw_deafness(Draft& draft, Draw& draw) {
    Step step;
    step.action = Action::kDrop;
    step.value = 1000000;
    step.packet = protocol::PacketKind::kData;
    step.to = draft.any_daemon(draw);
    const std::uint64_t latest = draft.faults_us + (draft.peace_us - draft.faults_us) / 3;
    draft.push(draw.between(draft.faults_us, latest), std::move(step));
}

Step any_start(const Draft& draft, Draw& draw, DaemonIndex daemon) {
    Step start;
    start.action = Action::kStart;
    start.who = {daemon};
    if (!draft.clock_goes_back[daemon]) {
        constexpr std::array<StateFate, 3> kFates{StateFate::kKept, StateFate::kLost,
                                                  StateFate::kStale};
        start.fate = kFates[draw.weighted({60, 20, 20})];
    }
    return start;
}

void draw_crashes(Draft& draft, Draw& draw) {
    for (std::uint64_t left = incidents(draw); left > 0; --left) {
        const std::uint64_t at = draft.any_time(draw);
        const DaemonIndex victim = draft.any_daemon(draw);
        draft.push(at, draw.percent(75) ? Action::kCrash : Action::kLeave, {victim});
        draft.outages.push_back({at, victim});
        if (draw.percent(85)) {
            Step start = any_start(draft, draw, victim);
            draft.push(draft.soon_after(draw, at), std::move(start));
        }
    }
}

void draw_pauses(Draft& draft, Draw& draw) {
    for (std::uint64_t left = incidents(draw); left > 0; --left) {
        const std::uint64_t at = draft.any_time(draw);
        const DaemonIndex victim = draft.any_daemon(draw);
        draft.push(at, Action::kPause, {victim});
        draft.push(draft.soon_after(draw, at), Action::kContinue, {victim});
    }
}

/// A machine that is moved or starved: its daemon, or those of several, do not run for a while.
void draw_host_pauses(Draft& draft, Draw& draw) {
    for (std::uint64_t left = draw.between(1, 3); left > 0; --left) {
        const std::uint64_t at = draft.any_time(draw);
        std::vector<std::uint16_t> victims = {draft.any_daemon(draw)};
        while (draw.percent(50)) {
            victims.push_back(draft.any_daemon(draw));
        }
        const std::uint64_t until =
            std::min(at + draw.skewed(kHostPauseLeastUs, kHostPauseMostUs), draft.peace_us - 1);
        for (const std::uint16_t victim : victims) {
            draft.push(at, Action::kPause, {victim});
            draft.push(until, Action::kContinue, {victim});
        }
    }
}

void draw_slow_hosts(Draft& draft, Draw& draw) {
    for (std::uint64_t left = incidents(draw); left > 0; --left) {
        const std::uint64_t at = draft.any_time(draw);
        const DaemonIndex victim = draft.any_daemon(draw);
        draft.push(at, Action::kSlow, {victim},
                   static_cast<std::int64_t>(draw.skewed(10, draft.timeouts.token_loss_us / 8)));
        draft.push(draft.soon_after(draw, at), Action::kSlow, {victim}, 0);
    }
}

void draw_clogged_sessions(Draft& draft, Draw& draw) {
    for (std::uint64_t left = incidents(draw); left > 0; --left) {
        const std::uint64_t at = draft.any_time(draw);
        const DaemonIndex victim = draft.any_daemon(draw);
        draft.push(at, Action::kClogSessions, {victim}, 1);
        draft.push(draft.soon_after(draw, at), Action::kClogSessions, {victim}, 0);
    }
}

void draw_drifts(Draft& draft, Draw& draw) {
    for (std::size_t i = 0; i < draft.scenario.daemons(); ++i) {
        const auto ppm = static_cast<std::int64_t>(draw.skewed(1, 50000));
        draft.push(0, Action::kDrift, {static_cast<std::uint16_t>(i)},
                   draw.percent(50) ? ppm : -ppm);
    }
}

void draw_clock_steps(Draft& draft, Draw& draw) {
    constexpr std::uint64_t kHour = 3'600'000'000;
    for (std::uint64_t left = incidents(draw); left > 0; --left) {
        const DaemonIndex victim = draft.any_daemon(draw);
        const auto by = static_cast<std::int64_t>(draw.skewed(1000, 24 * kHour));
        draft.push(draft.any_time(draw), Action::kStepClock, {victim},
                   draft.clock_goes_back[victim] ? -by : by);
    }
}

/// Some daemons read another version of the configuration; the others follow, or they return: in
/// peace all have the same one.
void draw_reconfigurations(Draft& draft, Draw& draw) {
    const std::uint64_t at = draft.any_time(draw);
    std::vector<std::uint16_t> daemons(draft.scenario.daemons());
    std::iota(daemons.begin(), daemons.end(), std::uint16_t{0});
    draw.shuffle(daemons);
    const std::size_t first = draw.between(1, daemons.size());
    const bool all_follow = draw.percent(50);
    for (std::size_t i = 0; i < daemons.size(); ++i) {
        const std::uint64_t when = i < first ? at : draft.soon_after(draw, at);
        if (i < first || all_follow) {
            draft.push(when, Action::kConfigure, {daemons[i]}, kFirstConfiguration + 1);
            draft.outages.push_back({when, daemons[i]});
        }
        if (!all_follow && i < first) {
            const std::uint64_t back = draft.soon_after(draw, at);
            draft.push(back, Action::kConfigure, {daemons[i]}, kFirstConfiguration);
            draft.outages.push_back({back, daemons[i]});
        }
    }
}

/// Daemons of the release before: put in place of some, one by one, and as a rule replaced again.
void draw_releases(Draft& draft, Draw& draw) {
    std::vector<std::uint16_t> daemons(draft.scenario.daemons());
    std::iota(daemons.begin(), daemons.end(), std::uint16_t{0});
    draw.shuffle(daemons);
    daemons.resize(draw.between(1, daemons.size()));
    const std::uint64_t first = draw.percent(50) ? draft.faults_us : draft.any_time(draw);
    const auto put = [&](std::uint16_t daemon, std::uint8_t version) {
        const std::uint64_t at = draft.soon_after(draw, first);
        draft.push(at, Action::kRelease, {daemon}, version);
        draft.outages.push_back({at, daemon});
    };
    for (const std::uint16_t daemon : daemons) {
        put(daemon, protocol::kRingWireLeast);
        if (draw.percent(70)) {
            put(daemon, protocol::kRingWireGreatest);
        }
    }
}

Rates any_rates(Draw& draw, const Timeouts& timeouts, std::size_t daemons) {
    Rates rates;
    const auto share = [&](std::uint32_t percent) {
        return draw.percent(35) ? draw.skewed32(100, percent * 10000) : 0;
    };
    rates.loss = share(15);
    rates.burst = share(1);
    rates.burst_packets = draw.skewed32(2, 40);
    rates.duplicate = share(10);
    rates.late = share(5);
    rates.late_us = draw.skewed32(1000, static_cast<std::uint32_t>(3 * timeouts.token_loss_us));
    rates.reorder = share(20);
    rates.corrupt = share(4);
    rates.replay = share(3);
    if (draw.percent(30)) {
        // A token must still be able to go round a few times within its timeout.
        const auto most = static_cast<std::uint32_t>(timeouts.token_loss_us / (6 * daemons));
        rates.latency_us = draw.skewed32(30, most);
        rates.jitter_us = draw.skewed32(1, most);
    }
    return rates;
}

/// What packets suffer everywhere, in one to three spells.
void draw_rates(Draft& draft, Draw& draw) {
    std::uint64_t at = draw.percent(50) ? 0 : draft.faults_us;
    for (std::uint64_t left = draw.between(1, 3); left > 0 && at < draft.peace_us; --left) {
        Step step;
        step.action = Action::kRates;
        step.rates = any_rates(draw, draft.timeouts, draft.scenario.daemons());
        draft.push(at, std::move(step));
        at = draft.any_time(draw);
    }
}

struct Fault {
    std::string_view name;
    std::uint32_t percent;  ///< of the seeds have it
    bool needs_network;
    void (*draw)(Draft&, Draw&);
};

constexpr std::array<Fault, 18> kFaults{{
    {"rates", 55, true, draw_rates},
    {"partitions", 35, true, draw_partitions},
    {"cascade", 25, true, draw_cascade},
    {"one-way links", 15, true, draw_one_way_links},
    {"broken pairs", 15, true, draw_broken_pairs},
    {"clogs", 18, true, draw_clogs},
    {"targeted drops", 25, true, draw_targeted_drops},
    {"crashes", 35, false, draw_crashes},
    {"pauses", 18, false, draw_pauses},
    {"slow hosts", 15, false, draw_slow_hosts},
    {"clogged sessions", 15, false, draw_clogged_sessions},
    {"drifts", 15, false, draw_drifts},
    {"clock steps", 15, false, draw_clock_steps},
    {"reconfigurations", 8, false, draw_reconfigurations},
    {"releases", 12, false, draw_releases},
    {"second cascade", 10, true, draw_cascade},
    {"deafness", 2, true, draw_deafness},
    {"host pauses", 12, false, draw_host_pauses},
}};

}  // namespace

void draw_faults(Draft& draft) {
    const std::size_t daemons = draft.scenario.daemons();
    Draw clocks(draft.seed, "clocks");
    for (std::size_t i = 0; i < daemons; ++i) {
        draft.clock_goes_back.push_back(clocks.percent(40));
    }
    for (const Fault& fault : kFaults) {
        Draw draw(draft.seed, fault.name);
        if (draw.percent(fault.percent) && (daemons > 1 || !fault.needs_network)) {
            fault.draw(draft, draw);
        }
    }
}

// What one daemon sends reaches nobody for a few packets, and later packets do; then it dies, and
// the recovery of the others is disturbed again and again.
void draw_holes(Draft& draft) {
    Draw draw(draft.seed, "holes");
    for (std::uint64_t left = draw.between(1, 3); left > 0; --left) {
        const std::uint64_t at = draft.any_time(draw);
        const DaemonIndex victim = draft.any_daemon(draw);
        for (DaemonIndex to = 0; to < draft.scenario.daemons(); ++to) {
            if (to == victim) {
                continue;
            }
            Step drop;
            drop.action = Action::kDrop;
            drop.packet = protocol::PacketKind::kData;
            drop.value = static_cast<std::int64_t>(draw.skewed(1, 4));
            drop.from = victim;
            drop.to = to;
            draft.push(at, std::move(drop));
        }
        const std::uint64_t dies = at + draw.skewed(50, 5000);
        if (dies >= draft.peace_us) {
            continue;
        }
        draft.push(dies, Action::kCrash, {victim});
        draft.outages.push_back({dies, victim});
        if (draw.percent(70)) {
            Step start = any_start(draft, draw, victim);
            draft.push(draft.soon_after(draw, dies), std::move(start));
        }
        std::uint64_t again = dies + draw.skewed(100, 2 * draft.timeouts.token_loss_us);
        for (std::uint64_t cuts = draw.between(0, 4); cuts > 0 && again < draft.peace_us; --cuts) {
            if (draw.percent(30)) {
                draft.push(again, Action::kHeal, {});
            } else {
                draft.push(again, any_partition(draft, draw));
            }
            again += draw.skewed(50, 2 * draft.timeouts.token_loss_us);
        }
    }
}

}  // namespace spread::sim
