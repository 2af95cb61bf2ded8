#include "membership/ring_engine_impl.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "protocol/assert.hpp"

namespace spread::membership {

using protocol::DaemonId;
using protocol::DecodeError;
using protocol::Instant;
using protocol::MemberList;
using protocol::PacketHeader;
using protocol::PacketKind;
using protocol::RingId;
using protocol::Slice;

namespace {

constexpr auto kFirstKind = static_cast<std::size_t>(protocol::kFirstPacketKind);
constexpr auto kKinds = static_cast<std::size_t>(protocol::kLastPacketKind) - kFirstKind + 1;

Slice part_of(const Slice& whole, std::span<const std::byte> part) {
    const auto offset = static_cast<std::uint32_t>(part.data() - whole.bytes().data());
    return Slice{whole.buffer, whole.offset + offset, static_cast<std::uint32_t>(part.size())};
}

}  // namespace

// --- what happens from outside ---

void RingEngine::Impl::start(const Step& step) {
    core_.id_counter.start(step.now);
    tracer_.on_state_change(StateChange{step.now, core_.config.self, RingState::kGather,
                                        RingState::kGather, ChangeReason::kStart, DaemonId{},
                                        core_.ring.id(), core_.ring.members().list()});
    if (core_.roster.size() == 1) {
        go(step, ToRingOfOne{});
    } else {
        go(step, std::get<Gather>(state_).start(step));
    }
}

void RingEngine::Impl::on_packet(const Step& step, const Slice& datagram) {
    auto from = step.vouched == Vouched::kByTag ? protocol::decode_part_header(datagram.bytes())
                                                : protocol::decode_header(datagram.bytes());
    if (from && from->version > core_.config.wire_greatest) {
        from = tl::unexpected(DecodeError::kBadVersion);
    }
    if (!from) {
        core_.count(from.error());
        if (from.error() == DecodeError::kBadVersion) {
            note_other_wire(core_, datagram);
        }
    } else if (from->kind == PacketKind::kSettings) {
        SettingsExchange::take(step, core_, *from, datagram);
    } else if (is_for_us(step, *from)) {
        // Retransmissions come from other members than the stamper.
        if (!core_.challenges.open().empty() && from->kind != PacketKind::kData) {
            core_.challenges.answered(*core_.roster.find(from->sender));
        }
        decode(step, *from, datagram, std::make_index_sequence<kKinds>());
    }
}

/// From a configured daemon other than us that has the same configuration, and is not given up.
bool RingEngine::Impl::is_for_us(const Step& step, const PacketHeader& from) {
    if (from.config_hash != core_.config.config_hash) {
        ++core_.stats.config_hash_mismatches;
        core_.stats.last_mismatched_hash = from.config_hash;
        core_.stats.last_mismatched_sender = from.sender;
        if (const auto sender = core_.roster.find(from.sender)) {
            core_.gone.found(&Gone::other_config, *sender);
        }
        settings_.show(step, core_, from.sender, Destination::kAll);
        return false;
    }
    if (from.sender == core_.config.self) {
        return false;  // our own multicast
    }
    const auto sender = core_.roster.find(from.sender);
    if (!sender) {
        core_.count(DecodeError::kBadValue);
        return false;
    }
    if (core_.gone.is_cut_off(step.now, *sender)) {
        return false;
    }
    core_.last_heard.note(*sender, step.arrival, step.now);
    // Whether two still claim to be one daemon shows in their joins and probes.
    const bool tells_of_lives = from.kind == PacketKind::kJoin || from.kind == PacketKind::kProbe;
    return given_up_.hears(step.now, *sender) &&
           (tells_of_lives || !core_.claims.is_claimed_twice(step.now, *sender));
}

template <PacketKind kind>
void RingEngine::Impl::decode_as(const Step& step, const PacketHeader& from,
                                 const Slice& datagram) {
    if constexpr (kind == PacketKind::kToken) {
        decode_token(step, from, datagram.bytes(), Addressed::kToUs);
    } else if constexpr (kind == PacketKind::kDataToken) {
        decode_data_token(step, datagram);
    } else if constexpr (kind == PacketKind::kSettings) {
        SettingsExchange::take(step, core_, from, datagram);
    } else {
        if constexpr (kind == PacketKind::kLeave) {
            core_.gone.left |= core_.only(from.sender);
        }
        auto packet = PacketRow<kind>::decode(from, datagram);
        if (!packet) {
            core_.count(packet.error());
            // NOLINTNEXTLINE(bugprone-branch-clone): all but one are discarded
        } else if constexpr (kind == PacketKind::kJoin) {
            take_join(step, from, *packet);
        } else if constexpr (kind == PacketKind::kProbe) {
            take_probe(step, from, *packet);
        } else {
            dispatch<kind>(step, from, *packet);
        }
    }
}

template <std::size_t... kinds>
void RingEngine::Impl::decode(const Step& step, const PacketHeader& from, const Slice& datagram,
                              std::index_sequence<kinds...>) {
    using Decode = void (Impl::*)(const Step&, const PacketHeader&, const Slice&);
    static constexpr std::array<Decode, sizeof...(kinds)> kDecode = {
        &Impl::decode_as<static_cast<PacketKind>(kFirstKind + kinds)>...};
    (this->*kDecode[static_cast<std::size_t>(from.kind) - kFirstKind])(step, from, datagram);
}

void RingEngine::Impl::decode_token(const Step& step, const PacketHeader& from,
                                    std::span<const std::byte> bytes, Addressed addressed) {
    if (const auto error = protocol::decode_token(from, bytes, core_.token)) {
        core_.count(*error);
        return;
    }
    if (addressed == Addressed::kToUs || core_.token.to == core_.config.self) {
        dispatch<PacketKind::kToken>(step, from, core_.token);
    }
}

void RingEngine::Impl::decode_data_token(const Step& step, const Slice& datagram) {
    const auto parts = protocol::decode_data_token(datagram.bytes());
    if (!parts) {
        core_.count(parts.error());
        return;
    }
    // The data is kept and sent again by itself, so its own checksum has to be right, too.
    on_packet(step, part_of(datagram, parts->data));
    const auto from = protocol::decode_part_header(parts->token);
    if (!from) {
        core_.count(from.error());
    } else if (is_for_us(step, *from)) {
        decode_token(step, *from, parts->token, Addressed::kMaybe);
    }
}

void RingEngine::Impl::take_join(const Step& step, const PacketHeader& from,
                                 const protocol::Join& join) {
    if (!RingIdCounter::is_possible(join.highest_counter)) {
        core_.count(DecodeError::kBadValue);
        return;
    }
    if (note_hearing(step, from, join) == Hearing::News::kNone) {
        return;
    }
    // The same join or probe comes by several ways, and counts once.
    if (joins_.note(*core_.roster.find(from.sender), join,
                    core_.ring.incarnation_of(from.sender))) {
        core_.id_counter.hear(join.highest_counter);
        dispatch<PacketKind::kJoin>(step, from, join);
    }
    tell_heard(step, from);
}

void RingEngine::Impl::take_probe(const Step& step, const PacketHeader& from,
                                  const protocol::Probe& probe) {
    const Hearing::News news = note_hearing(step, from, probe);
    if (news != Hearing::News::kNone && probe.report.asks) {
        step.send_to(
            from.sender, Channel::kData,
            protocol::encode_probe(core_.make_probe(step.now, core_.probe_evidence_since(step.now)),
                                   core_.header(PacketKind::kProbe), core_.pool));
    }
    if (news == Hearing::News::kReport) {
        dispatch<PacketKind::kProbe>(step, from, probe);
    }
    if (news != Hearing::News::kNone) {
        tell_heard(step, from);
    }
}

template <typename Packet>
Hearing::News RingEngine::Impl::note_hearing(const Step& step, const PacketHeader& from,
                                             const Packet& packet) {
    const protocol::DaemonIndex sender = *core_.roster.find(from.sender);
    const bool was_claimed = core_.claims.is_claimed_twice(step.now, sender);
    core_.claims.note(step.now, sender, packet.incarnation, packet.join_seq,
                      core_.ring.incarnation_of(from.sender));
    if (core_.claims.is_claimed_twice(step.now, sender)) {
        if (!was_claimed && is_operational() && core_.ring.is_member(from.sender)) {
            go(step,
               ToGather{ChangeReason::kSameIdentity, from.sender, {}, core_.only(from.sender), {}});
        }
        return Hearing::News::kNone;
    }
    if (packet.incarnation < core_.ring.incarnation_of(from.sender)) {
        return Hearing::News::kNone;
    }
    // Two releases or more apart: no ring can have both.
    if (packet.report.wire_least > core_.config.wire_greatest ||
        packet.report.wire_greatest < protocol::kRingWireLeast) {
        core_.gone.other_wire.insert(sender);
        return Hearing::News::kNone;
    }
    const bool new_life = core_.hearing.life_of(sender) != packet.incarnation;
    const protocol::DaemonSet left_out_before = core_.hearing.left_out_by(sender);
    const Hearing::News news = core_.hearing.note(
        step.now, {sender, packet.incarnation, packet.join_seq, from.kind == PacketKind::kJoin},
        step.arrival, packet.report, core_.probe_evidence_since(step.now));
    if (news != Hearing::News::kNone) {
        core_.note_links(step.now, sender, new_life);
    }
    if (news == Hearing::News::kReport) {
        core_.hear_blame(step.now, sender, left_out_before);
        if (packet.report.settings != 0 && packet.report.settings != core_.settings_sum) {
            settings_.show(step, core_, from.sender, Destination::kDaemon);
        }
        core_.gone.forget(sender);
        core_.trust_group(step, sender);
    }
    return news;
}

void RingEngine::Impl::on_deadline(const Step& step) {
    core_.hearing.leave_out(core_.blame.left_out(step.now));
    for (std::size_t i = 0; i < kRingTimerCount; ++i) {
        const auto timer = static_cast<RingTimer>(i);
        if (!core_.timers.take_due(timer, step.now)) {
            continue;
        }
        if (timer == RingTimer::kTokenRetransmit) {
            core_.send_token_again(step);
            continue;
        }
        if (timer == RingTimer::kChallenge) {
            on_challenge_due(step);
            continue;
        }
        core_.stats.token_losses += timer == RingTimer::kTokenLoss ? 1 : 0;
        go(step, std::visit([&](auto& state) { return state.on_timer(step, timer); }, state_));
    }
}

void RingEngine::Impl::on_late(const Step& step, protocol::Duration late) {
    core_.loss.on_late(step.now, late);
    if (2 * late > core_.loss.value()) {
        core_.stood_still(step, late);
    }
}

void RingEngine::Impl::on_peer_unreachable(const Step& step, DaemonId peer) {
    if (!core_.roster.contains(peer) || peer == core_.config.self) {
        return;
    }
    if (!is_operational()) {
        give_up_unreachable(step, peer);
    } else if (!core_.ring.is_member(peer)) {
        core_.gone.port_closed |= core_.only(peer);
    } else if (core_.challenges.begin(*core_.roster.find(peer), core_.challenge_end(step.now)) &&
               !core_.timers.is_set(RingTimer::kChallenge)) {
        // Else somebody was asked just now. The answer may have ended a challenge, and the question
        // itself have begun this one, where a firewall rejects one port: that goes on for ever.
        core_.ask_challenged(step);
    }
}

void RingEngine::Impl::give_up_unreachable(const Step& step, DaemonId peer) {
    core_.gone.port_closed |= core_.only(peer);
    go(step, std::visit([&](auto& state) { return state.on_unreachable(step, peer); }, state_));
}

void RingEngine::Impl::on_challenge_due(const Step& step) {
    for (const protocol::DaemonIndex silent : core_.challenges.take_overdue(step.now)) {
        give_up_unreachable(step, core_.roster.id(silent));
    }
    if (!core_.challenges.open().empty()) {
        core_.ask_challenged(step);
    }
}

void RingEngine::Impl::leave(const Step& step) {
    if (core_.roster.size() > 1) {
        // Twice, since nobody will repeat it: a lost goodbye costs the others a token timeout.
        const Slice goodbye = protocol::encode_empty(core_.header(PacketKind::kLeave), core_.pool);
        step.send_all(goodbye);
        step.send_all(goodbye);
    }
    silent_ = true;
    core_.watch.forget();
    core_.timers.clear_all();
}

SubmitStatus RingEngine::Impl::submit(Submission&& submission) {
    if (!submission.control && !submission.ahead && !core_.queue.has_room()) {
        return SubmitStatus::kFull;
    }
    core_.queue.push(std::move(submission));
    ++core_.stats.messages_submitted;
    return SubmitStatus::kAccepted;
}

void RingEngine::Impl::pump(const Step& step) {
    std::visit([&](auto& state) { state.pump(step); }, state_);
}

void RingEngine::Impl::resume(const Step& step, const RingId& ring) {
    if (ring != core_.ring.id() || !is_operational()) {
        return;  // a later ring is on its way; its own resume will follow
    }
    core_.queue.resume();
    pump(step);
}

void RingEngine::Impl::give_up(const Step& step, const RingId& ring, const MemberList& daemons) {
    protocol::DaemonSet overdue = core_.roster.set_of(daemons) & core_.ring_set();
    overdue.erase(core_.self);
    if (ring != core_.ring.id() || !is_operational() || overdue.empty()) {
        return;
    }
    given_up_.give_up(step.now, overdue);
    go(step,
       ToGather{ChangeReason::kStateOverdue, core_.roster.id(overdue.front()), {}, overdue, {}});
}

void RingEngine::Impl::set_delivery_room(const Step& step, std::size_t deliveries) {
    core_.delivery_room = deliveries;
    if (deliveries > 0 && is_operational()) {
        core_.deliver(step);
    }
}

ReadPreference RingEngine::Impl::read_preference() const {
    return std::visit([](const auto& state) { return state.prefers_token(); }, state_)
               ? ReadPreference::kTokenFirst
               : ReadPreference::kDataFirst;
}

const RingStats& RingEngine::Impl::stats() {
    RingStats& stats = core_.stats;
    stats.high_seq = core_.order->high_seq();
    stats.my_aru = core_.order->window().my_aru();
    stats.safe_up_to = core_.order->safe_up_to();
    stats.send_queue_messages = core_.queue.messages();
    stats.loss_timeout = core_.loss.value();
    stats.daemons_left_out = core_.hearing.left_out_by(core_.self).size();
    stats.rotation_time = core_.watch.rotation_time();
    stats.flow_window = core_.order->flow_window();
    stats.wire_version = core_.ring_wire;
    return stats;
}

void RingEngine::Impl::check_invariants() const {
    core_.check_invariants();
    if (!silent_) {
        std::visit([](const auto& state) { state.check_invariants(); }, state_);
    }
}

// --- transitions ---

void RingEngine::Impl::go(const Step& step, Next next) {
    while (!std::holds_alternative<Stay>(next)) {
        next = std::visit([&](auto&& to) { return enter(step, std::forward<decltype(to)>(to)); },
                          std::move(next));
    }
}

Next RingEngine::Impl::enter(const Step& step, ToGather&& to) {
    Gather::Sets sets{core_.roster.set_of(core_.ring.members().list()) | to.proc, to.fail};
    const Forming* forming = std::visit([](const auto& state) { return state.forming(); }, state_);
    if (forming != nullptr) {
        sets.proc |= forming->sets.proc;
        sets.fail |= forming->sets.fail;
        sets.fail |= blame_for_commit_token(core_, step.now);
    }
    sets.proc |= sets.fail;
    sets.fail.erase(core_.self);
    core_.watch.forget();
    core_.timers.clear_all();
    core_.challenges.clear();
    core_.stall.reset();
    core_.loss.stop_waiting();
    const MemberList candidates = core_.roster.ids_of(sets.proc - sets.fail);
    change_state<Gather>(step, to.reason, to.peer, core_.ring.id(), candidates, sets, false);
    auto& gather = std::get<Gather>(state_);
    return to.join ? gather.start(step, to.peer, *to.join) : gather.start(step);
}

Next RingEngine::Impl::enter(const Step& step, ToCommit&& to) {
    protocol::CommitToken token = std::move(to.token);
    Forming forming{token.ring_id, RingMembers(member_list(token), core_.config.self),
                    std::get<Gather>(state_).sets(), token.token_seq};
    core_.ring_bytes = core_.datagram_bytes_for(member_list(token), step.now);
    core_.ring_wire = token.version;
    core_.id_counter.join(token.ring_id.counter);
    core_.distrust_group(step, core_.roster.set_of(forming.members.list()),
                         core_.gather_evidence_since(step.now));
    core_.timers.clear_all();
    core_.expect_token(step.now);
    const MemberList about = forming.members.list();
    change_state<Commit>(step, to.reason, to.peer, token.ring_id, about, std::move(forming));
    for (protocol::CommitMember& member : token.members) {
        if (member.id == core_.config.self) {
            member = report(core_, token.members.size());
        }
    }
    pass_commit_token(core_, step, token);
    return Stay{};
}

Next RingEngine::Impl::enter(const Step& step, ToRecovery&& to) {
    protocol::CommitToken token = std::move(to.token);
    token.pass = 2;
    Forming forming = *std::get<Commit>(state_).forming();
    forming.last_token_seq = token.token_seq;
    core_.timers.clear_all();
    core_.expect_token(step.now);
    const MemberList about = forming.members.list();
    change_state<Recovery>(step, ChangeReason::kCommitTokenReceived, token.sender, token.ring_id,
                           about, std::move(forming), token);
    tracer_.on_recovery(std::get<Recovery>(state_).plan().facts());
    pass_commit_token(core_, step, token);
    return Stay{};
}

Next RingEngine::Impl::enter(const Step& step, ToRing) {
    auto& recovery = std::get<Recovery>(state_);
    const RingId id = recovery.forming()->ring_id;
    finish_old_ring(core_, step, recovery.plan(), id);
    begin_ring(step, id, recovery.forming()->members, recovery.take_order(),
               recovery.take_incarnations(), ChangeReason::kRecoveryComplete);
    core_.deliver(step);
    return Stay{};
}

Next RingEngine::Impl::enter(const Step& step, ToRingOfOne) {
    const RingId id = core_.make_ring_id(step.now);
    core_.id_counter.join(id.counter);
    core_.ring_wire = core_.config.wire_greatest;
    finish_old_ring(core_, step, plan_alone(*core_.order, core_.self, core_.obligation), id);
    begin_ring(step, id, RingMembers({core_.config.self}, core_.config.self), core_.make_order(id),
               {core_.incarnation}, ChangeReason::kAlone);
    return Stay{};
}

void RingEngine::Impl::begin_ring(const Step& step, const RingId& id, RingMembers members,
                                  std::unique_ptr<ordering::RingOrder> order,
                                  std::vector<protocol::Incarnation> incarnations,
                                  ChangeReason reason) {
    core_.ring.install(id, std::move(members), std::move(incarnations));
    core_.order = std::move(order);
    if (core_.config.window_max <= core_.config.window) {
        core_.use_windows(*core_.order);  // they may have been set while it formed
    }
    core_.obligation.clear();
    core_.queue.rewind();
    core_.queue.pause();
    core_.stall.reset();
    core_.watch.begin_ring();
    core_.foreign.begin_ring();
    core_.loss.on_ring(step.now, lives(core_));
    ++core_.stats.memberships_installed;
    change_state<Operational>(step, reason, DaemonId{}, id, core_.ring.members().list());
    const auto narrow = core_.path.narrow(step.now);
    if (narrow && narrow != told_narrow_ && core_.ring.is_member(narrow->peer)) {
        told_narrow_ = narrow;
        step.out.narrow = narrow;
    }
    step.out.deliveries.emplace_back(ConfigurationChange{
        ConfigurationKind::kRegular, id, core_.ring.members().list(), absences(core_, step.now)});
    // The token timers of a ring that has just left Recovery run on; nothing else does.
    core_.timers.clear(RingTimer::kJoin);
    core_.timers.clear(RingTimer::kConsensus);
    if (core_.ring.members().is_alone()) {
        core_.timers.clear_all();
        core_.watch.forget();
        core_.loss.stop_waiting();
    }
    std::get<Operational>(state_).start(step);
}

}  // namespace spread::membership
