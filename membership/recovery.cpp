#include <algorithm>
#include <limits>
#include <utility>

#include "membership/engine_impl.hpp"

// Recovery: all who come along from one old ring exchange its packets over the new ring, until
// everybody has told everybody that it holds them all; then the new ring is installed (Totem 5.3).
//
// The commit token says exactly who holds what, so every missing packet is resent by one holder and
// everyone knows how many recovery messages to expect. A member that has them all sets its bit in
// the token's completion bitmap; that is a promise to deliver them (the obligation set), and a full
// bitmap installs the ring.

namespace spread::membership {
namespace {

bool holds(const protocol::CommitMember& member, Seq seq) {
    if (seq <= member.aru) {
        return true;
    }
    // Ranges are ascending: the last one that starts at or before seq decides.
    const auto after = std::upper_bound(
        member.held.begin(), member.held.end(), seq,
        [](Seq value, const protocol::SeqRange& range) { return value < range.first; });
    if (after == member.held.begin()) {
        return false;
    }
    const protocol::SeqRange& range = *(after - 1);
    return seq - range.first < range.count;
}

Seq highest_held(const protocol::CommitMember& member) {
    return member.held.empty() ? member.aru
                               : Seq{member.held.back().first.value + member.held.back().count - 1};
}

}  // namespace

void RingEngine::Impl::enter_recovery(Instant now, const protocol::CommitToken& token,
                                      EngineOutput& out) {
    Forming forming = std::move(std::get<Commit>(state).forming);
    forming.last_token_seq = token.token_seq;
    const auto unlimited = std::numeric_limits<std::size_t>::max();
    Recovery recovery{.forming = std::move(forming),
                      .order = make_order(token.ring_id),
                      .queue = ordering::SendQueue(unlimited, unlimited),
                      .incarnations = {},
                      .transitional = {},
                      .obligation = {},
                      .safe_up_to = {},
                      .available_from = {},
                      .available = {}};
    for (const protocol::CommitMember& member : token.members) {
        recovery.incarnations.push_back(member.incarnation);
    }

    // One pass per old ring. Packets that some but not all of its survivors hold are resent by the
    // first holder; what nobody holds is lost for all.
    std::vector<bool> grouped(token.members.size(), false);
    for (std::size_t first = 0; first < token.members.size(); ++first) {
        if (grouped[first]) {
            continue;
        }
        std::vector<const protocol::CommitMember*> group;
        Seq low{std::numeric_limits<std::uint64_t>::max()};
        Seq high;
        Seq safe;
        bool mine = false;
        for (std::size_t i = first; i < token.members.size(); ++i) {
            const protocol::CommitMember& member = token.members[i];
            if (member.old_ring != token.members[first].old_ring) {
                continue;
            }
            grouped[i] = true;
            group.push_back(&member);
            low = std::min(low, member.aru);
            high = std::max(high, highest_held(member));
            safe = std::max(safe, member.safe_up_to);
            mine = mine || member.id == config.self;
        }
        if (mine) {
            recovery.available_from = low + 1;
            recovery.safe_up_to = safe;
            for (const protocol::CommitMember* member : group) {
                recovery.transitional.set(*position(member->id));
                for (std::size_t bit = 0; bit < config.daemons.size(); ++bit) {
                    if (bit / 8 < member->obligation.size() &&
                        (member->obligation[bit / 8] >> (bit % 8) & 1U) != 0) {
                        recovery.obligation.set(bit);
                    }
                }
            }
        }
        // No correct window spans more; a forged token must not make us count for ever.
        const std::uint64_t span = high - low;
        const std::uint64_t span_max = 8 * std::uint64_t{config.gap_max} + 65536;
        for (std::uint64_t i = 1; i <= std::min(span, span_max); ++i) {
            const Seq seq = low + i;
            const protocol::CommitMember* holder = nullptr;
            bool all = true;
            for (const protocol::CommitMember* member : group) {
                if (!holds(*member, seq)) {
                    all = false;
                } else if (holder == nullptr) {
                    holder = member;
                }
            }
            if (mine) {
                recovery.available.push_back(holder != nullptr);
            }
            if (holder == nullptr || all) {
                continue;
            }
            ++recovery.expected;
            if (holder->id == config.self) {
                const auto* slot = order->window().find(seq);
                // A released packet was received by all: only a forged report can lack it, and a
                // filler then keeps the count of messages right.
                SPREAD_ASSERT(slot != nullptr || seq < order->window().base());
                Submission submission;
                submission.kind = protocol::MessageKind::kRecoveryPacket;
                submission.body = slot != nullptr
                                      ? protocol::Message(slot->datagram)
                                      : protocol::Message(protocol::encode_empty(
                                            header(protocol::PacketKind::kLeave, ring_id), pool));
                recovery.queue.push(std::move(submission));
            }
        }
    }
    recovery.obligation |= recovery.transitional;
    timers.fill(std::nullopt);
    set_timer(RingTimer::kTokenLoss, now + config.token_loss_timeout);
    const MemberList about = recovery.forming.members;
    change_state(now, std::move(recovery), ChangeReason::kCommitTokenReceived, token.sender,
                 token.ring_id, about);
    static_cast<void>(out);
}

void RingEngine::Impl::recovery_data(Instant now, const protocol::DataHeader& data, DaemonId sender,
                                     const Slice& datagram) {
    auto& recovery = std::get<Recovery>(state);
    const auto& ring_members = recovery.forming.members;
    if (std::find(ring_members.begin(), ring_members.end(), sender) == ring_members.end()) {
        count_decode_error(protocol::DecodeError::kBadValue);
        return;
    }
    switch (recovery.order->on_data(data, sender, datagram)) {
        case ordering::ReceiveWindow::Insert::kDuplicate: ++stats.packets_duplicate; return;
        case ordering::ReceiveWindow::Insert::kOutOfRange:
            count_decode_error(protocol::DecodeError::kBadValue);
            return;
        case ordering::ReceiveWindow::Insert::kNew: ++stats.packets_received; break;
    }
    token_progress(now, data.token_seq);
    set_timer(RingTimer::kTokenLoss, now + config.token_loss_timeout);
    take_recovered(recovery);
}

void RingEngine::Impl::take_recovered(Recovery& recovery) {
    // Messages behind the recovery packets come from members that have installed the ring already;
    // they stay in the window until we have, too.
    recovery.order->deliver(
        static_cast<std::size_t>(recovery.expected - recovery.received), [&](Delivery&& delivery) {
            ++recovery.received;
            if (delivery.kind != protocol::MessageKind::kRecoveryPacket) {
                count_decode_error(protocol::DecodeError::kBadKind);
                return;
            }
            Slice old = delivery.body.slice_count() == 1 ? delivery.body.slice(0) : Slice{};
            if (delivery.body.slice_count() > 1) {
                old.buffer = protocol::BufferRef::allocate(delivery.body.size());
                old.length = static_cast<std::uint32_t>(delivery.body.size());
                delivery.body.copy_to(std::span(old.buffer->data(), old.length));
            }
            const auto from = protocol::decode_header(old.bytes());
            if (!from || from->kind != protocol::PacketKind::kData || from->ring_id != ring_id) {
                return;  // of somebody else's old ring
            }
            const auto data = protocol::decode_data(old.bytes());
            if (data && recovery.is_available(data->seq)) {
                static_cast<void>(order->on_data(*data, from->sender, std::move(old)));
            }
        });
}

void RingEngine::Impl::recovery_token(Instant now, protocol::Token& token, EngineOutput& out) {
    auto& recovery = std::get<Recovery>(state);
    if (!recovery.order->is_new(token) || token.to != config.self || token.grant ||
        token.sender != predecessor(recovery.forming.members, config.self)) {
        ++stats.tokens_duplicate;
        return;
    }
    if (token.seq >= recovery.order->window().end()) {
        count_decode_error(protocol::DecodeError::kBadValue);
        return;
    }
    ++stats.tokens_received;
    token_progress(now, token.token_seq);
    set_timer(RingTimer::kTokenLoss, now + config.token_loss_timeout);

    if (give_up_stalled(now, token, out)) {
        return;
    }

    recovery.order->on_token(token, recovery.queue, pool, ordering::RingOrder::Turn::kInTurn,
                             visit);
    take_recovered(recovery);

    const auto& ring_members = recovery.forming.members;
    token.complete.resize((ring_members.size() + 7) / 8, 0);
    if (recovery.received == recovery.expected) {
        const auto self = static_cast<std::size_t>(
            std::find(ring_members.begin(), ring_members.end(), config.self) -
            ring_members.begin());
        token.complete[self / 8] |= static_cast<std::uint8_t>(1U << (self % 8));
        recovery.promised = true;
        obligation |= recovery.obligation;
    }
    bool all_complete = true;
    for (std::size_t i = 0; i < ring_members.size(); ++i) {
        all_complete = all_complete && (token.complete[i / 8] >> (i % 8) & 1U) != 0;
    }
    emit_visit(ring_members, out, token.ring_id, now, token);
    if (all_complete && recovery.promised) {
        Recovery done = std::move(recovery);
        install(now, std::move(done), out);
    }
}

void RingEngine::Impl::finish_old_ring(const Recovery& recovery, EngineOutput& out) {
    const auto deliver_one = [&](Delivery&& delivery) {
        if (delivery.kind != protocol::MessageKind::kRecoveryPacket) {
            ++stats.messages_delivered;
            out.deliveries.emplace_back(std::move(delivery));
        }
    };
    const auto unlimited = std::numeric_limits<std::size_t>::max();
    auto& cursor = order->cursor();
    auto& window = order->window();
    const Seq available_end = recovery.available_from + recovery.available.size();
    Seq first_hole = recovery.available_from;
    while (first_hole < available_end && recovery.is_available(first_hole)) {
        ++first_hole;
    }
    // In the old regular configuration: up to the first hole or the first safe message that nobody
    // knows to be stable. The line is the best any of us knows, so that all stop at the same place.
    cursor.run(window, {Seq{first_hole.value - 1}, recovery.safe_up_to, unlimited}, deliver_one);

    out.deliveries.emplace_back(ConfigurationChange{ConfigurationKind::kTransitional,
                                                    recovery.forming.ring_id,
                                                    to_list(recovery.transitional)});
    // Behind a hole only messages whose senders come along, or which were promised before, can be
    // delivered: the missing packet may have caused any other one.
    const Seq everything{std::numeric_limits<std::uint64_t>::max()};
    cursor.run(window, {Seq{first_hole.value - 1}, everything, unlimited}, deliver_one);
    while (cursor.next() < available_end) {
        const auto* slot = window.find(cursor.next());
        const auto sender = slot != nullptr ? position(slot->sender) : std::nullopt;
        if (sender && recovery.is_available(cursor.next()) && recovery.obligation.test(*sender)) {
            cursor.run(window, {cursor.next(), everything, unlimited}, deliver_one);
        } else {
            cursor.skip_packet();
        }
    }
}

void RingEngine::Impl::install(Instant now, Recovery recovery, EngineOutput& out) {
    finish_old_ring(recovery, out);
    begin_ring(now, recovery.forming.ring_id, recovery.forming.members, std::move(recovery.order),
               std::move(recovery.incarnations), ChangeReason::kRecoveryComplete, out);
    auto& operational = std::get<Operational>(state);
    operational.seq_at_last_visit = order->high_seq();
    deliver(out);
}

void RingEngine::Impl::install_alone(Instant now, EngineOutput& out) {
    Recovery recovery{.forming = {},
                      .order = nullptr,
                      .queue = ordering::SendQueue(0, 0),
                      .incarnations = {incarnation},
                      .transitional = {},
                      .obligation = {},
                      .safe_up_to = {},
                      .available_from = {},
                      .available = {}};
    recovery.forming.ring_id =
        RingId{config.self, static_cast<std::uint32_t>(rng.next()), next_counter(now)};
    recovery.forming.members = {config.self};
    recovery.transitional.set(*position(config.self));
    recovery.obligation = obligation | recovery.transitional;
    // What we hold is all there is.
    const auto& window = order->window();
    recovery.available_from = window.my_aru() + 1;
    recovery.safe_up_to = order->safe_up_to();
    for (Seq seq = recovery.available_from; seq <= window.high(); ++seq) {
        recovery.available.push_back(window.find(seq) != nullptr);
    }
    my_counter = highest_counter = recovery.forming.ring_id.counter;
    finish_old_ring(recovery, out);
    begin_ring(now, recovery.forming.ring_id, recovery.forming.members,
               make_order(recovery.forming.ring_id), recovery.incarnations, ChangeReason::kAlone,
               out);
}

void RingEngine::Impl::begin_ring(Instant now, RingId ring, MemberList ring_members,
                                  std::unique_ptr<ordering::RingOrder> ring_order,
                                  std::vector<protocol::Incarnation> incarnations,
                                  ChangeReason reason, EngineOutput& out) {
    previous_ring_id = ring_id;
    ring_id = ring;
    members = std::move(ring_members);
    member_incarnations = std::move(incarnations);
    order = std::move(ring_order);
    obligation.reset();
    queue.rewind();
    queue.pause();
    prefer_token = false;
    stall.reset();
    last_visit.reset();
    stats.rotation_time = {};
    progress_time = {};
    progress_backoff = 1;
    ++stats.memberships_installed;
    change_state(now, Operational{}, reason, DaemonId{}, ring_id, members);
    out.deliveries.emplace_back(ConfigurationChange{ConfigurationKind::kRegular, ring_id, members});
    // The token timers of a ring that has just left Recovery run on; nothing else does.
    clear_timer(RingTimer::kJoin);
    clear_timer(RingTimer::kConsensus);
    if (alone()) {
        timers.fill(std::nullopt);
        sent_token.reset();
    }
    for (Peer& peer : peers) {
        peer.heard_foreign.reset();
    }
    schedule_merge_detect(now);
}

}  // namespace spread::membership
