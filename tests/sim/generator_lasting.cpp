#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <utility>

#include "tests/sim/generator_draft.hpp"
#include "tests/sim/ring_settings.hpp"

namespace spread::sim {
namespace {

constexpr std::uint64_t kSecondUs = 1'000'000;
/// Rings learn from what they suffer, and then bear it.
constexpr std::uint64_t kLearnsForUs = 40 * kSecondUs;
constexpr int kRumourCount = 100;
constexpr std::int64_t kAllOfThem = 1'000'000;

struct LastingFault {
    enum class What : std::uint8_t {
        kToVictim,      ///< a way, or everything, to one daemon
        kFromVictim,    ///< the same from it
        kOneLink,       ///< one way between two
        kOnePair,       ///< both ways
        kRumours,       ///< kernels say that nobody listens at daemons that are well
        kLoss,          ///< of packets, everywhere
        kLate,          ///< packets, everywhere
        kOld,           ///< packets of other rings and lives come again, everywhere
        kLateJoins,     ///< what is said while rings form comes late from one daemon
        kAbsent,        ///< one daemon does not run
        kStopped,       ///< the process of one is stopped
        kAllPause,      ///< the machine that all run on does not run, again and again
        kVictimPauses,  ///< one daemon does not run, again and again
        kCommitsLost,   ///< commit tokens do not reach one daemon, everything else does
        kDataLost       ///< the same with data
    };
    What what;
    std::optional<Way> way = std::nullopt;  ///< absent: everything

