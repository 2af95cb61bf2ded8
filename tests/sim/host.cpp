#include "tests/sim/host.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "tests/sim/luck.hpp"
#include "tests/sim/simulator.hpp"
#include "tests/sim/take_if_set.hpp"

namespace spread::sim {
namespace {

using protocol::Duration;
using protocol::Instant;

constexpr std::size_t kReceiveQueueMax = 4096;
/// Simulated daemons start here, so that counters made of seconds look as they do in life.
constexpr std::uint64_t kEpochMs = 1700000000000;

std::uint64_t epoch_ms(const Tunables& tunables) {
    if (tunables.counters_left == 0) {
        return kEpochMs;
    }
    constexpr std::uint64_t kNextPass = std::uint64_t{25} << 32U;  // behind the epoch
    return (kNextPass - tunables.counters_left) * protocol::kRingCounterMs;
}

}  // namespace

Host::Host(Simulator& simulator, DaemonIndex index, const Scenario& scenario)
    : simulator_(simulator),
      scenario_(scenario),
      index_(index),
      id_{index + 1U},
      // Clocks of different machines have nothing to do with one another.
      local_base_(std::chrono::seconds(1000 + 77 * index)),
      key_luck_(stream(scenario.luck, "ring keys", index)) {
    if (scenario.tunables.sealed != 0) {
        mode_ = mode_of(scenario.tunables.sealed, index);
    }
}

Host::~Host() = default;

// Life ----------------------------------------------------------------------------------------

void Host::start(StateFate fate) {
    if (ring_) {
        if (leaving_) {
            start_after_leaving_ = fate;
        }
        return;
    }
    const auto wall_ms = [this] {
        const auto since = simulator_.now().time_since_epoch();
        const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
        return epoch_ms(scenario_.tunables) +
               static_cast<std::uint64_t>(ms + wall_offset_us_ / 1000);
    };
    const auto& found = fate == StateFate::kStale ? stored_before_ : stored_;
    if (fate != StateFate::kKept && lives_ > 0) {
        // A machine that lost its disk, or got an old one back, is away for longer than its rings
        // ran ahead of the clock.
        const std::uint64_t needed_ms =
            std::max((simulator_.highest_counter() + 2) * protocol::kRingCounterMs,
                     simulator_.highest_incarnation() + 1);
        if (wall_ms() < needed_ms) {
            wall_offset_us_ += static_cast<std::int64_t>(needed_ms - wall_ms()) * 1000;
        }
    }
    const driver::DaemonState state =
        driver::next_state(fate == StateFate::kLost ? std::nullopt : found, wall_ms());
    stored_before_ = stored_;
    stored_ = state;
    simulator_.note_counters(state.ring_counter, state.incarnation);

    ++lives_;
    ++generation_;
    simulator_.network().send_one_by_one(index_, {});
    life_ = simulator_.rings().on_start(id_);
    auto rng = stream(scenario_.luck, "daemon", (std::uint64_t{index_} << 32U) + lives_);
    std::size_t receive_queue_max = kReceiveQueueMax;
    take_if_set(receive_queue_max, scenario_.tunables.receive_queue);
    ring_ = std::make_unique<RingSide>(
        *this, simulator_, index_,
        RingSide::Setup{
            {ring_config(), protocol::Incarnation{state.incarnation}, state.ring_counter,
             protocol::Rng(rng.next())},
            queue_limits(),
            receive_queue_max,
            life_,
            mode_,
            *key_disk_.read(),
            stream(scenario_.luck, "entropy", (std::uint64_t{index_} << 32U) + lives_),
            scenario_.tunables.named == 0
                ? std::optional<protocol::Rng>()
                : stream(scenario_.luck, "names", (std::uint64_t{index_} << 32U) + lives_)});
    start_keys();
    start_sessions(protocol::Rng(rng.next()));
    sharing_luck_ = protocol::Rng(rng.next());
    shares_work_ = sharing_luck_.next() % 2 == 0;
    paused_ = false;
    leaving_ = false;
    busy_until_ = simulator_.now();
    simulator_.trace(TraceLevel::kStates, index_, '^', [&] {
        return "starts, incarnation " + std::to_string(state.incarnation) + ", counter " +
               std::to_string(state.ring_counter);
    });
    const std::uint32_t generation = generation_;
    ring_->start();
    if (generation == generation_) {
        schedule_next_ring_turn();
        end_session_turn();
    }
}

void Host::end_life() {
    end_ring();
    simulator_.rings().on_end(life_);
    ++generation_;
    paused_ = false;
    leaving_ = false;
    end_sessions();
}

void Host::crash() {
    if (ring_) {
        simulator_.trace(TraceLevel::kStates, index_, '!', [] { return std::string("crashes"); });
        start_after_leaving_.reset();
        end_life();
    }
}

/// As SessionServer begins to stop. The ring side leaves when all is sent that clients were
/// promised, or after its grace.
void Host::leave() {
    if (!ring_ || leaving_) {
        return;
    }
    simulator_.trace(TraceLevel::kStates, index_, '!', [] { return std::string("leaves"); });
    leaving_ = true;
    ring_->queues().leave_wanted = true;
    give_ring_back();
    ring_->ring_signal().notify(driver::RingQueues::kControl);
}

void Host::pause(bool stopped) {
    if (!ring_ || paused_ == stopped) {
        return;
    }
    paused_ = stopped;
    if (!stopped) {
        ring_turn_at_.reset();
        session_turn_at_.reset();
        schedule_ring_turn(simulator_.now());
        schedule_session_turn(Duration(0));
    }
}

void Host::clog_sessions(bool on) {
    sessions_clogged_ = on;
    if (!ring_) {
        return;
    }
    if (on) {
        give_ring_back();
    } else {
        schedule_session_turn(Duration(0));
    }
}

void Host::drift(std::int64_t ppm) {
    local_base_ = local_now();
    simulated_base_ = simulator_.now();
    drift_ppm_ = ppm;
    if (ring_) {
        schedule_next_ring_turn();
    }
}

// Time ----------------------------------------------------------------------------------------

Instant Host::local_now() const {
    const std::int64_t passed = (simulator_.now() - simulated_base_).count();
    return local_base_ + Duration(passed + passed / 1000 * drift_ppm_ / 1000);
}

Instant Host::simulated(Instant local) const {
    const std::int64_t wanted = (local - local_base_).count();
    std::int64_t passed = wanted - wanted / 1000 * drift_ppm_ / 1000;
    // The division above is off by second-order terms; never early.
    while (passed + passed / 1000 * drift_ppm_ / 1000 < wanted) {
        passed +=
            std::max<std::int64_t>(1, (wanted - passed - passed / 1000 * drift_ppm_ / 1000) / 2);
    }
    return simulated_base_ + Duration(passed);
}

Instant Host::simulator_now() const {
    return simulator_.now();
}

/// Of whichever side has the ring's work.
void Host::schedule_ring_turn(Instant at) {
    at = std::max({at, busy_until_, simulator_.now()});
    if (ring_ && ring_->queues().session_has_ring()) {
        schedule_session_turn_at(at);
        return;
    }
    if (paused_ || !ring_ || (ring_turn_at_ && *ring_turn_at_ <= at)) {
        return;
    }
    ring_turn_at_ = at;
    simulator_.post(at - simulator_.now(), EventKind::kRingTurn, index_, 0, generation_);
}

void Host::schedule_session_turn(Duration delay) {
    schedule_session_turn_at(simulator_.now() + delay +
                             std::chrono::microseconds(scenario_.tunables.session_delay_us));
}

void Host::schedule_session_turn_at(Instant at) {
    if (paused_ || !ring_ || (session_turn_at_ && *session_turn_at_ <= at)) {
        return;
    }
    session_turn_at_ = at;
    simulator_.post(at - simulator_.now(), EventKind::kSessionTurn, index_, 0, generation_);
}

// Looking inside ------------------------------------------------------------------------------

bool Host::is_quiet() const {
    return is_ring_quiet() && are_sessions_quiet() && ring_->is_empty();
}

}  // namespace spread::sim
