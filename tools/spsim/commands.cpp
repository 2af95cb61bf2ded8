#include "tools/spsim/commands.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iomanip>
#include <iterator>
#include <map>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/generator.hpp"
#include "tests/sim/scenario_edit.hpp"
#include "tests/sim/shrink.hpp"
#include "tools/spsim/batch.hpp"
#include "tools/spsim/planted.hpp"
#include "tools/spsim/report.hpp"

namespace spread::spsim {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kFine = 0;
constexpr int kFailed = 1;
constexpr int kUnusable = 2;

std::uint64_t milliseconds_since(Clock::time_point start) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count());
}

/// Seeds per second so far, on a line that is drawn over, or every ten seconds on a new one.
class Progress {
  public:
    Progress(std::uint64_t seeds, Streams streams)
        : seeds_(seeds), streams_(streams), start_(Clock::now()), shown_(start_) {}

    void show(const BatchResult& result) {
        const auto every = std::chrono::milliseconds(streams_.has_terminal ? 500 : 10000);
        if (Clock::now() - shown_ < every) {
            return;
        }
        shown_ = Clock::now();
        std::ostringstream line;
        const std::uint64_t elapsed = std::max<std::uint64_t>(milliseconds_since(start_), 1);
        line << result.seeds << " of " << seeds_ << " seeds, " << result.seeds * 1000 / elapsed
             << " a second, " << result.failures
             << (result.failures == 1 ? " failure" : " failures");
        if (streams_.has_terminal) {
            streams_.messages << "\r" << line.str() << "\x1b[K" << std::flush;
            drawn_ = true;
        } else {
            streams_.messages << line.str() << std::endl;
        }
    }
    /// To be called before anything else is written.
    void clear() {
        if (std::exchange(drawn_, false)) {
            streams_.messages << "\r\x1b[K" << std::flush;
        }
    }
    [[nodiscard]] std::uint64_t elapsed_ms() const {
        return std::max<std::uint64_t>(milliseconds_since(start_), 1);
    }

  private:
    std::uint64_t seeds_;
    Streams streams_;
    Clock::time_point start_;
    Clock::time_point shown_;
    bool drawn_ = false;
};

void print_summary(const BatchResult& result, std::uint64_t elapsed_ms, std::ostream& out) {
    const std::uint64_t seeds = std::max<std::uint64_t>(result.seeds, 1);
    std::vector<std::uint32_t> events = result.events;
    std::sort(events.begin(), events.end());
    out << result.seeds << " seeds, " << result.failures
        << (result.failures == 1 ? " failure, " : " failures, ") << elapsed_ms / 1000 << "."
        << elapsed_ms / 100 % 10 << " s, " << result.seeds * 60000 / elapsed_ms
        << " seeds a minute\n";
    if (!events.empty()) {
        out << "per seed: events median " << events[events.size() / 2] << " mean "
            << result.sum.events / seeds << " most " << result.events_most << " (seed "
            << result.busiest_seed << "), packets " << result.sum.packets_sent / seeds
            << ", ring deliveries " << result.sum.ring_deliveries / seeds << ", client messages "
            << result.sum.client_messages / seeds << ", configurations "
            << result.sum.configurations / seeds << ", virtual time "
            << seconds(result.sum.virtual_us / seeds) << "\n";
    }
    out << "digest " << hex(result.digest) << "\n"
        << "engine digest " << hex(result.engine_digest) << "\n";
}

/// What the runs have come to. False: a goal was missed.
bool print_reached(const BatchResult& result, std::ostream& out) {
    bool all = true;
    out << "reached (times, seeds):\n";
    for (std::size_t i = 0; i < sim::kGoals; ++i) {
        all = all && result.reached.times[i] > 0;
        out << std::setw(9) << result.reached.times[i] << std::setw(7) << result.seeds_reaching[i]
            << "  " << sim::kGoalNames[i] << (result.reached.times[i] == 0 ? "  (never)" : "")
            << "\n";
    }
    return all;
}

int run_seeds(const Options& options, const Runner& runner, Streams streams) {
    Batch batch;
    batch.first = options.first;
    batch.seeds = *options.seeds;
    batch.jobs = options.jobs;
    batch.unusual = options.unusual;
    batch.keeps_going = options.keeps_going;
    batch.seals = options.seals;
    batch.checks_determinism = options.checks_determinism;
    Progress progress(batch.seeds, streams);
    std::map<std::string, std::uint64_t> properties;
    const BatchResult result = run_batch(
        batch, runner,
        [&](std::uint64_t seed, const sim::Verdict& verdict) {
            progress.clear();
            ++properties[verdict.violation->property];
            streams.out << failure_report(subject_of_seed(seed, options.seals, options.unusual),
                                          verdict)
                        << std::flush;
        },
        [&](const BatchResult& so_far) { progress.show(so_far); });
    progress.clear();
    print_summary(result, progress.elapsed_ms(), streams.out);
    for (const auto& [property, count] : properties) {
        streams.out << count << " x " << property << "\n";
    }
    const bool all_reached = print_reached(result, streams.out);
    return result.failures == 0 && (all_reached || !options.needs_goals) ? kFine : kFailed;
}

