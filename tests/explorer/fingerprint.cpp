// Compiled without access control: it looks inside the engine, which knows nothing of it.
#include "tests/explorer/fingerprint.hpp"

#include <algorithm>
#include <bit>

#include "membership/ring_engine_impl.hpp"

namespace spread::explorer {
namespace {

using namespace membership;  // NOLINT: nearly every name below is of there
using ordering::DeliveryCursor;
using ordering::ReceiveWindow;
using ordering::RingOrder;
using ordering::SendQueue;
using protocol::DaemonIndex;
using protocol::DaemonSet;
using protocol::MemberList;
using protocol::Seq;
using protocol::Token;

/// Beyond so many, a count makes no difference.
constexpr std::uint32_t kCountMax = 5;

void add(Hash& hash, const DaemonSet& set) {
    for (const std::uint64_t word : set.words_) {
        hash.add(word);
    }
}

void add(Hash& hash, const MemberList& list) {
    hash.add(list.size());
    for (const protocol::DaemonId id : list) {
        hash.add(id.value);
    }
}

void add(Hash& hash, const Token& token) {
    hash.add(token.ring_id);
    for (const std::uint64_t value :
         {std::uint64_t{token.sender.value}, token.token_seq.value, token.seq.value,
          token.aru.value, std::uint64_t{token.aru_id.value}, std::uint64_t{token.fcc},
          std::uint64_t{token.backlog}, std::uint64_t{token.to.value}, std::uint64_t{token.window},
          std::uint64_t{token.lost},
          std::uint64_t{token.may_rest} * 4 + std::uint64_t{token.out_of_turn} * 2 +
              std::uint64_t{token.lease}}) {
        hash.add(value);
    }
    for (const protocol::SeqRange& range : token.rtr) {
        hash.add(range.first.value);
        hash.add(range.count);
    }
    add(hash, token.complete);
}

void add(Hash& hash, const ReceiveWindow& window) {
    hash.add(window.base_.value);
    hash.add(window.my_aru_.value);
    hash.add(window.high_.value);
    for (Seq seq = window.base_; seq <= window.high_; ++seq) {
        if (const auto* slot = window.find(seq)) {
            hash.add(seq.value);
            hash.add(slot->datagram);
            hash.add(slot->sender.value);
        }
    }
}

void add(Hash& hash, const DeliveryCursor& cursor) {
    hash.add(cursor.next_.value);
    hash.add(cursor.offset_);
    hash.add(cursor.index_);
    for (const auto& partial : cursor.partials_) {
        hash.add(partial.sender.value);
        hash.add(partial.active);
        hash.add(partial.bytes);
    }
}

void add(Hash& hash, const RingOrder& order) {
    hash.add(order.ring_id_);
    add(hash, order.window_);
    add(hash, order.cursor_);
    for (const std::uint64_t value :
         {order.gate_.previous_aru_.value, order.gate_.safe_up_to_.value,
          std::uint64_t{order.flow_.window_}, std::uint64_t{order.flow_.my_sent_},
          std::uint64_t{order.flow_.my_backlog_}, order.last_token_seq_.value,
          order.high_seq_.value, order.previous_token_high_.value, order.newest_visit_.value,
          order.settled_high_.value, order.looked_up_to_.value, order.asked_up_to_.value,
          std::uint64_t{order.asked_}, std::uint64_t{order.ask_budget_},
          std::uint64_t{order.answered_}}) {
        hash.add(value);
    }
}

void add(Hash& hash, const SendQueue& queue) {
    hash.add(queue.offset_);
    hash.add(queue.paused_);
    hash.add(queue.in_progress_ == nullptr           ? 0U
             : queue.in_progress_ == &queue.control_ ? 1U
             : queue.in_progress_ == &queue.normal_  ? 2U
                                                     : 3U);
    for (const SendQueue::Lane* lane : {&queue.control_, &queue.ahead_, &queue.normal_}) {
        hash.add(lane->size_);
        for (std::size_t i = 0; i < lane->size_; ++i) {
            const protocol::Message& body = lane->slots_[lane->index(i)].body;
            for (std::size_t part = 0; part < body.slice_count(); ++part) {
                hash.add(body.slice(part));
            }
        }
    }
}

void add(Hash& hash, const TokenRest& rest) {
    hash.add(rest.place_.index());
    hash.add(rest.may_rest());
    if (const RestsHere* here = rest.resting()) {
        add(hash, here->token);
        hash.add(here->announced);
    } else if (const OnLoan* loan = rest.on_loan()) {
        hash.add(loan->to.value);
        hash.add(loan->is_lease());
        add(hash, loan->token);
    } else if (const Borrowed* lease = rest.borrowed()) {
        add(hash, lease->token);
    }
    hash.add(rest.round_start_.value);
    for (const auto& wake : rest.wakes_) {
        hash.add(wake.from.value);
        hash.add(wake.seen.value);
    }
    const RoundLog& rounds = rest.rounds_;
    hash.add(rounds.seq_at_start_.value);
    hash.add(rounds.seq_at_last_visit_.value);
    hash.add(std::min(rounds.idle_visits_, kCountMax));
    hash.add(std::min(rounds.busy_rounds_, kCountMax));
    hash.add(rounds.next_sender_.last_ ? *rounds.next_sender_.last_ + 1 : 0);
    for (const auto& follower : rounds.next_sender_.followers_) {
        hash.add(follower.of.value);
        hash.add(follower.next.value);
        hash.add(std::min(follower.hits, kCountMax));
    }
}

void add(Hash& hash, const Forming& forming) {
    hash.add(forming.ring_id);
    add(hash, forming.members.list());
    add(hash, forming.sets.proc);
    add(hash, forming.sets.fail);
    hash.add(forming.last_token_seq.value);
}

void add(Hash& hash, const Hearing& hearing) {
    add(hash, hearing.left_out_);
    for (const auto& peer : hearing.peers_) {
        hash.add(peer.incarnation.value);
        hash.add(peer.join_seq);
        hash.add(peer.gathers);
        add(hash, peer.hears_well);
        add(hash, peer.hears);
        add(hash, peer.report.ring);
        add(hash, peer.report.left_out);
        hash.add(peer.report.full_bytes * 4U + (peer.report.full_sized ? 2U : 0U) +
                 (peer.report.asks ? 1U : 0U));
        for (const auto at : peer.heard) {
            hash.add(at != protocol::Instant::min());
        }
    }
}

// What is remembered between rings. Of times only whether there is one: all are the same.

void add(Hash& hash, const Blame& blame) {
    for (const auto& record : blame.records_) {
        hash.add(record.last.has_value() ? 1U + (record.bad_since ? 1U : 0U) : 0U);
        hash.add(static_cast<std::uint64_t>(record.left_out_for.count()));
    }
}

void add(Hash& hash, const LossTimeout& loss) {
    for (const protocol::Duration time :
         {loss.value_, loss.delays_.current_, loss.delays_.previous_}) {
        hash.add(static_cast<std::uint64_t>(time.count()));
    }
    hash.add(loss.waiting_since_.has_value());
    hash.add(static_cast<std::uint64_t>(loss.doublings_));
    hash.add(loss.alarm_ ? loss.alarm_->members.size() : 0U);
    for (std::size_t i = 0; loss.alarm_ && i < loss.alarm_->members.size(); ++i) {
        hash.add(loss.alarm_->members[i].value);
    }
}

void add(Hash& hash, const PathSize& path) {
    hash.add(path.bytes_);
    hash.add(path.peer_.value);
    hash.add(path.suspect_ ? path.suspect_->value : 0U);
}

void add(Hash& hash, const Claims& claims) {
    for (const auto& peer : claims.peers_) {
        for (const auto& life : peer.lives) {
            hash.add(life.incarnation.value);
            hash.add(life.number);
        }
        hash.add(std::min(peer.turns, Claims::kTurns));
        hash.add(peer.claimed_until != protocol::Instant::min());
    }
}

void add(Hash& hash, const Gone& gone) {
    for (const DaemonSet* set :
         {&gone.left, &gone.port_closed, &gone.other_config, &gone.other_wire, &gone.cut_off}) {
        add(hash, *set);
    }
    for (const auto at : gone.refused) {
        hash.add(at != protocol::Instant::min());
    }
    hash.add(gone.own_address);
}

void add(Hash& hash, const ForeignRings& foreign) {
    for (const auto& peer : foreign.peers_) {
        hash.add(peer.answered.has_value());
        hash.add(static_cast<std::uint64_t>(peer.pause.count()));
    }
}

void add_memory(Hash& hash, const EngineCore& core) {
    add(hash, core.blame);
    add(hash, core.loss);
    add(hash, core.path);
    add(hash, core.claims);
    add(hash, core.gone);
    add(hash, core.foreign);
    hash.add(core.ring_bytes);
    hash.add(core.ring_wire);
    hash.add(core.stood_still_at.has_value());
    hash.add(core.delivery_room);
    hash.add(static_cast<std::uint64_t>(core.watch.backoff_));
    hash.add(core.watch.estimator_.is_known());
}

void add(Hash& hash, const Operational& state) {
    add(hash, state.holder_.rest_);
    hash.add(state.holder_.completion_seen_);
    hash.add(state.holder_.is_close_);
    hash.add(state.holder_.last_visit_.has_value());
    hash.add(state.last_probe_.has_value());
    hash.add(std::has_single_bit(state.probes_due_ + 1));  // the next one goes to all
    add(hash, state.unanswered_);
    add(hash, state.reported_);
    add(hash, state.gave_us_up_);
}

void add(Hash& hash, const Gather& state) {
    add(hash, state.sets_.proc);
    add(hash, state.sets_.fail);
    add(hash, state.agrees_);
    add(hash, state.reported_);
    add(hash, state.heard_);
    hash.add(std::uint64_t{state.starting_} * 16 + std::uint64_t{state.sets_are_sent_} * 8 +
             std::uint64_t{state.second_look_} * 4 + std::uint64_t{state.await_commit_} * 2 +
             std::uint64_t{state.given_up_});
}

void add(Hash& hash, const Commit& state) {
    add(hash, state.forming_);
}

void add(Hash& hash, const Recovery& state) {
    add(hash, state.forming_);
    add(hash, *state.order_);
    add(hash, state.queue_);
    hash.add(state.plan_.expected);
    hash.add(state.received_);
    hash.add(state.promised_);
    hash.add(state.plan_.safe_up_to.value);
    hash.add(state.plan_.available_from.value);
    add(hash, state.plan_.transitional);
    add(hash, state.plan_.obligation);
    for (const bool available : state.plan_.available) {
        hash.add(available);
    }
}

}  // namespace

void add_engine(Hash& hash, const RingEngine& engine) {
    const RingEngine::Impl& impl = *engine.impl_;
    const EngineCore& core = impl.core_;
    hash.add(core.ring.id());
    hash.add(core.ring.previous_id());
    add(hash, core.ring.members().list());
    for (const auto& incarnation : core.ring.incarnations_) {
        hash.add(incarnation.value);
    }
    add(hash, *core.order);
    add(hash, core.obligation);
    hash.add(core.id_counter.mine());
    hash.add(core.id_counter.highest());
    add(hash, core.queue);
    hash.add(core.waits_for_safe);
    hash.add(core.my_join_seq);
    for (const auto& timer : core.timers.slots_) {
        hash.add(timer.has_value());
    }
    const auto* sent = core.watch.watched();
    hash.add(sent != nullptr);
    if (sent != nullptr) {
        hash.add(sent->datagram);
        hash.add(sent->to.value);
    }
    hash.add(core.stall.stall_.has_value());
    if (core.stall.stall_) {
        hash.add(core.stall.stall_->seq.value);
        hash.add(core.stall.stall_->aru.value);
        add(hash, core.stall.stall_->complete);
    }
    add_memory(hash, core);
    add(hash, core.challenges.open());
    add(hash, core.hearing);
    add(hash, core.one_by_one);
    for (const auto& last : impl.joins_.last_) {
        hash.add(last.incarnation.value);
        hash.add(last.join_seq);
    }
    for (const auto until : impl.given_up_.until_) {
        hash.add(until != protocol::Instant::min());
    }
    for (const auto& shown : impl.settings_.shown_) {
        hash.add(shown.has_value());
    }
    hash.add(impl.told_narrow_ ? impl.told_narrow_->bytes : 0U);
    hash.add(impl.silent_);
    hash.add(impl.state_.index());
    std::visit([&](const auto& state) { add(hash, state); }, impl.state_);
}

void forget_times(RingEngine& engine, std::uint64_t seed) {
    RingEngine::Impl& impl = *engine.impl_;
    impl.core_.rng = protocol::Rng(seed);
    impl.core_.last_join.reset();
    if (auto* operational = std::get_if<Operational>(&impl.state_)) {
        operational->last_answer_.reset();
    }
}

bool is_timer_set(const RingEngine& engine, std::size_t timer) {
    return engine.impl_->core_.timers.is_set(static_cast<RingTimer>(timer));
}

void make_due(RingEngine& engine, std::size_t timer, protocol::Instant now) {
    engine.impl_->core_.timers.set(static_cast<RingTimer>(timer), now);
}

bool holds_token(const RingEngine& engine) {
    const auto* operational = std::get_if<Operational>(&engine.impl_->state_);
    return operational != nullptr && operational->holder_.rest_.resting() != nullptr;
}

bool is_at_rest(const RingEngine& engine) {
    const EngineCore& core = engine.impl_->core_;
    const RingOrder& order = *core.order;
    return engine.impl_->is_operational() && core.queue.messages() == 0 &&
           (core.ring.members().is_alone() ||
            (order.window().my_aru() == order.high_seq() &&
             order.safe_up_to() == order.high_seq() && order.cursor().next() > order.high_seq()));
}

}  // namespace spread::explorer
