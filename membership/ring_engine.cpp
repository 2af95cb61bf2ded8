#include "membership/ring_engine.hpp"

#include <algorithm>
#include <utility>

#include "membership/ring_engine_impl.hpp"

namespace spread::membership {

using protocol::DaemonId;
using protocol::Duration;
using protocol::Instant;
using protocol::MemberList;
using protocol::RingId;
using protocol::Slice;

namespace {

/// A call from outside, which a daemon that has left the ring ignores. Debug builds then check.
template <typename Impl, typename Call>
void enter(Impl& impl, const Call& call) {
    if (!impl.is_silent()) {
        call(impl);
#ifndef NDEBUG
        impl.check_invariants();
#endif
    }
}

}  // namespace

RingEngine::RingEngine(RingConfig config, protocol::Incarnation incarnation,
                       std::uint64_t ring_counter, protocol::Rng rng, protocol::BufferPool& pool,
                       Tracer& tracer)
    : impl_(std::make_unique<Impl>(std::move(config), incarnation, ring_counter, rng, pool,
                                   tracer)) {}

RingEngine::~RingEngine() = default;

void RingEngine::on_start(Instant now, EngineOutput& out) {
    enter(*impl_, [&](Impl& impl) { impl.start({now, out}); });
}

void RingEngine::on_packet(Instant now, Arrival arrival, const Slice& datagram, EngineOutput& out,
                           Vouched vouched) {
    enter(*impl_, [&](Impl& impl) { impl.on_packet({now, out, arrival, vouched}, datagram); });
}

void RingEngine::on_deadline(Instant now, EngineOutput& out) {
    enter(*impl_, [&](Impl& impl) { impl.on_deadline({now, out}); });
}

bool RingEngine::would_give_up(Instant now) const {
    return std::any_of(kGivingUp.begin(), kGivingUp.end(),
                       [&](RingTimer timer) { return impl_->core().timers.is_due(timer, now); });
}

void RingEngine::on_late(Instant now, Duration late, EngineOutput& out) {
    enter(*impl_, [&](Impl& impl) { impl.on_late({now, out}, late); });
}

Duration RingEngine::pulse() const {
    return impl_->core().config.token_loss_timeout / 4;
}

void RingEngine::on_peer_unreachable(Instant now, DaemonId peer, EngineOutput& out) {
    enter(*impl_, [&](Impl& impl) { impl.on_peer_unreachable({now, out}, peer); });
}

void RingEngine::on_send_refused(Instant now, DaemonId peer) {
    if (const auto place = impl_->core().roster.find(peer)) {
        impl_->core().gone.refused[*place] = now;
    }
}

void RingEngine::set_own_address(Instant now, bool is_here) {
    EngineCore& core = impl_->core();
    const bool is_back = std::exchange(core.gone.own_address, !is_here) && is_here;
    if (is_back && core.timers.is_set(RingTimer::kMergeDetect)) {
        core.timers.bring_forward(RingTimer::kMergeDetect, now);
    }
}

void RingEngine::cut_off(const MemberList& daemons, Instant until) {
    Gone& gone = impl_->core().gone;
    gone.cut_off = {};
    for (const DaemonId daemon : daemons) {
        if (const auto place = impl_->core().roster.find(daemon)) {
            gone.cut_off.insert(*place);
        }
    }
    gone.cut_off_until = until;
}

MemberList RingEngine::cut_off(Instant now) const {
    const Gone& gone = impl_->core().gone;
    return now < gone.cut_off_until ? impl_->core().roster.ids_of(gone.cut_off) : MemberList{};
}

void RingEngine::change_windows(const WindowChange& change) {
    EngineCore& core = impl_->core();
    if (core.config.change_windows(change)) {
        core.use_windows(*core.order);
    }
}

const RingConfig& RingEngine::config() const {
    return impl_->core().config;
}

void RingEngine::on_leave(Instant now, EngineOutput& out) {
    enter(*impl_, [&](Impl& impl) { impl.leave({now, out}); });
}

SubmitStatus RingEngine::submit(Submission&& submission) {
    return impl_->is_silent() ? SubmitStatus::kFull : impl_->submit(std::move(submission));
}

void RingEngine::on_submitted(Instant now, EngineOutput& out) {
    enter(*impl_, [&](Impl& impl) { impl.pump({now, out}); });
}

void RingEngine::resume(Instant now, RingId ring, EngineOutput& out) {
    enter(*impl_, [&](Impl& impl) { impl.resume({now, out}, ring); });
}

void RingEngine::give_up(Instant now, RingId ring, const MemberList& daemons, EngineOutput& out) {
    enter(*impl_, [&](Impl& impl) { impl.give_up({now, out}, ring, daemons); });
}

void RingEngine::set_delivery_room(Instant now, std::size_t deliveries, EngineOutput& out) {
    impl_->set_delivery_room({now, out}, deliveries);  // also after leave(): for what is ordered
}

std::optional<Instant> RingEngine::next_deadline() const {
    return impl_->core().timers.earliest();
}

std::uint64_t RingEngine::ring_counter() const {
    return impl_->core().id_counter.mine();
}

bool RingEngine::send_queue_has_room() const {
    return impl_->core().queue.has_room();
}

const ordering::SendQueue& RingEngine::send_queue() const {
    return impl_->core().queue;
}

std::size_t RingEngine::delivery_room() const {
    return impl_->core().delivery_room;
}

ReadPreference RingEngine::read_preference() const {
    return impl_->read_preference();
}

RingState RingEngine::state() const {
    return impl_->ring_state();
}

const RingId& RingEngine::ring_id() const {
    return impl_->core().ring.id();
}

const MemberList& RingEngine::members() const {
    return impl_->core().ring.members().list();
}

const RingStats& RingEngine::stats() const {
    return impl_->stats();
}

const LastHeard& RingEngine::last_heard() const {
    return impl_->core().last_heard;
}

const ReceivedFrom& RingEngine::received_from() const {
    return impl_->core().received_from;
}

std::uint32_t RingEngine::settings_sum() const {
    return impl_->core().settings_sum;
}

protocol::DaemonSet RingEngine::with_other_settings() const {
    const EngineCore& core = impl_->core();
    protocol::DaemonSet out;
    for (protocol::DaemonIndex i = 0; i < core.roster.size(); ++i) {
        const std::uint32_t sum = core.hearing.settings_of(i);
        if (sum != 0 && sum != core.settings_sum) {
            out.insert(i);
        }
    }
    return out;
}

}  // namespace spread::membership
