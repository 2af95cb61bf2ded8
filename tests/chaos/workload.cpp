#include "tests/chaos/workload.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "tests/chaos/client.hpp"
#include "tests/chaos/message_book.hpp"

namespace spread::chaos {
namespace {

using checker::ClientService;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kGroups = 5;
constexpr microseconds kMembershipGap = seconds(2);
constexpr microseconds kInterruptionGap = seconds(10);
/// Silence, quiet, talk, burst.
constexpr std::array<microseconds, 5> kMoods{seconds(2), milliseconds(200), milliseconds(50),
                                             milliseconds(15), milliseconds(4)};
constexpr std::array<ClientService, 6> kServices{
    ClientService::kUnreliable, ClientService::kReliable, ClientService::kFifo,
    ClientService::kCausal,     ClientService::kAgreed,   ClientService::kSafe};

}  // namespace

Workload::Clock::duration Workload::draw_wait(microseconds mean) {
    constexpr std::uint64_t kSteps = 1U << 20U;
    const double uniform =
        static_cast<double>(rng_.below(kSteps) + 1) / static_cast<double>(kSteps);
    return microseconds(std::llround(-std::log(uniform) * static_cast<double>(mean.count())));
}

std::string Workload::draw_group() {
    return "g" + std::to_string(1 + rng_.below(kGroups));
}

std::size_t Workload::draw_size() {
    constexpr std::size_t kSmall = 200;
    constexpr std::size_t kMedium = 8000;
    const std::uint64_t kind = rng_.below(100);
    if (kind < 3) {
        return 0;
    }
    if (kind < 90) {
        return 8 + rng_.below(kSmall);
    }
    return 8 + rng_.below((kind < 99 ? kMedium : MessageBook::kBytesMax) - 8);
}

Act Workload::draw_message(const std::vector<std::string>& names) {
    Act act;
    act.kind = Act::Kind::kSend;
    act.service = kServices[rng_.below(kServices.size())];
    act.self_discard = rng_.chance(1, 10);
    act.bytes = draw_size();
    const auto add = [&act](std::string name) {
        if (!name.empty() && std::ranges::find(act.groups, name) == act.groups.end()) {
            act.groups.push_back(std::move(name));
        }
    };
    const std::uint64_t kind = rng_.below(100);
    if (kind < 25) {
        add(Client::kCommonGroup);
    } else if (kind < 65) {
        add(draw_group());
    } else {
        // Several groups whose members overlap, private names among them.
        const std::size_t groups = kind < 90 ? 1 + rng_.below(3) : 0;
        for (std::size_t i = 0; i <= groups; ++i) {
            add(draw_group());
        }
        if (kind >= 80) {
            add(names[rng_.below(names.size())]);
        }
        if (kind >= 95) {
            add(names[rng_.below(names.size())]);
            add(Client::kCommonGroup);
        }
    }
    return act;
}

Act Workload::draw_interruption() {
    constexpr std::array<Act::Kind, 6> kKinds{Act::Kind::kStall,      Act::Kind::kStall,
                                              Act::Kind::kDisconnect, Act::Kind::kDisconnect,
                                              Act::Kind::kClose,      Act::Kind::kCloseInAMessage};
    Act act;
    act.kind = kKinds[rng_.below(kKinds.size())];
    // Short ones are many; the longest fill the queue that a daemon grants.
    act.stall = milliseconds(50 + rng_.below(rng_.chance(1, 3) ? 15000 : 1000));
    return act;
}

Act Workload::next(Clock::time_point now, const std::vector<std::string>& names, bool is_calm) {
    if (now >= next_mood_) {
        const bool is_first = next_mood_ == Clock::time_point{};
        mean_gap_ = kMoods[rng_.below(kMoods.size())];
        next_mood_ = now + draw_wait(seconds(2));
        if (is_first) {
            next_membership_ = now + draw_wait(milliseconds(200));
            next_interruption_ = now + draw_wait(kInterruptionGap);
        }
        next_message_ = std::min(next_message_, now + draw_wait(mean_gap_));
    }
    if (now >= next_interruption_) {
        next_interruption_ = now + draw_wait(kInterruptionGap);
        if (!is_calm) {
            return draw_interruption();
        }
    }
    if (now >= next_membership_) {
        next_membership_ = now + draw_wait(kMembershipGap);
        Act act;
        act.kind = rng_.chance(3, 5) ? Act::Kind::kJoin : Act::Kind::kLeave;
        act.groups = {draw_group()};
        return act;
    }
    if (now >= next_message_) {
        // What could not be done in time is not made up for.
        next_message_ = std::max(next_message_, now - milliseconds(20)) + draw_wait(mean_gap_);
        return draw_message(names);
    }
    return {};
}

}  // namespace spread::chaos
