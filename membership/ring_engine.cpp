#include "membership/ring_engine.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "membership/engine_impl.hpp"

namespace spread::membership {

using protocol::DecodeError;
using protocol::PacketKind;

namespace {

/// Token loss timeouts for which the ring may turn without progress.
constexpr int kStallFactor = 5;

/// Before it is known how long it takes until the ring shows that a token has arrived.
constexpr auto kFirstPatience = Duration(std::chrono::milliseconds(5));

/// Times the usual patience, after tokens had to be sent again.
constexpr int kBackoffMax = 8;

Slice part_of(const Slice& whole, std::span<const std::byte> part) {
    const auto offset = static_cast<std::uint32_t>(part.data() - whole.bytes().data());
    return Slice{whole.buffer, whole.offset + offset, static_cast<std::uint32_t>(part.size())};
}

}  // namespace

RingEngine::Impl::Impl(RingConfig ring_config, protocol::Incarnation my_incarnation,
                       std::uint64_t ring_counter, protocol::Rng entropy,
                       protocol::BufferPool& buffers, Tracer& listener)
    : config(std::move(ring_config)),
      incarnation(my_incarnation),
      rng(entropy),
      pool(buffers),
      tracer(listener),
      members{config.self},
      member_incarnations{my_incarnation},
      first_counter(ring_counter),
      my_counter(ring_counter),
      highest_counter(ring_counter),
      queue(config.send_queue_messages_max, config.send_queue_bytes_max),
      delivery_room(std::numeric_limits<std::size_t>::max()),
      state(Gather{}),
      peers(config.daemons.size()) {
    SPREAD_ASSERT(config.daemons.size() <= protocol::kRingMembersMax);
    for (std::size_t i = 0; i < config.daemons.size(); ++i) {
        positions.emplace(config.daemons[i].value, i);
    }
    SPREAD_ASSERT(position(config.self).has_value());
    // Before its first ring a daemon is on a nameless one of its own, with nothing to recover.
    ring_id = RingId{config.self, static_cast<std::uint32_t>(rng.next()), ring_counter};
    order = make_order(ring_id);
    queue.pause();
}

std::unique_ptr<ordering::RingOrder> RingEngine::Impl::make_order(const RingId& ring) const {
    ordering::OrderConfig order_config;
    order_config.self = config.self;
    order_config.config_hash = config.config_hash;
    order_config.windows = {
        .window = config.window,
        .personal_window = config.personal_window,
        .window_max = config.window_max,
        .receive_room = static_cast<std::uint32_t>(std::min<std::size_t>(
            config.receive_room_bytes / config.datagram_bytes_max, 0xffffffff))};
    order_config.accelerated_window = config.accelerated ? config.accelerated_window : 0;
    order_config.gap_max = config.gap_max;
    order_config.datagram_bytes_max = config.datagram_bytes_max;
    return std::make_unique<ordering::RingOrder>(order_config, ring);
}

std::optional<std::size_t> RingEngine::Impl::position(DaemonId id) const {
    const auto it = positions.find(id.value);
    return it == positions.end() ? std::nullopt : std::optional(it->second);
}

MemberSet RingEngine::Impl::to_set(const MemberList& list) const {
    MemberSet set;
    for (const DaemonId id : list) {
        if (const auto at = position(id)) {
            set.set(*at);
        }
    }
    return set;
}

MemberList RingEngine::Impl::to_list(const MemberSet& set) const {
    MemberList list;
    for (std::size_t i = 0; i < config.daemons.size(); ++i) {
        if (set.test(i)) {
            list.push_back(config.daemons[i]);
        }
    }
    return list;
}

DaemonId RingEngine::Impl::successor(const MemberList& list, DaemonId id) {
    const auto it = std::find(list.begin(), list.end(), id);
    SPREAD_ASSERT(it != list.end());
    return it + 1 == list.end() ? list.front() : *(it + 1);
}

DaemonId RingEngine::Impl::predecessor(const MemberList& list, DaemonId id) {
    const auto it = std::find(list.begin(), list.end(), id);
    SPREAD_ASSERT(it != list.end());
    return it == list.begin() ? list.back() : *(it - 1);
}

RingState RingEngine::Impl::ring_state() const {
    return static_cast<RingState>(state.index());
}

void RingEngine::Impl::change_state(Instant now, MembershipState next, ChangeReason reason,
                                    DaemonId peer, const RingId& ring, const MemberList& about) {
    const RingState from = ring_state();
    state = std::move(next);
    tracer.on_state_change(
        StateChange{now, config.self, from, ring_state(), reason, peer, ring, about});
}

void RingEngine::Impl::send_all(Slice datagram, EngineOutput& out) {
    out.sends.push_back({Destination::kAll, Channel::kData, DaemonId{}, std::move(datagram)});
}

void RingEngine::Impl::send_to(DaemonId to, Channel channel, Slice datagram, EngineOutput& out) {
    out.sends.push_back({Destination::kDaemon, channel, to, std::move(datagram)});
}

void RingEngine::Impl::send_token(Instant now, const protocol::Token& token, EngineOutput& out) {
    // Of a token that the representative may keep, others may hear only in the round after that.
    const bool may_be_kept = std::holds_alternative<Operational>(state) &&
                             (token.grant ? token.lease || token.to == members.front()
                                          : token.idle && !is_representative());
    send_token(now, token.to, protocol::encode_token(token, config.config_hash, pool),
               token.token_seq, out, may_be_kept ? 2 * config.token_settle_timeout : Duration{});
}

void RingEngine::Impl::send_token_with_data(Instant now, const protocol::Token& token,
                                            EngineOutput& out) {
    send_token(now, token, out);
    if (out.sends.size() < 2) {
        return;
    }
    OutboundPacket& data = *(out.sends.end() - 2);
    const auto data_bytes = data.datagram.bytes();
    const auto token_bytes = out.sends.back().datagram.bytes();
    if (data.destination == Destination::kAll && protocol::is_data(data_bytes) &&
        protocol::kDataTokenBytes + data_bytes.size() + token_bytes.size() <=
            config.datagram_bytes_max) {
        data.datagram = protocol::encode_data_token(
            data_bytes, token_bytes, header(PacketKind::kDataToken, token.ring_id), pool);
        out.sends.pop_back();
    }
}

void RingEngine::Impl::send_token(Instant now, DaemonId to, Slice datagram, TokenSeq token_seq,
                                  EngineOutput& out, Duration patience) {
    // However slow the ring is, a lost token must be sent again before it counts as lost.
    const Duration interval =
        std::min(std::max(token_patience(), patience), config.token_loss_timeout / 4);
    sent_token = SentToken{datagram, to, token_seq, now, interval, patience == Duration{}, false};
    set_timer(RingTimer::kTokenRetransmit, now + interval);
    send_to(to, Channel::kToken, std::move(datagram), out);
}

Duration RingEngine::Impl::token_patience() const {
    // As TCP does it (RFC 6298): the usual time and some deviations. Until there is one, rotations
    // have to do. However slow the ring is, a lost token must be sent again before it counts as
    // lost.
    const Duration usual = progress_time == Duration::zero()
                               ? std::max(kFirstPatience, 4 * stats.rotation_time)
                               : progress_time + 4 * progress_deviation;
    return std::min(std::max(config.token_retransmit_timeout, usual) * progress_backoff,
                    config.token_loss_timeout / 4);
}

void RingEngine::Impl::token_progress(Instant now, TokenSeq token_seq) {
    if (!sent_token || token_seq < sent_token->token_seq) {
        return;
    }
    // A token sent twice does not tell which copy it was, and one that may be kept waits for work.
    if (sent_token->measured) {
        const Duration took = now - sent_token->at;
        if (progress_time == Duration::zero()) {
            progress_time = took;
            progress_deviation = took / 2;
        } else {
            const Duration off = took - progress_time;
            progress_deviation += (std::chrono::abs(off) - progress_deviation) / 4;
            progress_time += off / 8;
        }
    }
    if (!sent_token->again) {
        progress_backoff = std::max(1, progress_backoff / 2);
    }
    sent_token.reset();
    clear_timer(RingTimer::kTokenRetransmit);
}

bool RingEngine::Impl::give_up_stalled(Instant now, const protocol::Token& token,
                                       EngineOutput& out) {
    const bool recovering = std::holds_alternative<Recovery>(state);
    // A member whose clients lag lowers the aru for as long as it likes, but asks for nothing.
    const bool asked = !token.rtr.empty() && token.rtr.front().first == token.aru + 1;
    if (!recovering && !asked) {
        stall.reset();
        return false;
    }
    if (!stall || stall->aru != token.aru || stall->complete != token.complete ||
        (recovering && stall->seq != token.seq)) {
        stall = Stall{token.seq, token.aru, token.complete, now};
        return false;
    }
    // Others can tell better than we whether it is us; if they cannot, a new start must do.
    const bool ours = token.aru_id == config.self || !token.aru_id;
    if (now - stall->since < (ours ? 2 : 1) * kStallFactor * config.token_loss_timeout) {
        return false;
    }
    const auto at = position(token.aru_id);
    MemberSet failed;
    if (at && !ours) {
        failed.set(*at);
    }
    enter_gather(now, ChangeReason::kNoProgress, token.aru_id, {}, failed, out);
    return true;
}

void RingEngine::Impl::token_retransmit_due(Instant now, EngineOutput& out) {
    if (!sent_token) {
        return;
    }
    ++stats.tokens_retransmitted;
    // Backing off keeps a stopped successor from being flooded while the loss timeout runs, and
    // starved hosts from getting every token twice: it ends as tokens get through at once again.
    if (sent_token->measured) {
        progress_backoff = std::min(2 * progress_backoff, kBackoffMax);
    }
    sent_token->measured = false;
    sent_token->again = true;
    sent_token->interval = std::min(2 * sent_token->interval, config.token_loss_timeout / 4);
    set_timer(RingTimer::kTokenRetransmit, now + sent_token->interval);
    send_to(sent_token->to, Channel::kToken, sent_token->datagram, out);
}

std::uint64_t RingEngine::Impl::next_counter(Instant now) const {
    const auto ticks = (now - started_at) / std::chrono::milliseconds(protocol::kRingCounterMs);
    return std::max(std::max(highest_counter, my_counter) + 2,
                    first_counter + static_cast<std::uint64_t>(ticks));
}

void RingEngine::Impl::start(Instant now, EngineOutput& out) {
    started_at = now;
    Gather gather;
    gather.proc_set = to_set({config.self});
    gather.starting = true;
    change_state(now, std::move(gather), ChangeReason::kStart, DaemonId{}, ring_id, members);
    if (config.daemons.size() == 1) {
        install_alone(now, out);
        return;
    }
    begin_round(now, std::get<Gather>(state), out);
    set_timer(RingTimer::kConsensus, now + config.start_timeout);
}

void RingEngine::Impl::packet(Instant now, const Slice& datagram, EngineOutput& out,
                              Addressed addressed) {
    const auto bytes = datagram.bytes();
    const auto from = protocol::decode_header(bytes);
    if (!from) {
        count_decode_error(from.error());
        return;
    }
    if (from->config_hash != config.config_hash) {
        ++stats.config_hash_mismatches;
        stats.last_mismatched_hash = from->config_hash;
        stats.last_mismatched_sender = from->sender;
        return;
    }
    if (from->sender == config.self) {
        return;  // our own multicast
    }
    if (!position(from->sender)) {
        count_decode_error(DecodeError::kBadValue);
        return;
    }
    // Decodes, counts failures, and calls `handle` with the value.
    const auto with = [this](auto decoded, auto&& handle) {
        if (decoded) {
            handle(std::move(*decoded));
        } else {
            count_decode_error(decoded.error());
        }
    };
    auto* operational = std::get_if<Operational>(&state);
    auto* recovery = std::get_if<Recovery>(&state);
    switch (from->kind) {
        case PacketKind::kData:
            with(protocol::decode_data(bytes), [&](const protocol::DataHeader& data) {
                if (recovery != nullptr && from->ring_id == recovery->forming.ring_id) {
                    recovery_data(now, data, from->sender, datagram);
                } else if (from->ring_id == ring_id) {
                    operational_data(now, *from, data, datagram, out);
                } else {
                    heard_foreign(now, *from, out);
                }
            });
            break;
        case PacketKind::kToken:
            with(protocol::decode_token(bytes, std::move(token_ranges)),
                 [&](protocol::Token&& token) {
                     if (addressed == Addressed::kMaybe && token.to != config.self) {
                         // It came with data for all.
                     } else if (operational != nullptr && token.ring_id == ring_id) {
                         operational_token(now, token, out);
                     } else if (recovery != nullptr && token.ring_id == recovery->forming.ring_id) {
                         recovery_token(now, token, out);
                     } else {
                         heard_foreign(now, *from, out);
                     }
                     done_with(token);
                 });
            break;
        case PacketKind::kDataToken:
            with(protocol::decode_data_token(bytes), [&](const protocol::DataToken& parts) {
                packet(now, part_of(datagram, parts.data), out);
                packet(now, part_of(datagram, parts.token), out, Addressed::kMaybe);
            });
            break;
        case PacketKind::kJoin:
            with(protocol::decode_join(bytes),
                 [&](const protocol::Join& join) { on_join(now, *from, join, out); });
            break;
        case PacketKind::kCommit:
            with(protocol::decode_commit(bytes),
                 [&](protocol::CommitToken&& token) { on_commit(now, std::move(token), out); });
            break;
        case PacketKind::kHold:
            with(protocol::decode_hold(bytes), [&](TokenSeq token_seq) {
                if (operational != nullptr && from->ring_id == ring_id) {
                    operational_hold(now, token_seq);
                }
            });
            break;
        case PacketKind::kWake:
            with(protocol::decode_wake(bytes), [&](TokenSeq seen) {
                if (operational != nullptr && from->ring_id == ring_id) {
                    operational_wake(now, from->sender, seen, out);
                }
            });
            break;
        case PacketKind::kProbe:
            with(protocol::decode_probe(bytes), [&](const protocol::Probe& probe) {
                if (operational != nullptr && from->ring_id != ring_id) {
                    operational_probe(now, *from, probe, out);
                }
            });
            break;
        case PacketKind::kLeave:
            with(protocol::decode_empty(bytes),
                 [&](std::monostate) { on_leave_packet(now, *from, out); });
            break;
    }
}

void RingEngine::Impl::deadline(Instant now, EngineOutput& out) {
    for (std::size_t i = 0; i < kRingTimerCount; ++i) {
        if (!timers[i] || *timers[i] > now) {
            continue;
        }
        timers[i].reset();
        switch (static_cast<RingTimer>(i)) {
            case RingTimer::kTokenLoss: {
                ++stats.token_losses;
                const auto reason =
                    std::holds_alternative<Commit>(state)     ? ChangeReason::kCommitTimeout
                    : std::holds_alternative<Recovery>(state) ? ChangeReason::kRecoveryTimeout
                                                              : ChangeReason::kTokenLoss;
                enter_gather(now, reason, DaemonId{}, {}, {}, out);
                break;
            }
            case RingTimer::kTokenRetransmit: token_retransmit_due(now, out); break;
            case RingTimer::kTokenHold: hold_ended(now, out); break;
            case RingTimer::kWake: wake_representative(now, out); break;
            case RingTimer::kJoin:
                if (const auto* gather = std::get_if<Gather>(&state)) {
                    send_join(now, *gather, out);
                }
                break;
            case RingTimer::kConsensus: consensus_timeout(now, out); break;
            case RingTimer::kMergeDetect:
                send_probe(now, std::nullopt, out);
                schedule_merge_detect(now);
                break;
        }
    }
}

void RingEngine::Impl::leave(EngineOutput& out) {
    if (config.daemons.size() > 1) {
        // Twice, since nobody will repeat it: a lost goodbye costs the others a token timeout.
        const Slice goodbye = protocol::encode_empty(header(PacketKind::kLeave, ring_id), pool);
        send_all(goodbye, out);
        send_all(goodbye, out);
    }
    silent = true;
    sent_token.reset();
    timers.fill(std::nullopt);
}

SubmitStatus RingEngine::Impl::submit(Submission&& submission) {
    if (!submission.control && !queue.has_room()) {
        return SubmitStatus::kFull;
    }
    queue.push(std::move(submission));
    ++stats.messages_submitted;
    return SubmitStatus::kAccepted;
}

void RingEngine::Impl::pump(Instant now, EngineOutput& out) {
    auto* operational = std::get_if<Operational>(&state);
    if (operational == nullptr || !queue.has_sendable()) {
        return;
    }
    if (alone()) {
        pump_alone(out);
    } else if (operational->held) {
        send_while_kept(now, out);
    } else if (operational->lease) {
        use_lease(now, out);
    } else if (operational->leased_out) {
        recall_lease(now, out);
    } else if (operational->token_idle && !timers[static_cast<std::size_t>(RingTimer::kWake)]) {
        wake_representative(now, out);
    }
}

void RingEngine::Impl::peer_unreachable(Instant now, DaemonId peer, EngineOutput& out) {
    const auto at = position(peer);
    if (!at || peer == config.self) {
        return;
    }
    MemberSet failed;
    failed.set(*at);
    if (std::holds_alternative<Operational>(state)) {
        if (std::find(members.begin(), members.end(), peer) != members.end()) {
            enter_gather(now, ChangeReason::kPeerUnreachable, peer, {}, failed, out);
        }
    } else if (auto* gather = std::get_if<Gather>(&state)) {
        // Once it has joined, the report is about its earlier life.
        if (gather->candidates().test(*at) && !peers[*at].joined_this_gather) {
            gather->fail_set.set(*at);
            begin_round(now, *gather, out);
            check_consensus(now, out);
        }
    } else {
        const Forming& forming = *forming_ring();
        if (std::find(forming.members.begin(), forming.members.end(), peer) !=
            forming.members.end()) {
            enter_gather(now, ChangeReason::kPeerUnreachable, peer, {}, failed, out);
        }
    }
}

// --- the public face ---

RingEngine::RingEngine(RingConfig config, protocol::Incarnation incarnation,
                       std::uint64_t ring_counter, protocol::Rng rng, protocol::BufferPool& pool,
                       Tracer& tracer)
    : impl_(std::make_unique<Impl>(std::move(config), incarnation, ring_counter, rng, pool,
                                   tracer)) {}

RingEngine::~RingEngine() = default;

void RingEngine::on_start(Instant now, EngineOutput& out) {
    impl_->start(now, out);
}

void RingEngine::on_packet(Instant now, const Slice& datagram, EngineOutput& out) {
    if (!impl_->silent) {
        impl_->packet(now, datagram, out);
    }
}

void RingEngine::on_deadline(Instant now, EngineOutput& out) {
    if (!impl_->silent) {
        impl_->deadline(now, out);
    }
}

void RingEngine::on_peer_unreachable(Instant now, DaemonId peer, EngineOutput& out) {
    if (!impl_->silent) {
        impl_->peer_unreachable(now, peer, out);
    }
}

void RingEngine::on_leave(Instant, EngineOutput& out) {
    if (!impl_->silent) {
        impl_->leave(out);
    }
}

SubmitStatus RingEngine::submit(Submission&& submission) {
    return impl_->silent ? SubmitStatus::kFull : impl_->submit(std::move(submission));
}

void RingEngine::on_submitted(Instant now, EngineOutput& out) {
    if (!impl_->silent) {
        impl_->pump(now, out);
    }
}

void RingEngine::resume(Instant now, RingId ring, EngineOutput& out) {
    if (impl_->silent || ring != impl_->ring_id ||
        !std::holds_alternative<Operational>(impl_->state)) {
        return;  // a later ring is on its way; its own resume will follow
    }
    impl_->queue.resume();
    impl_->pump(now, out);
}

void RingEngine::set_delivery_room(Instant, std::size_t deliveries, EngineOutput& out) {
    impl_->delivery_room = deliveries;
    if (deliveries > 0 && std::holds_alternative<Operational>(impl_->state)) {
        impl_->deliver(out);
    }
}

std::optional<Instant> RingEngine::next_deadline() const {
    std::optional<Instant> earliest;
    for (const auto& timer : impl_->timers) {
        if (timer && (!earliest || *timer < *earliest)) {
            earliest = timer;
        }
    }
    return earliest;
}

std::uint64_t RingEngine::ring_counter() const {
    return impl_->my_counter;
}

bool RingEngine::send_queue_has_room() const {
    return impl_->queue.has_room();
}

std::size_t RingEngine::delivery_room() const {
    return impl_->delivery_room;
}

ReadPreference RingEngine::read_preference() const {
    return impl_->prefer_token ? ReadPreference::kTokenFirst : ReadPreference::kDataFirst;
}

RingState RingEngine::state() const {
    return impl_->ring_state();
}

const RingId& RingEngine::ring_id() const {
    return impl_->ring_id;
}

const MemberList& RingEngine::members() const {
    return impl_->members;
}

const RingStats& RingEngine::stats() const {
    RingStats& stats = impl_->stats;
    stats.high_seq = impl_->order->high_seq();
    stats.my_aru = impl_->order->window().my_aru();
    stats.safe_up_to = impl_->order->safe_up_to();
    stats.send_queue_messages = impl_->queue.messages();
    stats.flow_window = impl_->order->flow_window();
    return stats;
}

}  // namespace spread::membership
