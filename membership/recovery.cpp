#include "membership/recovery.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "membership/commit.hpp"
#include "protocol/assert.hpp"

namespace spread::membership {

using protocol::DaemonId;
using protocol::PacketHeader;
using protocol::PacketKind;
using protocol::Seq;
using protocol::Slice;
using protocol::Token;
using Insert = ordering::ReceiveWindow::Insert;

namespace {

constexpr auto kUnlimited = std::numeric_limits<std::size_t>::max();

/// No correct window spans more packets.
std::uint64_t span_max(const RingConfig& config) {
    return 8 * std::uint64_t{config.gap_max} + 65536;
}

/// The bytes of a message in one piece.
Slice in_one_piece(const protocol::Message& body) {
    if (body.slice_count() <= 1) {
        return body.slice_count() == 1 ? body.slice(0) : Slice{};
    }
    Slice whole;
    whole.buffer = protocol::BufferRef::allocate(body.size());
    whole.length = static_cast<std::uint32_t>(body.size());
    body.copy_to(std::span(whole.buffer->data(), whole.length));
    return whole;
}

}  // namespace

Recovery::Recovery(EngineCore& core, Forming forming, const protocol::CommitToken& token)
    : core_(core),
      forming_(std::move(forming)),
      plan_(plan_recovery(token, core.roster, core.config.self, span_max(core.config))),
      order_(core.make_order(token.ring_id)),
      queue_(kUnlimited, kUnlimited) {
    for (const protocol::CommitMember& member : token.members) {
        incarnations_.push_back(member.incarnation);
    }
    queue_packets_to_resend();
}

void Recovery::queue_packets_to_resend() {
    const auto& window = core_.order->window();
    for (const Seq seq : plan_.mine) {
        const auto* slot = window.find(seq);
        // All have received what we have released. Only a forged report can ask for such a packet;
        // a filler then keeps the number of messages right.
        SPREAD_ASSERT(slot != nullptr || seq < window.base());
        Submission submission;
        submission.kind = protocol::MessageKind::kRecoveryPacket;
        submission.body = protocol::Message(
            slot != nullptr ? slot->datagram
                            : protocol::encode_empty(core_.header(PacketKind::kLeave), core_.pool));
        queue_.push(std::move(submission));
    }
}

Next Recovery::on(const Step& step, const PacketHeader& from, const DataPacket& packet) {
    if (from.ring_id != forming_.ring_id) {
        // Of the old ring: what we have reported must not change.
        core_.stats.foreign_packets += from.ring_id == core_.ring.id() ? 0 : 1;
        return Stay{};
    }
    if (!forming_.members.is_member(from.sender)) {
        core_.count(protocol::DecodeError::kBadValue);
        return Stay{};
    }
    switch (order_->on_data(packet.header, from.sender, packet.datagram)) {
        case Insert::kDuplicate: ++core_.stats.packets_duplicate; return Stay{};
        case Insert::kOutOfRange: core_.count(protocol::DecodeError::kBadValue); return Stay{};
        case Insert::kNew: ++core_.stats.packets_received; break;
    }
    core_.note_progress(step.now, packet.header.token_seq);
    core_.expect_token(step.now);
    take_recovered();
    return Stay{};
}

void Recovery::take_recovered() {
    // Messages behind the recovery packets come from members that have installed the ring already;
    // they stay in the window until we have, too.
    order_->deliver(static_cast<std::size_t>(plan_.expected - received_),
                    [this](Delivery&& delivery) {
                        ++received_;
                        if (delivery.kind == protocol::MessageKind::kRecoveryPacket) {
                            take_old_packet(std::move(delivery.body));
                        } else {
                            core_.count(protocol::DecodeError::kBadKind);
                        }
                    });
}

void Recovery::take_old_packet(protocol::Message&& body) {
    Slice old = in_one_piece(body);
    const auto from = protocol::decode_header(old.bytes());
    if (!from || from->kind != PacketKind::kData || from->ring_id != core_.ring.id()) {
        return;  // of somebody else's old ring
    }
    const auto data = protocol::decode_data(old.bytes());
    if (!data || !core_.ring.is_member(from->sender) || !plan_.is_available(data->seq)) {
        core_.count(protocol::DecodeError::kBadValue);
        return;
    }
    static_cast<void>(core_.order->on_data(*data, from->sender, std::move(old)));
}

Next Recovery::on(const Step& step, const PacketHeader&, Token& token) {
    if (token.ring_id != forming_.ring_id) {
        ++core_.stats.foreign_packets;
        return Stay{};
    }
    return visit(step, token);
}

Next Recovery::visit(const Step& step, Token& token) {
    if (!order_->is_new(token) || token.to != core_.config.self || token.out_of_turn ||
        token.sender != forming_.members.predecessor()) {
        ++core_.stats.tokens_duplicate;
        return Stay{};
    }
    if (!order_->accepts(token)) {
        core_.count(protocol::DecodeError::kBadValue);
        return Stay{};
    }
    ++core_.stats.tokens_received;
    core_.note_progress(step.now, token.token_seq);
    core_.expect_token(step.now);
    Next next = core_.give_up_stalled(step.now, token, true);
    if (!std::holds_alternative<Stay>(next)) {
        return next;
    }
    order_->on_token(token, queue_, core_.pool, ordering::RingOrder::Turn::kInTurn, core_.visit);
    take_recovered();
    const bool all_complete = complete(token);
    core_.pass_on(step, forming_.members, token);
    return all_complete && promised_ ? Next{ToRing{}} : Next{Stay{}};
}

bool Recovery::complete(Token& token) {
    if (received_ == plan_.expected) {
        token.complete.insert(forming_.members.my_position());
        promised_ = true;
        core_.obligation |= plan_.obligation;
    }
    return token.complete.includes(protocol::DaemonSet::first(forming_.members.size()));
}

Next Recovery::on(const Step& step, const PacketHeader&, protocol::CommitToken& token) {
    if (is_handled_copy(core_, forming_, step, token)) {
        return Stay{};
    }
    // The second pass is over: everybody is in Recovery, and the ring's own token starts. Once.
    const protocol::TokenSeq sent{forming_.last_token_seq.value + 1};
    if (own_entry(token, core_.config.self) == nullptr ||
        token.ring_id.representative != core_.config.self || token.ring_id != forming_.ring_id ||
        token.pass != 2 || token.token_seq <= sent ||
        order_->last_token_seq() != protocol::TokenSeq{}) {
        return Stay{};
    }
    forming_.last_token_seq = token.token_seq;
    core_.token = Token{};
    core_.token.ring_id = token.ring_id;
    core_.token.sender = token.sender;
    core_.token.token_seq = token.token_seq;
    core_.token.seq = core_.token.aru = core_.config.before_first_seq;
    core_.token.to = core_.config.self;
    return visit(step, core_.token);
}

Next Recovery::on(const Step&, const PacketHeader& from, const protocol::Join& join) {
    return join_while_forming(core_, forming_, from.sender, join);
}

Next Recovery::on(const Step& step, const PacketHeader& from, const Hold& hold) {
    take_answer(core_, forming_, step, from, hold);
    return Stay{};
}

Next Recovery::on(const Step&, const PacketHeader& from, const Leave&) {
    return leave_while_forming(core_, forming_, from);
}

Next Recovery::on_unreachable(const Step&, DaemonId peer) {
    return unreachable_while_forming(core_, forming_, peer);
}

Next Recovery::on_timer(const Step&, RingTimer timer) {
    switch (timer) {
        case RingTimer::kTokenLoss:
            return ToGather{ChangeReason::kRecoveryTimeout, DaemonId{}, {}, {}, {}};
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

void Recovery::check_invariants() const {
    check_forming(core_, forming_);
    plan_.check_invariants();
    SPREAD_ASSERT(received_ <= plan_.expected);
    SPREAD_ASSERT(!promised_ || core_.obligation.includes(plan_.obligation));
    SPREAD_ASSERT(incarnations_.size() == forming_.members.size());
    SPREAD_ASSERT(order_ != nullptr && order_->ring_id() == forming_.ring_id);
}

void finish_old_ring(EngineCore& core, const Step& step, const RecoveryPlan& plan,
                     const protocol::RingId& next_ring) {
    const auto deliver_one = [&](Delivery&& delivery) {
        if (delivery.kind != protocol::MessageKind::kRecoveryPacket) {
            ++core.stats.messages_delivered;
            step.out.deliveries.emplace_back(std::move(delivery));
        }
    };
    auto& cursor = core.order->cursor();
    const auto& window = core.order->window();
    const Seq before_hole{plan.first_hole().value - 1};
    // In the old regular configuration: up to the first hole or the first safe message that nobody
    // knows to be stable. The line is the best any of us knows, so that all stop at the same place.
    cursor.run(window, {before_hole, plan.safe_up_to, kUnlimited}, deliver_one);
    step.out.deliveries.emplace_back(ConfigurationChange{
        ConfigurationKind::kTransitional, next_ring, core.roster.ids_of(plan.transitional)});
    // Behind a hole only messages whose senders come along, or which were promised before, can be
    // delivered: the missing packet may have caused any other one.
    const Seq everything{std::numeric_limits<std::uint64_t>::max()};
    cursor.run(window, {before_hole, everything, kUnlimited}, deliver_one);
    while (cursor.next() < plan.available_end()) {
        const auto* slot = window.find(cursor.next());
        const auto sender = slot != nullptr ? core.roster.find(slot->sender) : std::nullopt;
        if (sender && plan.is_available(cursor.next()) && plan.obligation.contains(*sender)) {
            cursor.run(window, {cursor.next(), everything, kUnlimited}, deliver_one);
        } else {
            cursor.skip_packet();
        }
    }
}

}  // namespace spread::membership
