#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include <spdlog/fmt/fmt.h>

#include "tools/spbench/modes.hpp"
#include "tools/spbench/progress.hpp"
#include "tools/spbench/setup.hpp"

namespace spread::spbench {

namespace {

/// One thread that connects and disconnects, one session at a time.
struct Connector {
    std::size_t daemon = 0;
    std::size_t number = 0;
    Histogram times;
    std::uint64_t rounds = 0;
    std::uint64_t failures = 0;
    std::string last_error;
};

struct Shared {
    std::atomic<bool> is_measuring{false};
    std::atomic<bool> is_stopping{false};
    std::atomic<std::uint64_t> rounds{0};
    std::atomic<std::size_t> finished{0};
};

void connect_again_and_again(const Options& options, std::uint16_t run, Connector& self,
                             Shared& shared) {
    constexpr std::uint64_t kNames = 0x1000;
    // A daemon that refuses every connection shall not be asked a million times a second.
    constexpr std::chrono::milliseconds kPauseAfterFailure{1};
    std::uint64_t attempt = 0;
    while (!shared.is_stopping &&
           (options.messages == 0 || self.rounds + self.failures < options.messages)) {
        // A name is free again only some time after its session has ended, hence always new ones.
        const std::string user =
            fmt::format("{:x}.{:x}.{:x}", self.number & 0xfffU, attempt++ % kNames, run & 0xfU);
        const Nanoseconds start = now_ns();
        auto session = open_session(options, self.daemon, user, false);
        const Nanoseconds end = now_ns();
        if (session) {
            session->disconnect();
            ++self.rounds;
            ++shared.rounds;
            if (shared.is_measuring) {
                self.times.record(static_cast<std::uint64_t>(end - start));
            }
        } else {
            ++self.failures;
            self.last_error = session.error();
            std::this_thread::sleep_for(kPauseAfterFailure);
        }
    }
    ++shared.finished;
}

Outcome conclude(const Options& options, const std::vector<std::unique_ptr<Connector>>& connectors,
                 double seconds, const CpuUse& cpu) {
    Histogram times;
    std::uint64_t failures = 0;
    std::string last_error;
    for (const auto& connector : connectors) {
        times.merge(connector->times);
        failures += connector->failures;
        last_error = connector->last_error.empty() ? last_error : connector->last_error;
    }
    const auto count = static_cast<double>(times.count());
    const std::vector<Work> work{{"connect and disconnect", "per_connect_us", count}};
    Outcome outcome;
    outcome.is_clean = failures == 0;
    outcome.text = fmt::format("connects: daemons {}, clients at a time {}\n",
                               options.daemons.size(), connectors.size());
    outcome.text +=
        fmt::format("rate        {:.0f} connects/s over {:.2f} s\n", count / seconds, seconds);
    outcome.text += "handshake   " + latency_text(times) + '\n';
    outcome.text += cpu_text(cpu, options, work);
    if (failures > 0) {
        outcome.text +=
            fmt::format("PROBLEM     {} connects failed, one of them: {}\n", failures, last_error);
    }
    Json& json = outcome.json;
    json = setup_json(options);
    json["clients"] = connectors.size();
    json["seconds"] = seconds;
    json["connects_per_s"] = count / seconds;
    json["failures"] = failures;
    json["last_error"] = last_error;
    json["latency"] = latency_json(times);
    json["cpu"] = cpu_json(cpu, options, work);
    json["ok"] = outcome.is_clean;
    return outcome;
}

}  // namespace

RunResult<Outcome> run_connects(const Options& options) {
    auto meter = CpuMeter::create(options.watched);
    if (!meter) {
        return failed(meter.error());
    }
    raise_descriptor_limit();
    const std::uint16_t run = make_run_id();
    // A daemon that is not there is an error of usage, not a thousand failed connections.
    for (std::size_t i = 0; i < options.daemons.size(); ++i) {
        if (auto session = open_session(options, i, make_user_name('x', i, run), false); !session) {
            return failed(session.error());
        }
    }
    std::vector<std::unique_ptr<Connector>> connectors;
    for (std::size_t i = 0; i < options.clients * options.daemons.size(); ++i) {
        connectors.push_back(std::make_unique<Connector>());
        connectors.back()->daemon = i % options.daemons.size();
        connectors.back()->number = i;
    }
    Shared shared;
    std::vector<std::thread> threads;
    threads.reserve(connectors.size());
    for (auto& connector : connectors) {
        threads.emplace_back(
            [&, self = connector.get()] { connect_again_and_again(options, run, *self, shared); });
    }

    const Nanoseconds measure_from = now_ns() + options.warmup;
    {
        Progress progress(!options.is_quiet);
        const auto until = [&](Nanoseconds time) {
            while (now_ns() < time && shared.finished < threads.size()) {
                progress.update(shared.rounds, "connects", 0);
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
        };
        if (options.warmup > 0) {
            until(measure_from);
        }
        meter->start();
        shared.is_measuring = true;
        until(options.messages > 0 ? std::numeric_limits<Nanoseconds>::max()
                                   : measure_from + options.duration);
    }
    shared.is_measuring = false;
    const double seconds = to_seconds(now_ns() - measure_from);
    const CpuUse cpu = meter->stop();
    shared.is_stopping = true;
    for (auto& thread : threads) {
        thread.join();
    }
    return conclude(options, connectors, seconds, cpu);
}

}  // namespace spread::spbench
