#include "membership/operational.hpp"

#include <algorithm>
#include <utility>

namespace spread::membership {

using protocol::DaemonId;
using protocol::Duration;
using protocol::PacketHeader;
using protocol::Slice;
using protocol::Token;
using Insert = ordering::ReceiveWindow::Insert;

void Operational::start(const Step& step) {
    schedule_probe(step);
    holder_.start(core_.order->high_seq());
}

void Operational::pump(const Step& step) {
    if (!core_.queue.has_sendable()) {
        return;
    }
    if (core_.ring.members().is_alone()) {
        core_.deliver(step);
    } else {
        holder_.pump(step);
    }
}

Next Operational::on(const Step& step, const PacketHeader& from, const DataPacket& packet) {
    if (from.ring_id != core_.ring.id()) {
        heard_foreign(step, from);
        return Stay{};
    }
    if (!is_member(from.sender) || !holder_.accepts(packet.header)) {
        core_.count(protocol::DecodeError::kBadValue);
        return Stay{};
    }
    switch (core_.order->on_data(packet.header, from.sender, packet.datagram)) {
        case Insert::kDuplicate: ++core_.stats.packets_duplicate; return Stay{};
        case Insert::kOutOfRange: core_.count(protocol::DecodeError::kBadValue); return Stay{};
        case Insert::kNew: ++core_.stats.packets_received; break;
    }
    core_.note_progress(step.now, packet.header.token_seq);
    if (holder_.is_away() && !core_.ring.members().is_alone()) {
        core_.expect_token(step.now);
    }
    holder_.note_packet(from.sender, packet.header.token_seq);
    core_.deliver(step);
    return Stay{};
}

Next Operational::on(const Step& step, const PacketHeader& from, Token& token) {
    if (token.ring_id != core_.ring.id()) {
        heard_foreign(step, from);
        return Stay{};
    }
    return holder_.on_token(step, token);
}

Next Operational::on(const Step& step, const PacketHeader& from, const Hold& hold) {
    if (from.ring_id != core_.ring.id()) {
        return Stay{};
    }
    if (from.sender != core_.ring.members().representative()) {
        core_.count(protocol::DecodeError::kBadValue);
        return Stay{};
    }
    core_.note_progress(step.now, hold.token_seq);
    if (holder_.is_away() && !core_.ring.members().is_alone()) {
        core_.expect_token(step.now);
    }
    return Stay{};
}

Next Operational::on(const Step& step, const PacketHeader& from, const Wake& wake) {
    if (from.ring_id != core_.ring.id()) {
        return Stay{};
    }
    if (is_member(from.sender) && core_.ring.members().is_representative()) {
        holder_.on_wake(step, from.sender, wake.seen);
    } else {
        core_.count(protocol::DecodeError::kBadValue);
    }
    return Stay{};
}

Next Operational::on(const Step&, const PacketHeader& from, const protocol::Join& join) {
    const bool member = is_member(from.sender);
    // A member that sent this before it knew the ring was still on its way into it.
    if (member && join.incarnation == core_.ring.incarnation_of(from.sender) &&
        join.highest_counter < core_.ring.id().counter) {
        return Stay{};
    }
    // A stranger that has given up any of us is forming a ring without them; probes will bring us
    // together. Gathering now would make both sides give each other up again and again, or let the
    // stranger take members away from a healthy ring.
    if (!member && core_.roster.set_of(join.fail_set)
                       .intersects(core_.roster.set_of(core_.ring.members().list()))) {
        return Stay{};
    }
    return core_.gather_for(from.sender, join);
}

Next Operational::on(const Step& step, const PacketHeader& from, const protocol::Probe& probe) {
    if (from.ring_id == core_.ring.id()) {
        return Stay{};
    }
    const bool hears_us =
        std::find(probe.heard.begin(), probe.heard.end(), core_.config.self) != probe.heard.end();
    if (hears_us && !is_member(from.sender) && from.ring_id != core_.ring.previous_id()) {
        return ToGather{ChangeReason::kForeignRing, from.sender, core_.only(from.sender), {}, {}};
    }
    heard_foreign(step, from);
    return Stay{};
}

Next Operational::on(const Step&, const PacketHeader& from, const Leave&) {
    if (from.ring_id != core_.ring.id() || !is_member(from.sender)) {
        return Stay{};
    }
    return ToGather{ChangeReason::kPeerLeft, from.sender, {}, core_.only(from.sender), {}};
}

Next Operational::on_unreachable(const Step&, DaemonId peer) {
    if (!is_member(peer)) {
        return Stay{};
    }
    return ToGather{ChangeReason::kPeerUnreachable, peer, {}, core_.only(peer), {}};
}

Next Operational::on_timer(const Step& step, RingTimer timer) {
    switch (timer) {
        case RingTimer::kTokenLoss:
            return ToGather{ChangeReason::kTokenLoss, DaemonId{}, {}, {}, {}};
        case RingTimer::kTokenRest: holder_.on_rest_ended(step); break;
        case RingTimer::kWake: holder_.ask_for_token(step); break;
        case RingTimer::kMergeDetect:
            send_probe(step, std::nullopt);
            schedule_probe(step);
            break;
        case RingTimer::kTokenRetransmit:
        case RingTimer::kJoin:
        case RingTimer::kConsensus: break;
    }
    return Stay{};
}

// --- other rings ---

void Operational::heard_foreign(const Step& step, const PacketHeader& from) {
    ++core_.stats.foreign_packets;
    // Packets of the ring we came from, or of a member's earlier ring, are merely late.
    if (from.ring_id == core_.ring.previous_id() || is_member(from.sender)) {
        return;
    }
    if (core_.foreign.heard(step.now, *core_.roster.find(from.sender))) {
        send_probe(step, from.sender);
    }
}

void Operational::send_probe(const Step& step, std::optional<DaemonId> to) {
    protocol::Probe probe;
    probe.incarnation = core_.incarnation;
    probe.highest_counter = core_.id_counter.highest();
    probe.heard = core_.roster.ids_of(core_.foreign.heard_lately(step.now));
    Slice datagram =
        protocol::encode_probe(probe, core_.header(protocol::PacketKind::kProbe), core_.pool);
    if (to) {
        step.send_to(*to, Channel::kData, std::move(datagram));
    } else {
        step.send_all(std::move(datagram));
    }
}

void Operational::schedule_probe(const Step& step) {
    if (core_.ring.members().size() == core_.roster.size()) {
        core_.timers.clear(RingTimer::kMergeDetect);
        return;
    }
    // A little randomness keeps two rings from probing in step and answering each other for ever.
    const auto quarter = static_cast<std::uint64_t>(core_.config.merge_detect_timeout.count()) / 4;
    const auto jitter = Duration(static_cast<Duration::rep>(core_.rng.below(quarter + 1)));
    core_.timers.set(
        RingTimer::kMergeDetect,
        step.now + core_.foreign.interval(core_.ring.members().is_representative()) + jitter);
}

}  // namespace spread::membership
