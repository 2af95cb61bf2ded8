#include <algorithm>
#include <utility>

#include "membership/engine_impl.hpp"

// A ring with little to do: the representative keeps the token, grants it, and leases it.
//
// After a round in which nobody was left with work the representative keeps the token, and hands it
// to whoever asks, and back (a grant), instead of letting it run round for nobody. Every now and
// then, and whenever somebody is in want of more (a safe message, a lost packet, a second member
// that asks), it goes round. When rounds find nothing left to do the ring is idle: the others are
// told once, and the token rests.

namespace spread::membership {
namespace {

/// Visits in a row without anything to do after which the representative announces, and one later
/// begins, holding the token: by then two full rotations have moved everybody's safe line.
constexpr std::uint32_t kIdleVisitsToAnnounce = 2;

/// Rounds in a row that found work after which the token turns without being kept or asked for.
constexpr std::uint32_t kBusyRoundsToTurn = 4;

/// With more packets than this a round says nothing about who sends after whom.
constexpr std::uint64_t kRoundToNote = 16;

}  // namespace

/// Nobody asks for packets or waits for more than the token, as far as we know.
bool RingEngine::Impl::is_quiet(const protocol::Token& token) const {
    return others_are_quiet(token) && !queue.has_sendable();
}

bool RingEngine::Impl::others_are_quiet(const protocol::Token& token) const {
    return token.rtr.empty() && token.backlog == 0 && token.complete.empty() &&
           order->window().my_aru() >= token.seq && !waits_for_safe;
}

/// Whether the token of the round that begins may be kept when it comes back.
bool RingEngine::Impl::may_be_kept(const protocol::Token& token) const {
    const auto& operational = std::get<Operational>(state);
    return operational.idle_visits >= kIdleVisitsToAnnounce ||
           (config.token_settle_timeout > Duration::zero() &&
            operational.busy_rounds < kBusyRoundsToTurn && is_quiet(token));
}

/// A token that came round to the representative: true when it is kept or handed on out of turn.
bool RingEngine::Impl::keep_token(Instant now, protocol::Token& token, EngineOutput& out) {
    auto& operational = std::get<Operational>(state);
    // Who was visited after having asked has been served.
    std::erase_if(operational.wakes, [&](const Operational::Wake& wake) {
        const auto at = std::find(members.begin(), members.end(), wake.from) - members.begin();
        return wake.seen.value + 1 < operational.round_start.value + static_cast<std::uint64_t>(at);
    });
    const bool quiet = is_quiet(token);
    const bool idle = quiet && token.seq == token.aru && operational.wakes.empty() &&
                      token.seq == operational.seq_at_last_visit;
    operational.idle_visits = idle ? operational.idle_visits + 1 : 0;
    operational.seq_at_last_visit = token.seq;
    if (!operational.token_idle || !others_are_quiet(token)) {
        return false;
    }
    if (operational.idle_visits > kIdleVisitsToAnnounce) {
        // Tells the others that the token has arrived and that the ring is alive.
        send_all(hold_packet(token.token_seq), out);
        operational.announced = true;
        keep(token);
        set_timer(RingTimer::kTokenHold, now + config.token_hold_timeout);
        return true;
    }
    if (config.token_settle_timeout == Duration::zero()) {
        return false;
    }
    if (!quiet) {
        visit_out_of_turn(now, token, out);
        if (!is_quiet(token)) {
            return false;
        }
    }
    operational.settle_at = now + config.token_settle_timeout;
    return keep_or_grant(now, token, out);
}

/// Keeps a token that nobody needs in turn, or grants it; false when it has to go round.
bool RingEngine::Impl::keep_or_grant(Instant now, protocol::Token& token, EngineOutput& out) {
    auto& operational = std::get<Operational>(state);
    if (operational.wakes.size() > 1 || !operational.settle_at || now >= *operational.settle_at) {
        return false;
    }
    if (!operational.wakes.empty()) {
        const DaemonId to = operational.wakes.front().from;
        operational.wakes.clear();
        grant(now, to, token, out);
    } else if (const auto next = expected_sender()) {
        lease(now, *next, token, out);
    } else {
        keep(token);
        set_timer(RingTimer::kTokenHold, *operational.settle_at);
    }
    return true;
}

/// A token that rests has no requests; the memory of the last list serves the next one.
protocol::Token RingEngine::Impl::take_back(std::optional<protocol::Token>& place) {
    protocol::Token token = std::move(*place);
    place.reset();
    if (token.rtr.empty()) {
        token.rtr.swap(token_ranges);
        token.rtr.clear();
    }
    return token;
}

void RingEngine::Impl::done_with(protocol::Token& token) {
    if (token.rtr.capacity() > token_ranges.capacity()) {
        token_ranges.swap(token.rtr);
    }
}

void RingEngine::Impl::keep(protocol::Token& token) {
    order->on_kept(token);
    std::get<Operational>(state).held = token;
    clear_timer(RingTimer::kTokenLoss);
    prefer_token = false;
}

void RingEngine::Impl::grant(Instant now, DaemonId to, protocol::Token& token, EngineOutput& out) {
    token.lease = false;
    ++stats.tokens_granted;
    hand_out(now, to, token, out);
}

/// Past all others to one member, to be given back.
void RingEngine::Impl::hand_out(Instant now, DaemonId to, protocol::Token& token,
                                EngineOutput& out) {
    auto& operational = std::get<Operational>(state);
    operational.granted_to = to;
    operational.granted_seq = token.seq;
    token.grant = true;
    token.to = to;
    token.sender = config.self;
    ++token.token_seq.value;
    order->on_kept(token);
    send_token_with_data(now, token, out);
    set_timer(RingTimer::kTokenLoss, now + config.token_loss_timeout);
}

/// The representative has granted us the token: work, and give it back.
void RingEngine::Impl::use_grant(Instant now, protocol::Token& token, EngineOutput& out) {
    auto& operational = std::get<Operational>(state);
    operational.token_idle = true;
    if (token.lease && !queue.has_sendable() && token.rtr.empty()) {
        order->on_kept(token);
        operational.lease = token;
        return;
    }
    visit_out_of_turn(now, token, out);
    token.lease = false;
    token.to = members.front();
    send_token_with_data(now, token, out);
}

// --- leases: a grant before it is asked for ---
//
// Where senders follow each other in a pattern (a request and its answer, one busy sender) the
// token waits where the next message will come up, which saves asking for it. A wrong guess costs
// the way there and back, so only patterns that have held several times are followed. Like any
// grant a lease stays between the representative and one member; asking it back is sending it once
// more without the flag: who has not got it yet takes that for a grant, who has it gives it back,
// and who has used it sends again what it has sent.

/// Whose message comes next, if it is worth while to send the token there beforehand.
std::optional<DaemonId> RingEngine::Impl::expected_sender() const {
    const auto& operational = std::get<Operational>(state);
    if (operational.idle_visits > 0 || queue.has_sendable()) {
        return std::nullopt;
    }
    const auto next = operational.next_sender.guess(config.lease_after_hits);
    return next == config.self ? std::nullopt : next;
}

void RingEngine::Impl::lease(Instant now, DaemonId to, protocol::Token& token, EngineOutput& out) {
    token.lease = true;
    ++stats.tokens_leased;
    hand_out(now, to, token, out);
    set_timer(RingTimer::kTokenHold, now + config.token_settle_timeout);
    std::get<Operational>(state).leased_out = token;
}

void RingEngine::Impl::recall_lease(Instant now, EngineOutput& out) {
    auto& operational = std::get<Operational>(state);
    protocol::Token token = take_back(operational.leased_out);
    clear_timer(RingTimer::kTokenHold);
    token.lease = false;
    ++stats.leases_recalled;
    send_token(now, token, out);
    done_with(token);
}

void RingEngine::Impl::use_lease(Instant now, EngineOutput& out) {
    auto& operational = std::get<Operational>(state);
    protocol::Token token = take_back(operational.lease);
    token.lease = false;
    use_grant(now, token, out);
    done_with(token);
}

/// While we have the token there is no other; a copy that is no lease asks it back.
void RingEngine::Impl::token_while_leased(Instant now, const protocol::Token& token,
                                          EngineOutput& out) {
    const auto& lease = *std::get<Operational>(state).lease;
    ++stats.tokens_duplicate;
    if (token.grant && !token.lease && token.token_seq == lease.token_seq && may_take(token)) {
        use_lease(now, out);
    }
}

/// A round has come to its end: was it busy, and who sent in it, as far as the packets are here?
void RingEngine::Impl::count_round(Instant now, const protocol::Token& token) {
    auto& operational = std::get<Operational>(state);
    const std::uint64_t packets = token.seq - operational.seq_at_round_start;
    if (packets > kRoundToNote) {
        ++operational.busy_rounds;
        operational.next_sender.forget();
        return;
    }
    // A round in which only who was expected sent would not have been needed.
    const auto expected = operational.next_sender.guess(config.lease_after_hits);
    bool busy = false;
    DaemonId last;
    for (Seq seq = operational.seq_at_round_start + 1; seq <= token.seq; ++seq) {
        const auto* slot = order->window().find(seq);
        if (slot == nullptr) {
            busy = true;
            operational.next_sender.forget();
        } else if (slot->sender != last) {
            busy = busy || last || slot->sender != expected;
            last = slot->sender;
            operational.next_sender.note(last, now, config.token_settle_timeout);
        }
    }
    operational.busy_rounds = busy ? operational.busy_rounds + 1 : 0;
}

/// A second copy of a grant that we have used says that the token we gave back is missing.
void RingEngine::Impl::return_grant_again(const protocol::Token& token, EngineOutput& out) {
    if (token.grant && !is_representative() && sent_token &&
        sent_token->token_seq.value == token.token_seq.value + 1) {
        send_to(sent_token->to, Channel::kToken, sent_token->datagram, out);
    }
}

void RingEngine::Impl::grant_returned(Instant now, protocol::Token& token, EngineOutput& out) {
    auto& operational = std::get<Operational>(state);
    std::erase_if(operational.wakes, [&](const Operational::Wake& wake) {
        return wake.from == token.sender && wake.seen.value + 1 < token.token_seq.value;
    });
    if (token.seq > operational.granted_seq) {
        operational.next_sender.note(token.sender, now, config.token_settle_timeout);
    }
    operational.granted_to.reset();
    if (std::exchange(operational.leased_out, std::nullopt)) {
        clear_timer(RingTimer::kTokenHold);
    }
    token.grant = false;
    if (queue.has_sendable()) {
        visit_out_of_turn(now, token, out);
    }
    if (!is_quiet(token) || !keep_or_grant(now, token, out)) {
        release(now, token, out);
    }
}

void RingEngine::Impl::visit_out_of_turn(Instant now, protocol::Token& token, EngineOutput& out) {
    prefer_token = false;
    order->on_token(token, queue, pool, ordering::RingOrder::Turn::kOutOfTurn, visit);
    if (is_representative() && visit.stamped > 0) {
        std::get<Operational>(state).next_sender.note(config.self, now,
                                                      config.token_settle_timeout);
    }
    emit_data(visit.before_token, out);
    count_visit();
    deliver(out);
}

/// What came up here while the token is kept goes out at once, without moving the token.
void RingEngine::Impl::send_while_kept(Instant now, EngineOutput& out) {
    auto& operational = std::get<Operational>(state);
    if (config.token_settle_timeout == Duration::zero()) {
        release_held_token(now, out);
        return;
    }
    visit_out_of_turn(now, *operational.held, out);
    stir(now);
    if (!is_quiet(*operational.held)) {
        release_held_token(now, out);
    } else if (const auto next = expected_sender();
               next && operational.settle_at && now < *operational.settle_at) {
        protocol::Token token = take_back(operational.held);
        lease(now, *next, token, out);
        done_with(token);
    }
}

/// There is something to do again: a token kept for good has to go round in time.
void RingEngine::Impl::stir(Instant now) {
    auto& operational = std::get<Operational>(state);
    operational.idle_visits = 0;
    if (std::exchange(operational.announced, false)) {
        operational.settle_at = now + config.token_settle_timeout;
        set_timer(RingTimer::kTokenHold, *operational.settle_at);
    }
}

/// The token has been kept, or leased, long enough.
void RingEngine::Impl::hold_ended(Instant now, EngineOutput& out) {
    const auto* operational = std::get_if<Operational>(&state);
    if (operational != nullptr && operational->leased_out) {
        recall_lease(now, out);
    } else {
        release_held_token(now, out);
    }
}

void RingEngine::Impl::release_held_token(Instant now, EngineOutput& out) {
    auto* operational = std::get_if<Operational>(&state);
    if (operational == nullptr || !operational->held) {
        return;
    }
    protocol::Token token = take_back(operational->held);
    // Just short of keeping it for good again, so that one quiet round suffices if nothing came up.
    if (operational->announced) {
        operational->idle_visits =
            queue.has_sendable() || !operational->wakes.empty() ? 0 : kIdleVisitsToAnnounce;
    }
    release(now, token, out);
    done_with(token);
}

/// A token that was kept starts on a round.
void RingEngine::Impl::release(Instant now, protocol::Token& token, EngineOutput& out) {
    clear_timer(RingTimer::kTokenHold);
    set_timer(RingTimer::kTokenLoss, now + config.token_loss_timeout);
    last_visit = now;
    visit_and_pass(now, token, out);
}

void RingEngine::Impl::operational_wake(Instant now, DaemonId from, TokenSeq seen,
                                        EngineOutput& out) {
    auto& operational = std::get<Operational>(state);
    if (!is_representative() || from == config.self ||
        std::find(members.begin(), members.end(), from) == members.end()) {
        return;
    }
    const auto known =
        std::find_if(operational.wakes.begin(), operational.wakes.end(),
                     [from](const Operational::Wake& wake) { return wake.from == from; });
    const bool again = known != operational.wakes.end();
    if (again) {
        known->seen = std::max(known->seen, seen);
    } else {
        operational.wakes.push_back({from, seen});
    }
    // Who has the lease may have asked before it came; later its coming, or the return, is lost.
    if (operational.leased_out &&
        (operational.granted_to != from || again || seen >= operational.leased_out->token_seq)) {
        recall_lease(now, out);
    }
    if (!operational.held) {
        return;
    }
    if (config.token_settle_timeout == Duration::zero()) {
        release_held_token(now, out);
        return;
    }
    stir(now);
    protocol::Token token = take_back(operational.held);
    clear_timer(RingTimer::kTokenHold);
    if (!keep_or_grant(now, token, out)) {
        release(now, token, out);
    }
    done_with(token);
}

void RingEngine::Impl::wake_representative(Instant now, EngineOutput& out) {
    const auto* operational = std::get_if<Operational>(&state);
    if (operational == nullptr || alone() || is_representative() || !queue.has_sendable()) {
        return;
    }
    send_to(members.front(), Channel::kToken,
            protocol::encode_wake(order->last_token_seq(),
                                  header(protocol::PacketKind::kWake, ring_id), pool),
            out);
    set_timer(RingTimer::kWake, now + token_patience());
}

}  // namespace spread::membership
