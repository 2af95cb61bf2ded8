#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include "tests/sim/run.hpp"
#include "tools/spsim/runner.hpp"
#include "tools/spsim/worker.hpp"

namespace spread::spsim {

/// A run that uses more of a processor does not end.
inline constexpr std::chrono::milliseconds kPatience{120000};

struct Batch {
    std::uint64_t first = 1;
    std::uint64_t seeds = 0;
    unsigned jobs = 1;
    bool unusual = false;  ///< generate_unusual()
    bool keeps_going = false;
    bool seals = false;  ///< generate_sealed()
    bool checks_determinism = false;
    std::chrono::milliseconds patience = kPatience;
};

struct BatchResult {
    std::uint64_t seeds = 0;  ///< that ran
    std::uint64_t failures = 0;
    /// Of all verdicts, whatever their order: equal for equal builds.
    std::uint64_t digest = 0;
    std::uint64_t engine_digest = 0;
    sim::RunStats sum;
    sim::Reached reached;
    std::array<std::uint64_t, sim::kGoals> seeds_reaching{};  ///< of each goal
    std::vector<std::uint32_t> events;                        ///< of each seed
    std::uint64_t busiest_seed = 0;                           ///< with the most events
    std::uint64_t events_most = 0;
};

/// Runs seeds in child processes and calls `on_failure` with each that fails, as they come, and
/// `on_progress` now and then. Stops at the first failure unless it keeps going.
[[nodiscard]] BatchResult run_batch(
    const Batch& batch, const Runner& runner,
    const std::function<void(std::uint64_t seed, const sim::Verdict&)>& on_failure,
    const std::function<void(const BatchResult&)>& on_progress);

/// Runs one scenario in `worker`, whose work is scenario_work(). A run that ends its process or
/// never ends gets a verdict as well.
[[nodiscard]] sim::Verdict run_isolated(Worker& worker, const sim::Scenario& scenario,
                                        std::chrono::milliseconds patience = kPatience);
[[nodiscard]] Worker::Work scenario_work(Runner runner, const sim::RunOptions& options);

}  // namespace spread::spsim
