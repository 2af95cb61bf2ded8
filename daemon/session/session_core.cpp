#include "daemon/session/session_core.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include "daemon/session/name_registry.hpp"
#include "daemon/session/open_sessions.hpp"
#include "daemon/session/outbound.hpp"
#include "daemon/session/password_checks.hpp"
#include "daemon/session/permissions.hpp"
#include "daemon/session/session_map.hpp"
#include "daemon/session/session_timers.hpp"
#include "daemon/session/texts.hpp"
#include "protocol/assert.hpp"
#include "protocol/names.hpp"
#include "protocol/session_wire.hpp"

namespace spread::session {
namespace {

using protocol::Duration;
using protocol::Instant;
using protocol::RejectCode;
using protocol::SessionId;

/// What a client may send ahead while it waits for a name or a verdict.
constexpr std::size_t kKeptBytesMax = 64U << 10U;
/// Ring events of a turn, at most.
constexpr std::size_t kEventsPerTurnMax = 256;

OutboundLimits limits_of(const SessionConfig& config) {
    OutboundLimits limits;
    limits.messages_max = config.session_messages_max;
    limits.bytes_max = config.session_bytes_max;
    limits.all_bytes_max = config.queued_bytes_max;
    limits.readers_are_awaited = config.slow_reader_policy == SlowReaderPolicy::kBlock;
    limits.reader_timeout = config.slow_reader_timeout;
    return limits;
}

}  // namespace

/// Handshakes, and how sessions begin and end. What can be told apart has a class of its own:
/// queues, open sessions, names, timers, password checks, permissions.
struct SessionCore::Impl {
    Impl(SessionConfig config, membership::GroupConfig group_config, protocol::Rng seeded)
        : config_(std::move(config)),
          rng_(seeded),
          outbound_(limits_of(config_)),
          open_(config_, permissions_, std::move(group_config), sessions_, outbound_) {
        SPREAD_ASSERT(config_.sessions_max <= kSlotsMax / 2);
    }

    // ---- Ends ----

    void reply(SessionId id, std::span<const std::byte> bytes) {
        outbound_.reply(id, protocol::make_message(bytes));
    }

    /// What is to become of the socket of a session that is over.
    void part(SessionId id, Farewell farewell, SessionOutput& out) {
        if (farewell == Farewell::kShutDown) {
            out.shutdowns.push_back(id);
        } else if (farewell == Farewell::kRelease) {
            release(id, out);
        }
    }

    void release(SessionId id, SessionOutput& out) {
        outbound_.remove(id);
        ids_.give_back(id);
        out.releases.push_back(id);
    }

    /// Removes the session. What is queued is written first, if `flush`; else the socket goes.
    void close(SessionId id, CloseReason reason, bool flush, std::string detail,
               SessionOutput& out) {
        const Session* session = sessions_.find(id);
        SPREAD_ASSERT(session != nullptr);
        timers_.clear(id);
        passwords_.remove(id);
        const std::string& wanted = session->wanted_name;
        // It may have inherited the name a moment ago and not been told yet.
        const bool has_inherited = !wanted.empty() && names_.holder(wanted) == id;
        if (!wanted.empty() && !has_inherited) {
            names_.stop_waiting(wanted);
        }
        if (const std::string& held = has_inherited ? wanted : session->reserved_name;
            !held.empty()) {
            names_.release(held);
        }
        sessions_.erase(id);
        out.closes.push_back({id, reason, std::move(detail)});
        if (!flush) {
            release(id, out);
            return;
        }
        out.readers.push_back(id);
        part(id, outbound_.finish(now_, id), out);
    }

    /// Sends the reject byte and closes; for sessions that never opened.
    void reject(SessionId id, const Session& session, RejectCode code, CloseReason reason,
                std::string_view why, SessionOutput& out) {
        reply(id, std::array{static_cast<std::byte>(code)});
        close(id, reason, true, session.description() + ": " + std::string(why), out);
    }

    // ---- Handshake ----

