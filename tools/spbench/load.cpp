#include <algorithm>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <spdlog/fmt/fmt.h>

#include "tools/spbench/load_plan.hpp"
#include "tools/spbench/load_worker.hpp"
#include "tools/spbench/modes.hpp"
#include "tools/spbench/progress.hpp"
#include "tools/spbench/setup.hpp"
#include "tools/spbench/verify.hpp"

namespace spread::spbench {

namespace {

constexpr Nanoseconds kStartDelay = 20 * kMillisecond;
constexpr std::chrono::milliseconds kPollPeriod{5};

/// One run of load: its parts in the order in which they are used.
class LoadRun {
  public:
    explicit LoadRun(const Options& options) : plan_(std::make_unique<LoadPlan>()) {
        plan_->options = options;
        plan_->run = make_run_id();
        for (std::size_t i = 0; i < options.groups; ++i) {
            plan_->group_names.push_back(make_group_name(i, plan_->run));
        }
    }

    RunResult<Outcome> run() {
        auto meter = CpuMeter::create(plan_->options.watched);
        if (!meter) {
            return failed(meter.error());
        }
        if (auto connected = connect_all(); !connected) {
            return failed(connected.error());
        }
        drive(*meter);
        return conclude();
    }

  private:
    [[nodiscard]] const Options& options() const { return plan_->options; }

    RunResult<void> connect_all() {
        raise_descriptor_limit();
        const std::size_t daemons = options().daemons.size();
        const bool has_one_sender_set = options().mode == Mode::kFanout;
        const std::size_t sender_count =
            has_one_sender_set ? options().senders : options().senders * daemons;
        make_workers();

        std::vector<std::unique_ptr<Receiver>> receivers;
        std::vector<std::pair<client::BufferedSession*, std::string>> joins;
        for (std::size_t i = 0; i < options().receivers * daemons; ++i) {
            const std::size_t daemon = i / options().receivers;
            auto session =
                open_session(options(), daemon, make_user_name('r', i, plan_->run), false);
            if (!session) {
                return failed(session.error());
            }
            auto counts = std::make_unique<ReceiverCounts>(sender_count);
            counts->daemon = daemon;
            counts->group = i % options().receivers % options().groups;
            receivers.push_back(std::make_unique<Receiver>(i, std::move(*session), *counts));
            joins.emplace_back(&receivers.back()->session, plan_->group_names[counts->group]);
            plan_->receivers.push_back(std::move(counts));
        }
        if (auto joined = join_and_wait_all(joins); !joined) {
            return joined;
        }
        for (auto& receiver : receivers) {
            worker_of(receiver->counts.daemon).add(std::move(receiver));
        }
        for (std::size_t i = 0; i < sender_count; ++i) {
            const std::size_t daemon = has_one_sender_set ? 0 : i / options().senders;
            auto session =
                open_session(options(), daemon, make_user_name('s', i, plan_->run), false);
            if (!session) {
                return failed(session.error());
            }
            auto counts = std::make_unique<SenderCounts>();
            counts->daemon = daemon;
            counts->group = i % options().groups;
            auto sender = std::make_unique<Sender>(i, std::move(*session), *counts);
            sender->group =
                protocol::NameField(std::string_view(plan_->group_names[counts->group]));
            sender->body = make_body(options().payload, i);
            worker_of(daemon).add(std::move(sender));
            plan_->senders.push_back(std::move(counts));
        }
        return {};
    }

    void make_workers() {
        const std::size_t cpus = std::max(1U, std::thread::hardware_concurrency());
        const std::size_t count =
            options().threads > 0 ? options().threads : std::min(options().daemons.size(), cpus);
        for (std::size_t i = 0; i < count; ++i) {
            workers_.push_back(std::make_unique<LoadWorker>(*plan_, worker_pointers_));
            worker_pointers_.push_back(workers_.back().get());
        }
    }

    /// With more threads than daemons the clients of a daemon are dealt out to several.
    LoadWorker& worker_of(std::size_t daemon) {
        const std::size_t daemons = options().daemons.size();
        const std::size_t shares = std::max<std::size_t>(1, workers_.size() / daemons);
        return *workers_[(daemon + daemons * (next_share_++ % shares)) % workers_.size()];
    }

