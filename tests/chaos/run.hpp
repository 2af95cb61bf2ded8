#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/chaos/client.hpp"
#include "tests/chaos/cluster.hpp"
#include "tests/chaos/fault_driver.hpp"
#include "tests/chaos/stage.hpp"

namespace spread::chaos {

struct Plan {
    std::chrono::seconds duration{300};
    std::size_t daemons = 5;
    std::size_t clients_per_daemon = 3;
    std::uint64_t seed = 0;
    std::vector<Fault> faults;
    std::filesystem::path directory;  ///< for logs and state; must exist
    std::string library;              ///< see Stage
    bool keeps_journal = false;       ///< written there after a violation in any case
    std::uint64_t sabotaged = 0;      ///< see Stage
    std::uint64_t hidden = 0;         ///< see RingHistory
};

enum class Verdict : std::uint8_t { kPassed, kViolated, kInterrupted };

/// One run: storms of faults and times of calm in turn. In each calm the cluster has to come to
/// rest: all clients back, one view of all of them at each of them, and everything delivered.
/// Says what goes on on standard output, once every ten seconds.
class Run {
  public:
    /// `interrupt` becomes true when somebody wants it to end.
    Run(const Plan& plan, const std::atomic<bool>& interrupt);

    Verdict execute();

  private:
    /// What a client sends last, and over which connection.
    struct Marker {
        std::uint64_t message = 0;
        checker::ClientId connection;
    };

    /// Lets everything go on until `condition` holds, the time is over or the run has to end. True
    /// when the condition held.
    bool go_on_until(Clock::time_point deadline, const std::function<bool()>& condition);
    void turn(std::chrono::milliseconds patience);
    [[nodiscard]] bool is_over() const { return interrupt_ || stage_.violation().has_value(); }
    void storm();
    void settle();
    /// One attempt: everybody sees everybody, says a last word and hears all the others'. False
    /// when the network changed in between, or the run has to end.
    bool exchange_markers(Clock::time_point deadline);
    [[nodiscard]] bool everybody_sees_everybody() const;
    [[nodiscard]] bool markers_came(const std::vector<Marker>& markers) const;
    [[nodiscard]] std::vector<std::string> what_everybody_sees() const;
    void finish();
    Verdict report();
    void print_progress(Clock::time_point now);

    Plan plan_;
    const std::atomic<bool>& interrupt_;
    protocol::Rng rng_;
    Cluster cluster_;
    Stage stage_;
    FaultDriver faults_;
    std::vector<std::unique_ptr<Client>> clients_;
    Clock::time_point started_ = Clock::now();
    Clock::time_point next_progress_;
    Clock::time_point next_cluster_tick_;
    Clock::time_point marked_at_;  ///< when the last markers were about to be sent
    std::size_t storms_ = 0;
    std::chrono::milliseconds slowest_settling_{0};
};

}  // namespace spread::chaos
