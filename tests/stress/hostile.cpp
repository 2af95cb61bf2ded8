#include "tests/stress/hostile.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <system_error>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "daemon/host/unique_fd.hpp"
#include "tests/stress/hostile_load.hpp"
#include "tests/stress/worker.hpp"

namespace spread::stress {
namespace {

/// What hostile clients may have the daemon keep at once: many queues, and whatever the allocator
/// does not give back.
constexpr std::size_t kMemoryBoundKib = 96 * 1024;
constexpr auto kProgressEvery = std::chrono::seconds(1);
constexpr std::size_t kProbesAtOnce = 20;

/// The generator's process.
int attack(const Door& door, const std::vector<Recording>& recordings,
           const HostileLoad::Plan& plan, const Worker::Say& say) {
    Loop loop;
    HostileLoad load(loop, door, recordings, plan);
    load.start();
    auto next_report = Clock::now() + kProgressEvery;
    while (!load.is_done()) {
        loop.turn(std::chrono::milliseconds(20));
        if (Clock::now() >= next_report) {
            next_report += kProgressEvery;
            const auto open = load.open();
            say(fmt::format("{} held, open: {}", load.counts().held, fmt::join(open, " ")));
        }
    }
    const auto& counts = load.counts();
    std::string kinds;
    for (std::size_t i = 0; i < kKinds; ++i) {
        kinds += fmt::format("{}{} of {}", i == 0 ? "" : ", ", counts.of_kind[i],
                             to_string(static_cast<Kind>(i)));
    }
    say(fmt::format("{} held; sent {} KiB, received {} KiB; {} found nobody", counts.held,
                    counts.bytes_sent / 1024, counts.bytes_received / 1024, counts.not_connected));
    say(kinds);
    return counts.not_connected == 0 ? 0 : 1;
}

/// Names that cannot be had although everybody who bore one is gone.
std::vector<std::string> taken_names(Loop& loop, const Door& door,
                                     const std::vector<std::string>& names) {
    std::deque<std::string> waiting(names.begin(), names.end());
    std::vector<std::unique_ptr<Client>> probes;
    std::vector<std::string> taken;
    static_cast<void>(loop.run_until([&] {
        std::erase_if(probes, [](const auto& probe) {
            return probe->state() == Client::State::kClosed || probe->is_open();
        });
        while (!waiting.empty() && probes.size() < kProbesAtOnce) {
            auto probe =
                std::make_unique<Client>(loop, door, Client::Options{.name = waiting.front()});
            waiting.pop_front();
            probe->on_end = [&taken, name = probe->name()](const std::string& why) {
                taken.push_back(name + " (" + why + ")");
            };
            probe->connect();
            probes.push_back(std::move(probe));
        }
        return probes.empty() && waiting.empty();
    }));
    for (const auto& probe : probes) {
        taken.push_back(probe->name() + " (no answer)");
    }
    return taken;
}

/// What a process like the generator costs the well-behaved clients by being there, whatever it
/// does.
void measure_busy_machine(Stage& stage, const Settings& settings, int niceness) {
    const Worker spinner(stage.loop(), niceness, [](const Worker::Say&) {
        std::atomic<unsigned> count = 0;
        while (count.fetch_add(1, std::memory_order_relaxed) < UINT_MAX) {
        }
        return 0;
    });
    stage.measure_beside("busy beside", settings.quiet);
}

/// A part of the conversations. Fails when the daemon does not outlive them.
void hold_conversations(Stage& stage, const HostileOptions& options,
                        const std::vector<Recording>& recordings, std::uint64_t first,
                        std::uint64_t count) {
    Verdict& verdict = stage.verdict();
    const HostileLoad::Plan plan{.seed = options.seed,
                                 .first = first,
                                 .count = count,
                                 .parallel = options.parallel,
                                 .rate = options.rate};
    const double cpu_before = stage.daemon().usage().cpu_seconds;
    const auto started = Clock::now();
    stage.begin_load();
    Worker generator(stage.loop(), options.niceness, [&](const Worker::Say& say) {
        return attack(stage.daemon().door(), recordings, plan, say);
    });
    while (!generator.status() && stage.is_sound()) {
        stage.loop().turn(std::chrono::milliseconds(100));
    }
    const auto seconds = std::chrono::duration<double>(Clock::now() - started).count();
    if (!generator.status()) {
        generator.kill();
        verdict.fail(fmt::format(
            "seed {}: trouble during these conversations, or shortly before: {}", options.seed,
            generator.lines().empty() ? "the first" : generator.lines().back()));
        if (!stage.daemon().is_running()) {
            verdict.note(stage.daemon().last_words());
        }
        return;
    }
    verdict.check(generator.status() == 0, "the load ended badly; the daemon is not reached?");
    const auto& lines = generator.lines();
    for (std::size_t i = lines.size() - std::min<std::size_t>(lines.size(), 2); i < lines.size();
         ++i) {
        verdict.note("  " + lines[i]);
    }
    verdict.note(fmt::format("  {:.1f} s, {:.0f} conversations a second; the daemon used {:.1f} s",
                             seconds, static_cast<double>(count) / seconds,
                             stage.daemon().usage().cpu_seconds - cpu_before));
    if (options.part != 0) {
        stage.end_part(fmt::format("{} to {}", first, first + count - 1));
    }
}

/// Locks of files, all held or none.
class MachineLocks {
  public:
    explicit MachineLocks(const std::vector<std::string>& paths) {
        for (const std::string& path : paths) {
            files_.emplace_back(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
            if (!files_.back()) {
                throw std::system_error(errno, std::generic_category(), path);
            }
        }
    }

    /// In their order, each when its turn comes; `pass_time` is called meanwhile.
    void take(const std::function<void(std::chrono::milliseconds)>& pass_time) {
        const auto taken = std::async(std::launch::async, [this] {
            for (const daemon::UniqueFd& file : files_) {
                while (::flock(file.get(), LOCK_EX) != 0 && errno == EINTR) {
                }
            }
        });
        while (taken.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
            pass_time(std::chrono::milliseconds(50));
        }
    }

    void release() {
        for (const daemon::UniqueFd& file : files_) {
            ::flock(file.get(), LOCK_UN);
        }
    }

  private:
    std::vector<daemon::UniqueFd> files_;
};

}  // namespace

void run_hostile(const Settings& settings, const HostileOptions& options, Verdict& verdict) {
    const auto recordings = load_recordings(std::filesystem::path(SPREAD_TEST_DATA) / "golden");
    verdict.note(fmt::format("hostile: seed {}, conversations {} to {}, {} at a time", options.seed,
                             options.first, options.first + options.conversations - 1,
                             options.parallel));
    MachineLocks locks(options.locks);
    locks.take([](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); });
    Stage stage(settings, verdict);
    measure_busy_machine(stage, settings, options.niceness);
    const std::uint64_t part = options.part == 0 ? options.conversations : options.part;
    std::uint64_t held = 0;
    while (held < options.conversations && verdict.passed()) {
        if (held > 0) {
            locks.take([&](std::chrono::milliseconds time) { stage.loop().run_for(time); });
            stage.measure_quiet();
        }
        const std::uint64_t count = std::min(part, options.conversations - held);
        hold_conversations(stage, options, recordings, options.first + held, count);
        held += count;
        locks.release();
    }
    if (verdict.passed()) {
        stage.end_load("hostile load");
        stage.await_baseline();
        const auto taken =
            taken_names(stage.loop(), stage.daemon().door(), hostile_names(recordings));
        verdict.check(taken.empty(),
                      fmt::format("names are not free again: {}", fmt::join(taken, ", ")));
        stage.await_baseline();
        stage.check_memory("hostile load", kMemoryBoundKib);
    }
    stage.finish();
    if (!verdict.passed()) {
        verdict.note(fmt::format("to repeat: hostile --seed {} --first {} --conversations {}",
                                 options.seed, options.first, options.conversations));
    }
}

}  // namespace spread::stress
