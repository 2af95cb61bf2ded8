#include <algorithm>
#include <utility>

#include "membership/engine_impl.hpp"

// Gather: daemons exchange joins until all candidates for the next ring have said the same
// (Totem 5.1).

namespace spread::membership {

void RingEngine::Impl::enter_gather(Instant now, ChangeReason reason, DaemonId peer,
                                    const MemberSet& extra_proc, const MemberSet& extra_fail,
                                    EngineOutput& out) {
    Gather gather;
    gather.proc_set = to_set(members) | extra_proc;
    gather.fail_set = extra_fail;
    if (const Forming* forming = forming_ring()) {
        gather.proc_set |= forming->proc_set;
        gather.fail_set |= forming->fail_set;
    }
    gather.proc_set |= gather.fail_set;
    gather.fail_set.reset(*position(config.self));
    sent_token.reset();
    timers.fill(std::nullopt);
    prefer_token = false;
    stall.reset();
    last_visit.reset();
    for (Peer& each : peers) {
        each.joined_this_gather = false;
    }
    const MemberList about = to_list(gather.candidates());
    change_state(now, std::move(gather), reason, peer, ring_id, about);
    begin_round(now, std::get<Gather>(state), out);
    check_consensus(now, out);
}

void RingEngine::Impl::begin_round(Instant now, Gather& gather, EngineOutput& out) {
    gather.agrees.reset();
    gather.agrees.set(*position(config.self));
    gather.await_commit = false;
    set_timer(RingTimer::kConsensus, now + config.consensus_timeout);
    // When many daemons meet, the sets change with almost every join that comes in. Answering each
    // would make a burst of joins quadratic in their number at every daemon.
    const Duration pause = config.join_timeout / 10;
    if (last_join && now - *last_join < pause) {
        set_timer(RingTimer::kJoin, *last_join + pause);
    } else {
        send_join(now, gather, out);
    }
}

const Forming* RingEngine::Impl::forming_ring() const {
    if (const auto* commit = std::get_if<Commit>(&state)) {
        return &commit->forming;
    }
    const auto* recovery = std::get_if<Recovery>(&state);
    return recovery != nullptr ? &recovery->forming : nullptr;
}

void RingEngine::Impl::send_join(Instant now, const Gather& gather, EngineOutput& out) {
    protocol::Join join;
    join.incarnation = incarnation;
    join.highest_counter = highest_counter;
    join.join_seq = ++my_join_seq;
    join.proc_set = to_list(gather.proc_set);
    join.fail_set = to_list(gather.fail_set);
    send_all(protocol::encode_join(join, header(protocol::PacketKind::kJoin, ring_id), pool), out);
    last_join = now;
    set_timer(RingTimer::kJoin, now + config.join_timeout);
}

void RingEngine::Impl::on_join(Instant now, const protocol::PacketHeader& from,
                               const protocol::Join& join, EngineOutput& out) {
    const std::size_t sender = *position(from.sender);
    Peer& peer = peers[sender];
    const auto at = std::find(members.begin(), members.end(), from.sender);
    const bool member = at != members.end();
    // Copies and late joins, of this life of the sender or of one before it.
    if (join.incarnation == peer.incarnation && join.join_seq <= peer.join_seq) {
        return;
    }
    // Of a stranger also a lower incarnation is heard: its host may have lost the state file while
    // its clock went back. A late join of an older life then costs one needless gather.
    const auto known = member ? member_incarnations[static_cast<std::size_t>(at - members.begin())]
                              : protocol::Incarnation{};
    if (join.incarnation < known) {
        return;
    }
    peer.incarnation = join.incarnation;
    peer.join_seq = join.join_seq;
    highest_counter = std::max(highest_counter, join.highest_counter);

    if (std::holds_alternative<Gather>(state)) {
        gather_join(now, sender, join, out);
        return;
    }
    MemberSet joining = to_set(join.proc_set);
    joining.set(sender);
    if (std::holds_alternative<Operational>(state)) {
        // A member that sent this before it knew the ring was still on its way into it.
        if (member && join.incarnation == known && join.highest_counter < ring_id.counter) {
            return;
        }
        // A stranger that has given up any of us is forming a ring without them; probes will bring
        // us together. Gathering now would make both sides give each other up again and again, or
        // let the stranger take members away from a healthy ring.
        if (!member && (to_set(join.fail_set) & to_set(members)).any()) {
            return;
        }
        enter_gather(now, ChangeReason::kJoinReceived, from.sender, joining, {}, out);
    } else {
        const Forming& forming = *forming_ring();
        const bool forming_member = std::find(forming.members.begin(), forming.members.end(),
                                              from.sender) != forming.members.end();
        const bool same_sets =
            to_set(join.proc_set) == forming.proc_set && to_set(join.fail_set) == forming.fail_set;
        // Others will be heard again once this ring is up. A member that repeats what led here has
        // only not seen the commit token yet.
        if (!forming_member || (same_sets && join.highest_counter < forming.ring_id.counter)) {
            return;
        }
        enter_gather(now, ChangeReason::kJoinReceived, from.sender, joining, {}, out);
    }
    // What the join says counts for the gather it started.
    if (std::holds_alternative<Gather>(state)) {
        gather_join(now, sender, join, out);
    }
}

void RingEngine::Impl::gather_join(Instant now, std::size_t sender, const protocol::Join& join,
                                   EngineOutput& out) {
    auto& gather = std::get<Gather>(state);
    peers[sender].joined_this_gather = true;
    const std::size_t self = *position(config.self);
    const MemberSet proc = to_set(join.proc_set);
    const MemberSet fail = to_set(join.fail_set);
    if (gather.fail_set.test(sender)) {
        return;
    }
    MemberSet ours;  // of our ring, and heard in this gather
    ours.set(self);
    for (const DaemonId id : members) {
        const std::size_t at = *position(id);
        if (peers[at].joined_this_gather && !gather.fail_set.test(at)) {
            ours.set(at);
        }
    }
    const bool stranger =
        std::find(members.begin(), members.end(), config.daemons[sender]) == members.end();
    if (fail.test(self) || (stranger && (fail & ours).any())) {
        // It has given us up; answer in kind, and meet again when both rings are up. A stranger's
        // word does not count against those of our own ring who answer.
        gather.proc_set.set(sender);
        gather.fail_set.set(sender);
        gather.given_up = true;
        gather.starting = false;
        begin_round(now, gather, out);
        check_consensus(now, out);
        return;
    }
    MemberSet new_proc = gather.proc_set | proc | fail;
    new_proc.set(sender);
    const MemberSet new_fail = gather.fail_set | fail;
    if (new_proc != gather.proc_set || new_fail != gather.fail_set) {
        gather.proc_set = new_proc;
        gather.fail_set = new_fail;
        gather.starting = false;
        begin_round(now, gather, out);
    }
    if (proc == gather.proc_set && fail == gather.fail_set) {
        gather.agrees.set(sender);
    }
    check_consensus(now, out);
}

void RingEngine::Impl::check_consensus(Instant now, EngineOutput& out) {
    auto& gather = std::get<Gather>(state);
    const MemberSet candidates = gather.candidates();
    if (gather.starting || gather.await_commit || (candidates & ~gather.agrees).any()) {
        return;
    }
    if (candidates.count() == 1) {
        // Being given up may be old news out of a full socket; whoever wants us says so soon.
        if (!gather.given_up) {
            install_alone(now, out);
        }
        return;
    }
    const MemberList list = to_list(candidates);
    if (list.front() == config.self) {
        create_commit_token(now, out);
        return;
    }
    // The representative now owes a commit token.
    gather.await_commit = true;
    set_timer(RingTimer::kConsensus, now + config.token_loss_timeout);
}

void RingEngine::Impl::consensus_timeout(Instant now, EngineOutput& out) {
    auto* gather = std::get_if<Gather>(&state);
    if (gather == nullptr) {
        return;
    }
    if (gather->starting) {
        gather->starting = false;
        set_timer(RingTimer::kConsensus, now + config.consensus_timeout);
        check_consensus(now, out);
        return;
    }
    gather->given_up = false;
    if (gather->await_commit) {
        gather->fail_set.set(*position(to_list(gather->candidates()).front()));
    } else {
        gather->fail_set |= gather->candidates() & ~gather->agrees;
    }
    begin_round(now, *gather, out);
    check_consensus(now, out);
}

void RingEngine::Impl::on_leave_packet(Instant now, const protocol::PacketHeader& from,
                                       EngineOutput& out) {
    if (from.ring_id != ring_id ||
        std::find(members.begin(), members.end(), from.sender) == members.end()) {
        return;
    }
    MemberSet gone;
    gone.set(*position(from.sender));
    if (auto* gather = std::get_if<Gather>(&state)) {
        if ((gather->candidates() & gone).any()) {
            gather->fail_set |= gone;
            begin_round(now, *gather, out);
            check_consensus(now, out);
        }
        return;
    }
    if (const Forming* forming = forming_ring();
        forming != nullptr && std::find(forming->members.begin(), forming->members.end(),
                                        from.sender) == forming->members.end()) {
        return;  // it is left out already
    }
    enter_gather(now, ChangeReason::kPeerLeft, from.sender, {}, gone, out);
}

}  // namespace spread::membership
