#include <algorithm>
#include <array>
#include <numeric>
#include <set>
#include <utility>

#include "tests/sim/generator_draft.hpp"

namespace spread::sim {
namespace {

constexpr std::uint64_t kSecond = 1'000'000;

void start_at_once(Draft& draft) {
    draft.started_us.assign(draft.scenario.daemons(), 0);
    draft.push(0, Action::kStart, {});
    draft.core.resize(draft.scenario.daemons());
    std::iota(draft.core.begin(), draft.core.end(), DaemonIndex{0});
    draft.clock_goes_back.assign(draft.scenario.daemons(), false);
}

/// A partition, and its end.
void cut_and_heal(Draft& draft, Draw& draw, std::uint64_t at, std::uint64_t until) {
    draft.push(at, any_partition(draft, draw));
    draft.push(until, Action::kHeal, {});
}

/// Timeouts of the product: what is short for a few daemons is too short for a hundred.
void use_own_timeouts(Draft& draft) {
    draft.timeouts = {250'000, 5 * kSecond, 100'000, 150'000, 250'000};
}

void draw_ring(Draft& draft, Draw& draw) {
    const std::size_t daemons = draw.percent(40) ? protocol::kDaemonsMax : draw.between(64, 80);
    draft.scenario.segments.assign(draw.between(1, 4), 1);
    for (std::size_t i = draft.scenario.segments.size(); i < daemons; ++i) {
        ++draft.scenario.segments[i % draft.scenario.segments.size()];
    }
    use_own_timeouts(draft);
    draft.faults_us = kSecond;
    draft.peace_us = kSecond + kSecond / 10;
    start_at_once(draft);
    // Each ring that forms costs as much as a hundred usual runs.
    if (daemons < protocol::kDaemonsMax) {
        draft.push(draft.faults_us, Action::kCrash, {draft.any_daemon(draw)});
    }
}

/// Nearly all want no memberships, or each of thousands would be told of each of the others.
void draw_crowd(Draft& draft, Draw& draw) {
    constexpr std::uint16_t kWatchers = 2;
    draft.scenario.segments.assign(draw.between(2, 4), 1);
    use_own_timeouts(draft);
    draft.faults_us = 3 * kSecond;
    draft.peace_us = 4 * kSecond;
    start_at_once(draft);
    draft.scenario.tunables.state_message_bytes = draw.between32(2000, 20000);
    const auto clients = static_cast<std::uint16_t>(draw.between(2000, 2300));
    for (std::uint16_t client = 0; client < clients; ++client) {
        const bool watches = client >= clients - kWatchers;
        const std::uint64_t at = watches ? 2 * kSecond : kSecond + draw.between(0, 500'000);
        Step connect;
        connect.action = Action::kConnect;
        connect.who = {client, draft.any_daemon(draw)};
        connect.flag = watches;
        draft.push(at, std::move(connect));
        Step join;
        join.action = Action::kJoin;
        join.who = {client};
        join.groups = {0};
        draft.push(at + 1, std::move(join));
    }
    Step send;
    send.action = Action::kSend;
    send.who = {0};
    send.groups = {0};
    send.value = 2;
    send.bytes = 100;
    draft.push(draft.faults_us - 1, std::move(send));
    cut_and_heal(draft, draw, draft.faults_us, draft.faults_us + kSecond / 2);
}

/// Mostly nothing happens.
void draw_hours(Draft& draft, Draw& draw) {
    constexpr std::uint64_t kMinuteUs = 60 * kSecond;
    draft.scenario.segments.assign(draw.between(2, 3), 1);
    use_own_timeouts(draft);
    draft.faults_us = draw.between(1, 60) * kMinuteUs;
    draft.peace_us = draw.between(120, 150) * kMinuteUs;
    start_at_once(draft);
    for (std::uint64_t left = draw.between(1, 3); left > 0; --left) {
        const std::uint64_t at = draft.any_time(draw);
        cut_and_heal(draft, draw, at,
                     std::min(at + draw.skewed(1, 20 * kMinuteUs), draft.peace_us - 1));
    }
}

/// Small packets, so that they are many, and so many gaps that a token cannot name them all.
void draw_full_windows(Draft& draft, Draw& draw) {
    draft.scenario.segments.assign(draw.between(2, 4), 1);
    Tunables& tunables = draft.scenario.tunables;
    tunables.personal_window = draw.between32(300, 1000);
    tunables.window = tunables.personal_window * 2;
    tunables.accelerated_window = draw.between32(1, tunables.personal_window);
    tunables.gap_max = 3 * tunables.window;
    tunables.datagram_bytes = draw.between32(300, 600);
    use_own_timeouts(draft);
    draft.faults_us = kSecond;
    draft.peace_us = 3 * kSecond;
    start_at_once(draft);
    Step rates;
    rates.action = Action::kRates;
    rates.rates.loss = draw.between32(20'000, 120'000);
    draft.push(draft.faults_us, std::move(rates));
    for (std::uint16_t client = 0; client < draft.scenario.daemons(); ++client) {
        Step connect;
        connect.action = Action::kConnect;
        connect.who = {client, client};
        connect.flag = true;
        draft.push(kSecond / 2, std::move(connect));
        Step join;
        join.action = Action::kJoin;
        join.who = {client};
        join.groups = {0};
        draft.push(kSecond / 2 + 1, std::move(join));
        Step send;
        send.action = Action::kSend;
        send.who = {client};
        send.groups = {0};
        send.bytes = draw.between32(20'000, 60'000);
        send.value = static_cast<std::int64_t>(draw.between(4, 12));
        draft.push(draft.faults_us + draw.between(0, 2000), std::move(send));
    }
    if (draw.percent(50)) {
        const std::uint64_t at = draft.faults_us + draw.between(2000, 100'000);
        cut_and_heal(draft, draw, at, at + kSecond / 2);
    }
}

/// Of `daemons`, without one: two parts of at least two.
Step cut_in_two(Draw& draw, const std::vector<DaemonIndex>& daemons) {
    std::vector<DaemonIndex> order = daemons;
    draw.shuffle(order);
    const auto middle =
        order.begin() + static_cast<std::ptrdiff_t>(draw.between(2, order.size() - 2));
    Step step;
    step.action = Action::kPartition;
    step.parts = {{order.begin(), middle}, {middle, order.end()}};
    for (auto& part : step.parts) {
        std::sort(part.begin(), part.end());
    }
    std::sort(step.parts.begin(), step.parts.end());
    return step;
}

/// One of `daemons` by itself, all others together.
Step cut_off_one(Draw& draw, const std::vector<DaemonIndex>& daemons) {
    const DaemonIndex alone = daemons[draw.between(0, daemons.size() - 1)];
    Step step;
    step.action = Action::kPartition;
    step.parts.resize(2);
    for (const DaemonIndex daemon : daemons) {
        step.parts[daemon == alone ? 0 : 1].push_back(daemon);
    }
    std::sort(step.parts.begin(), step.parts.end());
    return step;
}

/// Somebody sends, loses some of it and dies; as soon as the others recover what there is they are
/// cut apart, in another way each time: half of the time when all of them recover, so that each but
/// the one that is cut off is interrupted again.
void draw_recoveries(Draft& draft, Draw& draw) {
    constexpr std::uint16_t kLeast = 5;
    draft.scenario.segments.assign(1, draw.percent(50) ? kLeast : kLeast + 2);
    use_own_timeouts(draft);
    draft.scenario.tunables.token_loss_us = 50'000;
    draft.scenario.tunables.token_loss_max_us = 50'000;
    draft.faults_us = kSecond;
    start_at_once(draft);
    const DaemonIndex victim = draft.any_daemon(draw);
    const std::uint32_t lost = draw.between32(1, 2);
    std::vector<DaemonIndex> others;
    for (DaemonIndex daemon = 0; daemon < draft.scenario.daemons(); ++daemon) {
        Step connect;
        connect.action = Action::kConnect;
        connect.who = {daemon, daemon};
        connect.flag = true;
        draft.push(kSecond / 2, std::move(connect));
        Step join;
        join.action = Action::kJoin;
        join.who = {daemon};
        join.groups = {0};
        draft.push(kSecond / 2 + 1, std::move(join));
        // One message fills a packet.
        Step send;
        send.action = Action::kSend;
        send.who = {daemon};
        send.groups = {0};
        send.service =
            draw.percent(50) ? checker::ClientService::kSafe : checker::ClientService::kAgreed;
        send.bytes = draw.between32(1000, 1300);
        send.value = static_cast<std::int64_t>(daemon == victim ? 6 : draw.between(0, 4));
        const std::uint64_t at = draft.faults_us + (daemon == victim ? 300 : draw.skewed(0, 299));
        if (send.value > 0) {
            draft.push(at, std::move(send));
        }
        if (daemon != victim) {
            others.push_back(daemon);
            Step drop;
            drop.action = Action::kDrop;
            drop.packet = protocol::PacketKind::kData;
            drop.value = lost;
            drop.from = victim;
            drop.to = daemon;
            draft.push(draft.faults_us, std::move(drop));
        }
    }
    draft.peace_us = draft.faults_us + 301;
    // After the first packet that everybody gets. The times of moments are their places.
    Step crash;
    crash.action = Action::kCrash;
    crash.who = {victim};
    crash.when.kind = Moment::Kind::kPacket;
    crash.when.packet = protocol::PacketKind::kData;
    crash.when.from = victim;
    crash.when.to = others.front();
    crash.when.count = lost + 2;
    crash.when.time_us = draft.peace_us;
    draft.scenario.steps.push_back(std::move(crash));
    std::set<std::vector<std::vector<DaemonIndex>>> before;
    const bool cuts_off_one = draw.percent(50);
    for (std::uint64_t left = draw.between(2, 8); left > 0; --left) {
        Step cut = cuts_off_one ? cut_off_one(draw, others) : cut_in_two(draw, others);
        const bool is_first = before.empty();
        if (!before.insert(cut.parts).second) {
            continue;  // the parts may still have their rings: nobody would recover
        }
        // As somebody begins to recover, or when the token has been at some of them.
        if (cuts_off_one) {
            cut.when.kind = Moment::Kind::kState;
            cut.when.state = membership::RingState::kRecovery;
            cut.when.count =
                static_cast<std::uint32_t>(is_first ? others.size() : others.size() - 1);
        } else if (draw.percent(60)) {
            cut.when.kind = Moment::Kind::kState;
            cut.when.state = membership::RingState::kRecovery;
            cut.when.count = draw.between32(1, 2);
        } else {
            cut.when.kind = Moment::Kind::kPacket;
            cut.when.packet = protocol::PacketKind::kToken;
            cut.when.count = draw.between32(1, 8);
        }
        cut.when.time_us = draft.peace_us;
        draft.scenario.steps.push_back(std::move(cut));
    }
}

}  // namespace

Size size_of(std::uint64_t seed) {
    Draw draw(seed, "size");
    return static_cast<Size>(draw.weighted({50, 4, 4, 4, 14, 24}));
}

void draw_size(Draft& draft, Size size) {
    Draw draw(draft.seed, "unusual");
    switch (size) {
        case Size::kUsual: break;
        case Size::kRing: draw_ring(draft, draw); break;
        case Size::kCrowd: draw_crowd(draft, draw); break;
        case Size::kHours: draw_hours(draft, draw); break;
        case Size::kWindows: draw_full_windows(draft, draw); break;
        case Size::kRecoveries: draw_recoveries(draft, draw); break;
    }
}

void draw_numbers(Draft& draft) {
    Draw draw(draft.seed, "numbers");
    Tunables& tunables = draft.scenario.tunables;
    // So many of each come in a run.
    constexpr std::uint32_t kCounters = 100;
    constexpr std::uint32_t kPackets = 60;
    constexpr std::uint32_t kIndices = 6;
    constexpr std::uint32_t kHalf = std::uint32_t{1} << 31U;
    if (draw.percent(70)) {
        tunables.counters_left = draw.skewed32(1, kCounters) + (draw.percent(50) ? kHalf : 0);
    }
    if (draw.percent(70)) {
        tunables.packets_left = draw.skewed32(1, kPackets) + (draw.percent(50) ? kHalf : 0);
    }
    if (draw.percent(70)) {
        // No configuration sees all 2^32 views of a group.
        tunables.indices_left = draw.skewed32(1, kIndices) + kHalf;
    }
}

}  // namespace spread::sim