    /// Half a handshake must not keep others out for as long as it may take.
    void end_oldest_handshake(SessionId newcomer, SessionOutput& out) {
        // Those that have said something have the same time, so the first one is the oldest.
        const auto& timers = timers_.in_order();
        const auto oldest = std::find_if(timers.begin(), timers.end(), [&](const auto& entry) {
            return entry.second != newcomer && sessions_.find(entry.second)->said_something;
        });
        if (oldest == timers.end()) {
            return;
        }
        const SessionId id = oldest->second;
        const Session& session = *sessions_.find(id);
        if (now_ - session.accepted_at > config_.handshake_protected) {
            end_handshake(id, session, "all sessions are taken, and its handshake is the oldest",
                          out);
        }
    }

    void end_handshake(SessionId id, const Session& session, const std::string& why,
                       SessionOutput& out) {
        if (session.was_asked_for_proof()) {
            reject(id, session, RejectCode::kAuth, CloseReason::kHandshakeTimeout, why, out);
        } else {
            close(id, CloseReason::kHandshakeTimeout, false, session.description() + ": " + why,
                  out);
        }
    }

    void on_timer_of(SessionId id, Session& session, SessionOutput& out) {
        if (!session.wanted_name.empty()) {
            refuse_name(id, session, std::string(session.wanted_name), out);
        } else if (!session.said_something) {
            close(id, CloseReason::kHandshakeTimeout, false,
                  session.description() + ": sent nothing within " +
                      in_seconds(config_.first_byte_timeout),
                  out);
        } else {
            end_handshake(id, session,
                          "handshake not finished within " + in_seconds(config_.handshake_timeout),
                          out);
        }
    }

    /// A legal name nobody has: `r<number>-<number>`, at most 9 bytes (client protocol 3.1).
    [[nodiscard]] std::string invent_name() {
        for (;;) {
            std::string name =
                "r" + std::to_string(rng_.below(9999)) + "-" + std::to_string(rng_.below(1000));
            if (!names_.is_taken(name)) {
                return name;
            }
        }
    }

    void refuse_name(SessionId id, Session& session, const std::string& user, SessionOutput& out) {
        session.machine.refuse();
        reject(id, session, RejectCode::kNotUnique, CloseReason::kRejected,
               "rejected, name \"" + user + "\" is in use", out);
    }

    void grant_name(Session& session, std::string user) {
        session.machine.grant_name(
            protocol::NameField(protocol::make_private_group(user, config_.daemon_name)));
        session.identity.user = user;
        session.reserved_name = std::move(user);
    }

    void begin_password_check(SessionOutput& out) {
        if (auto check = passwords_.begin_next(hang_up_probe_)) {
            out.password_checks.push_back(std::move(*check));
        }
    }

    /// Bytes for later. No library sends any before it has its answer; others may send some.
    void keep(SessionId id, Session& session, std::span<const std::byte> bytes,
              SessionOutput& out) {
        if (session.kept.size() + bytes.size() > kKeptBytesMax) {
            close(id, CloseReason::kIllegalRequest, false,
                  session.description() + ": sends requests before it is admitted", out);
            return;
        }
        session.kept.insert(session.kept.end(), bytes.begin(), bytes.end());
    }

    /// Goes on with a session that has its answer.
    void resume(SessionId id, Session& session, SessionOutput& out) {
        out.readers.push_back(id);
        const std::vector<std::byte> kept = std::exchange(session.kept, {});
        const protocol::Message copy = protocol::make_message(kept);
        run(id, session, copy.slice(0), out);
    }

    /// Sessions that have inherited a name. Taking it may end others, and so free more names.
    void serve_heirs(SessionOutput& out) {
        while (names_.has_heirs()) {
            const SessionId heir = names_.take_heir();
            if (Session* session = sessions_.find(heir)) {
                grant_name(*session, std::exchange(session->wanted_name, {}));
                resume(heir, *session, out);
            }
        }
    }

    // ---- Steps of one session ----

