#include <algorithm>
#include <limits>
#include <utility>

#include "membership/engine_impl.hpp"
#include "protocol/planted_bug.hpp"

// The ring runs: token visits, delivery, holding the token of an idle ring, and looking for others.

namespace spread::membership {
namespace {

/// Visits in a row without anything to do after which the representative announces, and one later
/// begins, holding the token: by then two full rotations have moved everybody's safe line.
constexpr std::uint32_t kIdleVisitsToAnnounce = 2;

/// A member other than the representative probes for foreign rings this many times more rarely.
constexpr int kMemberProbeFactor = 4;

}  // namespace

void RingEngine::Impl::operational_token(Instant now, protocol::Token&& token, EngineOutput& out) {
    auto& operational = std::get<Operational>(state);
    const bool copy_of_held = operational.held && token.token_seq <= operational.held->token_seq;
    // Who is not next after its sender got somebody else's token; two holders would stamp twice.
    if (alone() || copy_of_held || !order->is_new(token) ||
        token.sender != predecessor(members, config.self)) {
        ++stats.tokens_duplicate;
        return;
    }
    // Flow control keeps every correct token inside the window.
    if (token.seq >= order->window().end()) {
        count_decode_error(protocol::DecodeError::kBadValue);
        return;
    }
    ++stats.tokens_received;
    token_progress(token.token_seq);
    set_timer(RingTimer::kTokenLoss, now + config.token_loss_timeout);
    clear_timer(RingTimer::kWake);
    if (give_up_stalled(now, token, out)) {
        return;
    }
    if (last_visit && !operational.token_idle) {  // else it was held in between
        const Duration rotation = now - *last_visit;
        stats.rotation_time = stats.rotation_time == Duration{}
                                  ? rotation
                                  : stats.rotation_time + (rotation - stats.rotation_time) / 8;
    }
    last_visit = now;

    // The completion bitmap of recovery has served once it came round full.
    if (!token.complete.empty()) {
        if (operational.completion_seen) {
            token.complete.clear();
        }
        operational.completion_seen = true;
    }

    if (is_representative()) {
        const bool idle = token.seq == token.aru && token.seq == operational.seq_at_last_visit &&
                          token.rtr.empty() && token.backlog == 0 && token.complete.empty() &&
                          !queue.has_sendable() && !operational.woken;
        operational.idle_visits = idle ? operational.idle_visits + 1 : 0;
        operational.woken = false;
        operational.seq_at_last_visit = token.seq;
        if (operational.idle_visits > kIdleVisitsToAnnounce) {
            // Tells the others that the token has arrived and that the ring is alive.
            send_all(protocol::encode_hold(token.token_seq,
                                           header(protocol::PacketKind::kHold, ring_id), pool),
                     out);
            operational.held = std::move(token);
            if (!planted(protocol::PlantedBug::kHeldTokenKept)) {
                set_timer(RingTimer::kTokenHold, now + config.token_hold_timeout);
            }
            clear_timer(RingTimer::kTokenLoss);
            prefer_token = false;
            return;
        }
        token.idle = operational.idle_visits == kIdleVisitsToAnnounce;
    }
    visit_and_pass(now, std::move(token), out);
}

void RingEngine::Impl::visit_and_pass(Instant now, protocol::Token&& token, EngineOutput& out) {
    auto& operational = std::get<Operational>(state);
    prefer_token = false;
    order->on_token(token, queue, pool, config.accelerated, visit);
    if (visit.stamped > 0 || visit.requested > 0) {
        token.idle = false;
    }
    operational.token_idle = token.idle;
    emit_visit(members, out, ring_id, now, token);
    deliver(out);
}

void RingEngine::Impl::emit_visit(const MemberList& ring_members, EngineOutput& out,
                                  const RingId& ring, Instant now, const protocol::Token& token) {
    SPREAD_ASSERT(token.ring_id == ring);
    stats.packets_sent += visit.stamped;
    stats.packets_retransmitted += visit.retransmitted;
    stats.retransmissions_requested += visit.requested;
    for (Slice& datagram : visit.before_token) {
        send_all(std::move(datagram), out);
    }
    send_token(now, successor(ring_members, config.self),
               protocol::encode_token(token, config.config_hash, pool), token.token_seq, out);
    for (Slice& datagram : visit.after_token) {
        send_all(std::move(datagram), out);
    }
    visit.clear();
}

void RingEngine::Impl::release_held_token(Instant now, EngineOutput& out) {
    auto* operational = std::get_if<Operational>(&state);
    if (operational == nullptr || !operational->held) {
        return;
    }
    protocol::Token token = std::move(*operational->held);
    operational->held.reset();
    // Just short of holding again, so that one quiet rotation suffices if nothing came up.
    operational->idle_visits =
        queue.has_sendable() || operational->woken ? 0 : kIdleVisitsToAnnounce;
    token.idle = operational->idle_visits == kIdleVisitsToAnnounce;
    clear_timer(RingTimer::kTokenHold);
    set_timer(RingTimer::kTokenLoss, now + config.token_loss_timeout);
    last_visit = now;
    visit_and_pass(now, std::move(token), out);
}

void RingEngine::Impl::operational_data(Instant now, const protocol::PacketHeader& from,
                                        const protocol::DataHeader& data, const Slice& datagram,
                                        EngineOutput& out) {
    auto* operational = std::get_if<Operational>(&state);
    // What a commit token has declared must not change until the recovery it belongs to is over.
    if (operational == nullptr && !std::holds_alternative<Gather>(state)) {
        return;
    }
    if (std::find(members.begin(), members.end(), from.sender) == members.end()) {
        count_decode_error(protocol::DecodeError::kBadValue);
        return;
    }
    switch (order->on_data(data, from.sender, datagram)) {
        case ordering::ReceiveWindow::Insert::kDuplicate:
            ++stats.packets_duplicate;
            if (planted(protocol::PlantedBug::kDeliveredAgain) &&
                data.seq < order->cursor().next() && order->window().find(data.seq) != nullptr) {
                order->cursor().skip_to(Seq{data.seq.value - 1});
            }
            return;
        case ordering::ReceiveWindow::Insert::kOutOfRange:
            count_decode_error(protocol::DecodeError::kBadValue);
            return;
        case ordering::ReceiveWindow::Insert::kNew: ++stats.packets_received; break;
    }
    if (operational == nullptr) {
        return;
    }
    token_progress(data.token_seq);
    if (!operational->held && !alone()) {
        set_timer(RingTimer::kTokenLoss, now + config.token_loss_timeout);
    }
    // Our predecessor has had the token of this round, so ours is close behind (Babay and Amir).
    if (config.accelerated && from.sender == predecessor(members, config.self) &&
        data.token_seq >= order->last_token_seq()) {
        prefer_token = true;
    }
    deliver(out);
}

void RingEngine::Impl::operational_hold(Instant now, TokenSeq token_seq) {
    token_progress(token_seq);
    if (!alone() && !std::get<Operational>(state).held) {
        set_timer(RingTimer::kTokenLoss, now + config.token_loss_timeout);
    }
}

void RingEngine::Impl::operational_wake(Instant now, EngineOutput& out) {
    auto& operational = std::get<Operational>(state);
    operational.woken = true;
    release_held_token(now, out);
}

void RingEngine::Impl::wake_representative(Instant now, EngineOutput& out) {
    const auto* operational = std::get_if<Operational>(&state);
    if (operational == nullptr || alone() || is_representative() || !queue.has_sendable()) {
        return;
    }
    send_to(members.front(), Channel::kToken,
            protocol::encode_empty(header(protocol::PacketKind::kWake, ring_id), pool), out);
    set_timer(RingTimer::kWake,
              now + std::max(config.token_retransmit_timeout, 4 * stats.rotation_time));
}

void RingEngine::Impl::deliver(EngineOutput& out) {
    if (alone()) {
        pump_alone(out);
        return;
    }
    if (delivery_room == 0) {
        return;
    }
    if (planted(protocol::PlantedBug::kAgreedOverHole) &&
        order->cursor().next() < order->window().high() &&
        order->window().find(order->cursor().next()) == nullptr) {
        order->cursor().skip_packet();
    }
    const std::size_t before = out.deliveries.size();
    order->deliver(delivery_room, [&](Delivery&& delivery) {
        if (planted(protocol::PlantedBug::kOwnMessagesLeftOut) && delivery.origin == config.self) {
            return;
        }
        if (delivery.kind != protocol::MessageKind::kRecoveryPacket) {
            out.deliveries.emplace_back(std::move(delivery));
        }
    });
    const std::size_t delivered = out.deliveries.size() - before;
    stats.messages_delivered += delivered;
    delivery_room -= std::min(delivery_room, delivered);
}

void RingEngine::Impl::pump_alone(EngineOutput& out) {
    while (delivery_room > 0 && queue.current() != nullptr) {
        Submission submission = queue.take_current();
        Delivery delivery;
        delivery.ring_id = ring_id;
        delivery.seq = order->next_alone();
        delivery.origin = config.self;
        delivery.service = submission.service;
        delivery.kind = submission.kind;
        delivery.body = std::move(submission.body);
        out.deliveries.emplace_back(std::move(delivery));
        ++stats.messages_delivered;
        --delivery_room;
    }
}

// --- other rings ---

void RingEngine::Impl::schedule_merge_detect(Instant now) {
    if (members.size() == config.daemons.size()) {
        clear_timer(RingTimer::kMergeDetect);
        return;
    }
    const int factor = is_representative() ? 1 : kMemberProbeFactor;
    if (planted(protocol::PlantedBug::kProbeStorm)) {
        set_timer(RingTimer::kMergeDetect, now + config.merge_detect_timeout / 1000);
        return;
    }
    // A little randomness keeps two rings from probing in step and answering each other for ever.
    const auto jitter = Duration(static_cast<Duration::rep>(
        rng.below(static_cast<std::uint64_t>(config.merge_detect_timeout.count()) / 4 + 1)));
    set_timer(RingTimer::kMergeDetect, now + config.merge_detect_timeout * factor + jitter);
}

void RingEngine::Impl::send_probe(Instant now, std::optional<DaemonId> to, EngineOutput& out) {
    if (!std::holds_alternative<Operational>(state)) {
        return;
    }
    protocol::Probe probe;
    probe.incarnation = incarnation;
    probe.highest_counter = highest_counter;
    for (std::size_t i = 0; i < peers.size(); ++i) {
        if (peers[i].heard_foreign &&
            now - *peers[i].heard_foreign < 3 * kMemberProbeFactor * config.merge_detect_timeout) {
            probe.heard.push_back(config.daemons[i]);
        }
    }
    Slice datagram =
        protocol::encode_probe(probe, header(protocol::PacketKind::kProbe, ring_id), pool);
    if (to) {
        send_to(*to, Channel::kData, std::move(datagram), out);
    } else {
        send_all(std::move(datagram), out);
    }
}

void RingEngine::Impl::heard_foreign(Instant now, const protocol::PacketHeader& from,
                                     EngineOutput& out) {
    ++stats.foreign_packets;
    // Packets of the ring we came from, or of a member's earlier ring, are merely late.
    if (!std::holds_alternative<Operational>(state) || from.ring_id == previous_ring_id ||
        std::find(members.begin(), members.end(), from.sender) != members.end()) {
        return;
    }
    Peer& peer = peers[*position(from.sender)];
    peer.heard_foreign = now;
    // Hearing somebody does not mean being heard: say so, and gather when the answer names us.
    if (!peer.probed || now - *peer.probed >= config.merge_detect_timeout / 8) {
        peer.probed = now;
        send_probe(now, from.sender, out);
    }
}

void RingEngine::Impl::operational_probe(Instant now, const protocol::PacketHeader& from,
                                         const protocol::Probe& probe, EngineOutput& out) {
    const bool member = std::find(members.begin(), members.end(), from.sender) != members.end();
    const bool hears_us =
        std::find(probe.heard.begin(), probe.heard.end(), config.self) != probe.heard.end();
    if (!member && hears_us && from.ring_id != previous_ring_id) {
        MemberSet joining;
        joining.set(*position(from.sender));
        enter_gather(now, ChangeReason::kForeignRing, from.sender, joining, {}, out);
        return;
    }
    heard_foreign(now, from, out);
}

}  // namespace spread::membership
