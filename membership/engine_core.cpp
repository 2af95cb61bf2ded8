#include "membership/engine_core.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "protocol/assert.hpp"
#include "protocol/checksum.hpp"

namespace spread::membership {

using protocol::DaemonId;
using protocol::DaemonSet;
using protocol::Duration;
using protocol::Instant;
using protocol::PacketKind;
using protocol::RingId;
using protocol::Slice;
using protocol::Token;
using protocol::TokenSeq;

namespace {

/// With at most this many packets in a rotation the token goes in one datagram with the last packet
/// of the visit: receivers then wait for the token, not the token for receivers.
constexpr std::uint32_t kPacketsWithToken = 4;

/// Shorter than any daemon is told to send; see DatagramBytes.
constexpr std::size_t kDatagramBytesMin = 512;

/// How often a member that is said to be gone is asked.
constexpr int kAsksPerChallenge = 10;

/// In larger rings only those are told that a daemon is well who send it tokens: when one dies, all
/// the others have something to say.
constexpr std::size_t kToldAllMax = 8;

/// In loss timeouts, as the file sets them: for how long a ring that failed is remembered, a few
/// times what it takes to notice; and for how long a daemon is left out, 1 s and 30 s as a rule.
constexpr int kBlameMemory = 20;
constexpr int kLeftOutLeast = 4;
constexpr int kLeftOutMost = 120;

protocol::Roster make_roster(const protocol::MemberList& daemons) {
    SPREAD_ASSERT(daemons.size() <= protocol::kRingMembersMax);
    std::vector<protocol::RosterEntry> entries;
    for (const DaemonId id : daemons) {
        entries.push_back({id, {}});
    }
    return protocol::Roster(std::move(entries));
}

protocol::DaemonIndex place_of(const protocol::Roster& roster, DaemonId id) {
    const auto place = roster.find(id);
    SPREAD_ASSERT(place.has_value());
    return *place;
}

/// For so long a ring that is well may be silent.
Duration usual_silence(const EngineCore& core) {
    return std::max<Duration>(core.config.token_hold_timeout, 2 * core.watch.rotation_time());
}

Duration alive_pause(const EngineCore& core) {
    return core.challenge_timeout() / 5;
}

/// On a ring of one.
void deliver_alone(EngineCore& core, const Step& step) {
    while (core.delivery_room > 0 && core.queue.current() != nullptr) {
        Submission submission = core.queue.take_current();
        Delivery delivery;
        delivery.ring_id = core.ring.id();
        delivery.seq = core.order->next_alone();
        delivery.origin = core.config.self;
        delivery.service = submission.service;
        delivery.kind = submission.kind;
        delivery.body = std::move(submission.body);
        step.out.deliveries.emplace_back(std::move(delivery));
        ++core.stats.messages_delivered;
        --core.delivery_room;
    }
}

}  // namespace

EngineCore::EngineCore(RingConfig ring_config, protocol::Incarnation my_incarnation,
                       std::uint64_t ring_counter, protocol::Rng entropy,
                       protocol::BufferPool& buffers)
    : config(std::move(ring_config)),
      incarnation(my_incarnation),
      rng(entropy),
      pool(buffers),
      roster(make_roster(config.daemons)),
      self(place_of(roster, config.self)),
      // Before its first ring a daemon is on a nameless one of its own, with nothing to recover.
      ring(RingId{config.self, static_cast<std::uint32_t>(rng.next()), ring_counter},
           RingMembers({config.self}, config.self), {my_incarnation}),
      path(config.datagram_bytes_max),
      ring_bytes(config.datagram_bytes_max),
      ring_wire(config.wire_greatest),
      order(make_order(ring.id())),
      id_counter(ring_counter),
      queue(config.send_queue_messages_max, config.send_queue_bytes_max),
      delivery_room(std::numeric_limits<std::size_t>::max()),
      watch({.retransmit_timeout = config.token_retransmit_timeout,
             .loss_timeout = config.token_loss_timeout}),
      loss({.least = config.token_loss_timeout, .most = config.token_loss_timeout_max}),
      stall(config.self, config.token_loss_timeout),
      blame(config.daemons.size(), {.memory = kBlameMemory * config.token_loss_timeout,
                                    .least = kLeftOutLeast * config.token_loss_timeout,
                                    .most = kLeftOutMost * config.token_loss_timeout}),
      foreign(config.daemons.size(), config.merge_detect_timeout),
      challenges(config.daemons.size()),
      hearing(config.daemons.size(), self),
      last_heard(config.daemons.size()),
      received_from(config.daemons.size()),
      gone(config.daemons.size()),
      claims(config.daemons.size()),
      settings_sum(protocol::crc32c(std::as_bytes(std::span(config.settings)))),
      group_mates(roster.set_of(config.group_mates) - DaemonSet{self}) {
    queue.pause();
}

ordering::WindowConfig EngineCore::windows() const {
    return {.window = config.window,
            .personal_window = config.personal_window,
            .window_max = config.window_max,
            .receive_room = static_cast<std::uint32_t>(std::min<std::size_t>(
                config.receive_room_bytes / config.datagram_bytes_max, 0xffffffff))};
}

std::unique_ptr<ordering::RingOrder> EngineCore::make_order(const RingId& id) const {
    ordering::OrderConfig order_config;
    order_config.self = config.self;
    order_config.config_hash = config.config_hash;
    order_config.wire = ring_wire;
    order_config.windows = windows();
    order_config.window_limit = config.window_limit;
    order_config.accelerated_window = accelerated_window();
    order_config.gap_max = config.gap_max;
    order_config.before_first = config.before_first_seq;
    order_config.datagram_bytes_max = ring_bytes;
    return std::make_unique<ordering::RingOrder>(order_config, id);
}

std::size_t EngineCore::datagram_bytes_for(const protocol::MemberList& members, Instant now) const {
    std::size_t bytes = path.bytes(now);
    for (const protocol::DaemonIndex member : roster.set_of(members) - DaemonSet{self}) {
        const std::size_t theirs = hearing.full_bytes_of(member);
        if (theirs >= kDatagramBytesMin) {
            bytes = std::min(bytes, theirs);
        }
    }
    return bytes;
}

bool EngineCore::look_for_narrow_path(Instant now, const DaemonSet& daemons, Instant since,
                                      Duration every) {
    using protocol::Heard;
    constexpr auto kData =
        static_cast<std::uint8_t>(Heard::kUnicast) | static_cast<std::uint8_t>(Heard::kGroup);
    constexpr auto kFull = static_cast<std::uint8_t>(Heard::kFullSized);
    constexpr auto kToken = static_cast<std::uint8_t>(Heard::kToken);
    for (const protocol::DaemonIndex daemon : daemons - DaemonSet{self}) {
        const std::uint8_t ways = hearing.ways(daemon, self, since);
        if ((ways & kToken) != 0 && (ways & kData) != 0 && (ways & kFull) == 0) {
            return path.suspect(now, roster.id(daemon), 2 * every);
        }
    }
    path.trust();
    return false;
}

protocol::Report EngineCore::report(Instant now, Instant since) const {
    protocol::Report report = hearing.report(ring_set(), since);
    report.full_bytes = static_cast<std::uint16_t>(path.bytes(now));
    report.settings = settings_sum;
    report.wire_least = protocol::kRingWireLeast;
    report.wire_greatest = config.wire_greatest;
    return report;
}

RingId EngineCore::make_ring_id(Instant now) {
    return RingId{config.self, static_cast<std::uint32_t>(rng.next()), id_counter.next(now)};
}

protocol::Probe EngineCore::make_probe(Instant now, Instant since) {
    protocol::Probe probe;
    probe.incarnation = incarnation;
    probe.highest_counter = id_counter.highest();
    probe.join_seq = ++my_join_seq;
    probe.report = report(now, since);
    return probe;
}

void EngineCore::ask_challenged(const Step& step) {
    protocol::Probe probe = make_probe(step.now, probe_evidence_since(step.now));
    probe.report.asks = true;
    const Slice datagram = protocol::encode_probe(probe, header(PacketKind::kProbe), pool);
    for (const protocol::DaemonIndex daemon : challenges.open()) {
        step.send_to(roster.id(daemon), Channel::kToken, datagram);
        step.send_to(roster.id(daemon), Channel::kData, datagram);
    }
    timers.set(RingTimer::kChallenge, step.now + challenge_timeout() / kAsksPerChallenge);
}

Instant EngineCore::challenge_end(Instant now) const {
    // A member that hears nothing says so this long after it has heard of the ring, which is when
    // the token passed last, or later.
    const Duration says_so = config.token_hold_timeout + 7 * challenge_timeout() / 10;
    return std::max(now + challenge_timeout(), watch.passed_before() + says_so);
}

void EngineCore::expect_token(Instant now) {
    stats.tokens_late += 2 * loss.silent_for(now) > loss.value() ? 1 : 0;
    loss.on_sign(now);
    timers.set(RingTimer::kTokenLoss, now + loss.value());
    timers.set(RingTimer::kAlive, now + usual_silence(*this) + alive_pause(*this));
}

void EngineCore::trust_group(const Step& step, protocol::DaemonIndex daemon) {
    if (one_by_one.contains(daemon) && hears_group(daemon, step.now - Duration(1))) {
        one_by_one.erase(daemon);
        step.out.one_by_one = roster.ids_of(one_by_one);
    }
}

void EngineCore::distrust_group(const Step& step, const DaemonSet& daemons, Instant since) {
    for (const protocol::DaemonIndex daemon : (daemons & group_mates) - one_by_one) {
        if (hearing.ways(daemon, self, since) != 0 && !hears_group(daemon, since)) {
            one_by_one.insert(daemon);
            step.out.one_by_one = roster.ids_of(one_by_one);
        }
    }
}

bool EngineCore::hears_group(protocol::DaemonIndex daemon, Instant since) const {
    constexpr auto kGroup = static_cast<std::uint8_t>(protocol::Heard::kGroup);
    return (hearing.ways(daemon, self, since) & kGroup) != 0;
}

ToGather EngineCore::gather_for(DaemonId sender, const protocol::Join& join) const {
    return {
        ChangeReason::kJoinReceived, sender, roster.set_of(join.proc_set) | only(sender), {}, join};
}

std::uint8_t wire_for(const EngineCore& core, const DaemonSet& members) {
    std::uint8_t version = core.config.wire_greatest;
    for (const protocol::DaemonIndex member : members - DaemonSet{core.self}) {
        version = std::min(version, core.hearing.wire_greatest_of(member));
    }
    return version;
}

LossTimeout::Lives lives(const EngineCore& core) {
    LossTimeout::Lives out;
    for (const DaemonId daemon : core.config.daemons) {
        out.push_back(core.ring.incarnation_of(daemon));
    }
    return out;
}

void EngineCore::stood_still(const Step& step, Duration late) {
    const Instant earliest = step.now + config.join_timeout;
    for (const RingTimer timer : kGivingUp) {
        timers.put_off(timer, earliest);
    }
    challenges.put_off(earliest);
    stall.reset();
    watch.measure_nothing();
    ++stats.own_pauses;
    stats.own_pause += late;
    stood_still_at = step.now;
    step.out.not_run_for = late;
}

void EngineCore::note_progress(Instant now, TokenSeq token_seq) {
    if (watch.progress(now, token_seq)) {
        timers.clear(RingTimer::kTokenRetransmit);
    }
}

Next EngineCore::give_up_stalled(Instant now, const Token& token_in, bool recovering) {
    if (!stall.on_token(now, token_in, recovering)) {
        return Stay{};
    }
    const DaemonId holds_up = token_in.aru_id;
    return ToGather{ChangeReason::kNoProgress, holds_up, {}, blame_for(now, holds_up), {}};
}

/// The first time, a new gather finds out whether it hears the others. When rings fail again, that
/// was not the cause, and it is left out.
DaemonSet EngineCore::blame_for(Instant now, DaemonId daemon) {
    if (daemon == config.self || !roster.contains(daemon) ||
        !blame.note(now, *roster.find(daemon))) {
        return {};
    }
    hearing.leave_out(blame.left_out(now));
    return only(daemon);
}

void EngineCore::hear_blame(Instant now, protocol::DaemonIndex sender, const DaemonSet& before) {
    const DaemonSet ours = ring_set();
    if (ours.contains(sender)) {
        for (const protocol::DaemonIndex daemon : (hearing.left_out_by(sender) - before) & ours) {
            blame.hear(now, daemon);
        }
    }
}

DaemonSet blame_for_commit_token(EngineCore& core, Instant now) {
    const TokenWatch::SentToken* sent = core.watch.watched();
    const bool is_unanswered = sent != nullptr && sent->again &&
                               protocol::is_commit(sent->datagram.bytes()) &&
                               now - sent->at >= core.config.token_loss_timeout / 2;
    return is_unanswered ? core.blame_for(now, sent->to) : DaemonSet{};
}

void EngineCore::note_links(Instant now, protocol::DaemonIndex daemon, bool new_life) {
    if (new_life) {
        blame.forget(daemon);
    }
    blame.note_links(now, daemon, hearing.has_good_links(daemon, probe_evidence_since(now)));
    hearing.leave_out(blame.left_out(now));
}

void EngineCore::send_token(const Step& step, DaemonId to, Slice datagram, TokenSeq token_seq,
                            Duration silent_for) {
    timers.set(RingTimer::kTokenRetransmit,
               watch.sent(step.now, to, datagram, token_seq, silent_for));
    step.send_to(to, Channel::kToken, std::move(datagram));
}

void EngineCore::send_token(const Step& step, const Token& token_out, Duration silent_for) {
    send_token(step, token_out.to,
               protocol::encode_token(token_out, config.config_hash, pool, ring_wire),
               token_out.token_seq, silent_for);
}

void EngineCore::send_token_with_data(const Step& step, const Token& token_out,
                                      Duration silent_for) {
    send_token(step, token_out, silent_for);
    auto& sends = step.out.sends;
    if (sends.size() < 2) {
        return;
    }
    OutboundPacket& data = *(sends.end() - 2);
    const auto data_bytes = data.datagram.bytes();
    const auto token_bytes = sends.back().datagram.bytes();
    if (data.destination == Destination::kAll && protocol::is_data(data_bytes) &&
        protocol::kDataTokenBytes + data_bytes.size() + token_bytes.size() <= ring_bytes) {
        data.datagram = protocol::encode_data_token(
            data_bytes, token_bytes,
            {PacketKind::kDataToken, config.config_hash, config.self, token_out.ring_id, ring_wire},
            pool);
        sends.pop_back();
    }
}

void EngineCore::send_token_again(const Step& step) {
    Instant next;
    if (const auto* sent = watch.send_again(step.now, next)) {
        ++stats.tokens_retransmitted;
        timers.set(RingTimer::kTokenRetransmit, next);
        step.send_to(sent->to, Channel::kToken, sent->datagram);
    }
}

void EngineCore::pass_on(const Step& step, const RingMembers& members, Token& token_out,
                         Duration silent_for) {
    token_out.to = members.successor();
    if (token_out.fcc <= kPacketsWithToken) {
        send_all(step, visit.before_token);
        send_all(step, visit.after_token);
        send_token_with_data(step, token_out, silent_for);
    } else {
        send_all(step, visit.before_token);
        send_token(step, token_out, silent_for);
        send_all(step, visit.after_token);
    }
    count_visit();
}

void EngineCore::send_all(const Step& step, std::vector<Slice>& datagrams) {
    for (Slice& datagram : datagrams) {
        step.send_all(std::move(datagram));
    }
}

void EngineCore::count_visit() {
    stats.packets_sent += visit.stamped;
    stats.packets_retransmitted += visit.retransmitted;
    stats.retransmissions_requested += visit.requested;
    visit.clear();
}

void EngineCore::deliver(const Step& step) {
    if (ring.members().is_alone()) {
        deliver_alone(*this, step);
        return;
    }
    if (delivery_room == 0) {
        waits_for_safe = false;  // the token is not what it waits for
        return;
    }
    const std::size_t before = step.out.deliveries.size();
    const auto stop = order->deliver(delivery_room, [&step](Delivery&& delivery) {
        if (delivery.kind != protocol::MessageKind::kRecoveryPacket) {
            step.out.deliveries.emplace_back(std::move(delivery));
        }
    });
    waits_for_safe = stop == ordering::DeliveryCursor::Stop::kUnsafe;
    const std::size_t delivered = step.out.deliveries.size() - before;
    stats.messages_delivered += delivered;
    delivery_room -= std::min(delivery_room, delivered);
}

void EngineCore::check_invariants() const {
    SPREAD_ASSERT(order != nullptr && order->ring_id() == ring.id());
    SPREAD_ASSERT(id_counter.mine() >= ring.id().counter &&
                  id_counter.highest() >= id_counter.mine());
    SPREAD_ASSERT(timers.is_set(RingTimer::kTokenRetransmit) == (watch.watched() != nullptr));
    order->check_invariants();
    watch.check_invariants();
    loss.check_invariants();
    foreign.check_invariants();
}

void say_alive(EngineCore& core, const Step& step) {
    const Slice datagram = protocol::encode_empty(core.header(PacketKind::kAlive), core.pool);
    const RingMembers& members = core.ring.members();
    if (members.size() <= kToldAllMax) {
        step.send_all(datagram);
    } else {
        step.send_to(members.predecessor(), Channel::kToken, datagram);
        if (!members.is_representative()) {
            step.send_to(members.representative(), Channel::kToken, datagram);
        }
    }
    // A challenge is over only after some of them.
    const Duration beyond_usual = core.loss.silent_for(step.now) - usual_silence(core);
    core.timers.set(RingTimer::kAlive, step.now + std::clamp(beyond_usual, alive_pause(core),
                                                             core.challenge_timeout() / 2));
}

void note_other_wire(EngineCore& core, const Slice& datagram) {
    const auto other = protocol::read_other_version(datagram.bytes());
    const auto sender = other && other->config_hash == core.config.config_hash
                            ? core.roster.find(other->sender)
                            : std::nullopt;
    if (sender) {
        core.gone.found(&Gone::other_wire, *sender);
    }
}

}  // namespace spread::membership
