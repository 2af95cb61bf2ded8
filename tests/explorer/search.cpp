#include "tests/explorer/search.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <memory>
#include <new>

#include "protocol/rng.hpp"
#include "tests/explorer/arena.hpp"

namespace spread::explorer {
namespace {

/// Fingerprints, in a table of a power of two that is at most half full.
class StateSet {
  public:
    StateSet() : table_(std::size_t{1} << 16U) {}

    /// True if it is new.
    bool insert(std::uint64_t fingerprint) {
        if (2 * size_ >= table_.size()) {
            grow();
        }
        if (!put(table_, fingerprint == 0 ? 1 : fingerprint)) {
            return false;
        }
        ++size_;
        return true;
    }
    [[nodiscard]] std::uint64_t size() const { return size_; }

  private:
    static bool put(std::vector<std::uint64_t>& table, std::uint64_t fingerprint) {
        for (std::size_t i = fingerprint & (table.size() - 1);; i = (i + 1) & (table.size() - 1)) {
            if (table[i] == fingerprint) {
                return false;
            }
            if (table[i] == 0) {
                table[i] = fingerprint;
                return true;
            }
        }
    }
    void grow() {
        std::vector<std::uint64_t> larger(2 * table_.size());
        for (const std::uint64_t fingerprint : table_) {
            if (fingerprint != 0) {
                put(larger, fingerprint);
            }
        }
        table_ = std::move(larger);
    }

    std::vector<std::uint64_t> table_;
    std::uint64_t size_ = 0;
};

class Stopwatch {
  public:
    [[nodiscard]] double seconds() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
    }

  private:
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// The one world, in the arena. Never destroyed: its memory is put back or forgotten.
class Stage {
  public:
    explicit Stage(const Setup& setup) {
        // What is made once and stays must not lie in memory that is put back.
        static_cast<void>(std::make_unique<World>(setup)->make_peace());
        Arena::clear();
        World::reached = {};
        const Arena::Scope scope;
        world_ = new World(setup);
    }

    template <typename Call>
    decltype(auto) in(const Call& call) const {
        const Arena::Scope scope;
        return call(*world_);
    }

  private:
    World* world_;
};

/// A text that lies outside of the arena.
template <typename Call>
std::string text_of(const Stage& stage, const Call& call) {
    std::string* inside = stage.in([&](World& world) { return new std::string(call(world)); });
    return {inside->data(), inside->size()};
}

std::string violation_of(const Stage& stage) {
    const bool has = stage.in([](World& world) { return world.has_problem(); });
    return has ? text_of(stage, [](World& world) { return world.problem(); }) : std::string();
}

std::vector<Move> moves_of(const Stage& stage) {
    const auto* inside = stage.in([](World& world) {
        auto* moves = new std::vector<Move>;
        world.moves(*moves);
        return moves;
    });
    return {inside->begin(), inside->end()};
}

class Explorer {
  public:
    Explorer(const Setup& setup, const Limits& limits) : limits_(limits), stage_(setup) {}

    Outcome run() {
        visit(stage_.in([](World& world) { return world.fingerprint(); }));
        while (!levels_.empty() && outcome_.end == Outcome::End::kComplete) {
            step();
        }
        outcome_.states = states_.size();
        outcome_.seconds = watch_.seconds();
        return std::move(outcome_);
    }

  private:
    struct Level {
        Arena::Snapshot memory;
        std::vector<Move> moves;
        std::size_t next = 0;
    };

    void step() {
        Level& level = levels_.back();
        if (level.next == level.moves.size()) {
            spare_.push_back(std::move(level.memory));
            levels_.pop_back();
            return;
        }
        if ((outcome_.transitions & 1023U) == 0 &&
            (watch_.seconds() > limits_.seconds || states_.size() > limits_.states)) {
            outcome_.end = Outcome::End::kLimit;
            return;
        }
        Arena::restore(level.memory);
        const Move move = level.moves[level.next++];
        stage_.in([&move](World& world) { world.make(move); });
        ++outcome_.transitions;
        if (const std::string problem = violation_of(stage_); !problem.empty()) {
            fail(problem);
            return;
        }
        visit(stage_.in([](World& world) { return world.fingerprint(); }));
    }

    void visit(std::uint64_t fingerprint) {
        if (!states_.insert(fingerprint)) {
            return;
        }
        Level level;
        if (!spare_.empty()) {
            level.memory = std::move(spare_.back());
            spare_.pop_back();
        }
        Arena::save(level.memory);
        level.moves = moves_of(stage_);
        levels_.push_back(std::move(level));
        outcome_.depth = std::max(outcome_.depth, levels_.size() - 1);
        if (limits_.peace_every != 0 && fingerprint % limits_.peace_every == 0) {
            ++outcome_.peace_runs;
            const std::string problem =
                text_of(stage_, [](World& world) { return world.make_peace(); });
            if (!problem.empty()) {
                fail("in peace: " + problem);
            }
        }
    }

