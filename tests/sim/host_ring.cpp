#include <algorithm>
#include <string>
#include <utility>

#include "tests/sim/host.hpp"
#include "tests/sim/luck.hpp"
#include "tests/sim/ring_settings.hpp"
#include "tests/sim/simulator.hpp"

namespace spread::sim {
namespace {

/// How often a daemon may have to send a packet again, on average: there may be many receivers, and
/// any of them may lose it several times.
constexpr std::uint64_t kResentPerPacket = 20;

}  // namespace

membership::RingConfig Host::ring_config() const {
    membership::RingConfig config =
        ring_config_of(scenario_.tunables, static_cast<std::uint32_t>(scenario_.daemons()), id_,
                       7 + config_version_);
    config.wire_greatest = wire_greatest_;
    if (const std::uint32_t left = scenario_.tunables.packets_left; left != 0) {
        config.before_first_seq = protocol::Seq{(std::uint64_t{1} << 32U) - left};
    }
    for (const DaemonIndex mate : simulator_.network().segment_mates(index_)) {
        config.group_mates.push_back(protocol::DaemonId{mate + 1U});
    }
    return config;
}

driver::QueueLimits Host::queue_limits() const {
    driver::QueueLimits limits;
    const Tunables& t = scenario_.tunables;
    // Where a queue is short its bytes are scarce as well.
    constexpr std::size_t kBytesEach = 300;
    if (t.delivery_queue != 0) {
        limits.deliveries = t.delivery_queue;
        limits.delivered_bytes = t.delivery_queue * kBytesEach;
    }
    if (t.submit_queue != 0) {
        limits.submissions = t.submit_queue;
        limits.submitted_bytes = t.submit_queue * kBytesEach;
    }
    return limits;
}

void Host::end_ring() {
    check_retransmissions();
    ring_->die();
    if (ring_->is_in_turn()) {
        retired_.push_back(std::move(ring_));
    }
    ring_.reset();
    ring_turn_at_.reset();
    slow_ = protocol::Duration(0);
}

void Host::keep_counter(std::uint64_t ring_counter) {
    stored_->ring_counter = std::max(stored_->ring_counter, ring_counter);
}

void Host::on_packet(const Network::Parcel& parcel) {
    if (ring_) {
        ring_->arrive(parcel);
        schedule_ring_turn(simulator_.now());
    }
}

void Host::on_peer_unreachable(DaemonIndex peer) {
    if (ring_ && !paused_) {
        ring_->note_unreachable(protocol::DaemonId{peer + 1U});
        schedule_ring_turn(simulator_.now());
    }
}

/// As RingThread's loop, once around.
void Host::ring_turn(std::uint32_t generation) {
    if (generation != generation_ || paused_ || ring_turn_at_ != simulator_.now()) {
        return;
    }
    retired_.clear();
    ring_turn_at_.reset();
    if (simulator_.now() < busy_until_) {
        schedule_ring_turn(busy_until_);
        return;
    }
    if (ring_->queues().session_has_ring()) {
        return;
    }
    ring_->ring_signal().disarm();
    if (run_ring()) {
        offer_ring();
        schedule_next_ring_turn();
    }
}

/// A turn of the driver. False: the daemon's life is over.
bool Host::run_ring() {
    const std::uint32_t generation = generation_;
    RingSide& ring = *ring_;
    ring.turn(slow_.count() > 0);
    if (generation != generation_) {
        return false;
    }
    if (ring.received() > 0) {
        busy_until_ = simulator_.now() + slow_;
    }
    if (ring.driver().has_left()) {
        const auto start_again = std::exchange(start_after_leaving_, std::nullopt);
        end_life();
        if (start_again) {
            start(*start_again);
        }
        return false;
    }
    return true;
}

/// What wakes whoever has the ring's work, packets aside.
void Host::schedule_next_ring_turn() {
    driver::RingDriver& driver = ring_->driver();
    ring_->ring_signal().arm(driver.wake_reasons());
    if (ring_->is_readable() || driver.has_work()) {
        schedule_ring_turn(simulator_.now());
    } else if (const auto deadline = ring_->next_deadline()) {
        schedule_ring_turn(simulated(*deadline));
    }
}

// Who does the ring's work --------------------------------------------------------------------

void Host::offer_ring() {
    if (ring_->queues().hand_ring_over()) {
        ring_->session_signal().notify(driver::RingQueues::kRingIsYours);
    }
}

void Host::give_ring_back() {
    if (ring_->queues().take_ring_back()) {
        schedule_ring_turn(simulator_.now() + kHandover);
    }
}

/// The daemon goes by the processor time it uses; here it is luck.
void Host::weigh_sharing() {
    constexpr std::uint64_t kTakesOneIn = 8;
    constexpr std::uint64_t kGivesOneIn = 32;
    if (!shares_work_ || leaving_) {
        return;
    }
    const std::uint64_t luck = sharing_luck_.next();
    if (!ring_->queues().session_has_ring()) {
        ring_->queues().ring_wanted = luck % kTakesOneIn == 0;
    } else if (luck % kGivesOneIn == 0) {
        give_ring_back();
    }
}

/// The ring's work comes first, if it is ours and there is some. False: the daemon's life is over.
bool Host::begin_session_turn() {
    retired_.clear();
    ring_->session_signal().disarm();
    if (!ring_->queues().session_has_ring()) {
        return true;
    }
    if (simulator_.now() < busy_until_) {
        return true;
    }
    const auto deadline = ring_->next_deadline();
    const bool is_due = deadline && *deadline <= local_now();
    return (!ring_->is_readable() && !ring_->driver().has_work() && !is_due) || run_ring();
}

/// What wakes the session side, clients and its own deadlines aside.
void Host::end_session_turn() {
    using driver::RingQueues;
    weigh_sharing();
    driver::RingPort& port = ring_->port();
    driver::WakeSignal::Reasons reasons = RingQueues::kDelivery | RingQueues::kRingIsYours;
    if (port.waits_for_room()) {
        reasons |= RingQueues::kSubmitRoom;
    }
    ring_->session_signal().arm(reasons);
    if (((core_->has_work() || port.has_event()) && !core_->is_blocked()) || port.can_push()) {
        schedule_session_turn(protocol::Duration(0));
    }
    if (ring_->queues().session_has_ring()) {
        schedule_next_ring_turn();
    }
}

// Looking inside ------------------------------------------------------------------------------

void Host::check_retransmissions() const {
    if (!ring_) {
        return;
    }
    const membership::RingStats& stats = engine().stats();
    const std::uint64_t held = stats.packets_sent + stats.packets_received;
    if (stats.packets_retransmitted > stats.tokens_received + kResentPerPacket * held) {
        simulator_.fail({"R3",
                         "d" + std::to_string(id_.value) + " sent " +
                             std::to_string(stats.packets_retransmitted) +
                             " packets again, having seen " + std::to_string(held),
                         {}});
    }
}

bool Host::is_ring_quiet() const {
    const membership::RingStats& stats = engine().stats();
    return engine().state() == membership::RingState::kOperational &&
           stats.send_queue_messages == 0 && stats.my_aru == stats.high_seq &&
           stats.safe_up_to == stats.high_seq;
}

std::optional<bool> Host::holds(protocol::RingId ring, protocol::Seq seq) const {
    if (!ring_ || engine().ring_id() != ring ||
        engine().state() == membership::RingState::kRecovery) {
        return std::nullopt;
    }
    return engine().stats().my_aru >= seq;
}

}  // namespace spread::sim
