#include "tests/stress/many.hpp"

#include <sys/types.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tests/stress/daemon.hpp"
#include "tests/stress/loop.hpp"
#include "tests/support/test_ring.hpp"

namespace spread::stress {
namespace {

/// However slow the machine is.
constexpr auto kPatienceOfMany = std::chrono::minutes(5);
constexpr auto kLookEvery = std::chrono::milliseconds(50);
constexpr std::string_view kGroup = "239.77.0.2";

using Places = std::vector<std::size_t>;

class ManyTrial {
  public:
    ManyTrial(std::size_t daemons, const ManyOptions& options, Verdict& verdict)
        : options_(options),
          verdict_(verdict),
          started_(Clock::now()),
          ring_(daemons,
                {.loopback = false, .segment_address = std::string(kGroup), .extra_options = {}}) {}

    void run() {
        const std::size_t count = ring_.size();
        Places left(count / 2);
        Places right(count - left.size());
        std::iota(left.begin(), left.end(), 0);
        std::iota(right.begin(), right.end(), left.size());
        judge(
            "from start to one ring", {started_, {}, 0}, [] {},
            [this] { return are_together(all()); });
        phase(
            "apart",
            [&] {
                ring_.links().partition({left, right});
            },
            [&] { return are_together(left) && are_together(right); });
        phase(
            "healed", [&] { ring_.links().heal(); }, [&] { return are_together(all()); });
        phase(
            "half of them killed",
            [&] {
                for (const std::size_t daemon : right) {
                    ring_.daemon(daemon).crash();
                }
            },
            [&] { return are_together(left); });
        phase(
            "and started again",
            [&] {
                for (const std::size_t daemon : right) {
                    ring_.daemon(daemon).restart();
                }
            },
            [&] { return are_together(all()); });
    }

  private:
    [[nodiscard]] Places all() const {
        Places places(ring_.size());
        std::iota(places.begin(), places.end(), 0);
        return places;
    }

    /// The last configuration that each of them tells of has as many members as there are.
    [[nodiscard]] bool are_together(const Places& places) {
        const std::string wanted = fmt::format(
            "installed configuration of {} of {} daemons:", places.size(), ring_.size());
        return std::ranges::all_of(places, [&](std::size_t place) {
            const std::string log = ring_.daemon(place).log();
            const auto at = log.rfind("installed configuration of");
            return at != std::string::npos && log.compare(at, wanted.size(), wanted) == 0;
        });
    }

    /// What a process has used.
    struct Used {
        pid_t process = 0;
        double seconds = 0;
    };

    [[nodiscard]] std::vector<Used> used() {
        std::vector<Used> out(ring_.size());
        for (std::size_t i = 0; i < ring_.size(); ++i) {
            if (ring_.daemon(i).process().is_running()) {
                const pid_t process = ring_.daemon(i).process().pid();
                out[i] = {process, usage_of(process).cpu_seconds};
            }
        }
        return out;
    }

    /// Seconds of a processor a daemon.
    [[nodiscard]] static double between(const std::vector<Used>& before,
                                        const std::vector<Used>& now) {
        double sum = 0;
        for (std::size_t i = 0; i < now.size(); ++i) {
            const bool same = i < before.size() && before[i].process == now[i].process;
            sum += now[i].seconds - (same ? before[i].seconds : 0);
        }
        return sum / static_cast<double>(now.size());
    }

    [[nodiscard]] std::size_t configurations() {
        std::size_t most = 0;
        for (std::size_t i = 0; i < ring_.size(); ++i) {
            const std::string log = ring_.daemon(i).log();
            std::size_t count = 0;
            for (std::size_t at = 0;
                 (at = log.find("installed configuration of", at)) != std::string::npos; ++at) {
                ++count;
            }
            most = std::max(most, count);
        }
        return most;
    }

    void phase(const std::string& what, const std::function<void()>& act,
               const std::function<bool()>& done) {
        judge(what, {Clock::now(), used(), configurations()}, act, done);
    }

    struct Before {
        Clock::time_point at;
        std::vector<Used> used;
        std::size_t configurations = 0;
    };

    void judge(const std::string& what, const Before& before, const std::function<void()>& act,
               const std::function<bool()>& done) {
        act();
        bool is_done = done();
        while (!is_done && Clock::now() - before.at < kPatienceOfMany) {
            loop_.run_for(kLookEvery);
            is_done = done();
        }
        const std::chrono::duration<double> time = Clock::now() - before.at;
        const auto used_then = used();
        const std::size_t installed = configurations();
        loop_.run_for(options_.rest);
        const std::size_t later = configurations() - installed;
        verdict_.note(fmt::format(
            "  {}: {:.1f} s, at most {} configurations and {:.0f} ms of a processor a daemon; "
            "then {} more, and {:.1f} % of a processor a daemon",
            what, time.count(), installed - before.configurations,
            1000 * between(before.used, used_then), later,
            100 * between(used_then, used()) /
                std::chrono::duration<double>(options_.rest).count()));
        verdict_.check(is_done, fmt::format("{} daemons, {}: no rest", ring_.size(), what));
        verdict_.check(!options_.strict || later == 0,
                       fmt::format("{} daemons, {}: the ring broke", ring_.size(), what));
    }

    const ManyOptions& options_;
    Verdict& verdict_;
    Clock::time_point started_;
    support::TestRing ring_;
    Loop loop_;
};

}  // namespace

void run_many(const ManyOptions& options, Verdict& verdict) {
    for (const std::size_t daemons : options.daemons) {
        verdict.note(fmt::format("many: a ring of {} daemons on one machine", daemons));
        ManyTrial(daemons, options, verdict).run();
    }
}

}  // namespace spread::stress
