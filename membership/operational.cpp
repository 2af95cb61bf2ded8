#include "membership/operational.hpp"

#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

namespace spread::membership {

using protocol::DaemonId;
using protocol::DaemonIndex;
using protocol::DaemonSet;
using protocol::Duration;
using protocol::Instant;
using protocol::PacketHeader;
using protocol::Slice;
using protocol::Token;
using Insert = ordering::ReceiveWindow::Insert;

namespace {

/// More strangers than these are answered by one datagram for all.
constexpr std::size_t kAnsweredSingly = 2;

/// A group address that does not get through is probed at this multiple of the interval for
/// strangers.
constexpr int kGroupRetryFactor = 40;

}  // namespace

void Operational::start(const Step& step) {
    installed_ = step.now;
    told_missing_ = absences(core_, step.now);
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
        case Insert::kNew: break;
    }
    ++core_.stats.packets_received;
    core_.received_from.note(*core_.roster.find(from.sender),
                             core_.order->was_lost(packet.header.seq));
    core_.note_progress(step.now, packet.header.token_seq);
    if (!holder_.rests_here() && !core_.ring.members().is_alone()) {
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
        // It may be late and have answered a commit token, the numbers of which come first.
        const std::uint64_t number = hold.token_seq.value;
        if (!is_member(from.sender) || number == 0 || number > 2 * core_.ring.members().size()) {
            core_.count(protocol::DecodeError::kBadValue);
        }
        return Stay{};
    }
    core_.note_progress(step.now, hold.token_seq);
    if (!holder_.rests_here() && !core_.ring.members().is_alone()) {
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

Next Operational::on(const Step& step, const PacketHeader& from, const protocol::Join& join) {
    if (is_member(from.sender)) {
        // A join from before its sender had installed this ring.
        const bool is_late = join.incarnation == core_.ring.incarnation_of(from.sender) &&
                             join.highest_counter < core_.ring.id().counter;
        return is_late ? Next{Stay{}} : Next{core_.gather_for(from.sender, join)};
    }
    // A stranger that has given up any of us is forming a ring without them; probes will bring us
    // together. Gathering now would make both sides give each other up again and again, or let the
    // stranger take members away from a healthy ring.
    const DaemonIndex sender = *core_.roster.find(from.sender);
    if (core_.roster.set_of(join.fail_set).intersects(core_.ring_set())) {
        gave_us_up_.insert(sender);
        return Stay{};
    }
    gave_us_up_.erase(sender);
    heard_foreign(step, from);
    const bool gathers = !std::holds_alternative<Stay>(consider_gathering(step, from.sender));
    return gathers ? Next{core_.gather_for(from.sender, join)} : Next{Stay{}};
}

Next Operational::on(const Step& step, const PacketHeader& from, const protocol::Probe&) {
    if (from.ring_id != core_.ring.id()) {
        gave_us_up_.erase(*core_.roster.find(from.sender));
        heard_foreign(step, from);
    }
    return Stay{};
}

Next Operational::heard(const Step& step, const PacketHeader& from) {
    // Packets of the ring we came from are merely late.
    if (from.ring_id == core_.ring.previous_id()) {
        return Stay{};
    }
    tell_whom_we_hear(step);
    if (core_.ring.members().size() == core_.roster.size() &&
        (!last_probe_ || step.now - *last_probe_ >= core_.config.merge_detect_timeout)) {
        send_probe(step);  // somebody wants to know whether it is heard
    }
    return consider_gathering(step, from.sender);
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
            core_.loss.on_loss(step.now, lives(core_));
            return ToGather{ChangeReason::kTokenLoss, DaemonId{}, {}, {}, {}};
        case RingTimer::kTokenRest: holder_.on_rest_ended(step); break;
        case RingTimer::kWake: holder_.ask_for_token(step); break;
        case RingTimer::kMergeDetect: on_probe_due(step); break;
        case RingTimer::kAlive: say_alive(core_, step); break;
        case RingTimer::kTokenRetransmit:
        case RingTimer::kJoin:
        case RingTimer::kConsensus:
        case RingTimer::kChallenge: break;
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
    const DaemonIndex sender = *core_.roster.find(from.sender);
    if (core_.foreign.heard(step.now, sender)) {
        unanswered_.insert(sender);
        if (!last_answer_ || step.now - *last_answer_ >= core_.config.shortest_pause()) {
            answer(step);
        } else {
            core_.timers.bring_forward(RingTimer::kMergeDetect,
                                       *last_answer_ + core_.config.shortest_pause());
        }
    }
}

/// Evidence from before the ring was installed has led to this ring and counts no more.
Instant Operational::evidence_since(const Step& step) const {
    return std::max(core_.probe_evidence_since(step.now), installed_);
}

Next Operational::consider_gathering(const Step& step, DaemonId cause) const {
    const Instant since = evidence_since(step);
    const DaemonSet ours = core_.ring_set();
    const std::optional<DaemonIndex> joins = core_.roster.find(cause);
    std::vector<DaemonSet> rings{ours};
    DaemonSet seen = ours;
    std::size_t largest = ours.size();
    for (const DaemonIndex stranger : core_.hearing.heard_well_by(core_.self, since) - ours) {
        // A daemon that gathers without us will probe from its next ring; one that is gone does not
        // matter.
        const bool gathers = core_.hearing.gathers(stranger) && stranger != joins;
        const bool is_there =
            core_.hearing.is_known(stranger, step.now - core_.config.merge_detect_timeout / 4);
        if (seen.contains(stranger) || gathers || !is_there || gave_us_up_.contains(stranger)) {
            continue;
        }
        const DaemonSet theirs = core_.hearing.ring_of(stranger) - seen;
        seen |= theirs;
        largest = std::max(largest, theirs.size());
        rings.push_back(theirs);
    }
    const DaemonSet together = core_.hearing.merged(rings, since);
    if (together.size() <= largest || !together.contains(core_.self)) {
        return Stay{};
    }
    return ToGather{ChangeReason::kForeignRing, cause, together - ours, {}, {}};
}

protocol::Probe Operational::probe(const Step& step) {
    return core_.make_probe(step.now, evidence_since(step));
}

/// Strangers that the group address may not reach. Of those that it should reach, and that say
/// nothing, all are asked ever more rarely: for each datagram to a host that does not answer the
/// kernel looks for its hardware address for three seconds, and a host that is back meanwhile is
/// found at the end of one of these seconds only.
DaemonSet Operational::asked_singly(const Step& step) const {
    const DaemonSet strangers = DaemonSet::first(core_.roster.size()) - core_.ring_set();
    if (std::has_single_bit(probes_due_) || probes_due_ % kGroupRetryFactor == 0) {
        return strangers;
    }
    const DaemonSet silent = strangers - core_.hearing.heard_by(core_.self, evidence_since(step));
    return strangers - (silent & (core_.group_mates - core_.one_by_one));
}

void Operational::send_probe(const Step& step) {
    step.send_all(protocol::encode_probe(probe(step), core_.header(protocol::PacketKind::kProbe),
                                         core_.pool));
    reported_ = core_.hearing.heard_well_by(core_.self, evidence_since(step));
    last_probe_ = step.now;
}

void Operational::on_probe_due(const Step& step) {
    if (last_probe_ && step.now - installed_ >= 3 * core_.config.merge_detect_timeout) {
        core_.distrust_group(step, DaemonSet::first(core_.roster.size()), *last_probe_);
    }
    if (last_answer_) {
        // Strangers that would be members if datagrams were shorter; the next answer tries.
        const DaemonSet strangers = DaemonSet::first(core_.roster.size()) - core_.ring_set();
        static_cast<void>(core_.look_for_narrow_path(step.now, strangers, *last_answer_,
                                                     core_.config.merge_detect_timeout));
    }
    if (!unanswered_.empty()) {
        answer(step);
    }
    if (!last_probe_ || step.now - *last_probe_ >= core_.config.merge_detect_timeout / 4) {
        const Slice small = protocol::encode_probe(
            probe(step), core_.header(protocol::PacketKind::kProbe), core_.pool);
        ++probes_due_;
        for (const DaemonIndex stranger : asked_singly(step)) {
            step.send_to(core_.roster.id(stranger), Channel::kToken, small);
        }
    }
    send_probe(step);
    schedule_probe(step);
    tell_who_is_missing(step);
}

/// Only when it was the same twice running: while causes are being found out, each packet changes
/// them.
void Operational::tell_who_is_missing(const Step& step) {
    auto missing = absences(core_, step.now);
    if (missing == seen_missing_ && missing != told_missing_) {
        told_missing_ = missing;
        step.out.missing = std::move(missing);
    } else {
        seen_missing_ = std::move(missing);
    }
}

void Operational::answer(const Step& step) {
    const PacketHeader header = core_.header(protocol::PacketKind::kProbe);
    protocol::Probe answer = probe(step);
    const Slice small = protocol::encode_probe(answer, header, core_.pool);
    answer.report.full_sized = true;
    const Slice large =
        protocol::encode_probe(answer, header, core_.pool, core_.path.bytes(step.now));
    if (unanswered_.size() <= kAnsweredSingly) {
        for (const DaemonIndex stranger : unanswered_) {
            step.send_to(core_.roster.id(stranger), Channel::kToken, small);
            step.send_to(core_.roster.id(stranger), Channel::kData, large);
        }
    } else {
        step.send_all(small, Channel::kToken);
        step.send_all(large);
    }
    unanswered_.clear();
    last_answer_ = step.now;
    // All others have to know whom we hear, too.
    if (!last_probe_ || step.now - *last_probe_ >= core_.config.merge_detect_timeout / 4) {
        send_probe(step);
    }
}

void Operational::tell_whom_we_hear(const Step& step) {
    const DaemonSet well = core_.hearing.heard_well_by(core_.self, evidence_since(step));
    if (reported_.includes(well - core_.ring_set())) {
        return;
    }
    if (!last_probe_ || step.now - *last_probe_ >= core_.config.shortest_pause()) {
        send_probe(step);
    } else {
        core_.timers.bring_forward(RingTimer::kMergeDetect,
                                   *last_probe_ + core_.config.shortest_pause());
    }
}

void Operational::schedule_probe(const Step& step) {
    const bool is_complete = core_.ring.members().size() == core_.roster.size();
    if (is_complete && !core_.one_by_one.intersects(core_.ring_set())) {
        core_.timers.clear(RingTimer::kMergeDetect);
        return;
    }
    // A little randomness keeps two rings from probing in step and answering each other for ever.
    const auto quarter = static_cast<std::uint64_t>(core_.config.merge_detect_timeout.count()) / 4;
    const auto jitter = Duration(static_cast<Duration::rep>(core_.rng.below(quarter + 1)));
    // When nobody is missing, probes only find out whether the group address works again: soon,
    // since perhaps only one packet was lost, then rarely.
    const bool is_early = step.now - installed_ < 4 * core_.config.merge_detect_timeout;
    const Duration interval =
        is_complete ? core_.config.merge_detect_timeout * (is_early ? 1 : kGroupRetryFactor)
                    : core_.foreign.interval(core_.ring.members().is_representative());
    core_.timers.set(RingTimer::kMergeDetect, step.now + interval + jitter);
}

}  // namespace spread::membership
