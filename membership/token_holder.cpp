#include "membership/token_holder.hpp"

#include <utility>

#include "protocol/assert.hpp"

namespace spread::membership {

using protocol::DaemonId;
using protocol::Duration;
using protocol::Instant;
using protocol::Seq;
using protocol::Token;
using protocol::TokenSeq;
using Turn = ordering::RingOrder::Turn;

TokenHolder::TokenHolder(EngineCore& core)
    : core_(core),
      rest_({.settle = core.config.token_settle_timeout,
             .hold = core.config.token_hold_timeout,
             .lease_after_hits = core.config.lease_after_hits},
            core.ring.members()) {}

bool TokenHolder::is_quiet(const Token& token) const {
    return !needs_round(token) && !core_.queue.has_sendable();
}

bool TokenHolder::needs_round(const Token& token) const {
    return !token.rtr.empty() || token.backlog != 0 || !token.complete.empty() ||
           core_.order->window().my_aru() < token.seq || core_.waits_for_safe;
}

/// Only the member a token is for may take it: two holders would stamp twice.
bool TokenHolder::may_take(const Token& token) const {
    if (token.to != core_.config.self) {
        return false;
    }
    const OnLoan* loan = rest_.on_loan();
    if (!token.out_of_turn) {
        return loan == nullptr && token.sender == members().predecessor();
    }
    return members().is_representative() ? loan != nullptr && loan->to == token.sender
                                         : token.sender == members().representative();
}

bool TokenHolder::drop_copy(const Step& step, const Token& token) {
    RingStats& stats = core_.stats;
    if (const Borrowed* lease = rest_.borrowed()) {
        // While we have the token there is no other; a copy that is no lease asks it back.
        ++stats.tokens_duplicate;
        if (token.out_of_turn && !token.lease && token.token_seq == lease->token.token_seq &&
            may_take(token)) {
            use_lease(step);
        }
        return true;
    }
    const Token* parked = rest_.token_at_rest();
    if (parked != nullptr && token.token_seq <= parked->token_seq) {
        ++stats.tokens_duplicate;
        // Whoever sent it does not know that it has arrived.
        const bool announced = rest_.resting() != nullptr && rest_.resting()->announced;
        if (!announced && token.to == core_.config.self) {
            step.send_to(token.sender, Channel::kData, hold_packet(parked->token_seq));
        }
        return true;
    }
    // Where a token rests there is no other; a newer one is forged.
    if (members().is_alone() || rest_.resting() != nullptr || !core_.order->is_new(token) ||
        !may_take(token)) {
        ++stats.tokens_duplicate;
        return_again(step, token);
        return true;
    }
    return false;
}

Next TokenHolder::on_token(const Step& step, Token& token) {
    if (drop_copy(step, token)) {
        return Stay{};
    }
    if (!core_.order->accepts(token)) {
        core_.count(protocol::DecodeError::kBadValue);
        return Stay{};
    }
    ++core_.stats.tokens_received;
    core_.note_progress(step.now, token.token_seq);
    core_.expect_token(step.now);
    core_.timers.clear(RingTimer::kWake);
    Next next = core_.give_up_stalled(step.now, token, false);
    if (!std::holds_alternative<Stay>(next)) {
        return next;
    }
    if (!token.out_of_turn) {
        take_in_turn(step, token);
    } else if (members().is_representative()) {
        last_visit_.reset();
        take_back(step, token);
    } else {
        last_visit_.reset();
        use_loan(step, token);
    }
    return next;
}

void TokenHolder::take_in_turn(const Step& step, Token& token) {
    Duration rotation{};
    if (last_visit_ && !rest_.may_rest()) {  // else it rested in between
        rotation = step.now - *last_visit_;
        core_.watch.note_rotation(rotation);
        core_.stats.rotations.add(rotation);
    }
    core_.order->on_rotation(token, rotation, members().is_representative());
    core_.loss.on_rotation(step.now, token, members().is_representative());
    last_visit_ = step.now;

    // Once the completion bitmap of recovery has come round full, it is not needed any more.
    if (!token.complete.empty()) {
        if (completion_seen_) {
            token.complete.clear();
        }
        completion_seen_ = true;
    }
    if (members().is_representative() && keep(step, token)) {
        return;
    }
    visit_and_pass(step, token);
}

void TokenHolder::visit_and_pass(const Step& step, Token& token) {
    const RingMembers& ring = members();
    is_close_ = false;
    core_.order->on_token(token, core_.queue, core_.pool,
                          core_.config.accelerated ? Turn::kAccelerated : Turn::kInTurn,
                          core_.visit);
    core_.deliver(step);
    Duration silent_for{};
    if (ring.is_representative()) {
        if (core_.visit.stamped > 0) {
            rest_.note_own_packets(step.now);
        }
        token.may_rest = rest_.begin_round(token, is_quiet(token));
    } else {
        rest_.pass_on(token.may_rest);
        if (token.may_rest) {
            // The representative may keep it, and then we hear of it in the next round only.
            silent_for = 2 * core_.config.token_settle_timeout;
        }
    }
    core_.pass_on(step, ring, token, silent_for);
}

void TokenHolder::visit_out_of_turn(const Step& step, Token& token) {
    is_close_ = false;
    core_.order->on_token(token, core_.queue, core_.pool, Turn::kOutOfTurn, core_.visit);
    if (members().is_representative() && core_.visit.stamped > 0) {
        rest_.note_own_packets(step.now);
    }
    EngineCore::send_all(step, core_.visit.before_token);
    core_.count_visit();
    core_.deliver(step);
}

// --- the representative's part ---

/// A token that came round: true when it stays here or is lent.
bool TokenHolder::keep(const Step& step, Token& token) {
    const bool may_rest = rest_.may_rest();
    const bool quiet = is_quiet(token);
    rest_.end_round(step.now, token, quiet, [this](Seq seq) {
        const auto* slot = core_.order->window().find(seq);
        return slot != nullptr ? slot->sender : DaemonId{};
    });
    if (!may_rest || needs_round(token)) {
        return false;
    }
    if (rest_.is_idle()) {
        // Tells the others that the token has arrived and that the ring is alive.
        step.send_all(hold_packet(token.token_seq));
        rest_.announce(step.now, token);
        stop_waiting(token);
        return true;
    }
    if (core_.config.token_settle_timeout == Duration::zero()) {
        return false;
    }
    if (!quiet) {
        visit_out_of_turn(step, token);
        if (!is_quiet(token)) {
            return false;
        }
    }
    return rest_or_lend(step, token, step.now + core_.config.token_settle_timeout);
}

/// A token that nobody needs in turn; false when it has to go round.
bool TokenHolder::rest_or_lend(const Step& step, Token& token, Instant until) {
    using Verdict = TokenRest::Verdict;
    const auto decision = rest_.decide(step.now, until, core_.queue.has_sendable());
    switch (decision.verdict) {
        case Verdict::kGoRound: return false;
        case Verdict::kGrant:
        case Verdict::kLease: lend(step, token, decision, until); break;
        case Verdict::kRest:
            rest_.rest(token, until);
            stop_waiting(token);
            break;
    }
    return true;
}

/// The token rests here: nothing needs to come in.
void TokenHolder::stop_waiting(const Token& token) {
    core_.order->on_kept(token);
    core_.expect_nothing();
    is_close_ = false;
    arm();
}

/// Sends the token past all others to one member, which gives it back.
void TokenHolder::lend(const Step& step, Token& token, const TokenRest::Decision& to,
                       Instant until) {
    token.lease = to.verdict == TokenRest::Verdict::kLease;
    token.out_of_turn = true;
    token.to = to.to;
    token.sender = core_.config.self;
    ++token.token_seq.value;
    ++(token.lease ? core_.stats.tokens_leased : core_.stats.tokens_granted);
    core_.order->on_kept(token);
    // While a lease waits for work there is no sign that it has arrived.
    core_.send_token_with_data(step, token,
                               token.lease ? 2 * core_.config.token_settle_timeout : Duration{});
    core_.expect_token(step.now);
    rest_.lend(step.now, token, until);
    arm();
}

void TokenHolder::recall_lease(const Step& step) {
    ++core_.stats.leases_recalled;
    core_.send_token(step, rest_.recall());
    arm();
}

/// What was lent comes back.
void TokenHolder::take_back(const Step& step, Token& token) {
    const Instant until = rest_.take_back(step.now, token);
    arm();
    token.out_of_turn = false;
    if (core_.queue.has_sendable()) {
        visit_out_of_turn(step, token);
    }
    if (!is_quiet(token) || !rest_or_lend(step, token, until)) {
        release(step, token);
    }
}

/// What came up here while the token rests goes out at once, without moving the token.
void TokenHolder::send_while_resting(const Step& step) {
    if (core_.config.token_settle_timeout == Duration::zero()) {
        end_rest(step);
        return;
    }
    Token& token = core_.token;
    token = rest_.resting()->token;
    visit_out_of_turn(step, token);
    const Instant until = rest_.stir(step.now);
    arm();
    if (!is_quiet(token)) {
        release(step, token);
        return;
    }
    rest_.rest_on(token);
    const auto decision = rest_.decide(step.now, until, false);
    if (decision.verdict == TokenRest::Verdict::kLease) {
        lend(step, token, decision, until);
    }
}

void TokenHolder::on_rest_ended(const Step& step) {
    const OnLoan* loan = rest_.on_loan();
    if (loan != nullptr && loan->is_lease()) {
        recall_lease(step);
    } else if (rest_.resting() != nullptr) {
        end_rest(step);
    }
}

void TokenHolder::end_rest(const Step& step) {
    rest_.end_rest(core_.queue.has_sendable());
    core_.token = rest_.resting()->token;
    release(step, core_.token);
}

/// A token that rested starts on a round.
void TokenHolder::release(const Step& step, Token& token) {
    core_.timers.clear(RingTimer::kTokenRest);
    core_.expect_token(step.now);
    last_visit_ = step.now;
    visit_and_pass(step, token);
}

void TokenHolder::on_wake(const Step& step, DaemonId from, TokenSeq seen) {
    if (!members().is_representative() || from == core_.config.self || !members().is_member(from)) {
        return;
    }
    if (rest_.asked(from, seen)) {
        recall_lease(step);
    }
    if (rest_.resting() == nullptr) {
        return;
    }
    if (core_.config.token_settle_timeout == Duration::zero()) {
        end_rest(step);
        return;
    }
    const Instant until = rest_.stir(step.now);
    core_.token = rest_.resting()->token;
    if (!rest_or_lend(step, core_.token, until)) {
        release(step, core_.token);
    }
}

protocol::Slice TokenHolder::hold_packet(TokenSeq token_seq) const {
    return protocol::encode_hold(token_seq, core_.header(protocol::PacketKind::kHold), core_.pool);
}

// --- a member's part ---
//
// Where senders follow each other in a pattern (a request and its answer, one busy sender) the
// token waits where the next message will come up, which saves asking for it. A wrong guess costs
// the way there and back, so only patterns that have held several times are followed. Like any loan
// a lease stays between the representative and one member; asking it back is sending it once more
// without the flag: who has not got it yet takes that for a grant, who has it gives it back, and
// who has used it sends again what it has sent.

/// The representative has lent us the token: work, and give it back.
void TokenHolder::use_loan(const Step& step, Token& token) {
    if (token.lease && !core_.queue.has_sendable() && token.rtr.empty()) {
        core_.order->on_kept(token);
        rest_.borrow(token);
        return;
    }
    rest_.give_back();
    visit_out_of_turn(step, token);
    token.lease = false;
    token.to = members().representative();
    // The representative may keep it, and then we hear of it in the next round only.
    core_.send_token_with_data(step, token, 2 * core_.config.token_settle_timeout);
}

/// There is work for the lease, or it was asked back.
void TokenHolder::use_lease(const Step& step) {
    core_.token = rest_.borrowed()->token;
    core_.token.lease = false;
    use_loan(step, core_.token);
}

/// A second copy of a loan that we have used says that the token we gave back is missing.
void TokenHolder::return_again(const Step& step, const Token& token) {
    const auto* sent = core_.watch.watched();
    if (token.out_of_turn && !members().is_representative() && sent != nullptr &&
        sent->token_seq.value == token.token_seq.value + 1) {
        step.send_to(sent->to, Channel::kToken, sent->datagram);
    }
}

void TokenHolder::pump(const Step& step) {
    const OnLoan* loan = rest_.on_loan();
    if (rest_.resting() != nullptr) {
        send_while_resting(step);
    } else if (rest_.borrowed() != nullptr) {
        use_lease(step);
    } else if (loan != nullptr && loan->is_lease()) {
        recall_lease(step);
    } else if (rest_.may_rest() && !core_.timers.is_set(RingTimer::kWake)) {
        ask_for_token(step);
    }
}

bool TokenHolder::accepts(const protocol::DataHeader& data) const {
    const Token* token = rest_.token_held();
    return token == nullptr || data.seq <= token->seq;
}

void TokenHolder::note_packet(DaemonId sender, TokenSeq visit) {
    if (core_.config.accelerated && sender == members().predecessor() &&
        visit >= core_.order->last_token_seq()) {
        is_close_ = true;
    }
}

void TokenHolder::ask_for_token(const Step& step) {
    if (members().is_alone() || members().is_representative() || !core_.queue.has_sendable()) {
        return;
    }
    step.send_to(members().representative(), Channel::kToken,
                 protocol::encode_wake(core_.order->last_token_seq(),
                                       core_.header(protocol::PacketKind::kWake), core_.pool));
    core_.timers.set(RingTimer::kWake, step.now + core_.watch.patience());
}

}  // namespace spread::membership
