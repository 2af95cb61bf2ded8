#include "membership/token_rest.hpp"

#include <algorithm>
#include <utility>

#include "protocol/assert.hpp"

namespace spread::membership {

using protocol::DaemonId;
using protocol::Instant;
using protocol::Seq;
using protocol::Token;
using protocol::TokenSeq;

TokenRest::TokenRest(const Rules& rules, const RingMembers& members)
    : rules_(rules),
      members_(members),
      rounds_({.follows_within = rules.settle, .hits_min = rules.lease_after_hits}) {}

bool TokenRest::may_rest() const {
    const auto* turning = std::get_if<Turning>(&place_);
    return turning != nullptr && turning->may_rest;
}

const Token* TokenRest::token_at_rest() const {
    if (const RestsHere* rests = resting()) {
        return &rests->token;
    }
    const OnLoan* loan = on_loan();
    return loan != nullptr && loan->is_lease() ? &loan->token : nullptr;
}

const Token* TokenRest::token_held() const {
    if (const RestsHere* rests = resting()) {
        return &rests->token;
    }
    const Borrowed* lease = borrowed();
    return lease != nullptr ? &lease->token : nullptr;
}

std::optional<Instant> TokenRest::deadline() const {
    if (const RestsHere* rests = resting()) {
        return rests->until;
    }
    const OnLoan* loan = on_loan();
    return loan != nullptr ? loan->recall_at : std::nullopt;
}

void TokenRest::borrow(const Token& token) {
    SPREAD_ASSERT(!members_.is_representative());
    place_ = Borrowed{token};
}

void TokenRest::end_round(Instant now, const Token& token, bool quiet,
                          const std::function<DaemonId(Seq)>& sender_of) {
    rounds_.end(now, token.seq, sender_of);
    // A member that the token has visited since it asked has been served.
    std::erase_if(wakes_, [this](const Wake& wake) {
        return wake.seen.value + 1 < round_start_.value + *members_.position(wake.from);
    });
    rounds_.count_idle(quiet && token.seq == token.aru && wakes_.empty(), token.seq);
}

bool TokenRest::begin_round(const Token& token, bool quiet) {
    rounds_.begin(token.seq);
    round_start_ = token.token_seq;
    const bool may_rest = rounds_.is_nearly_idle() || (rules_.settle > protocol::Duration::zero() &&
                                                       !rounds_.is_busy() && quiet);
    place_ = Turning{may_rest};
    return may_rest;
}

void TokenRest::announce(Instant now, const Token& token) {
    SPREAD_ASSERT(members_.is_representative());
    place_ = RestsHere{token, now + rules_.hold, true};
}

TokenRest::Decision TokenRest::decide(Instant now, Instant until, bool own_work) {
    if (wakes_.size() > 1 || now >= until) {
        return {Verdict::kGoRound, {}};
    }
    if (!wakes_.empty()) {
        const DaemonId to = wakes_.front().from;
        wakes_.clear();
        return {Verdict::kGrant, to};
    }
    if (!own_work) {
        const auto next = rounds_.expected();
        if (next && *next != members_.self()) {
            return {Verdict::kLease, *next};
        }
    }
    return {Verdict::kRest, {}};
}

void TokenRest::rest(const Token& token, Instant until) {
    SPREAD_ASSERT(members_.is_representative());
    place_ = RestsHere{token, until, false};
}

void TokenRest::rest_on(const Token& token) {
    std::get<RestsHere>(place_).token = token;
}

void TokenRest::lend(Instant now, const Token& token, Instant until) {
    SPREAD_ASSERT(members_.is_representative() && token.out_of_turn);
    place_ = OnLoan{token.to, token, until,
                    token.lease ? std::optional(now + rules_.settle) : std::nullopt};
}

const Token& TokenRest::recall() {
    OnLoan& loan = std::get<OnLoan>(place_);
    loan.recall_at.reset();
    loan.token.lease = false;
    return loan.token;
}

Instant TokenRest::take_back(Instant now, const Token& token) {
    const OnLoan& loan = std::get<OnLoan>(place_);
    std::erase_if(wakes_, [&token](const Wake& wake) {
        return wake.from == token.sender && wake.seen.value + 1 < token.token_seq.value;
    });
    if (token.seq > loan.token.seq) {
        rounds_.note_sender(now, token.sender);
    }
    const Instant until = loan.until;
    place_ = Turning{};
    return until;
}

bool TokenRest::asked(DaemonId from, TokenSeq seen) {
    const auto known = std::find_if(wakes_.begin(), wakes_.end(),
                                    [from](const Wake& wake) { return wake.from == from; });
    const bool again = known != wakes_.end();
    if (again) {
        known->seen = std::max(known->seen, seen);
    } else {
        wakes_.push_back({from, seen});
    }
    // The first wake of the lease's holder may have crossed the lease. Another one means that the
    // lease, or its return, was lost.
    const OnLoan* loan = on_loan();
    return loan != nullptr && loan->is_lease() &&
           (loan->to != from || again || seen >= loan->token.token_seq);
}

Instant TokenRest::stir(Instant now) {
    rounds_.stir();
    auto& rests = std::get<RestsHere>(place_);
    if (std::exchange(rests.announced, false)) {
        rests.until = now + rules_.settle;
    }
    return rests.until;
}

void TokenRest::end_rest(bool own_work) {
    if (!std::get<RestsHere>(place_).announced) {
        return;
    }
    if (own_work || !wakes_.empty()) {
        rounds_.stir();
    } else {
        rounds_.expect_idle();
    }
}

void TokenRest::check_invariants() const {
    rounds_.check_invariants();
    const bool representative = members_.is_representative();
    if (const RestsHere* rests = resting()) {
        SPREAD_ASSERT(representative);
        SPREAD_ASSERT(!rests->token.out_of_turn && rests->token.rtr.empty());
        SPREAD_ASSERT(wakes_.empty());  // who asks gets it at once
    } else if (const OnLoan* loan = on_loan()) {
        SPREAD_ASSERT(representative && members_.is_member(loan->to) &&
                      loan->to != members_.self());
        SPREAD_ASSERT(loan->token.out_of_turn && loan->token.to == loan->to);
        SPREAD_ASSERT(loan->token.lease == loan->is_lease());
    } else if (const Borrowed* lease = borrowed()) {
        SPREAD_ASSERT(!representative);
        SPREAD_ASSERT(lease->token.out_of_turn && lease->token.lease && lease->token.rtr.empty());
    }
    SPREAD_ASSERT(representative || wakes_.empty());
    for (const Wake& wake : wakes_) {
        SPREAD_ASSERT(members_.is_member(wake.from) && wake.from != members_.self());
    }
}

}  // namespace spread::membership