    /// Takes steps until more bytes are needed, or an answer, or the session is over.
    void run(SessionId id, Session& session, protocol::Slice bytes, SessionOutput& out) {
        for (;;) {
            SessionStep step = session.machine.next(bytes);
            // Multicasts first: they are nearly all there is.
            auto* multicast = std::get_if<Multicast>(&step);
            if (multicast != nullptr
                    ? on(id, session, *multicast, out)
                    : std::visit([&](auto& each) { return on(id, session, each, out); }, step)) {
                continue;
            }
            Session* still = sessions_.find(id);
            if (still != nullptr && still->machine.is_waiting()) {
                keep(id, *still, bytes.bytes(), out);
            }
            return;
        }
    }

    // Each is false when the session ended, or nothing more is to be read from it for now.

    [[nodiscard]] bool on(SessionId id, Session& session, Multicast& multicast,
                          SessionOutput& out) {
        return open_.on(id, session, multicast, out);
    }

    [[nodiscard]] static bool on(SessionId, Session&, NeedBytes, SessionOutput&) { return false; }

    [[nodiscard]] bool on(SessionId id, Session& session, const Requested& requested,
                          SessionOutput& out) {
        return std::visit([&](const auto& request) { return open_.on(id, session, request, out); },
                          requested.request);
    }

    [[nodiscard]] bool on(SessionId id, Session& session, const Illegal& illegal,
                          SessionOutput& out) {
        open_.end(id, session, CloseReason::kIllegalRequest, illegal.detail, out);
        return false;
    }

    [[nodiscard]] bool on(SessionId id, Session& session, NameAsked& asked, SessionOutput& out) {
        std::string user = std::move(asked.request.private_name);
        if (user.empty()) {
            user = invent_name();
        }
        if (names_.take(user, id)) {
            grant_name(session, std::move(user));
            return true;
        }
        // Its holder may be on its way out: whoever reconnects under its own name waits until the
        // others have been told of its end.
        const SessionId holder = names_.holder(user);
        const bool is_leaving =
            sessions_.find(holder)->is_ending || (hang_up_probe_ && hang_up_probe_(holder));
        if (is_leaving && names_.wait(user, id)) {
            session.wanted_name = std::move(user);
        } else {
            refuse_name(id, session, user, out);
        }
        return false;
    }

    [[nodiscard]] bool on(SessionId id, Session&, const AuthListDue& due, SessionOutput&) {
        reply(id, due.bytes);
        return true;
    }

    [[nodiscard]] bool on(SessionId, Session& session, AddressAsked, SessionOutput&) {
        session.machine.answer(permissions_.admits(session.identity.peer));
        return true;
    }

    [[nodiscard]] bool on(SessionId id, Session& session, PasswordAsked& asked,
                          SessionOutput& out) {
        passwords_.ask(session.identity.peer,
                       {id, std::move(asked.user), std::move(asked.password)});
        begin_password_check(out);
        return false;
    }

    [[nodiscard]] bool on(SessionId id, Session&, const VerdictDue& due, SessionOutput&) {
        reply(id, due.bytes);
        return true;
    }

    [[nodiscard]] bool on(SessionId, Session& session, AdmissionAsked, SessionOutput&) {
        session.identity.login = session.machine.login();
        session.machine.answer(permissions_.may_connect(session.identity));
        return true;
    }

    [[nodiscard]] bool on(SessionId id, Session& session, const Accepted& accepted,
                          SessionOutput& out) {
        timers_.clear(id);
        reply(id, accepted.bytes);
        open_.open(id, session);
        out.opened.push_back({id, session.machine.private_group().string(), session.peer,
                              session.machine.wants_membership()});
        return true;
    }

    [[nodiscard]] bool on(SessionId id, Session& session, Rejected rejected, SessionOutput& out) {
        reject(id, session, rejected.code, CloseReason::kRejected,
               "rejected, " + std::string(protocol::to_string(rejected.code)), out);
        return false;
    }

