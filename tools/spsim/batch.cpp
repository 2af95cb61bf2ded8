#include "tools/spsim/batch.hpp"

#include <poll.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "protocol/assert.hpp"
#include "tests/sim/generator.hpp"
#include "tests/sim/luck.hpp"
#include "tools/spsim/verdict_codec.hpp"

namespace spread::spsim {
namespace {

constexpr auto kProgressEvery = std::chrono::milliseconds(200);

sim::Verdict verdict_of_death(const Worker& worker) {
    sim::Verdict verdict;
    verdict.violation =
        checker::Violation{kDied, "the run died of " + worker.obituary(), worker.last_words()};
    return verdict;
}

sim::Verdict verdict_of_hanging(Worker& worker, std::chrono::milliseconds patience) {
    worker.kill();
    sim::Verdict verdict;
    verdict.violation = checker::Violation{
        kHangs, "no verdict after " + std::to_string(patience.count()) + " ms of processor time",
        worker.last_words()};
    return verdict;
}

sim::Verdict verdict_of(Worker& worker) {
    const auto answer = worker.receive();
    auto verdict = answer ? decode_verdict(*answer) : std::nullopt;
    return verdict ? std::move(*verdict) : verdict_of_death(worker);
}

struct Job {
    std::unique_ptr<Worker> worker;
    std::optional<std::uint64_t> seed;  ///< at work on it
};

void add(BatchResult& result, std::uint64_t seed, const sim::Verdict& verdict) {
    ++result.seeds;
    result.failures += verdict.violation ? 1 : 0;
    result.digest += sim::mixed(seed, verdict.digest);
    result.engine_digest += sim::mixed(seed, verdict.engine_digest);
    result.sum.events += verdict.stats.events;
    result.sum.packets_sent += verdict.stats.packets_sent;
    result.sum.ring_deliveries += verdict.stats.ring_deliveries;
    result.sum.client_messages += verdict.stats.client_messages;
    result.sum.configurations += verdict.stats.configurations;
    result.sum.virtual_us += verdict.stats.virtual_us;
    result.reached.add(verdict.reached);
    for (std::size_t i = 0; i < sim::kGoals; ++i) {
        result.seeds_reaching[i] += verdict.reached.times[i] > 0 ? 1 : 0;
    }
    if (verdict.stats.events >= result.events_most) {
        result.events_most = verdict.stats.events;
        result.busiest_seed = seed;
    }
    result.events.push_back(
        static_cast<std::uint32_t>(std::min<std::uint64_t>(verdict.stats.events, UINT32_MAX)));
}

}  // namespace

BatchResult run_batch(
    const Batch& batch, const Runner& runner,
    const std::function<void(std::uint64_t seed, const sim::Verdict&)>& on_failure,
    const std::function<void(const BatchResult&)>& on_progress) {
    const Worker::Work work = [&](std::string_view task) {
        const std::uint64_t seed = std::stoull(std::string(task));
        const sim::Scenario scenario = batch.seals     ? sim::generate_sealed(seed)
                                       : batch.unusual ? sim::generate_unusual(seed)
                                                       : sim::generate(seed);
        return encode(batch.checks_determinism ? run_twice(runner, scenario, {})
                                               : runner(scenario, {}));
    };
    std::vector<Job> jobs(
        static_cast<std::size_t>(std::min<std::uint64_t>(batch.seeds, std::max(1U, batch.jobs))));
    for (Job& job : jobs) {
        job.worker = std::make_unique<Worker>(work);
    }
    BatchResult result;
    std::uint64_t given = 0;
    while (result.failures == 0 || batch.keeps_going) {
        std::vector<pollfd> fds;
        for (Job& job : jobs) {
            if (!job.seed && given < batch.seeds) {
                job.seed = batch.first + given++;
                job.worker->start(std::to_string(*job.seed));
            }
            // Negative: poll() passes over it.
            fds.push_back({job.seed ? job.worker->fd() : -1, POLLIN, 0});
        }
        if (std::none_of(jobs.begin(), jobs.end(), [](const Job& job) { return job.seed; })) {
            break;
        }
        ::poll(fds.data(), fds.size(), static_cast<int>(kProgressEvery.count()));
        for (std::size_t i = 0; i < jobs.size(); ++i) {
            Job& job = jobs[i];
            const bool hangs =
                job.seed && fds[i].revents == 0 && job.worker->cpu_used() > batch.patience;
            if (!job.seed || (fds[i].revents == 0 && !hangs)) {
                continue;
            }
            const sim::Verdict verdict =
                hangs ? verdict_of_hanging(*job.worker, batch.patience) : verdict_of(*job.worker);
            const std::uint64_t seed = *std::exchange(job.seed, std::nullopt);
            add(result, seed, verdict);
            if (verdict.violation) {
                on_failure(seed, verdict);
                if (!batch.keeps_going) {
                    break;
                }
            }
        }
        on_progress(result);
    }
    return result;
}

Worker::Work scenario_work(Runner runner, const sim::RunOptions& options) {
    return [runner = std::move(runner), options](std::string_view task) {
        // The text is what format() made of a legal scenario.
        const auto scenario = sim::parse_scenario(task);
        SPREAD_ASSERT(scenario);
        return encode(runner(*scenario, options));
    };
}

sim::Verdict run_isolated(Worker& worker, const sim::Scenario& scenario,
                          std::chrono::milliseconds patience) {
    worker.start(sim::format(scenario));
    if (!worker.wait(patience)) {
        return verdict_of_hanging(worker, patience);
    }
    return verdict_of(worker);
}

}  // namespace spread::spsim
