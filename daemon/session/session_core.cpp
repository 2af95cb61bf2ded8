#include "daemon/session/session_core.hpp"

#include <algorithm>
#include <utility>

#include "daemon/session/session_core_impl.hpp"

namespace spread::session {
namespace {

using protocol::Instant;
using protocol::RejectCode;
using protocol::SessionId;

/// Ring events of a turn, at most.
constexpr std::size_t kEventsPerTurnMax = 256;

}  // namespace

SessionCore::SessionCore(SessionConfig config, membership::GroupConfig groups, protocol::Rng rng,
                         sealing::KeyAgreement* keys)
    : impl_(std::make_unique<Impl>(std::move(config), std::move(groups), rng)) {
    impl_->keys_ = keys;
}

SessionCore::~SessionCore() = default;

void SessionCore::set_hang_up_probe(std::function<bool(SessionId)> probe) {
    impl_->hang_up_probe_ = std::move(probe);
}

void SessionCore::set_address_rules(std::shared_ptr<const access::AddressRules> rules) {
    impl_->permissions_.set_address_rules(std::move(rules));
}

void SessionCore::set_access_rules(std::shared_ptr<const access::AccessRules> rules) {
    impl_->permissions_.set_access_rules(std::move(rules));
}

// Clients -------------------------------------------------------------------------------------

SessionId SessionCore::on_accept(Instant now, std::string peer, SessionOutput& out,
                                 const access::PeerAddress& address) {
    Impl& self = *impl_;
    self.now_ = now;
    const SessionId id = self.ids_.take();
    const Session& session =
        self.sessions_.insert(id, Session(self.config_.auth, std::move(peer), address, now));
    self.outbound_.add(id);
    self.quota_.add(address);
    if (self.quota_.is_full_place(address)) {
        self.reject(id, session, RejectCode::kQuota, CloseReason::kRejected,
                    "rejected, its address has all the sessions it may have, " +
                        std::to_string(self.config_.place_sessions_max) +
                        "; see MaxSessionsPerAddress",
                    out);
        return id;
    }
    if (self.open_.is_short_of_memory()) {
        self.reject(id, session, RejectCode::kQuota, CloseReason::kRejected,
                    "rejected, memory is short", out);
        return id;
    }
    if (self.quota_.is_full(address)) {
        self.end_oldest_handshake(id, out);
        self.serve_heirs(out);
    }
    if (self.quota_.is_full(address)) {
        self.reject(
            id, session, RejectCode::kQuota, CloseReason::kRejected,
            "rejected, all " + std::to_string(self.config_.max_sessions) + " sessions are taken",
            out);
        return id;
    }
    self.timers_.set(
        id, now + std::min(self.config_.first_byte_timeout, self.config_.handshake_timeout));
    return id;
}

Reading SessionCore::reading(SessionId id) const {
    const Session* session = impl_->sessions_.find(id);
    if (session == nullptr) {
        return impl_->outbound_.is_finished(id) ? Reading::kDiscard : Reading::kOver;
    }
    if (session->is_ending) {
        return Reading::kOver;
    }
    if (session->machine.is_waiting() || session->is_paced) {
        return Reading::kPaused;
    }
    if (!session->is_open) {
        return Reading::kHandshake;
    }
    return impl_->open_.overtaking().may_go_ahead(session->way) && !is_blocked()
               ? Reading::kAhead
               : Reading::kRequests;
}

void SessionCore::on_bytes(Instant now, SessionId id, protocol::Slice bytes, SessionOutput& out) {
    Impl& self = *impl_;
    self.now_ = now;
    Session* session = self.sessions_.find(id);
    if (session == nullptr || session->is_ending || bytes.length == 0) {
        return;
    }
    if (!session->said_something) {
        session->said_something = true;
        self.timers_.set(id, session->accepted_at + self.config_.handshake_timeout);
    }
    if (session->machine.is_waiting() || session->is_paced) {
        self.keep(id, *session, bytes.bytes(), out);
    } else {
        self.run(id, *session, std::move(bytes), out);
    }
    self.serve_heirs(out);
}

void SessionCore::on_tls(Instant now, SessionId id, const TlsNews& news, SessionOutput& out) {
    Impl& self = *impl_;
    self.now_ = now;
    Session* const session = self.sessions_.find(id);
    if (session == nullptr || session->is_ending || session->is_open) {
        return;
    }
    switch (news.kind) {
        case TlsNews::Kind::kBegun:
            session->said_something = true;
            self.timers_.set(id, session->accepted_at + self.config_.handshake_timeout);
            break;
        case TlsNews::Kind::kDone:
            session->tls = news.version;
            session->requester.who.certificate = news.certificate;
            break;
        case TlsNews::Kind::kFailed:
            self.close(id, CloseReason::kTlsFailed, true,
                       session->description() + ": TLS: " + news.why, out);
            break;
        case TlsNews::Kind::kMissing:
            self.reject(id, *session, RejectCode::kAuth, CloseReason::kRejected,
                        "rejected, it speaks in plain text, and ClientTLS = require", out);
            break;
    }
    self.serve_heirs(out);
}

void SessionCore::on_peer_closed(Instant now, SessionId id, SessionOutput& out, bool broken) {
    Impl& self = *impl_;
    self.now_ = now;
    Session* session = self.sessions_.find(id);
    if (session == nullptr) {
        if (self.outbound_.is_finished(id)) {
            self.part(id, self.outbound_.on_peer_closed(id, broken), out);
        }
        return;
    }
    if (session->is_ending) {
        return;
    }
    static_cast<void>(self.outbound_.on_peer_closed(id, broken));
    if (session->is_open) {
        self.open_.end(id, *session, CloseReason::kPeerClosed, "closed the connection", out);
    } else if (session->was_asked_for_proof()) {
        // It may have closed one direction only, and is then owed the answer to what it sent.
        self.reject(id, *session, RejectCode::kAuth, CloseReason::kPeerClosed,
                    "closed the connection during the handshake", out);
    } else if (session->machine.is_short_of_name()) {
        self.reject(id, *session, RejectCode::kIllegalName, CloseReason::kPeerClosed,
                    "closed the connection inside its name", out);
    } else {
        self.close(id, CloseReason::kPeerClosed, false,
                   session->description() + ": closed the connection during the handshake", out);
    }
    self.serve_heirs(out);
}

void SessionCore::on_password(Instant now, SessionId id, bool is_right, SessionOutput& out) {
    Impl& self = *impl_;
    self.now_ = now;
    if (!self.passwords_.finish(id)) {
        return;
    }
    Session* session = self.sessions_.find(id);
    if (session != nullptr && session->machine.phase() == SessionPhase::kAsking) {
        session->machine.answer(is_right, "method PWORD, unknown user or wrong password");
        self.resume(id, *session, out);
    }
    self.begin_password_check(out);
    self.serve_heirs(out);
}

// Writing -------------------------------------------------------------------------------------

std::optional<SessionId> SessionCore::next_write() {
    return impl_->outbound_.next_wanted();
}

std::optional<SessionId> SessionCore::next_early_write() {
    return impl_->outbound_.next_early();
}

std::size_t SessionCore::writes_wanted() const {
    return impl_->outbound_.wanted();
}

const OutboundQueue& SessionCore::outbound(SessionId id) const {
    return impl_->outbound_.queue(id);
}

bool SessionCore::on_sent(Instant now, SessionId id, std::size_t bytes, SessionOutput& out) {
    const Outbound::Sent sent = impl_->outbound_.on_sent(now, id, bytes);
    if (const Session* session = sent.caught_up ? impl_->sessions_.find(id) : nullptr) {
        out.notes.push_back({"slow_end", session->machine.private_group().string(),
                             "has caught up after " + in_seconds(sent.caught_up->after) + "; " +
                                 std::to_string(sent.caught_up->messages_most) +
                                 " messages waited at most"});
    }
    impl_->part(id, sent.farewell, out);
    return sent.is_more_left;
}

void SessionCore::on_write_put_off(SessionId id) {
    impl_->outbound_.on_put_off(id);
}

void SessionCore::on_write_blocked(SessionId id) {
    impl_->outbound_.on_full(id);
}

void SessionCore::on_writable(SessionId id) {
    impl_->outbound_.on_writable(id);
}

void SessionCore::on_write_failed(SessionId id, SessionOutput& out) {
    if (impl_->outbound_.is_finished(id)) {
        impl_->release(id, out);
    } else {
        impl_->outbound_.mute(id);
    }
}

bool SessionCore::is_all_written() const {
    return impl_->outbound_.is_all_written();
}

SessionCore::Queued SessionCore::queued() const {
    return {impl_->outbound_.bytes(), impl_->outbound_.frames()};
}

// Ring ----------------------------------------------------------------------------------------

void SessionCore::begin_turn(std::size_t units, const ordering::SendProgress& stamped) {
    impl_->open_.begin_turn(units);
    impl_->open_.overtaking().note(stamped);
}

bool SessionCore::turn_is_spent() const {
    return impl_->open_.turn_is_spent();
}

void SessionCore::on_ring_event(Instant now, membership::DeliveryEvent&& event,
                                SessionOutput& out) {
    Impl& self = *impl_;
    self.now_ = now;
    if (self.is_about_keys(event, out)) {
        return;
    }
    self.outbound_.begin_event(now);
    self.close_disconnected(self.open_.on_ring_event(std::move(event), out), out);
    self.exchange_.look(now, self.open_.groups().pending_exchange());
}

bool SessionCore::has_work() const {
    return impl_->open_.groups().has_work();
}

void SessionCore::work(Instant now, SessionOutput& out) {
    Impl& self = *impl_;
    self.now_ = now;
    self.outbound_.go_on_with_event(now);
    self.close_disconnected(self.open_.work(out), out);
    self.exchange_.look(now, self.open_.groups().pending_exchange());
}

bool SessionCore::is_blocked() const {
    return impl_->outbound_.is_blocked();
}

std::size_t SessionCore::events_per_turn() const {
    return std::clamp<std::size_t>(impl_->config_.max_session_messages / 4, 1, kEventsPerTurnMax);
}

// Time ----------------------------------------------------------------------------------------

void SessionCore::on_deadline(Instant now, SessionOutput& out) {
    Impl& self = *impl_;
    self.now_ = now;
    while (const auto id = self.timers_.due(now)) {
        self.on_timer_of(*id, *self.sessions_.find(*id), out);  // clears the timer
    }
    self.open_.end_overdue_readers(now, out);
    self.go_on_with_paced(out);
    if (auto overdue = self.exchange_.overdue(now)) {
        out.overdue = std::move(overdue);
    }
    self.outbound_.on_deadline(now);
    while (const auto id = self.outbound_.overdue_lingerer(now)) {
        self.release(*id, out);
    }
    self.serve_heirs(out);
}

std::optional<Instant> SessionCore::next_deadline() const {
    std::optional<Instant> first = impl_->timers_.first();
    for (const auto& other :
         {impl_->outbound_.next_deadline(), impl_->exchange_.deadline(), impl_->paced_.first()}) {
        if (other && (!first || *other < *first)) {
            first = other;
        }
    }
    return first;
}

void SessionCore::on_memory(Instant now, bool is_short, SessionOutput& out) {
    impl_->now_ = now;
    impl_->open_.on_memory(is_short, out);
}

void SessionCore::shutdown(Instant now, SessionOutput& out) {
    impl_->now_ = now;
    for (const SessionInfo& info : sessions()) {
        impl_->close(info.id, CloseReason::kShutdown, true,
                     (info.private_name.empty() ? "" : info.private_name + " from ") + info.peer +
                         ": daemon stops",
                     out);
    }
}

bool SessionCore::kick(protocol::Instant now, std::string_view private_name,
                       std::string_view reason, SessionOutput& out) {
    impl_->now_ = now;
    std::optional<SessionId> found;
    impl_->sessions_.for_each([&](SessionId id, const Session& session) {
        if (session.is_open && !session.is_ending &&
            session.machine.private_group().view() == private_name) {
            found = id;
        }
    });
    if (!found) {
        return false;
    }
    impl_->open_.end(*found, *impl_->sessions_.find(*found), CloseReason::kKicked, reason, out);
    return true;
}

std::optional<std::size_t> SessionCore::ban(Instant now, access::Ban ban, SessionOutput& out) {
    impl_->now_ = now;
    const std::string why = "banned by an operator" + (ban.reason.empty() ? "" : ": " + ban.reason);
    const access::BanSubject subject = ban.subject;
    if (!impl_->bans_.add(now, std::move(ban))) {
        return std::nullopt;
    }
    std::vector<SessionId> found;
    impl_->sessions_.for_each([&](SessionId id, const Session& session) {
        if (session.is_open && !session.is_ending && subject.is_about(session.requester.who)) {
            found.push_back(id);
        }
    });
    for (const SessionId id : found) {
        impl_->open_.end(id, *impl_->sessions_.find(id), CloseReason::kKicked, why, out);
    }
    return found.size();
}

access::BanList& SessionCore::bans() {
    return impl_->bans_;
}

// Looking inside ------------------------------------------------------------------------------

const membership::GroupEngine& SessionCore::groups() const {
    return impl_->open_.groups();
}

const Traffic& SessionCore::traffic() const {
    return impl_->open_.traffic();
}

std::size_t SessionCore::session_count() const {
    return impl_->sessions_.size();
}

std::vector<SessionInfo> SessionCore::sessions() const {
    std::vector<SessionInfo> infos;
    infos.reserve(impl_->sessions_.size());
    impl_->sessions_.for_each([&](SessionId id, const Session& session) {
        const OutboundQueue& queue = impl_->outbound_.queue(id);
        const Outbound::Record record = impl_->outbound_.record(id);
        infos.push_back(
            {id, session.is_open ? session.machine.private_group().string() : std::string(),
             session.peer, session.machine.wants_membership(), queue.size(), queue.bytes_left(),
             session.machine.login(), session.tls, session.requester.who.certificate,
             session.machine.client_version(), session.accepted_at,
             session.is_open ? impl_->open_.groups().groups_of(id) : 0, session.messages_in,
             record.frames, record.is_long, session.is_ending, record.long_since});
    });
    std::sort(infos.begin(), infos.end(),
              [](const SessionInfo& a, const SessionInfo& b) { return a.id < b.id; });
    return infos;
}

}  // namespace spread::session
