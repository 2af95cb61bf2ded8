#include "membership/gather.hpp"

#include <utility>

#include "membership/commit.hpp"
#include "protocol/assert.hpp"

namespace spread::membership {

using protocol::DaemonId;
using protocol::DaemonIndex;
using protocol::DaemonSet;
using protocol::Duration;
using protocol::PacketHeader;
using Insert = ordering::ReceiveWindow::Insert;

Next Gather::start(const Step& step) {
    begin_round(step);
    if (starting_) {
        core_.timers.set(RingTimer::kConsensus, step.now + core_.config.start_timeout);
    }
    return check_consensus(step);
}

void Gather::begin_round(const Step& step) {
    agrees_ = {core_.self};
    await_commit_ = false;
    core_.timers.set(RingTimer::kConsensus, step.now + core_.config.consensus_timeout);
    // When many daemons meet, the sets change with almost every join that comes in. Answering each
    // would make a burst of joins quadratic in their number at every daemon.
    const Duration pause = core_.config.join_timeout / 10;
    if (core_.last_join && step.now - *core_.last_join < pause) {
        core_.timers.set(RingTimer::kJoin, *core_.last_join + pause);
    } else {
        send_join(step);
    }
}

void Gather::send_join(const Step& step) {
    protocol::Join join;
    join.incarnation = core_.incarnation;
    join.highest_counter = core_.id_counter.highest();
    join.join_seq = ++core_.my_join_seq;
    join.proc_set = core_.roster.ids_of(sets_.proc);
    join.fail_set = core_.roster.ids_of(sets_.fail);
    step.send_all(
        protocol::encode_join(join, core_.header(protocol::PacketKind::kJoin), core_.pool));
    core_.last_join = step.now;
    core_.timers.set(RingTimer::kJoin, step.now + core_.config.join_timeout);
}

Next Gather::begin_round_and_check(const Step& step) {
    begin_round(step);
    return check_consensus(step);
}

Next Gather::check_consensus(const Step& step) {
    if (starting_ || await_commit_ || !agrees_.includes(candidates())) {
        return Stay{};
    }
    if (candidates().size() == 1) {
        // Being given up may be old news out of a full socket; whoever wants us says so soon.
        return given_up_ ? Next{Stay{}} : Next{ToRingOfOne{}};
    }
    if (candidates().front() == core_.self) {
        ToCommit next{{}, ChangeReason::kConsensus, DaemonId{}};
        next.token.ring_id = core_.make_ring_id(step.now);
        for (const DaemonIndex member : candidates()) {
            next.token.members.emplace_back().id = core_.roster.id(member);
        }
        return next;
    }
    // The representative now owes a commit token.
    await_commit_ = true;
    core_.timers.set(RingTimer::kConsensus, step.now + core_.config.token_loss_timeout);
    return Stay{};
}

/// The consensus timeout is over.
Next Gather::give_up_waiting(const Step& step) {
    if (starting_) {
        starting_ = false;
        core_.timers.set(RingTimer::kConsensus, step.now + core_.config.consensus_timeout);
        return check_consensus(step);
    }
    given_up_ = false;
    if (await_commit_) {
        sets_.fail.insert(candidates().front());
    } else {
        sets_.fail |= candidates() - agrees_;
    }
    return begin_round_and_check(step);
}

Next Gather::on(const Step& step, const PacketHeader& from, const protocol::Join& join) {
    return on_join(step, from.sender, join);
}

Next Gather::on_join(const Step& step, DaemonId from, const protocol::Join& join) {
    const DaemonIndex sender = *core_.roster.find(from);
    heard_.insert(sender);
    if (sets_.fail.contains(sender)) {
        return Stay{};
    }
    const DaemonSet proc = core_.roster.set_of(join.proc_set);
    const DaemonSet fail = core_.roster.set_of(join.fail_set);
    const DaemonSet ring = core_.roster.set_of(core_.ring.members().list());
    const DaemonSet ours = ((ring & heard_) - sets_.fail) | DaemonSet{core_.self};
    const bool stranger = !ring.contains(sender);
    if (fail.contains(core_.self) || (stranger && fail.intersects(ours))) {
        // It has given us up; answer in kind, and meet again when both rings are up. A stranger's
        // word does not count against those of our own ring who answer.
        sets_.proc.insert(sender);
        sets_.fail.insert(sender);
        given_up_ = true;
        starting_ = false;
        return begin_round_and_check(step);
    }
    const DaemonSet new_proc = sets_.proc | proc | fail | DaemonSet{sender};
    const DaemonSet new_fail = sets_.fail | fail;
    if (new_proc != sets_.proc || new_fail != sets_.fail) {
        sets_ = {new_proc, new_fail};
        starting_ = false;
        begin_round(step);
    }
    if (proc == sets_.proc && fail == sets_.fail) {
        agrees_.insert(sender);
    }
    return check_consensus(step);
}

Next Gather::on(const Step&, const PacketHeader&, protocol::CommitToken& token) {
    const protocol::CommitMember* mine = own_entry(token, core_.config.self);
    // Accept only the ring we agreed to, and never one older than a ring we have known.
    if (mine == nullptr || mine->filled || token.pass != 1 ||
        member_list(token) != core_.roster.ids_of(candidates()) ||
        token.ring_id.representative != token.members.front().id ||
        token.members.front().id == core_.config.self ||
        token.ring_id.counter <= core_.id_counter.mine()) {
        return Stay{};
    }
    if (!RingIdCounter::is_possible(token.ring_id.counter)) {
        core_.count(protocol::DecodeError::kBadValue);
        return Stay{};
    }
    const DaemonId sender = token.sender;
    return ToCommit{std::move(token), ChangeReason::kCommitTokenReceived, sender};
}

Next Gather::on(const Step&, const PacketHeader& from, const DataPacket& packet) {
    if (from.ring_id != core_.ring.id()) {
        ++core_.stats.foreign_packets;
        return Stay{};
    }
    // As long as no commit token has declared what we hold, more of the old ring is welcome.
    if (!core_.ring.is_member(from.sender)) {
        core_.count(protocol::DecodeError::kBadValue);
        return Stay{};
    }
    switch (core_.order->on_data(packet.header, from.sender, packet.datagram)) {
        case Insert::kDuplicate: ++core_.stats.packets_duplicate; break;
        case Insert::kOutOfRange: core_.count(protocol::DecodeError::kBadValue); break;
        case Insert::kNew: ++core_.stats.packets_received; break;
    }
    return Stay{};
}

Next Gather::on(const Step&, const PacketHeader&, protocol::Token&) {
    ++core_.stats.foreign_packets;
    return Stay{};
}

Next Gather::on(const Step& step, const PacketHeader& from, const Leave&) {
    if (from.ring_id != core_.ring.id() || !core_.ring.is_member(from.sender)) {
        return Stay{};
    }
    const DaemonIndex gone = *core_.roster.find(from.sender);
    if (!candidates().contains(gone)) {
        return Stay{};
    }
    sets_.fail.insert(gone);
    return begin_round_and_check(step);
}

Next Gather::on_unreachable(const Step& step, DaemonId peer) {
    const DaemonIndex gone = *core_.roster.find(peer);
    // Once it has joined, the report is about its earlier life.
    if (!candidates().contains(gone) || heard_.contains(gone)) {
        return Stay{};
    }
    sets_.fail.insert(gone);
    return begin_round_and_check(step);
}

Next Gather::on_timer(const Step& step, RingTimer timer) {
    switch (timer) {
        case RingTimer::kJoin: send_join(step); break;
        case RingTimer::kConsensus: return give_up_waiting(step);
        case RingTimer::kTokenLoss:
        case RingTimer::kTokenRetransmit:
        case RingTimer::kTokenRest:
        case RingTimer::kWake:
        case RingTimer::kMergeDetect: break;
    }
    return Stay{};
}

void Gather::check_invariants() const {
    SPREAD_ASSERT(sets_.proc.includes(sets_.fail));
    SPREAD_ASSERT(candidates().contains(core_.self));
    SPREAD_ASSERT(agrees_.contains(core_.self));
    SPREAD_ASSERT(core_.watch.watched() == nullptr);
}

}  // namespace spread::membership
