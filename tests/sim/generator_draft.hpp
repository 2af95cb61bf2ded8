#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/sim/luck.hpp"
#include "tests/sim/scenario.hpp"

/// What the parts of the generator share. Every idea draws from a stream of its own, so that a
/// change in one leaves the others' scenarios alone.
namespace spread::sim {

/// Numbers between bounds, integer arithmetic only: the same with every compiler.
class Draw {
  public:
    Draw(std::uint64_t seed, std::string_view name) : rng_(stream(seed, name)) {}

    /// Both ends included.
    [[nodiscard]] std::uint64_t between(std::uint64_t least, std::uint64_t most) {
        return least + rng_.below(most - least + 1);
    }
    [[nodiscard]] std::uint32_t between32(std::uint32_t least, std::uint32_t most) {
        return static_cast<std::uint32_t>(between(least, most));
    }
    /// Mostly near the lower end, every order of magnitude about equally often.
    [[nodiscard]] std::uint64_t skewed(std::uint64_t least, std::uint64_t most) {
        std::uint64_t span = most - least;
        std::uint64_t halvings = 0;
        while (span >> halvings > 1) {
            ++halvings;
        }
        return least + rng_.below((span >> rng_.below(halvings + 1)) + 1);
    }
    [[nodiscard]] std::uint32_t skewed32(std::uint32_t least, std::uint32_t most) {
        return static_cast<std::uint32_t>(skewed(least, most));
    }
    [[nodiscard]] bool percent(std::uint64_t share) { return rng_.chance(share, 100); }

    template <typename Value>
    [[nodiscard]] const Value& one_of(const std::vector<Value>& values) {
        return values[rng_.below(values.size())];
    }
    /// An index, as likely as its weight.
    [[nodiscard]] std::size_t weighted(const std::vector<std::uint32_t>& weights) {
        std::uint64_t sum = 0;
        for (const std::uint32_t weight : weights) {
            sum += weight;
        }
        std::uint64_t left = rng_.below(sum);
        std::size_t index = 0;
        while (left >= weights[index]) {
            left -= weights[index++];
        }
        return index;
    }
    template <typename Value>
    void shuffle(std::vector<Value>& values) {
        for (std::size_t i = values.size(); i > 1; --i) {
            std::swap(values[i - 1], values[rng_.below(i)]);
        }
    }

  private:
    protocol::Rng rng_;
};

/// The timeouts that hold for the run, defaults filled in.
struct Timeouts {
    std::uint64_t token_loss_us = 0;
    std::uint64_t token_loss_max_us = 0;
    std::uint64_t consensus_us = 0;
    std::uint64_t start_us = 0;
    std::uint64_t merge_detect_us = 0;
};

/// A life of a daemon ends: its clients lose their connections.
struct Outage {
    std::uint64_t at_us = 0;
    DaemonIndex daemon = 0;
};

/// A scenario being written. Steps are pushed in any order and sorted by time in the end.
struct Draft {
    std::uint64_t seed = 0;
    Scenario scenario;
    Timeouts timeouts;
    std::uint64_t faults_us = 0;            ///< the first fault
    std::uint64_t peace_us = 0;             ///< no fault from here on
    std::vector<std::uint64_t> started_us;  ///< by daemon
    std::vector<DaemonIndex> core;          ///< up and connected in peace
    std::vector<Outage> outages;
    /// Daemons whose wall clock is set back at times. Their state files stay, since without file
    /// and clock nothing remembers which incarnations were used.
    std::vector<bool> clock_goes_back;

    void push(std::uint64_t at_us, Step step) {
        step.when.kind = Moment::Kind::kAt;
        step.when.time_us = at_us;
        scenario.steps.push_back(std::move(step));
    }
    /// A step about some daemons (or links between two).
    void push(std::uint64_t at_us, Action action, std::vector<std::uint16_t> who,
              std::int64_t value = 0) {
        Step step;
        step.action = action;
        step.who = std::move(who);
        step.value = value;
        push(at_us, std::move(step));
    }
    [[nodiscard]] DaemonIndex any_daemon(Draw& draw) const {
        return static_cast<DaemonIndex>(draw.between(0, scenario.daemons() - 1));
    }
    /// Two different daemons.
    [[nodiscard]] std::vector<std::uint16_t> any_link(Draw& draw) const {
        const DaemonIndex from = any_daemon(draw);
        const auto others = scenario.daemons() - 1;
        const auto step = draw.between(1, others);
        return {from, static_cast<std::uint16_t>((from + step) % (others + 1))};
    }
    /// A time while faults are going on.
    [[nodiscard]] std::uint64_t any_time(Draw& draw) const {
        return draw.between(faults_us, peace_us - 1);
    }
    /// The end of something that begins at `from_us`, before peace: usually so late that the ring
    /// notices, sometimes almost at once.
    [[nodiscard]] std::uint64_t soon_after(Draw& draw, std::uint64_t from_us) const {
        const std::uint64_t scale = timeouts.token_loss_us;
        const std::uint64_t until = from_us + (draw.percent(65) ? draw.between(scale / 2, 4 * scale)
                                                                : draw.skewed(10, scale));
        return until < peace_us ? until : peace_us - 1;
    }
};

/// The version of the configuration that all daemons start with.
inline constexpr std::int64_t kFirstConfiguration = 0;

/// What machines that are moved, or that have too much to do, let their processes wait.
inline constexpr std::uint64_t kHostPauseLeastUs = 100'000;
inline constexpr std::uint64_t kHostPauseMostUs = 2'000'000;

void draw_tunables(Draft& draft);
void draw_faults(Draft& draft);
/// One fault that lasts until peace, and a check that those whom it does not touch stay together.
void draw_lasting_fault(Draft& draft);
void draw_workload(Draft& draft);

/// Packets of a daemon that dies reach nobody, later ones do.
void draw_holes(Draft& draft);

/// What an unusual seed is about.
enum class Size : std::uint8_t {
    kUsual,      ///< as other seeds, with holes
    kRing,       ///< 64 to 128 daemons
    kCrowd,      ///< a group of thousands
    kHours,      ///< of virtual time
    kWindows,    ///< full of packets, with losses
    kRecoveries  ///< of a lost sender's messages, interrupted again and again
};
[[nodiscard]] Size size_of(std::uint64_t seed);
/// The cluster, numbers and faults of a size that is not usual, up to peace; of kCrowd, kWindows
/// and kRecoveries the clients as well.
void draw_size(Draft& draft, Size size);
/// What is counted comes near its end.
void draw_numbers(Draft& draft);
[[nodiscard]] Step any_partition(const Draft& draft, Draw& draw);

}  // namespace spread::sim
