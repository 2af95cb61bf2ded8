#include <algorithm>
#include <limits>
#include <utility>

#include "membership/engine_impl.hpp"

// The ring runs: token visits, delivery, and looking for others. quiet_ring.cpp has what happens to
// the token of a ring with little to do.

namespace spread::membership {
namespace {

/// Where a rotation has no more packets than this, receivers wait for the token rather than it for
/// them: it goes in one datagram with a visit's last packet.
constexpr std::uint32_t kPacketsWithToken = 4;

/// A member other than the representative probes for foreign rings this many times more rarely.
constexpr int kMemberProbeFactor = 4;

}  // namespace

void RingEngine::Impl::operational_token(Instant now, protocol::Token& token, EngineOutput& out) {
    auto& operational = std::get<Operational>(state);
    if (operational.lease) {
        token_while_leased(now, token, out);
        return;
    }
    const auto& resting = operational.held ? operational.held : operational.leased_out;
    if (resting && token.token_seq <= resting->token_seq) {
        ++stats.tokens_duplicate;
        // Whoever sent it does not know that it has arrived.
        if (!operational.announced && token.to == config.self) {
            send_to(token.sender, Channel::kData, hold_packet(resting->token_seq), out);
        }
        return;
    }
    // Where a token is kept there is no other; a newer one is forged.
    if (alone() || operational.held || !order->is_new(token) || !may_take(token)) {
        ++stats.tokens_duplicate;
        return_grant_again(token, out);
        return;
    }
    // Flow control keeps every correct token inside the window.
    if (token.seq >= order->window().end()) {
        count_decode_error(protocol::DecodeError::kBadValue);
        return;
    }
    ++stats.tokens_received;
    token_progress(now, token.token_seq);
    set_timer(RingTimer::kTokenLoss, now + config.token_loss_timeout);
    clear_timer(RingTimer::kWake);
    if (give_up_stalled(now, token, out)) {
        return;
    }
    if (token.grant) {
        last_visit.reset();
        if (is_representative()) {
            grant_returned(now, token, out);
        } else {
            use_grant(now, token, out);
        }
        return;
    }
    Duration rotation{};
    if (last_visit && !operational.token_idle) {  // else it was kept in between
        rotation = now - *last_visit;
        stats.rotation_time = stats.rotation_time == Duration{}
                                  ? rotation
                                  : stats.rotation_time + (rotation - stats.rotation_time) / 8;
    }
    order->on_rotation(token, rotation, is_representative());
    last_visit = now;

    // The completion bitmap of recovery has served once it came round full.
    if (!token.complete.empty()) {
        if (operational.completion_seen) {
            token.complete.clear();
        }
        operational.completion_seen = true;
    }

    if (is_representative()) {
        count_round(now, token);
        if (keep_token(now, token, out)) {
            return;
        }
    }
    visit_and_pass(now, token, out);
}

/// Only the member a token is for may take it: two holders would stamp twice.
bool RingEngine::Impl::may_take(const protocol::Token& token) const {
    if (token.to != config.self) {
        return false;
    }
    const auto& granted_to = std::get<Operational>(state).granted_to;
    if (!token.grant) {
        return !granted_to && token.sender == predecessor(members, config.self);
    }
    return is_representative() ? granted_to == token.sender : token.sender == members.front();
}

void RingEngine::Impl::visit_and_pass(Instant now, protocol::Token& token, EngineOutput& out) {
    auto& operational = std::get<Operational>(state);
    prefer_token = false;
    using enum ordering::RingOrder::Turn;
    order->on_token(token, queue, pool, config.accelerated ? kAccelerated : kInTurn, visit);
    deliver(out);
    if (is_representative()) {
        if (visit.stamped > 0) {
            operational.next_sender.note(config.self, now, config.token_settle_timeout);
        }
        operational.seq_at_round_start = token.seq;
        operational.round_start = token.token_seq;
        operational.settle_at.reset();
        operational.granted_to.reset();
        operational.announced = false;
        token.idle = may_be_kept(token);
    }
    operational.token_idle = token.idle;
    emit_visit(members, out, ring_id, now, token);
}

void RingEngine::Impl::emit_visit(const MemberList& ring_members, EngineOutput& out,
                                  const RingId& ring, Instant now, protocol::Token& token) {
    SPREAD_ASSERT(token.ring_id == ring);
    token.to = successor(ring_members, config.self);
    if (token.fcc <= kPacketsWithToken) {
        emit_data(visit.before_token, out);
        emit_data(visit.after_token, out);
        send_token_with_data(now, token, out);
    } else {
        emit_data(visit.before_token, out);
        send_token(now, token, out);
        emit_data(visit.after_token, out);
    }
    count_visit();
}

void RingEngine::Impl::emit_data(std::vector<Slice>& datagrams, EngineOutput& out) {
    for (Slice& datagram : datagrams) {
        send_all(std::move(datagram), out);
    }
}

void RingEngine::Impl::count_visit() {
    stats.packets_sent += visit.stamped;
    stats.packets_retransmitted += visit.retransmitted;
    stats.retransmissions_requested += visit.requested;
    visit.clear();
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
        case ordering::ReceiveWindow::Insert::kDuplicate: ++stats.packets_duplicate; return;
        case ordering::ReceiveWindow::Insert::kOutOfRange:
            count_decode_error(protocol::DecodeError::kBadValue);
            return;
        case ordering::ReceiveWindow::Insert::kNew: ++stats.packets_received; break;
    }
    if (operational == nullptr) {
        return;
    }
    token_progress(now, data.token_seq);
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
    token_progress(now, token_seq);
    if (!alone() && !std::get<Operational>(state).held) {
        set_timer(RingTimer::kTokenLoss, now + config.token_loss_timeout);
    }
}

void RingEngine::Impl::deliver(EngineOutput& out) {
    if (alone()) {
        pump_alone(out);
        return;
    }
    if (delivery_room == 0) {
        waits_for_safe = false;  // the token is not what it waits for
        return;
    }
    const std::size_t before = out.deliveries.size();
    const auto stop = order->deliver(delivery_room, [&](Delivery&& delivery) {
        if (delivery.kind != protocol::MessageKind::kRecoveryPacket) {
            out.deliveries.emplace_back(std::move(delivery));
        }
    });
    waits_for_safe = stop == ordering::DeliveryCursor::Stop::kUnsafe;
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
