#include "tools/cpgbench/load.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <spdlog/fmt/fmt.h>

#include "tools/cpgbench/member.hpp"
#include "tools/spbench/cpu_meter.hpp"
#include "tools/spbench/setup.hpp"
#include "tools/spbench/verify.hpp"

namespace spread::cpgbench {

namespace {

using spbench::kMillisecond;
using spbench::now_ns;

constexpr Nanoseconds kStartDelay = 20 * kMillisecond;
constexpr Nanoseconds kReadyTimeout = 60 * spbench::kSecond;
constexpr Nanoseconds kDrainTimeout = 5 * spbench::kSecond;
constexpr std::chrono::milliseconds kPollPeriod{5};

/// One run of load: its parts in the order in which they are used.
class Load {
  public:
    explicit Load(const spbench::Options& options) {
        spbench::LoadPlan& plan = run_.plan;
        plan.options = options;
        plan.run = spbench::make_run_id();
        plan.group_names.push_back(spbench::make_group_name(0, plan.run));
        run_.nodes = options.watched.pids;
        for (std::size_t i = 0; i < run_.nodes.size(); ++i) {
            plan.senders.push_back(std::make_unique<spbench::SenderCounts>());
            plan.receivers.push_back(std::make_unique<spbench::ReceiverCounts>(run_.nodes.size()));
        }
        for (std::size_t i = 0; i < run_.nodes.size(); ++i) {
            members_.push_back(std::make_unique<Member>(run_, i));
            run_.members.push_back(members_.back().get());
        }
    }

    spbench::RunResult<spbench::Outcome> run() {
        auto meter = spbench::CpuMeter::create(run_.plan.options.watched);
        if (!meter) {
            return spbench::failed(meter.error());
        }
        std::vector<std::thread> threads;
        threads.reserve(members_.size());
        for (const auto& member : members_) {
            threads.emplace_back([&member] { member->live(); });
        }
        const bool is_formed = wait_until_ready();
        if (is_formed) {
            drive(*meter);
        }
        is_given_up_ = is_any_broken();
        run_.plan.is_stopping = true;
        for (const auto& member : members_) {
            member->wake();
        }
        for (auto& thread : threads) {
            thread.join();
        }
        if (!is_formed) {
            return spbench::failed("the nodes did not form one ring" + first_error());
        }
        return conclude();
    }

  private:
    bool wait_until_ready() {
        const Nanoseconds limit = now_ns() + kReadyTimeout;
        const auto is_ready = [](const auto& member) { return member->is_ready(); };
        while (!std::all_of(members_.begin(), members_.end(), is_ready)) {
            if (is_any_broken() || now_ns() >= limit) {
                return false;
            }
            std::this_thread::sleep_for(kPollPeriod);
        }
        return true;
    }

    void drive(spbench::CpuMeter& meter) {
        spbench::LoadPlan& plan = run_.plan;
        plan.start = now_ns() + kStartDelay;
        plan.measure_from = plan.start + plan.options.warmup;
        plan.measure_until = plan.measure_from + plan.options.duration;
        for (std::size_t i = 0; plan.options.rate > 0 && i < members_.size(); ++i) {
            members_[i]->set_schedule(
                spbench::Schedule(plan.start, plan.options.rate, i, members_.size()));
        }
        run_.is_started = true;
        pause_until(plan.measure_from);
        meter.start();
        pause_until(plan.measure_until);
        cpu_ = meter.stop();
        std::uint64_t delivered = plan.delivered();
        Nanoseconds last_progress = now_ns();
        while (!is_any_broken() && !is_drained() && now_ns() - last_progress < kDrainTimeout) {
            std::this_thread::sleep_for(kPollPeriod);
            if (std::exchange(delivered, plan.delivered()) != delivered) {
                last_progress = now_ns();
            }
        }
    }

    void pause_until(Nanoseconds time) const {
        while (now_ns() < time && !is_any_broken()) {
            std::this_thread::sleep_for(kPollPeriod);
        }
    }

    [[nodiscard]] bool is_any_broken() const {
        return std::any_of(run_.plan.receivers.begin(), run_.plan.receivers.end(),
                           [](const auto& counts) { return counts->is_broken.load(); });
    }