    void drive(CpuMeter& meter) {
        plan_->start = now_ns() + kStartDelay;
        plan_->measure_from = plan_->start + options().warmup;
        const bool is_counted = options().messages > 0;
        plan_->measure_until = is_counted ? std::numeric_limits<Nanoseconds>::max()
                                          : plan_->measure_from + options().duration;
        if (options().rate > 0) {
            for (const auto& worker : workers_) {
                for (const auto& sender : worker->senders()) {
                    sender->schedule =
                        Schedule(plan_->start, options().rate, sender->index, plan_->senders.size(),
                                 options().has_random_arrivals);
                }
            }
        }
        std::vector<std::thread> threads;
        threads.reserve(workers_.size());
        for (const auto& worker : workers_) {
            threads.emplace_back([&worker] { worker->run(); });
        }
        {
            Progress progress(!options().is_quiet);
            const double total = is_counted ? 0 : to_seconds(plan_->measure_until - plan_->start);
            const auto tick = [&] {
                progress.update(plan_->delivered(), "deliveries", total);
                std::this_thread::sleep_for(kPollPeriod);
            };
            while (now_ns() < plan_->measure_from && !must_give_up()) {
                tick();
            }
            meter.start();
            while (!must_give_up() &&
                   !(is_counted ? is_drained() : now_ns() >= plan_->measure_until)) {
                tick();
                if (is_counted && is_stuck()) {
                    break;
                }
            }
            cpu_ = meter.stop();
            while (!must_give_up() && !is_drained() && !is_stuck()) {
                tick();
            }
            if (must_give_up()) {
                is_given_up_ = true;
            }
        }
        plan_->is_stopping = true;
        for (const auto& worker : workers_) {
            worker->wake();
        }
        for (auto& thread : threads) {
            thread.join();
        }
    }

    [[nodiscard]] bool must_give_up() const {
        return !options().tolerates_disconnects && broken_count() > 0;
    }

    [[nodiscard]] std::size_t broken_count() const {
        const auto is_broken = [](const auto& counts) { return counts->is_broken.load(); };
        return static_cast<std::size_t>(
            std::count_if(plan_->senders.begin(), plan_->senders.end(), is_broken) +
            std::count_if(plan_->receivers.begin(), plan_->receivers.end(), is_broken));
    }

    /// All senders are done and every surviving receiver has everything. Nobody knows how many of a
    /// broken sender's last messages the daemons have taken: all receivers must have the same ones,
    /// and no more for a while, since another one may still be under way.
    [[nodiscard]] bool is_drained() {
        std::vector<std::uint64_t> agreed(plan_->senders.size());
        bool has_broken_sender = false;
        for (std::size_t i = 0; i < plan_->senders.size(); ++i) {
            const SenderCounts& sender = *plan_->senders[i];
            if (!sender.is_done) {
                return false;
            }
            has_broken_sender = has_broken_sender || sender.is_broken;
            agreed[i] = sender.is_broken ? plan_->acknowledged(i) : sender.sent.load();
            for (const auto& receiver : plan_->receivers) {
                if (!receiver->is_broken && receiver->group == sender.group &&
                    receiver->next_from[i].load() != agreed[i]) {
                    return false;
                }
            }
        }
        constexpr Nanoseconds kQuiet = 500 * kMillisecond;
        return !has_broken_sender || silent_for() >= kQuiet;
    }

    [[nodiscard]] Nanoseconds silent_for() {
        const std::uint64_t delivered = plan_->delivered();
        const Nanoseconds now = now_ns();
        if (delivered != last_delivered_ || last_progress_ == 0) {
            last_delivered_ = delivered;
            last_progress_ = now;
        }
        return now - last_progress_;
    }

    [[nodiscard]] bool is_stuck() {
        return silent_for() >= std::max(options().drain_timeout, 2 * kStartDelay);
    }

    [[nodiscard]] std::string client_name(std::string_view role, std::size_t index,
                                          std::size_t daemon) const {
        return fmt::format("{} {} on {}", role, index, options().daemons[daemon]);
    }

    Outcome conclude();
    [[nodiscard]] double megabit() const;
    [[nodiscard]] Json to_json(const std::vector<Work>& work, bool is_saturated) const;
    void collect();
    void add_problems(Outcome& outcome) const;

