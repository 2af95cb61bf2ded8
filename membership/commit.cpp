#include "membership/commit.hpp"

#include <algorithm>

#include "protocol/assert.hpp"

namespace spread::membership {

using protocol::CommitMember;
using protocol::CommitToken;
using protocol::DaemonId;
using protocol::MemberList;
using protocol::PacketHeader;
using protocol::Seq;

CommitMember* own_entry(CommitToken& token, DaemonId self) {
    const auto mine = std::find_if(token.members.begin(), token.members.end(),
                                   [self](const CommitMember& each) { return each.id == self; });
    if (mine == token.members.end()) {
        return nullptr;
    }
    const auto after = mine == token.members.begin() ? token.members.end() : mine;
    return token.sender == (after - 1)->id ? &*mine : nullptr;
}

MemberList member_list(const CommitToken& token) {
    MemberList list;
    list.reserve(token.members.size());
    for (const CommitMember& member : token.members) {
        list.push_back(member.id);
    }
    return list;
}

CommitMember report(const EngineCore& core, std::size_t member_count) {
    const auto& window = core.order->window();
    CommitMember member;
    member.id = core.config.self;
    member.filled = true;
    member.incarnation = core.incarnation;
    member.old_ring = core.ring.id();
    member.aru = window.my_aru();
    member.safe_up_to = std::min(core.order->safe_up_to(), member.aru);
    // The configuration keeps windows below what can be reported.
    const std::size_t span = protocol::held_span_max(member_count);
    member.held = window.held_beyond_aru(span);
    const Seq end = member.aru + 1 + span;
    while (!member.held.empty() && member.held.back().first >= end) {
        member.held.pop_back();
    }
    if (!member.held.empty()) {
        protocol::SeqRange& last = member.held.back();
        last.count =
            static_cast<std::uint32_t>(std::min<std::uint64_t>(last.count, end - last.first));
    }
    member.obligation = core.obligation;
    return member;
}

void pass_commit_token(EngineCore& core, const Step& step, CommitToken& token) {
    ++token.token_seq.value;
    token.sender = core.config.self;
    const RingMembers members(member_list(token), core.config.self);
    core.send_token(step, members.successor(),
                    protocol::encode_commit(token, core.config.config_hash, core.pool),
                    token.token_seq);
}

bool is_handled_copy(const EngineCore& core, const Forming& forming, const Step& step,
                     CommitToken& token) {
    if (token.ring_id != forming.ring_id || token.token_seq > forming.last_token_seq ||
        own_entry(token, core.config.self) == nullptr) {
        return false;
    }
    const PacketHeader header{protocol::PacketKind::kHold, core.config.config_hash,
                              core.config.self, forming.ring_id, core.ring_wire};
    step.send_to(token.sender, Channel::kToken,
                 protocol::encode_hold(token.token_seq, header, core.pool));
    return true;
}

void take_answer(EngineCore& core, const Forming& forming, const Step& step,
                 const PacketHeader& from, const Hold& hold) {
    if (from.ring_id == forming.ring_id && from.sender == forming.members.successor()) {
        core.note_progress(step.now, hold.token_seq);
    }
}

Next join_while_forming(const EngineCore& core, const Forming& forming, DaemonId sender,
                        const protocol::Join& join) {
    const bool same_sets = core.roster.set_of(join.proc_set) == forming.sets.proc &&
                           core.roster.set_of(join.fail_set) == forming.sets.fail;
    // Joins of others are answered once this ring is installed. A member that repeats the join that
    // led here has not seen the commit token yet.
    if (!forming.members.is_member(sender) ||
        (same_sets && join.highest_counter < forming.ring_id.counter)) {
        return Stay{};
    }
    return core.gather_for(sender, join);
}

Next leave_while_forming(const EngineCore& core, const Forming& forming, const PacketHeader& from) {
    // It may have installed the new ring before us.
    const bool is_of_ours = from.ring_id == forming.ring_id ||
                            (from.ring_id == core.ring.id() && core.ring.is_member(from.sender));
    if (!is_of_ours || !forming.members.is_member(from.sender)) {
        return Stay{};  // else it is left out already
    }
    return ToGather{ChangeReason::kPeerLeft, from.sender, {}, core.only(from.sender), {}};
}

Next unreachable_while_forming(const EngineCore& core, const Forming& forming, DaemonId peer) {
    if (!forming.members.is_member(peer)) {
        return Stay{};
    }
    return ToGather{ChangeReason::kPeerUnreachable, peer, {}, core.only(peer), {}};
}

void check_forming(const EngineCore& core, const Forming& forming) {
    SPREAD_ASSERT(core.roster.set_of(forming.members.list()) ==
                  forming.sets.proc - forming.sets.fail);
    SPREAD_ASSERT(forming.members.size() > 1);
    SPREAD_ASSERT(forming.ring_id.representative == forming.members.representative());
    SPREAD_ASSERT(forming.ring_id.counter > core.ring.id().counter);
    SPREAD_ASSERT(forming.ring_id.counter == core.id_counter.mine());
    // If the token does not come back, the timeout ends this state.
    SPREAD_ASSERT(core.timers.is_set(RingTimer::kTokenLoss));
}

Next Commit::on(const Step& step, const PacketHeader&, CommitToken& token) {
    if (is_handled_copy(core_, forming_, step, token)) {
        return Stay{};
    }
    const CommitMember* mine = own_entry(token, core_.config.self);
    if (mine == nullptr || token.ring_id != forming_.ring_id || token.version != core_.ring_wire ||
        token.token_seq <= forming_.last_token_seq ||
        member_list(token) != forming_.members.list() ||
        token.pass != (forming_.members.is_representative() ? 1 : 2) ||
        !std::all_of(token.members.begin(), token.members.end(),
                     [](const CommitMember& member) { return member.filled; })) {
        return Stay{};
    }
    // Our own entry must come back as we wrote it, and only members come from our ring: the rest of
    // the code trusts both.
    const bool strangers =
        std::any_of(token.members.begin(), token.members.end(), [this](const CommitMember& each) {
            return each.old_ring == core_.ring.id() && !core_.ring.is_member(each.id);
        });
    if (strangers || *mine != report(core_, token.members.size())) {
        core_.count(protocol::DecodeError::kBadValue);
        return Stay{};
    }
    core_.note_progress(step.now, token.token_seq);
    return ToRecovery{std::move(token)};
}

Next Commit::on(const Step&, const PacketHeader& from, const DataPacket&) {
    // Of the old ring: what we have reported must not change until recovery is over.
    core_.stats.foreign_packets += from.ring_id == core_.ring.id() ? 0 : 1;
    return Stay{};
}

Next Commit::on(const Step&, const PacketHeader&, protocol::Token&) {
    ++core_.stats.foreign_packets;
    return Stay{};
}

Next Commit::on(const Step&, const PacketHeader& from, const protocol::Join& join) {
    return join_while_forming(core_, forming_, from.sender, join);
}

Next Commit::on(const Step& step, const PacketHeader& from, const Hold& hold) {
    take_answer(core_, forming_, step, from, hold);
    return Stay{};
}

Next Commit::on(const Step&, const PacketHeader& from, const Leave&) {
    return leave_while_forming(core_, forming_, from);
}

Next Commit::on_unreachable(const Step&, DaemonId peer) {
    return unreachable_while_forming(core_, forming_, peer);
}

Next Commit::on_timer(const Step&, RingTimer timer) {
    switch (timer) {
        case RingTimer::kTokenLoss:
            return ToGather{ChangeReason::kCommitTimeout, DaemonId{}, {}, {}, {}};
        case RingTimer::kTokenRetransmit:
        case RingTimer::kTokenRest:
        case RingTimer::kWake:
        case RingTimer::kJoin:
        case RingTimer::kConsensus:
        case RingTimer::kMergeDetect:
        case RingTimer::kChallenge:
        case RingTimer::kAlive: break;
    }
    return Stay{};
}

void Commit::check_invariants() const {
    check_forming(core_, forming_);
}

}  // namespace spread::membership