/// Whether `scenario` violates `property` in a way that means something. Properties of rest are due
/// only if nothing disturbs it and the time allowed is fair, which shrinking could undo.
bool still_fails(Worker& worker, const std::string& property, const sim::Scenario& scenario) {
    const bool is_about_rest = property.front() == 'L' || property.front() == 'R';
    if (is_about_rest) {
        const bool fair =
            std::all_of(scenario.steps.begin(), scenario.steps.end(), [&](const sim::Step& step) {
                return step.action != sim::Action::kSettle ||
                       step.within_us >= sim::settle_bound_us(scenario.tunables);
            });
        if (!fair || !sim::settles_in_peace(scenario)) {
            return false;
        }
    }
    const sim::Verdict verdict = run_isolated(worker, scenario);
    return verdict.violation && verdict.violation->property == property;
}

int shrink_and_write(const Options& options, const Subject& subject, const sim::Scenario& scenario,
                     const std::string& property, Worker& worker, Streams streams) {
    if (property == "E") {
        streams.messages << "an expectation of a scenario cannot be shrunk: steps that are missing "
                            "would break it too\n";
        return kFailed;
    }
    if (!still_fails(worker, property, scenario)) {
        streams.messages << subject.name << " violates " << property
                         << ", but only because its settle step is not due in peace or too early\n";
        return kFailed;
    }
    std::uint64_t runs = 0;
    sim::Scenario small = sim::shrink(
        scenario,
        [&](const sim::Scenario& candidate) {
            ++runs;
            return still_fails(worker, property, candidate);
        },
        options.shrink_runs_max);
    small.title = property + ", from " + subject.name;
    streams.messages << "shrunk from " << scenario.steps.size() << " to " << small.steps.size()
                     << " steps in " << runs << " runs\n";
    const std::string text = sim::format(small);
    if (options.output.empty()) {
        streams.out << text;
        return kFailed;
    }
    std::ofstream file(options.output);
    file << text;
    file.close();
    if (!file) {
        streams.messages << "cannot write " << options.output << "\n";
        return kUnusable;
    }
    streams.messages << "repeat: spsim --scenario " << options.output << " --trace\n";
    return kFailed;
}

int run_one(const Options& options, const Runner& runner, const Subject& subject,
            const sim::Scenario& scenario, Streams streams) {
    if (options.prints) {
        streams.out << sim::format(scenario);
        return kFine;
    }
    const Runner chosen =
        options.checks_determinism
            ? [&runner](const sim::Scenario& one,
                        const sim::RunOptions& how) { return run_twice(runner, one, how); }
            : runner;
    sim::RunOptions how = options.run;
    Worker worker(scenario_work(chosen, how));
    const sim::Verdict verdict = run_isolated(worker, scenario);
    for (const std::string& line : verdict.trace) {
        streams.out << line << "\n";
    }
    if (!verdict.violation) {
        const sim::RunStats& stats = verdict.stats;
        streams.out << "fine: " << subject.name << ", " << seconds(verdict.at_us) << " with "
                    << stats.events << " events, " << stats.packets_sent << " packets, "
                    << stats.ring_deliveries << " ring deliveries, " << stats.client_messages
                    << " client messages, " << stats.configurations << " configurations\n"
                    << "digest " << hex(verdict.digest) << "\n"
                    << "engine digest " << hex(verdict.engine_digest) << "\n";
        return kFine;
    }
    streams.out << failure_report(subject, verdict);
    if (options.shrinks) {
        how.trace = sim::TraceLevel::kNone;
        Worker silent(scenario_work(chosen, how));
        return shrink_and_write(options, subject, scenario, verdict.violation->property, silent,
                                streams);
    }
    return kFailed;
}

int run_files(const Options& options, const Runner& runner, Streams streams) {
    int status = kFine;
    for (const std::string& name : options.scenarios) {
        std::ifstream file(name, std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        if (!file) {
            streams.messages << "cannot read " << name << "\n";
            return kUnusable;
        }
        const auto scenario = sim::parse_scenario(text);
        if (!scenario) {
            streams.messages << name << ":" << scenario.error().line << ": "
                             << scenario.error().text << "\n";
            return kUnusable;
        }
        status =
            std::max(status, run_one(options, runner, subject_of_file(name), *scenario, streams));
        if (status != kFine && !options.keeps_going) {
            break;
        }
    }
    return status;
}

}  // namespace

int run_command(const Options& options, const Runner& runner, Streams streams) {
    if (!options.planted_bug.empty()) {
        plant(options.planted_bug);
    }
    if (options.seeds) {
        return run_seeds(options, runner, streams);
    }
    if (options.seed) {
        return run_one(options, runner,
                       subject_of_seed(*options.seed, options.seals, options.unusual),
                       options.seals     ? sim::generate_sealed(*options.seed)
                       : options.unusual ? sim::generate_unusual(*options.seed)
                                         : sim::generate(*options.seed),
                       streams);
    }
    return run_files(options, runner, streams);
}

}  // namespace spread::spsim