    std::unique_ptr<LoadPlan> plan_;
    std::vector<LoadWorker*> worker_pointers_;
    std::vector<std::unique_ptr<LoadWorker>> workers_;
    std::size_t next_share_ = 0;
    CpuUse cpu_;
    bool is_given_up_ = false;  // a session broke
    std::uint64_t last_delivered_ = 0;
    Nanoseconds last_progress_ = 0;

    // The results.
    std::vector<SenderRecord> senders_;
    std::vector<ReceiverRecord> receivers_;
    std::vector<std::string> breaks_;
    Verdict verdict_;
    Histogram latency_;
    std::uint64_t deliveries_ = 0;  // within the measurement
    double ordered_ = 0;            // messages each receiver of their group got, summed over groups
    double seconds_ = 0;            // of the measurement
    std::uint64_t foreign_ = 0;
    Nanoseconds longest_silence_ = 0;
    std::uint64_t scheduled_ = 0;  // open loop: due in the run
    std::uint64_t sent_ = 0;
};

void LoadRun::collect() {
    std::vector<double> group_deliveries(options().groups);
    std::vector<double> group_receivers(options().groups);
    Nanoseconds last_delivery = plan_->start;
    senders_.resize(plan_->senders.size());
    receivers_.resize(plan_->receivers.size());
    for (const auto& worker : workers_) {
        latency_.merge(worker->latency());
        for (const auto& sender : worker->senders()) {
            SenderRecord& record = senders_[sender->index];
            record.name = client_name("sender", sender->index, sender->counts.daemon);
            record.group = sender->counts.group;
            record.is_broken = sender->counts.is_broken;
            record.sent = sender->counts.sent;
            sent_ += record.sent;
            if (options().rate > 0) {
                scheduled_ +=
                    std::min(plan_->target(), sender->schedule.due_before(plan_->measure_until));
            }
            if (record.is_broken) {
                breaks_.push_back(record.name + ": " + sender->error);
            }
        }
        for (const auto& receiver : worker->receivers()) {
            ReceiverRecord& record = receivers_[receiver->index];
            record.name = client_name("receiver", receiver->index, receiver->counts.daemon);
            record.group = receiver->counts.group;
            record.is_broken = receiver->counts.is_broken;
            record.order = &receiver->order;
            for (const auto& next : receiver->counts.next_from) {
                record.next_from.push_back(next.load());
            }
            record.missing = receiver->missing;
            record.unexpected = receiver->unexpected;
            record.damaged = receiver->damaged;
            foreign_ += receiver->foreign;
            deliveries_ += receiver->measured;
            last_delivery = std::max(last_delivery, receiver->last_delivery);
            if (record.is_broken) {
                breaks_.push_back(record.name + ": " + receiver->error);
            } else {
                longest_silence_ = std::max(longest_silence_, receiver->longest_silence);
                group_deliveries[record.group] += static_cast<double>(receiver->measured);
                group_receivers[record.group] += 1;
            }
        }
    }
    for (std::size_t i = 0; i < group_deliveries.size(); ++i) {
        ordered_ += group_receivers[i] > 0 ? group_deliveries[i] / group_receivers[i] : 0;
    }
    const Nanoseconds end = options().messages > 0 || is_given_up_
                                ? std::min(last_delivery, plan_->measure_until)
                                : plan_->measure_until;
    seconds_ = std::max(1e-9, to_seconds(end - plan_->measure_from));
    if (!is_given_up_) {
        verdict_ = verify(senders_, receivers_);
    } else {
        // Receivers stopped wherever they were; there is nothing to compare.
        verdict_.problems.emplace_back(
            "not verified: the run was given up when a session broke (--tolerate-disconnects goes "
            "on)");
    }
}

void LoadRun::add_problems(Outcome& outcome) const {
    for (const auto& problem : verdict_.problems) {
        outcome.text += "PROBLEM     " + problem + '\n';
    }
    constexpr std::size_t kShown = 12;
    for (std::size_t i = 0; i < std::min(kShown, breaks_.size()); ++i) {
        outcome.text += "BROKEN      " + breaks_[i] + '\n';
    }
    if (breaks_.size() > kShown) {
        outcome.text += fmt::format("BROKEN      and {} more\n", breaks_.size() - kShown);
    }
}

double LoadRun::megabit() const {
    return ordered_ / seconds_ * static_cast<double>(options().payload) * 8 / 1e6;
}

Json LoadRun::to_json(const std::vector<Work>& work, bool is_saturated) const {
    Json json = setup_json(options());
    json["senders"] = senders_.size();
    json["receivers"] = receivers_.size();
    json["groups"] = options().groups;
    json["payload_bytes"] = options().payload;
    json["service"] = options().service_name;
    if (options().rate > 0) {
        json["rate"] = options().rate;
        json["arrivals"] = options().has_random_arrivals ? "random" : "even";
        json["saturated"] = is_saturated;
        json["scheduled"] = scheduled_;
    } else {
        json["window"] = options().window_or_default();
    }
    json["seconds"] = seconds_;
    json["sent"] = sent_;
    json["ordered_per_s"] = ordered_ / seconds_;
    json["delivered_per_s"] = static_cast<double>(deliveries_) / seconds_;
    json["mbit_per_s"] = megabit();
    json["latency"] = latency_json(latency_);
    json["longest_silence_us"] = static_cast<double>(longest_silence_) / 1e3;
    json["cpu"] = cpu_json(cpu_, options(), work);
    json["verified"] = {{"done", !is_given_up_},
                        {"same_order", verdict_.is_same_order},
                        {"complete", verdict_.is_complete},
                        {"intact", verdict_.is_intact},
                        {"lost", verdict_.lost},
                        {"duplicates", verdict_.duplicates},
                        {"foreign", foreign_},
                        {"receivers", verdict_.receivers_compared}};
    json["problems"] = verdict_.problems;
    json["broken"] = breaks_;
    return json;
}

Outcome LoadRun::conclude() {
    collect();
    Outcome outcome;
    outcome.is_clean = verdict_.is_clean() && (options().tolerates_disconnects || breaks_.empty());
    const bool is_open_loop = options().rate > 0;
    // Below this share of the schedule the daemons did not keep up and latencies grow with the
    // length of the run.
    constexpr double kKeptUp = 0.99;
    const bool is_saturated =
        is_open_loop && static_cast<double>(sent_) < kKeptUp * static_cast<double>(scheduled_);
    const std::vector<Work> work{
        {"ordered message", "per_ordered_us", ordered_},
        {"delivered message", "per_delivered_us", static_cast<double>(deliveries_)}};

    const std::string pace =
        is_open_loop ? fmt::format("open loop {} msg/s{}", options().rate,
                                   options().has_random_arrivals ? " at random times" : "")
                     : fmt::format("window {}", options().window_or_default());
    outcome.text = fmt::format(
        "{}: daemons {}, senders {}, receivers {}, groups {}; {} bytes, {}, {}, {} client\n",
        to_string(options().mode), options().daemons.size(), senders_.size(), receivers_.size(),
        options().groups, options().payload, options().service_name, pace,
        to_string(options().style));
    outcome.text += fmt::format("ordered     {:.0f} msg/s  {:.1f} Mbit/s  over {:.2f} s\n",
                                ordered_ / seconds_, megabit(), seconds_);
    outcome.text += fmt::format("delivered   {:.0f} msg/s to all receivers together\n",
                                static_cast<double>(deliveries_) / seconds_);
    outcome.text += "latency     " + latency_text(latency_) + '\n';
    outcome.text +=
        fmt::format("silence     {:.1f} ms at most between two deliveries\n",
                    static_cast<double>(longest_silence_) / static_cast<double>(kMillisecond));
    outcome.text += cpu_text(cpu_, options(), work);
    if (is_saturated) {
        outcome.text += fmt::format("saturated   only {} of {} scheduled messages could be sent\n",
                                    sent_, scheduled_);
    }
    if (verdict_.is_clean() && !is_given_up_) {
        outcome.text += fmt::format(
            "verified    same order in all receivers ({}), nothing lost; {} messages sent\n",
            verdict_.receivers_compared, sent_);
    }
    add_problems(outcome);

    outcome.json = to_json(work, is_saturated);
    outcome.json["ok"] = outcome.is_clean;
    return outcome;
}

}  // namespace

RunResult<Outcome> run_load(const Options& options) {
    return LoadRun(options).run();
}

}  // namespace spread::spbench
