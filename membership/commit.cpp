#include <algorithm>
#include <utility>

#include "membership/engine_impl.hpp"

// Commit: the commit token passes all members twice. The first pass collects what each holds of its
// old ring, the second tells everybody (Totem 5.2).

namespace spread::membership {

void RingEngine::Impl::create_commit_token(Instant now, EngineOutput& out) {
    const auto& gather = std::get<Gather>(state);
    protocol::CommitToken token;
    // Steps of two: the number between belongs to the transitional configuration.
    token.ring_id = RingId{config.self, static_cast<std::uint32_t>(rng.next()), next_counter(now)};
    for (const DaemonId id : to_list(gather.candidates())) {
        token.members.emplace_back().id = id;
    }
    Forming forming{token.ring_id, to_list(gather.candidates()), gather.proc_set, gather.fail_set,
                    TokenSeq{}};
    my_counter = highest_counter = token.ring_id.counter;
    timers.fill(std::nullopt);
    set_timer(RingTimer::kTokenLoss, now + config.token_loss_timeout);
    const MemberList about = forming.members;
    change_state(now, Commit{std::move(forming)}, ChangeReason::kConsensus, DaemonId{},
                 token.ring_id, about);
    fill_commit_member(token.members.front(), token.members.size());
    pass_commit_token(now, token, out);
}

void RingEngine::Impl::fill_commit_member(protocol::CommitMember& member,
                                          std::size_t member_count) const {
    member.filled = true;
    member.incarnation = incarnation;
    member.old_ring = ring_id;
    member.aru = order->window().my_aru();
    member.safe_up_to = std::min(order->safe_up_to(), member.aru);
    // The configuration keeps windows below what can be reported.
    const std::size_t span = protocol::held_span_max(member_count);
    member.held = order->window().held_beyond_aru(span);
    const Seq end = member.aru + 1 + span;
    while (!member.held.empty() && member.held.back().first >= end) {
        member.held.pop_back();
    }
    if (!member.held.empty()) {
        protocol::SeqRange& last = member.held.back();
        last.count =
            static_cast<std::uint32_t>(std::min<std::uint64_t>(last.count, end - last.first));
    }
    member.obligation.assign((config.daemons.size() + 7) / 8, 0);
    for (std::size_t i = 0; i < config.daemons.size(); ++i) {
        if (obligation.test(i)) {
            member.obligation[i / 8] |= static_cast<std::uint8_t>(1U << (i % 8));
        }
    }
}

void RingEngine::Impl::pass_commit_token(Instant now, protocol::CommitToken& token,
                                         EngineOutput& out) {
    ++token.token_seq.value;
    token.sender = config.self;
    MemberList ring_members;
    for (const protocol::CommitMember& member : token.members) {
        ring_members.push_back(member.id);
    }
    send_token(now, successor(ring_members, config.self),
               protocol::encode_commit(token, config.config_hash, pool), token.token_seq, out);
}

void RingEngine::Impl::on_commit(Instant now, protocol::CommitToken&& token, EngineOutput& out) {
    const auto self_at = std::find_if(
        token.members.begin(), token.members.end(),
        [&](const protocol::CommitMember& member) { return member.id == config.self; });
    if (self_at == token.members.end()) {
        return;
    }
    const auto before = self_at == token.members.begin() ? token.members.end() : self_at;
    if (token.sender != (before - 1)->id) {
        return;  // meant for somebody else
    }
    if (const auto* gather = std::get_if<Gather>(&state)) {
        // Accept only the ring we agreed to, and never one older than a ring we have known.
        MemberList list;
        for (const protocol::CommitMember& member : token.members) {
            list.push_back(member.id);
        }
        if (token.pass != 1 || self_at->filled || list != to_list(gather->candidates()) ||
            token.ring_id.representative != list.front() || list.front() == config.self ||
            token.ring_id.counter <= my_counter) {
            return;
        }
        my_counter = token.ring_id.counter;
        highest_counter = std::max(highest_counter, my_counter);
        Forming forming{token.ring_id, std::move(list), gather->proc_set, gather->fail_set,
                        token.token_seq};
        timers.fill(std::nullopt);
        set_timer(RingTimer::kTokenLoss, now + config.token_loss_timeout);
        const MemberList about = forming.members;
        change_state(now, Commit{std::move(forming)}, ChangeReason::kCommitTokenReceived,
                     token.sender, token.ring_id, about);
        fill_commit_member(*self_at, token.members.size());
        pass_commit_token(now, token, out);
        return;
    }
    const bool representative = token.ring_id.representative == config.self;
    const bool all_filled =
        std::all_of(token.members.begin(), token.members.end(),
                    [](const protocol::CommitMember& member) { return member.filled; });
    if (const auto* commit = std::get_if<Commit>(&state)) {
        if (commit->forming.ring_id != token.ring_id || !all_filled ||
            token.token_seq <= commit->forming.last_token_seq ||
            token.members.size() != commit->forming.members.size() ||
            (representative ? token.pass != 1 : token.pass != 2)) {
            return;
        }
        for (std::size_t i = 0; i < token.members.size(); ++i) {
            if (token.members[i].id != commit->forming.members[i] ||
                !position(token.members[i].id)) {
                return;
            }
        }
        // Our own entry must come back as we wrote it: the rest of the code trusts it.
        protocol::CommitMember mine;
        mine.id = config.self;
        fill_commit_member(mine, token.members.size());
        if (mine != *self_at) {
            count_decode_error(protocol::DecodeError::kBadValue);
            return;
        }
        token_progress(now, token.token_seq);
        token.pass = 2;
        enter_recovery(now, token, out);
        pass_commit_token(now, token, out);
        return;
    }
    if (auto* recovery = std::get_if<Recovery>(&state)) {
        // The second pass is over: everybody is in Recovery, and the ring's own token starts.
        if (!representative || recovery->forming.ring_id != token.ring_id || token.pass != 2 ||
            token.token_seq <= recovery->forming.last_token_seq || !sent_token ||
            token.token_seq <= sent_token->token_seq) {
            return;
        }
        recovery->forming.last_token_seq = token.token_seq;
        protocol::Token first;
        first.ring_id = token.ring_id;
        first.sender = token.sender;
        first.token_seq = token.token_seq;
        first.to = config.self;
        recovery_token(now, first, out);
    }
}

}  // namespace spread::membership
