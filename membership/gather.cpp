#include "membership/gather.hpp"

#include <utility>

#include "membership/commit.hpp"
#include "protocol/assert.hpp"

namespace spread::membership {

using protocol::DaemonId;
using protocol::DaemonIndex;
using protocol::DaemonSet;
using protocol::Duration;
using protocol::Instant;
using protocol::PacketHeader;
using Insert = ordering::ReceiveWindow::Insert;

Next Gather::start(const Step& step) {
    began_ = step.now;
    begin_round(step);
    if (starting_) {
        core_.timers.set(RingTimer::kConsensus, step.now + core_.config.start_timeout);
    }
    return check_consensus(step);
}

Next Gather::start(const Step& step, DaemonId from, const protocol::Join& join) {
    began_ = step.now;
    const DaemonIndex sender = *core_.roster.find(from);
    static_cast<void>(take(join, sender));
    begin_round(step);
    if (agrees(step, join, sender)) {
        agrees_.insert(sender);
    }
    return check_consensus(step);
}

void Gather::begin_round(const Step& step) {
    agrees_.clear();
    await_commit_ = false;
    sets_are_sent_ = false;
    second_look_ = false;
    core_.timers.set(RingTimer::kConsensus, step.now + core_.config.consensus_timeout);
    // When many daemons meet, the sets change with almost every join that comes in. Answering each
    // would make a burst of joins quadratic in their number at every daemon.
    const Duration pause = core_.config.shortest_pause();
    if (core_.last_join && step.now - *core_.last_join < pause) {
        core_.timers.set(RingTimer::kJoin, *core_.last_join + pause);
    } else {
        send_join(step);
    }
}

/// By every way that the ring will use. Where large datagrams are lost, small joins still arrive,
/// and their reports say that the large ones do not.
void Gather::send_join(const Step& step) {
    const Instant since = core_.gather_evidence_since(step.now);
    const protocol::PacketHeader header = core_.header(protocol::PacketKind::kJoin);
    protocol::Join join;
    join.incarnation = core_.incarnation;
    join.highest_counter = core_.id_counter.highest();
    join.join_seq = ++core_.my_join_seq;
    join.proc_set = core_.roster.ids_of(sets_.proc);
    join.fail_set = core_.roster.ids_of(sets_.fail);
    join.report = core_.report(step.now, since);
    const protocol::Slice small = protocol::encode_join(join, header, core_.pool);
    join.report.full_sized = true;
    step.send_all(small, Channel::kToken);
    step.send_all(protocol::encode_join(join, header, core_.pool, core_.path.bytes(step.now)));
    step.send_all(small);
    reported_ = core_.hearing.heard_well_by(core_.self, since);
    sets_are_sent_ = true;
    core_.last_join = step.now;
    core_.timers.set(RingTimer::kJoin, step.now + core_.config.join_timeout);
}

Next Gather::begin_round_and_check(const Step& step) {
    begin_round(step);
    return check_consensus(step);
}

bool Gather::hears_all(const Step& step, DaemonIndex daemon) const {
    const Instant since = core_.gather_evidence_since(step.now);
    return (core_.hearing.heard_well_by(daemon, since) | DaemonSet{daemon}).includes(candidates());
}

Next Gather::check_consensus(const Step& step) {
    if (hears_all(step, core_.self)) {
        agrees_.insert(core_.self);
    }
    if (starting_ || await_commit_ || !agrees_.includes(candidates())) {
        return Stay{};
    }
    if (candidates().size() == 1) {
        // A join that gives us up may have waited in a full socket; who wants us joins again soon.
        return given_up_ ? Next{Stay{}} : Next{ToRingOfOne{}};
    }
    if (candidates().front() == core_.self) {
        ToCommit next{{}, ChangeReason::kConsensus, DaemonId{}};
        next.token.ring_id = core_.make_ring_id(step.now);
        next.token.version = wire_for(core_, candidates());
        for (const DaemonIndex member : candidates()) {
            next.token.members.emplace_back().id = core_.roster.id(member);
        }
        return next;
    }
    // The representative now owes a commit token.
    await_commit_ = true;
    core_.timers.set(RingTimer::kConsensus, step.now + core_.loss.value());
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
        return begin_round_and_check(step);
    }
    return leave_out(step);
}

Next Gather::leave_out(const Step& step) {
    const Instant since = core_.gather_evidence_since(step.now);
    const DaemonSet silent = candidates() - heard_ - DaemonSet{core_.self};
    DaemonSet heard_by_others;
    for (const DaemonIndex daemon : candidates() & heard_) {
        heard_by_others |= core_.hearing.heard_by(daemon, since);
    }
    const DaemonSet left = candidates() - (silent - heard_by_others);
    const DaemonSet well = core_.hearing.well_connected(left, since);
    if (silent.intersects(heard_by_others) && !second_look_) {
        // It may have died since they heard it. If it is alive, it and we cannot both stay.
        sets_.fail |= silent - heard_by_others;
        begin_round(step);
        second_look_ = true;
        return check_consensus(step);
    }
    if (!well.contains(core_.self)) {
        sets_.fail |= candidates() - DaemonSet{core_.self};
    } else if (well != candidates()) {
        sets_.fail |= candidates() - well;
    } else {
        sets_.fail |= candidates() - agrees_ - DaemonSet{core_.self};
    }
    return begin_round_and_check(step);
}