    SessionConfig config_;
    protocol::Rng rng_;
    SessionIds ids_;
    SessionMap<Session> sessions_;
    Outbound outbound_;
    Permissions permissions_;
    OpenSessions open_;
    NameRegistry names_;
    SessionTimers timers_;  ///< of handshakes
    PasswordChecks passwords_;
    PasswordChecks::HangUpProbe hang_up_probe_;
    Instant now_{};  ///< of the input at hand
};

SessionCore::SessionCore(SessionConfig config, membership::GroupConfig groups, protocol::Rng rng)
    : impl_(std::make_unique<Impl>(std::move(config), std::move(groups), rng)) {}

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
    if (self.sessions_.size() > self.config_.sessions_max) {
        self.end_oldest_handshake(id, out);
        self.serve_heirs(out);
    }
    if (self.sessions_.size() > self.config_.sessions_max) {
        self.reject(
            id, session, RejectCode::kQuota, CloseReason::kRejected,
            "rejected, all " + std::to_string(self.config_.sessions_max) + " sessions are taken",
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
    if (session->machine.is_waiting()) {
        return Reading::kPaused;
    }
    return session->is_open ? Reading::kRequests : Reading::kHandshake;
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
    if (session->machine.is_waiting()) {
        self.keep(id, *session, bytes.bytes(), out);
    } else {
        self.run(id, *session, std::move(bytes), out);
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
        session->machine.answer(is_right);
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
    impl_->part(id, sent.farewell, out);
    return sent.is_more_left;
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

std::size_t SessionCore::bytes_queued() const {
    return impl_->outbound_.bytes();
}

std::uint64_t SessionCore::frames_queued() const {
    return impl_->outbound_.frames();
}

// Ring ----------------------------------------------------------------------------------------

void SessionCore::on_ring_event(Instant now, membership::DeliveryEvent&& event,
                                SessionOutput& out) {
    Impl& self = *impl_;
    self.now_ = now;
    self.outbound_.begin_event(now);
    for (const SessionId id : self.open_.on_ring_event(std::move(event), out)) {
        if (Session* session = self.sessions_.find(id)) {
            self.close(id, session->reason, false, std::move(session->detail), out);
        }
    }
    self.serve_heirs(out);
}

bool SessionCore::is_blocked() const {
    return impl_->outbound_.is_blocked();
}

std::size_t SessionCore::events_per_turn() const {
    return std::clamp<std::size_t>(impl_->config_.session_messages_max / 4, 1, kEventsPerTurnMax);
}

// Time ----------------------------------------------------------------------------------------

void SessionCore::on_deadline(Instant now, SessionOutput& out) {
    Impl& self = *impl_;
    self.now_ = now;
    while (const auto id = self.timers_.due(now)) {
        self.on_timer_of(*id, *self.sessions_.find(*id), out);  // clears the timer
    }
    self.open_.end_overdue_readers(now, out);
    self.outbound_.on_deadline(now);
    while (const auto id = self.outbound_.overdue_lingerer(now)) {
        self.release(*id, out);
    }
    self.serve_heirs(out);
}

std::optional<Instant> SessionCore::next_deadline() const {
    const auto handshakes = impl_->timers_.first();
    const auto queues = impl_->outbound_.next_deadline();
    return !queues || (handshakes && *handshakes < *queues) ? handshakes : queues;
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

// Looking inside ------------------------------------------------------------------------------

const membership::GroupEngine& SessionCore::groups() const {
    return impl_->open_.groups();
}

std::size_t SessionCore::session_count() const {
    return impl_->sessions_.size();
}

std::vector<SessionInfo> SessionCore::sessions() const {
    std::vector<SessionInfo> infos;
    infos.reserve(impl_->sessions_.size());
    impl_->sessions_.for_each([&](SessionId id, const Session& session) {
        const OutboundQueue& queue = impl_->outbound_.queue(id);
        infos.push_back(
            {id, session.is_open ? session.machine.private_group().string() : std::string(),
             session.peer, session.machine.wants_membership(), queue.size(), queue.bytes_left()});
    });
    std::sort(infos.begin(), infos.end(),
              [](const SessionInfo& a, const SessionInfo& b) { return a.id < b.id; });
    return infos;
}

}  // namespace spread::session
