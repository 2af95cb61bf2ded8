// The explorer's command; see docs/correctness.md.

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "tests/explorer/search.hpp"

namespace {

using spread::explorer::Limits;
using spread::explorer::Outcome;
using spread::explorer::Setup;
using spread::explorer::Walk;
using spread::explorer::World;

constexpr int kViolation = 1;
constexpr int kUsageError = 2;
constexpr int kIncomplete = 3;

struct Options {
    Setup setup;
    Walk walk;
    Limits limits;
    bool walks = false;
};

/// The exit status when there is nothing to do.
std::optional<int> parse(int argc, const char* const* argv, Options& options) {
    CLI::App app(
        "Takes a few real ring engines through every order of a bounded number of events, or with "
        "--walk "
        "through random ones, with the checker of their histories looking on.",
        "spexplore");
    Setup& setup = options.setup;
    app.add_option("-n,--daemons", setup.daemons)->check(CLI::Range(1, 8))->capture_default_str();
    app.add_option("--drops", setup.drops, "Packets lost")->capture_default_str();
    app.add_option("--timers", setup.timers, "Deadlines that come early")->capture_default_str();
    app.add_option("--messages", setup.messages, "Submitted")->capture_default_str();
    app.add_option("--crashes", setup.crashes)->capture_default_str();
    app.add_flag("--groups", setup.groups, "The group layer on top, with a client at each daemon");
    app.add_option("--joins", setup.joins, "With --groups: clients leave or join so often")
        ->capture_default_str();
    app.add_flag("--restarts", setup.restarts, "Crashed daemons may come back");
    app.add_flag("--boot", setup.from_boot,
                 "Begin before the first ring, not with a token at rest");
    app.add_flag("--accelerated", setup.accelerated, "Packets follow the token");
    app.add_option("--lease-after", setup.lease_after_hits, "0: never")->capture_default_str();
    app.add_option("--message-bytes", setup.message_bytes)
        ->check(CLI::Range(3, 2000))
        ->capture_default_str();
    app.add_option("--overtaking", setup.overtaking,
                   "Of the packets under way, how many may be next")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    app.add_option("--seconds", options.limits.seconds, "At most")->capture_default_str();
    app.add_option("--states", options.limits.states, "At most")->capture_default_str();
    app.add_option("--peace-every", options.limits.peace_every,
                   "A run in peace from one in so many states; 0: none")
        ->capture_default_str();
    app.add_flag("--walk", options.walks, "Random walks until --seconds are over");
    app.add_option("--seed", options.walk.seed, "Of the walks")->capture_default_str();
    app.add_option("--moves", options.walk.moves, "Of each walk")->capture_default_str();
    app.footer(
        "Exit status: 0 all of it is seen (or the walks' time is over) and everything holds, 1 "
        "something does not, 2 wrong usage, 3 a limit came first.\n"
        "Example: spexplore -n 2 --drops 1 --timers 2");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : kUsageError;
    }
    return std::nullopt;
}

int report(const Options& options, const Outcome& outcome) {
    const bool failed = outcome.end == Outcome::End::kViolation;
    if (failed) {
        std::printf("FAIL %s\n", outcome.problem.c_str());
        if (options.walks) {
            std::printf("     walk of seed %llu\n",
                        static_cast<unsigned long long>(options.walk.seed));
        }
        for (const std::string& move : outcome.path) {
            std::printf("     %s\n", move.c_str());
        }
    }
    const auto& reached = World::reached;
    const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
    std::printf("%s: %llu %s, %llu transitions, depth %zu, %llu runs in peace, %.1f s\n",
                failed                                ? "failed"
                : outcome.end == Outcome::End::kLimit ? "incomplete"
                : options.walks                       ? "walked"
                                                      : "complete",
                number(outcome.states), options.walks ? "walks" : "states",
                number(outcome.transitions), outcome.depth, number(outcome.peace_runs),
                outcome.seconds);
    std::printf(
        "recoveries %llu, with packets %llu, with a hole %llu, with a promise to a lost sender "
        "%llu, with both %llu, interrupted %llu\n",
        number(reached.recoveries), number(reached.with_packets), number(reached.with_hole),
        number(reached.with_promise), number(reached.with_both), number(reached.interrupted));
    if (options.setup.groups) {
        std::printf("exchanges of group state %llu, into which a transition came %llu\n",
                    number(reached.exchanges), number(reached.exchanges_in_transition));
    }
    return failed ? kViolation : outcome.end == Outcome::End::kLimit ? kIncomplete : 0;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    if (const auto status = parse(argc, argv, options)) {
        return *status;
    }
    const Outcome outcome =
        options.walks ? spread::explorer::walk(options.setup, options.walk, options.limits)
                      : spread::explorer::explore(options.setup, options.limits);
    return report(options, outcome);
}
