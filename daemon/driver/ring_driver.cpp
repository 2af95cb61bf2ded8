#include "daemon/driver/ring_driver.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "ordering/send_queue.hpp"

namespace spread::driver {
namespace {

using membership::Channel;
using membership::Submission;
using membership::SubmitStatus;
using protocol::Instant;
using protocol::PacketKind;

/// Of the packets that are rare while a ring is well.
bool forms_rings(std::span<const std::byte> datagram) {
    const auto kind = protocol::claimed_kind(datagram);
    return kind == PacketKind::kJoin || kind == PacketKind::kCommit || kind == PacketKind::kLeave ||
           kind == PacketKind::kProbe || kind == PacketKind::kSettings;
}

}  // namespace

void Inbox::take(membership::Arrival arrival, const protocol::Slice& datagram) {
    driver_.on_datagram(arrival, datagram);
}

void Inbox::note_unreachable(protocol::DaemonId peer) {
    driver_.engine_.on_peer_unreachable(driver_.now_, peer, driver_.out_);
}

void Inbox::note_refused(protocol::DaemonId peer) {
    driver_.engine_.on_send_refused(driver_.now_, peer);
}

protocol::BufferPool& Inbox::pool() const {
    return driver_.pool_;
}

RingDriver::RingDriver(Setup setup, RingQueues& queues, WakeSignal& sessions, Transport& transport,
                       RingHost& host, protocol::BufferPool& pool)
    : queues_(queues),
      sessions_(sessions),
      transport_(transport),
      host_(host),
      pool_(pool),
      sealed_(std::move(setup.sealed)),
      config_hash_(setup.config.config_hash),
      checks_sources_(setup.checks_sources),
      flight_(setup.flight, setup.config.daemons, setup.flight_detail),
      listener_(flight_, host),
      engine_(std::move(setup.config), setup.incarnation, setup.ring_counter, setup.rng, pool,
              listener_),
      kept_counter_(setup.ring_counter) {}

void RingDriver::Listener::on_state_change(const membership::StateChange& change) {
    recorder_.note(change);
    host_.on_state_change(change);
}

void RingDriver::Listener::on_recovery(const membership::RecoveryFacts& facts) {
    recorder_.note(facts);
    host_.on_recovery(facts);
}

// The cycle -----------------------------------------------------------------------------------

void RingDriver::start(Instant now) {
    now_ = now;
    flight_.set_time(now);
    grant_delivery_room();
    engine_.on_start(now_, out_);
    dispatch();
}

void RingDriver::work(Instant now) {
    const Instant wanted = std::max(next_deadline().value_or(now), now_);
    now_ = now;
    flight_.set_time(now);
    if (now > wanted) {
        engine_.on_late(now, now - wanted, out_);
    }
    grant_delivery_room();
    take_control();
    take_submissions();
    dispatch();
    receive();
    tell_progress();
}

void RingDriver::finish(Instant now) {
    now_ = now;
    flight_.set_time(now);
    if (const auto deadline = engine_.next_deadline(); deadline && *deadline <= now_) {
        fire_deadline();
    }
    tell_progress();
    leave_if_wanted();
}

/// What is left in the sockets is for the next turn, which follows at once.
void RingDriver::fire_deadline() {
    if (engine_.would_give_up(now_) && reading_turns_ < kReadingTurnsMax &&
        transport_.has_unread()) {
        ++reading_turns_;
        return;
    }
    reading_turns_ = 0;
    engine_.on_deadline(now_, out_);
    dispatch();
}

bool RingDriver::has_work() {
    if (queues_.leave_wanted.load(std::memory_order_acquire) && !leave_by_) {
        return true;
    }
    if (queues_.control.front() != nullptr || queues_.ahead.front() != nullptr) {
        return true;
    }
    if (queues_.submissions.front() != nullptr && engine_.send_queue_has_room()) {
        return true;
    }
    return is_short_of_room() && queues_.deliveries_are_low();
}

WakeSignal::Reasons RingDriver::wake_reasons() const {
    WakeSignal::Reasons reasons = RingQueues::kControl | RingQueues::kAhead;
    if (engine_.send_queue_has_room()) {
        reasons |= RingQueues::kSubmission;
    }
    if (is_short_of_room()) {
        reasons |= RingQueues::kDeliveryRoom;
    }
    return reasons;
}

std::optional<Instant> RingDriver::next_deadline() const {
    auto deadline = engine_.next_deadline();
    if (deadline) {
        deadline = std::min(*deadline, now_ + engine_.pulse());
    }
    if (leave_by_ && (!deadline || *leave_by_ < *deadline)) {
        deadline = leave_by_;
    }
    return deadline;
}

// Room for deliveries -------------------------------------------------------------------------

void RingDriver::grant_delivery_room() {
    push_deliveries();  // what overflowed goes first
    engine_.set_delivery_room(now_, delivery_room(), out_);
}

std::size_t RingDriver::delivery_room() const {
    const QueueLimits& limits = queues_.limits;
    if (queues_.delivered_bytes.load(std::memory_order_acquire) >= limits.delivered_bytes) {
        return 0;
    }
    const std::size_t used = queues_.deliveries.size() + overflow_.size();
    return used < limits.deliveries ? limits.deliveries - used : 0;
}

/// Much of the room is used up: the session side should wake us when it has caught up.
bool RingDriver::is_short_of_room() const {
    return engine_.delivery_room() <= queues_.limits.deliveries / 2 || !overflow_.empty();
}

// Down: from the sessions to the engine -------------------------------------------------------

void RingDriver::take_control() {
    bool submitted = false;
    while (ControlItem* item = queues_.control.front()) {
        if (auto* submission = std::get_if<Submission>(item)) {
            if (submit(std::move(*submission)) == SubmitStatus::kFull) {
                break;
            }
            submitted = true;
        } else if (const auto* ring = std::get_if<protocol::RingId>(item)) {
            flight_.note_resume(*ring);
            engine_.resume(now_, *ring, out_);
        } else if (const auto* overdue = std::get_if<GiveUp>(item)) {
            engine_.give_up(now_, overdue->ring, overdue->daemons, out_);
        } else if (const auto* cut = std::get_if<CutOff>(item)) {
            engine_.cut_off(cut->daemons, cut->until);
        } else if (const auto* windows = std::get_if<membership::WindowChange>(item)) {
            engine_.change_windows(*windows);
        } else if (const auto* sealing = std::get_if<SealingChange>(item); sealing && sealed_) {
            const sealing::RingSeal& seal = sealed_->seal();
            sealed_->change(sealing->mode.value_or(seal.mode()),
                            sealing->keys ? *sealing->keys : seal.keys(), transport_);
        }
        queues_.control.pop();
        sessions_.notify(RingQueues::kSubmitRoom);
    }
    if (submitted) {
        flight_.note_submitted();
        engine_.on_submitted(now_, out_);
    }
}

SubmitStatus RingDriver::submit(Submission&& submission) {
    const FlightRecorder::Offered offered = flight_.about(submission);
    const SubmitStatus status = engine_.submit(std::move(submission));
    if (status != SubmitStatus::kFull) {
        flight_.note_accepted(offered);
    }
    return status;
}

void RingDriver::take_submissions() {
    // Counted before those ahead are taken: what comes meanwhile may follow one of its sender's
    // that goes ahead.
    std::size_t waiting = queues_.submissions.size();
    bool taken = take_ahead();
    for (; waiting > 0 && engine_.send_queue_has_room(); --waiting) {
        Submission* submission = queues_.submissions.front();
        const std::size_t bytes = submission->body.size();
        if (submit(std::move(*submission)) == SubmitStatus::kFull) {
            break;
        }
        queues_.submissions.pop();
        queues_.submitted_bytes.fetch_sub(bytes, std::memory_order_release);
        ++taken_.ordinary;
        taken = true;
    }
    if (taken) {
        flight_.note_submitted();
        engine_.on_submitted(now_, out_);
        if (queues_.submit_is_low()) {
            sessions_.notify(RingQueues::kSubmitRoom);
        }
    }
}

bool RingDriver::take_ahead() {
    bool taken = false;
    while (Submission* submission = queues_.ahead.front()) {
        if (submit(std::move(*submission)) == SubmitStatus::kFull) {
            break;
        }
        queues_.ahead.pop();
        ++taken_.ahead;
        taken = true;
    }
    return taken;
}

/// The session side learns how far the messages are that it has passed on.
void RingDriver::tell_progress() {
    const ordering::SendQueue& queue = engine_.send_queue();
    queues_.ordinary_stamped.store(taken_.ordinary - queue.ordinary_messages(),
                                   std::memory_order_relaxed);
    queues_.ahead_stamped.store(taken_.ahead - queue.ahead_messages(), std::memory_order_relaxed);
}

// In: from the transport to the engine --------------------------------------------------------

void RingDriver::receive() {
    Inbox inbox(*this);
    transport_.read_errors(inbox);
    dispatch();
    for (int calls = 0; calls < kReceiveCallsMax && receive_batch(); ++calls) {
        flight_.set_time(host_.time_of_reading(now_));
        dispatch();
        // A token that just arrived may carry off what clients have sent meanwhile; and one that
        // rests here takes it along at once.
        take_submissions();
        dispatch();
    }
}

bool RingDriver::receive_batch() {
    const bool data_first = engine_.read_preference() == membership::ReadPreference::kDataFirst;
    Inbox inbox(*this);
    return transport_.receive(data_first ? Channel::kData : Channel::kToken, inbox) ||
           transport_.receive(data_first ? Channel::kToken : Channel::kData, inbox);
}

void RingDriver::on_datagram(membership::Arrival arrival, const protocol::Slice& datagram) {
    if (!sealed_) {
        if (!checks_sources_ || host_.admits(datagram.bytes())) {
            give_to_engine(arrival, datagram, membership::Vouched::kByChecksum);
        }
    } else if (const auto opened = sealed_->open(now_, arrival, datagram)) {
        if (opened->stream) {
            host_.on_opened(*opened);
        } else if (checks_sources_ && !host_.admits(datagram.bytes())) {
            return;
        }
        // In the mixed ring of a rollout plain datagrams have no stream.
        give_to_engine(
            static_cast<membership::Arrival>(opened->way), opened->text,
            opened->stream ? membership::Vouched::kByTag : membership::Vouched::kByChecksum);
    } else if (sealed_->last_refusal() != sealing::Refusal::kNone) {
        flight_.note_refused(Refused::kSealed +
                             static_cast<std::uint64_t>(sealed_->last_refusal()));
        host_.on_refused(sealed_->last_refusal(), sealed_->seal().last_envelope());
    }
}

void RingDriver::give_to_engine(membership::Arrival arrival, const protocol::Slice& datagram,
                                membership::Vouched vouched) {
    if (forms_rings(datagram.bytes())) {
        const auto header = protocol::decode_header(datagram.bytes());
        if (header && header->config_hash == config_hash_) {
            flight_.note_packet(*header);
        }
    }
    engine_.on_packet(now_, arrival, datagram, out_, vouched);
    const membership::RingStats& stats = engine_.stats();
    if (stats.config_hash_mismatches != mismatches_seen_ ||
        stats.packets_malformed + stats.packets_other_wire != malformed_seen_) {
        report_bad_datagram(stats, datagram);
    }
}

void RingDriver::report_bad_datagram(const membership::RingStats& stats,
                                     const protocol::Slice& datagram) {
    if (stats.config_hash_mismatches != mismatches_seen_) {
        mismatches_seen_ = stats.config_hash_mismatches;
        if (!host_.on_bad_datagram(RingHost::BadDatagram::kOtherConfiguration, datagram.bytes())) {
            flight_.note_refused(Refused::kOtherConfiguration);
        }
    }
    const std::uint64_t unreadable = stats.packets_malformed + stats.packets_other_wire;
    if (unreadable != malformed_seen_) {
        malformed_seen_ = unreadable;
        if (!host_.on_bad_datagram(RingHost::BadDatagram::kMalformed, datagram.bytes())) {
            flight_.note_refused(Refused::kMalformed);
        }
    }
}

// Out: from the engine to transport and sessions ----------------------------------------------

void RingDriver::dispatch() {
    if (engine_.ring_counter() > kept_counter_) {
        kept_counter_ = engine_.ring_counter();
        host_.keep_counter(kept_counter_);
    }
    if (sealed_) {
        dispatch_sealing();
    }
    if (out_.one_by_one) {
        send_one_by_one(*out_.one_by_one);
        host_.on_one_by_one(*out_.one_by_one);
        out_.one_by_one.reset();
    }
    if (out_.not_run_for) {
        host_.on_not_run(*out_.not_run_for);
        out_.not_run_for.reset();
    }
    if (out_.missing) {
        host_.on_missing(*out_.missing);
        out_.missing.reset();
    }
    if (const auto narrow = std::exchange(out_.narrow, {})) {
        host_.on_narrow_path(narrow->peer, narrow->bytes);
    }
    if (const auto shown = std::exchange(out_.settings, {})) {
        host_.on_settings(shown->first, shown->second);
    }
    if (out_.sends.empty() && out_.deliveries.empty()) {
        return;
    }
    flight_.note(out_.deliveries);
    host_.on_output(out_);
    if (!out_.sends.empty()) {
        send(out_.sends);
    }
    push_deliveries();
    out_.clear();
}

void RingDriver::send(std::span<const membership::OutboundPacket> packets) {
    if (sealed_) {
        sealed_->send(now_, packets, transport_);
    } else {
        transport_.send(packets);
    }
}

void RingDriver::send_one_by_one(const protocol::MemberList& daemons) {
    if (sealed_) {
        sealed_->send_one_by_one(daemons, transport_);
    } else {
        transport_.send_one_by_one(daemons);
    }
}

void RingDriver::dispatch_sealing() {
    sealed_->send_hellos(transport_);
    for (const sealing::SealEvent& event : sealed_->seal().take_events()) {
        host_.on_seal_event(event, sealed_->seal().keys());
    }
}

void RingDriver::push_deliveries() {
    bool pushed = false;
    const auto try_push = [&](membership::DeliveryEvent& event) {
        const auto* delivery = std::get_if<membership::Delivery>(&event);
        const std::size_t bytes = delivery != nullptr ? delivery->body.size() : 0;
        // Counted first: the consumer may take it away at once.
        queues_.delivered_bytes.fetch_add(bytes, std::memory_order_relaxed);
        if (!queues_.deliveries.try_push(std::move(event))) {
            queues_.delivered_bytes.fetch_sub(bytes, std::memory_order_relaxed);
            return false;
        }
        pushed = true;
        return true;
    };
    while (!overflow_.empty() && try_push(overflow_.front())) {
        overflow_.pop_front();
    }
    for (membership::DeliveryEvent& event : out_.deliveries) {
        if (!overflow_.empty() || !try_push(event)) {
            overflow_.push_back(std::move(event));
        }
    }
    out_.deliveries.clear();
    if (pushed) {
        sessions_.notify(RingQueues::kDelivery);
    }
}

// Leaving -------------------------------------------------------------------------------------

void RingDriver::leave_if_wanted() {
    if (left_ || !queues_.leave_wanted.load(std::memory_order_acquire)) {
        return;
    }
    if (!leave_by_) {
        leave_by_ = now_ + kLeaveGrace;
    }
    const bool sent = queues_.control.empty() && queues_.ahead.empty() &&
                      queues_.submissions.empty() && engine_.stats().send_queue_messages == 0;
    if (!sent && now_ < *leave_by_) {
        return;
    }
    engine_.on_leave(now_, out_);
    dispatch();
    left_ = true;
}

}  // namespace spread::driver