    void fail(const std::string& problem) {
        outcome_.end = Outcome::End::kViolation;
        outcome_.problem = problem;
        for (const Level& level : levels_) {
            if (level.next > 0) {
                Arena::restore(level.memory);
                const Move move = level.moves[level.next - 1];
                outcome_.path.push_back(
                    text_of(stage_, [&](World& world) { return world.name_of(move); }));
            }
        }
    }

    Limits limits_;
    Stage stage_;
    StateSet states_;
    Stopwatch watch_;
    std::vector<Level> levels_;
    std::vector<Arena::Snapshot> spare_;
    Outcome outcome_;
};

}  // namespace

Outcome explore(const Setup& setup, const Limits& limits) {
    return Explorer(setup, limits).run();
}

namespace {

/// One random move; the one that may always be made if nothing else comes.
Move draw(World& world, const Setup& setup, const Walk& share, protocol::Rng& rng) {
    const auto one_of = [&rng](const std::vector<Move>& moves) {
        return moves[rng.below(moves.size())];
    };
    const auto packets = world.deliveries();
    const auto dice = static_cast<std::uint32_t>(rng.below(100));
    if (dice < share.crashes) {
        std::vector<Move> ends;
        std::vector<Move> starts;
        for (std::size_t i = 0; i < world.size(); ++i) {
            world.is_up(i) ? ends.push_back({Move::Kind::kCrash, i})
                           : starts.push_back({Move::Kind::kRestart, i});
        }
        if (!starts.empty() && setup.restarts && rng.below(2) == 0) {
            return one_of(starts);
        }
        if (ends.size() > 1 && world.crashes() < setup.crashes) {
            return one_of(ends);
        }
    } else if (dice < share.crashes + share.timers) {
        if (const auto timers = world.timers(); !timers.empty()) {
            return one_of(timers);
        }
    } else if (dice < share.crashes + share.timers + share.drops) {
        if (!packets.empty()) {
            Move move = one_of(packets);
            move.kind = Move::Kind::kDrop;
            return move;
        }
    } else if (world.messages_submitted() < share.messages && rng.below(4) == 0) {
        const std::size_t daemon = rng.below(world.size());
        if (world.is_up(daemon)) {
            const bool toggles = world.joins() < setup.joins && rng.below(3) == 0;
            return {toggles ? Move::Kind::kToggle : Move::Kind::kSubmit, daemon};
        }
    }
    if (!packets.empty()) {
        return one_of(packets);
    }
    const auto timers = world.timers();
    return timers.empty() ? Move{Move::Kind::kSubmit, 0} : one_of(timers);
}

}  // namespace

Outcome walk(const Setup& setup, const Walk& how, const Limits& limits) {
    Setup unbounded = setup;
    unbounded.overtaking = 1000;
    unbounded.any_order = true;
    const Stage stage(unbounded);
    Arena::Snapshot start;
    Arena::save(start);
    const Stopwatch watch;
    protocol::Rng rng(how.seed);
    Outcome outcome;
    while (watch.seconds() < limits.seconds) {
        Arena::restore(start);
        outcome.path.clear();
        Walk share = how;
        share.messages = static_cast<std::uint32_t>(1 + rng.below(how.messages));
        share.drops = static_cast<std::uint32_t>(rng.below(how.drops + 1));
        share.timers = static_cast<std::uint32_t>(rng.below(how.timers + 1));
        share.crashes = static_cast<std::uint32_t>(rng.below(how.crashes + 1));
        std::string problem;
        for (std::size_t i = 0; i < how.moves && problem.empty(); ++i) {
            const Move move =
                stage.in([&](World& world) { return draw(world, unbounded, share, rng); });
            outcome.path.push_back(
                text_of(stage, [&](World& world) { return world.name_of(move); }));
            stage.in([&](World& world) { world.make(move); });
            ++outcome.transitions;
            problem = violation_of(stage);
        }
        if (problem.empty() && limits.peace_every != 0) {
            ++outcome.peace_runs;
            problem = text_of(stage, [](World& world) { return world.make_peace(); });
            if (!problem.empty()) {
                problem = "in peace: " + problem;
            }
        }
        outcome.depth = std::max(outcome.depth, outcome.path.size());
        ++outcome.states;  // walks
        if (!problem.empty()) {
            outcome.end = Outcome::End::kViolation;
            outcome.problem = problem;
            outcome.seconds = watch.seconds();
            return outcome;
        }
    }
    outcome.path.clear();
    outcome.seconds = watch.seconds();
    return outcome;
}

}  // namespace spread::explorer
