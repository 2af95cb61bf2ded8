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
constexpr std::size_t kDeliveriesMax = 4096;
constexpr std::size_t kSubmissionsMax = 512;
/// Simulated daemons start here, so that counters made of seconds look as they do in life.
constexpr std::uint64_t kEpochMs = 1700000000000;

}  // namespace

Host::Host(Simulator& simulator, DaemonIndex index, const Scenario& scenario)
    : simulator_(simulator),
      scenario_(scenario),
      index_(index),
      id_{index + 1U},
      // Clocks of different machines have nothing to do with one another.
      local_base_(std::chrono::seconds(1000 + 77 * index)),
      receive_queue_max_(kReceiveQueueMax),
      deliveries_max_(kDeliveriesMax),
      submit_queue_max_(kSubmissionsMax) {
    take_if_set(receive_queue_max_, scenario.tunables.receive_queue);
    take_if_set(deliveries_max_, scenario.tunables.delivery_queue);
    take_if_set(submit_queue_max_, scenario.tunables.submit_queue);
}

Host::~Host() = default;

// Life ----------------------------------------------------------------------------------------

void Host::start(StateFate fate) {
    if (engine_) {
        return;
    }
    const auto wall_ms = [this] {
        const auto since = simulator_.now().time_since_epoch();
        const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
        return kEpochMs + static_cast<std::uint64_t>(ms + wall_offset_us_ / 1000);
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
    const daemon::DaemonState state =
        daemon::next_state(fate == StateFate::kLost ? std::nullopt : found, wall_ms());
    stored_before_ = stored_;
    stored_ = state;
    simulator_.note_counters(state.ring_counter, state.incarnation);

    ++lives_;
    ++generation_;
    life_ = simulator_.rings().on_start(id_);
    auto rng = stream(scenario_.luck, "daemon", (std::uint64_t{index_} << 32U) + lives_);
    engine_ = std::make_unique<membership::RingEngine>(
        ring_config(), protocol::Incarnation{state.incarnation}, state.ring_counter,
        protocol::Rng(rng.next()), simulator_.pool(), static_cast<membership::Tracer&>(*this));
    start_sessions(protocol::Rng(rng.next()));
    paused_ = false;
    busy_until_ = simulator_.now();
    simulator_.trace(TraceLevel::kStates, index_, '^', [&] {
        return "starts, incarnation " + std::to_string(state.incarnation) + ", counter " +
               std::to_string(state.ring_counter);
    });
    grant_room();
    engine_->on_start(local_now(), out_);
    dispatch();
    schedule_deadline();
}

void Host::end_life() {
    end_ring();
    simulator_.rings().on_end(life_);
    ++generation_;
    deliveries_.clear();
    submissions_.clear();
    control_.clear();
    paused_ = false;
    end_sessions();
}

void Host::crash() {
    if (engine_) {
        simulator_.trace(TraceLevel::kStates, index_, '!', [] { return std::string("crashes"); });
        end_life();
    }
}

void Host::leave() {
    if (!engine_) {
        return;
    }
    simulator_.trace(TraceLevel::kStates, index_, '!', [] { return std::string("leaves"); });
    const std::uint32_t generation = generation_;
    engine_->on_leave(local_now(), out_);
    dispatch();
    if (generation == generation_) {
        end_life();
    }
}

void Host::pause(bool stopped) {
    if (!engine_ || paused_ == stopped) {
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
    if (!on && engine_) {
        schedule_session_turn(Duration(0));
    }
}

void Host::drift(std::int64_t ppm) {
    local_base_ = local_now();
    simulated_base_ = simulator_.now();
    drift_ppm_ = ppm;
    schedule_deadline();
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

void Host::schedule_ring_turn(Instant at) {
    at = std::max({at, busy_until_, simulator_.now()});
    if (paused_ || !engine_ || (ring_turn_at_ && *ring_turn_at_ <= at)) {
        return;
    }
    ring_turn_at_ = at;
    simulator_.post(at - simulator_.now(), EventKind::kRingTurn, index_, 0, generation_);
}

void Host::schedule_session_turn(Duration delay) {
    const Instant at =
        simulator_.now() + delay + std::chrono::microseconds(scenario_.tunables.session_delay_us);
    if (paused_ || !engine_ || (session_turn_at_ && *session_turn_at_ <= at)) {
        return;
    }
    session_turn_at_ = at;
    simulator_.post(at - simulator_.now(), EventKind::kSessionTurn, index_, 0, generation_);
}

void Host::schedule_deadline() {
    if (engine_) {
        if (const auto deadline = engine_->next_deadline()) {
            schedule_ring_turn(simulated(*deadline));
        }
    }
}

// Looking inside ------------------------------------------------------------------------------

bool Host::is_quiet() const {
    return is_ring_quiet() && are_sessions_quiet() && deliveries_.empty() && submissions_.empty() &&
           control_.empty();
}

}  // namespace spread::sim
