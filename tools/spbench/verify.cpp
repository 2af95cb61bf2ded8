#include "tools/spbench/verify.hpp"

#include <map>
#include <string_view>

#include <spdlog/fmt/fmt.h>

namespace spread::spbench {

namespace {

constexpr std::size_t kProblemsMax = 12;

void add_problem(Verdict& verdict, std::string problem) {
    if (verdict.problems.size() < kProblemsMax) {
        verdict.problems.push_back(std::move(problem));
    }
}

void check_receiver(const std::vector<SenderRecord>& senders, const ReceiverRecord& receiver,
                    Verdict& verdict) {
    std::uint64_t lost = receiver.missing;
    for (std::size_t i = 0; i < senders.size(); ++i) {
        if (senders[i].group == receiver.group && !senders[i].is_broken &&
            receiver.next_from[i] < senders[i].sent) {
            lost += senders[i].sent - receiver.next_from[i];
        }
    }
    verdict.lost += lost;
    verdict.duplicates += receiver.unexpected;
    if (lost > 0) {
        verdict.is_complete = false;
        add_problem(verdict, fmt::format("{} never got {} messages", receiver.name, lost));
    }
    if (receiver.unexpected > 0) {
        verdict.is_complete = false;
        add_problem(verdict, fmt::format("{} got {} messages twice or behind later ones of the "
                                         "same sender",
                                         receiver.name, receiver.unexpected));
    }
    if (receiver.damaged > 0) {
        verdict.is_intact = false;
        add_problem(verdict, fmt::format("{} got {} messages of wrong length or content",
                                         receiver.name, receiver.damaged));
    }
}

void compare_order(const ReceiverRecord& first, const ReceiverRecord& other, Verdict& verdict) {
    const auto position = first.order->differs_before(*other.order);
    if (!position) {
        return;
    }
    verdict.is_same_order = false;
    add_problem(
        verdict,
        fmt::format("{} ({} messages) and {} ({} messages) saw different sequences: they "
                    "part before message {}",
                    first.name, first.order->count(), other.name, other.order->count(), *position));
}

}  // namespace

Verdict verify(const std::vector<SenderRecord>& senders,
               const std::vector<ReceiverRecord>& receivers) {
    Verdict verdict;
    std::map<std::size_t, const ReceiverRecord*> first_of_group;
    for (const ReceiverRecord& receiver : receivers) {
        if (receiver.is_broken) {
            continue;
        }
        ++verdict.receivers_compared;
        check_receiver(senders, receiver, verdict);
        const auto [first, is_new] = first_of_group.emplace(receiver.group, &receiver);
        if (!is_new) {
            compare_order(*first->second, receiver, verdict);
        }
    }
    if (verdict.receivers_compared == 0) {
        verdict.is_complete = false;
        add_problem(verdict, "no receiver kept its session to the end");
    }
    return verdict;
}

}  // namespace spread::spbench