    [[nodiscard]] bool is_drained() const {
        const auto& senders = run_.plan.senders;
        for (std::size_t i = 0; i < senders.size(); ++i) {
            if (!senders[i]->is_done || run_.plan.acknowledged(i) != senders[i]->sent) {
                return false;
            }
        }
        return true;
    }

    [[nodiscard]] std::string first_error() const {
        for (const auto& member : members_) {
            if (!member->error().empty()) {
                return ": " + member->error();
            }
        }
        return {};
    }

    [[nodiscard]] spbench::Verdict compare() const {
        std::vector<spbench::SenderRecord> senders;
        std::vector<spbench::ReceiverRecord> receivers;
        for (std::size_t i = 0; i < members_.size(); ++i) {
            const Member& member = *members_[i];
            spbench::SenderRecord sender;
            sender.name = fmt::format("member {}", i);
            sender.sent = run_.plan.senders[i]->sent;
            senders.push_back(sender);
            spbench::ReceiverRecord receiver;
            receiver.name = sender.name;
            receiver.order = &member.order();
            for (const auto& next : run_.plan.receivers[i]->next_from) {
                receiver.next_from.push_back(next.load());
            }
            receiver.missing = member.missing();
            receiver.unexpected = member.unexpected();
            receiver.damaged = member.damaged();
            receivers.push_back(std::move(receiver));
        }
        return spbench::verify(senders, receivers);
    }

    spbench::Outcome conclude() {
        const spbench::Options& options = run_.plan.options;
        spbench::Verdict verdict;
        if (is_given_up_) {
            verdict.is_complete = false;
            verdict.problems.emplace_back("not verified: the run was given up when a member broke");
        } else {
            verdict = compare();
        }
        spbench::Histogram latency;
        std::uint64_t deliveries = 0;
        std::uint64_t sent = 0;
        std::uint64_t scheduled = 0;
        std::vector<std::string> breaks;
        for (std::size_t i = 0; i < members_.size(); ++i) {
            const Member& member = *members_[i];
            latency.merge(member.latency());
            deliveries += member.measured();
            sent += run_.plan.senders[i]->sent;
            scheduled +=
                options.rate > 0 ? member.schedule().due_before(run_.plan.measure_until) : 0;
            if (!member.error().empty()) {
                breaks.push_back(fmt::format("member {}: {}", i, member.error()));
            }
        }
        const double ordered =
            static_cast<double>(deliveries) / static_cast<double>(members_.size());
        const double seconds = spbench::to_seconds(options.duration);
        constexpr double kKeptUp = 0.99;  // as spbench has it

        spbench::Outcome outcome;
        outcome.is_clean = verdict.is_clean() && breaks.empty();
        spbench::Json& json = outcome.json;
        json["mode"] = "cpg";
        json["members"] = members_.size();
        json["payload_bytes"] = options.payload;
        if (options.rate > 0) {
            json["rate"] = options.rate;
            json["saturated"] =
                static_cast<double>(sent) < kKeptUp * static_cast<double>(scheduled);
            json["scheduled"] = scheduled;
        } else {
            json["window"] = options.window;
        }
        json["seconds"] = seconds;
        json["sent"] = sent;
        json["ordered_per_s"] = ordered / seconds;
        json["latency"] = spbench::latency_json(latency);
        json["cpu"] =
            spbench::cpu_json(cpu_, options, {{"ordered message", "per_ordered_us", ordered}});
        json["verified"] = {{"done", !is_given_up_},
                            {"same_order", verdict.is_same_order},
                            {"complete", verdict.is_complete},
                            {"intact", verdict.is_intact},
                            {"lost", verdict.lost},
                            {"duplicates", verdict.duplicates}};
        json["problems"] = verdict.problems;
        json["broken"] = breaks;
        json["ok"] = outcome.is_clean;
        return outcome;
    }

    Run run_;
    std::vector<std::unique_ptr<Member>> members_;
    spbench::CpuUse cpu_;
    bool is_given_up_ = false;
};

}  // namespace

spbench::RunResult<spbench::Outcome> run_load(const spbench::Options& options) {
    return Load(options).run();
}

}  // namespace spread::cpgbench