Next Gather::on(const Step& step, const PacketHeader& from, const protocol::Join& join) {
    const DaemonIndex sender = *core_.roster.find(from.sender);
    if (sets_.fail.contains(sender)) {
        heard_.insert(sender);
        return Stay{};
    }
    if (take(join, sender)) {
        begin_round(step);
    }
    if (agrees(step, join, sender)) {
        agrees_.insert(sender);
    } else {
        agrees_.erase(sender);
    }
    return check_consensus(step);
}

bool Gather::take(const protocol::Join& join, DaemonIndex sender) {
    heard_.insert(sender);
    if (sets_.fail.contains(sender)) {
        return false;
    }
    const DaemonSet proc = core_.roster.set_of(join.proc_set);
    const DaemonSet fail = core_.roster.set_of(join.fail_set);
    const DaemonSet ring = core_.ring_set();
    const DaemonSet ours = ((ring & heard_) - sets_.fail) | DaemonSet{core_.self};
    const bool stranger = !ring.contains(sender);
    const Sets before = sets_;
    if (fail.contains(core_.self) && !stranger && join.report.left_out.contains(core_.self)) {
        // Rings fail with us, and so the others will leave us out as well. If we gave it up and
        // went on with one who has not heard of it yet, that one would be taken from a healthy
        // ring.
        sets_.proc |= ring | DaemonSet{sender};
        sets_.fail |= sets_.proc - DaemonSet{core_.self};
        given_up_ = true;
    } else if (fail.contains(core_.self) || (stranger && fail.intersects(ours))) {
        // It has given us up, so we give it up; the rings can merge once both are installed. What a
        // stranger says does not count against members of our own ring that answer.
        sets_.proc.insert(sender);
        sets_.fail.insert(sender);
        given_up_ = true;
    } else {
        sets_.proc |= proc | fail | DaemonSet{sender};
        sets_.fail |= fail;
    }
    if (sets_ == before) {
        return false;
    }
    starting_ = false;
    return true;
}

bool Gather::agrees(const Step& step, const protocol::Join& join, DaemonIndex sender) const {
    return !sets_.fail.contains(sender) && core_.roster.set_of(join.proc_set) == sets_.proc &&
           core_.roster.set_of(join.fail_set) == sets_.fail && hears_all(step, sender);
}

/// That we now hear all candidates, for which the others wait, goes out at once; other news soon.
Next Gather::heard(const Step& step, const PacketHeader&) {
    const DaemonSet self{core_.self};
    const DaemonSet well =
        core_.hearing.heard_well_by(core_.self, core_.gather_evidence_since(step.now));
    if (!reported_.includes(well)) {
        const bool is_awaited = candidates().size() > 1 && sets_are_sent_ &&
                                (well | self).includes(candidates()) &&
                                !(reported_ | self).includes(candidates());
        const Duration pause = core_.config.news_pause();
        if (is_awaited || !core_.last_join || step.now - *core_.last_join >= pause) {
            send_join(step);
        } else {
            core_.timers.bring_forward(RingTimer::kJoin, *core_.last_join + pause);
        }
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
    // Packets of the old ring are accepted until a commit token has said what we hold.
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
    // Once it has joined again, the report is about its earlier incarnation.
    if (!candidates().contains(gone) || heard_.contains(gone)) {
        return Stay{};
    }
    sets_.fail.insert(gone);
    return begin_round_and_check(step);
}

Next Gather::on_timer(const Step& step, RingTimer timer) {
    switch (timer) {
        case RingTimer::kJoin:
            if (step.now - began_ >= core_.config.join_timeout) {
                core_.distrust_group(step, candidates(), began_ + core_.config.join_timeout / 2);
                if (core_.look_for_narrow_path(step.now, candidates(),
                                               step.now - core_.config.join_timeout,
                                               core_.config.join_timeout)) {
                    return begin_round_and_check(step);
                }
            }
            send_join(step);
            break;
        case RingTimer::kConsensus: return give_up_waiting(step);
        case RingTimer::kTokenLoss:
        case RingTimer::kTokenRetransmit:
        case RingTimer::kTokenRest:
        case RingTimer::kWake:
        case RingTimer::kMergeDetect:
        case RingTimer::kChallenge:
        case RingTimer::kAlive: break;
    }
    return Stay{};
}

void Gather::check_invariants() const {
    SPREAD_ASSERT(sets_.proc.includes(sets_.fail));
    SPREAD_ASSERT(candidates().contains(core_.self));
    SPREAD_ASSERT(core_.watch.watched() == nullptr);
}

}  // namespace spread::membership
