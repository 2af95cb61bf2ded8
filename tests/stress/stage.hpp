#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tests/stress/daemon.hpp"
#include "tests/stress/latency.hpp"
#include "tests/stress/loop.hpp"
#include "tests/stress/steady_clients.hpp"

namespace spread::stress {

/// What every trial is told.
struct Settings {
    std::filesystem::path program;          ///< the daemon
    std::string daemon_options;             ///< lines for its configuration
    std::chrono::milliseconds quiet{5000};  ///< how long latencies are measured without load
    std::size_t clients = 4;
    std::chrono::milliseconds interval{20};  ///< between the messages of each of them
    std::uint64_t sabotaged = 0;             ///< see SteadyClients::Options::overlooked
    double ratio_max = 0;  ///< of the p99 under load to the quiet one; 0: not judged
};

/// Prints what is found, and remembers whether anything was wrong.
class Verdict {
  public:
    void note(const std::string& line) const;
    void fail(const std::string& problem);
    void check(bool holds, const std::string& problem) {
        if (!holds) {
            fail(problem);
        }
    }
    [[nodiscard]] bool passed() const { return passed_; }

  private:
    bool passed_ = true;
};

/// A daemon, and well-behaved clients on it that must not notice what a trial does to the daemon.
class Stage {
  public:
    Stage(const Settings& settings, Verdict& verdict);

    [[nodiscard]] Loop& loop() { return loop_; }
    [[nodiscard]] Daemon& daemon() { return daemon_; }
    [[nodiscard]] Verdict& verdict() { return verdict_; }

    /// Once more, after a part of the load; the first time is before everything.
    void measure_quiet();
    /// From here on latencies count as those under load.
    void begin_load();
    /// Prints them. `what` names the part of the load.
    void end_part(std::string_view what);
    /// Prints those of all parts with those of the quiet times.
    void end_load(std::string_view what);
    /// Latencies while something else than the daemon is busy, for comparison.
    void measure_beside(std::string_view what, std::chrono::milliseconds time);
    /// Waits until the daemon has no descriptors but those of before.
    void await_baseline();
    /// Prints memory, and checks that its peak stayed within `bound_kib` above the start.
    void check_memory(std::string_view what, std::size_t bound_kib);
    /// Nothing may be missing, and the daemon has to stop as told.
    void finish();

    [[nodiscard]] const Usage& before() const { return before_; }
    /// The daemon is there, and nobody well-behaved has complained. Trials give up otherwise.
    [[nodiscard]] bool is_sound();

  private:
    Verdict& verdict_;
    Settings settings_;
    Loop loop_;
    Daemon daemon_;
    SteadyClients steady_;
    Usage before_;
    Latencies quiet_;
    Latencies loaded_;
};

}  // namespace spread::stress