    [[nodiscard]] bool is_on_two() const {
        return what == What::kOneLink || what == What::kOnePair;
    }
    /// Only who has suffered it for a while is steady.
    [[nodiscard]] bool is_learnt() const { return what >= What::kVictimPauses; }
    /// Without a group address, and where all suffer the same, all stay together.
    [[nodiscard]] bool touches_victim() const {
        constexpr std::array kTouchesNobody = {
            What::kRumours,   What::kLoss,     What::kLate,        What::kOld,
            What::kLateJoins, What::kAllPause, What::kVictimPauses};
        return way != Way::kGroup && std::find(kTouchesNobody.begin(), kTouchesNobody.end(),
                                               what) == kTouchesNobody.end();
    }
};

using What = LastingFault::What;

constexpr std::array kLastingFaults = {
    LastingFault{What::kToVictim, Way::kToken},
    LastingFault{What::kToVictim, Way::kData},
    LastingFault{What::kToVictim, Way::kGroup},
    LastingFault{What::kToVictim, Way::kLarge},
    LastingFault{What::kToVictim},
    LastingFault{What::kFromVictim, Way::kToken},
    LastingFault{What::kFromVictim, Way::kData},
    LastingFault{What::kOneLink, Way::kToken},
    LastingFault{What::kOneLink},
    LastingFault{What::kOnePair},
    LastingFault{What::kRumours},
    LastingFault{What::kAllPause},
    LastingFault{What::kLoss},
    LastingFault{What::kLoss},
    LastingFault{What::kLate},
    LastingFault{What::kOld},
    LastingFault{What::kLateJoins},
    LastingFault{What::kAbsent},
    LastingFault{What::kStopped},
    LastingFault{What::kVictimPauses},
    LastingFault{What::kCommitsLost},
    LastingFault{What::kDataLost},
};

std::vector<std::vector<std::uint16_t>> links_of(const Draft& draft, What what,
                                                 const std::vector<std::uint16_t>& pair) {
    if (what == What::kOneLink) {
        return {pair};
    }
    if (what == What::kOnePair) {
        return {pair, {pair[1], pair[0]}};
    }
    std::vector<std::vector<std::uint16_t>> links;
    for (std::uint16_t other = 0; other < draft.scenario.daemons(); ++other) {
        if (other != pair[0]) {
            links.push_back(what == What::kToVictim ? std::vector{other, pair[0]}
                                                    : std::vector{pair[0], other});
        }
    }
    return links;
}

void cut(Draft& draft, const LastingFault& fault, std::vector<std::uint16_t> link) {
    Step step;
    step.action = fault.way ? Action::kBlock : Action::kLink;
    step.who = std::move(link);
    step.way = fault.way.value_or(Way{});
    step.value = fault.way ? 1 : 0;
    draft.push(draft.faults_us, std::move(step));
}

void lose_all(Draft& draft, protocol::PacketKind kind, std::uint16_t victim) {
    Step step;
    step.action = Action::kDrop;
    step.value = kAllOfThem;
    step.packet = kind;
    step.to = victim;
    draft.push(draft.faults_us, std::move(step));
}

/// Each time as long as the first, as the same cause makes it.
void pause_again_and_again(Draft& draft, Draw& draw, const std::vector<std::uint16_t>& who) {
    constexpr std::uint64_t kBetweenUs = 4 * kSecondUs;
    const std::uint64_t time = draw.between(kHostPauseLeastUs, kHostPauseMostUs);
    for (std::uint64_t at = draft.faults_us + kBetweenUs; at + time < draft.peace_us;
         at += kBetweenUs + draw.between(0, kBetweenUs)) {
        draft.push(at, Action::kPause, who);
        draft.push(at + time, Action::kContinue, who);
    }
}

/// So little that a token, which is sent again four times within its timeout, gets through.
void lose_or_delay(Draft& draft, Draw& draw, What what) {
    Step step;
    step.action = Action::kRates;
    if (what == What::kLoss) {
        step.rates.loss = draw.between32(5000, 20000);
    } else {
        step.rates.late = draw.between32(5000, 20000);
        step.rates.late_us =
            draw.skewed32(1000, static_cast<std::uint32_t>(3 * draft.timeouts.token_loss_us));
    }
    draft.push(draft.faults_us, std::move(step));
}

/// Times that last as long as those of the product, which learns in seconds and minutes.
void use_default_timeouts(Draft& draft) {
    Tunables& tunables = draft.scenario.tunables;
    for (std::uint32_t Tunables::*const timeout :
         {&Tunables::token_loss_us, &Tunables::token_loss_max_us, &Tunables::token_retransmit_us,
          &Tunables::token_hold_us, &Tunables::token_settle_us, &Tunables::join_us,
          &Tunables::consensus_us, &Tunables::start_us, &Tunables::merge_detect_us}) {
        tunables.*timeout = 0;
    }
}

/// Recorded while the daemons form their first ring, and while one leaves it and comes back.
void play_recordings(Draft& draft, Draw& draw, std::uint16_t leaver) {
    Step step;
    step.action = Action::kRates;
    step.rates.replay = draw.between32(2000, 20000);
    draft.push(draft.faults_us, std::move(step));
    draft.push(draft.faults_us + kSecondUs, Action::kLeave, {leaver});
    draft.outages.push_back({draft.faults_us + kSecondUs, leaver});
    draft.push(draft.faults_us + 2 * kSecondUs, Action::kStart, {leaver});
}

/// So late that the ring is formed by then, by what the daemon said before.
void delay_joins(Draft& draft, Draw& draw, std::uint16_t from) {
    Step step;
    step.action = Action::kDelay;
    step.packet = protocol::PacketKind::kJoin;
    step.from = from;
    step.value = static_cast<std::int64_t>(draw.skewed(1000, draft.timeouts.token_loss_us));
    draft.push(draft.faults_us, std::move(step));
    // A ring forms while that holds.
    draft.push(draft.faults_us + kSecondUs, Action::kLeave, {from});
    draft.outages.push_back({draft.faults_us + kSecondUs, from});
    draft.push(draft.faults_us + 2 * kSecondUs, Action::kStart, {from});
}

void push_steady(Draft& draft, const LastingFault& fault, const std::vector<std::uint16_t>& pair) {
    Step steady;
    steady.action = Action::kSteady;
    for (std::uint16_t daemon = 0; daemon < draft.scenario.daemons(); ++daemon) {
        const bool is_touched = fault.touches_victim() &&
                                (daemon == pair[0] || (fault.is_on_two() && daemon == pair[1]));
        if (!is_touched) {
            steady.who.push_back(daemon);
        }
    }
    if (!steady.who.empty()) {
        draft.push(draft.faults_us + (fault.is_learnt() ? kLearnsForUs : 0), std::move(steady));
    }
}

}  // namespace

void draw_lasting_fault(Draft& draft) {
    Draw draw(draft.seed, "lasting fault");
    const LastingFault& fault = kLastingFaults[draw.between(0, kLastingFaults.size() - 1)];
    const auto pair = draft.any_link(draw);
    std::vector<std::uint16_t> all(draft.scenario.daemons());
    std::iota(all.begin(), all.end(), std::uint16_t{0});
    if (fault.is_learnt()) {
        use_default_timeouts(draft);
    }
    switch (fault.what) {
        case What::kRumours:
            for (int i = 0; i < kRumourCount; ++i) {
                draft.push(draft.any_time(draw), Action::kRumour, draft.any_link(draw));
            }
            break;
        case What::kLoss:
        case What::kLate: lose_or_delay(draft, draw, fault.what); break;
        case What::kOld: play_recordings(draft, draw, pair[0]); break;
        case What::kLateJoins: delay_joins(draft, draw, pair[0]); break;
        case What::kAbsent:
            draft.push(draft.faults_us, Action::kCrash, {pair[0]});
            draft.outages.push_back({draft.faults_us, pair[0]});
            break;
        case What::kStopped: draft.push(draft.faults_us, Action::kPause, {pair[0]}); break;
        case What::kAllPause: pause_again_and_again(draft, draw, all); break;
        case What::kVictimPauses: pause_again_and_again(draft, draw, {pair[0]}); break;
        case What::kCommitsLost: lose_all(draft, protocol::PacketKind::kCommit, pair[0]); break;
        case What::kDataLost: lose_all(draft, protocol::PacketKind::kData, pair[0]); break;
        default:
            for (auto& link : links_of(draft, fault.what, pair)) {
                cut(draft, fault, std::move(link));
            }
    }
    push_steady(draft, fault, pair);
}

}  // namespace spread::sim
