#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/session/exchange_watch.hpp"
#include "daemon/session/key_messages.hpp"
#include "daemon/session/name_registry.hpp"
#include "daemon/session/open_sessions.hpp"
#include "daemon/session/outbound.hpp"
#include "daemon/session/password_checks.hpp"
#include "daemon/session/permissions.hpp"
#include "daemon/session/session_core.hpp"
#include "daemon/session/session_map.hpp"
#include "daemon/session/session_quota.hpp"
#include "daemon/session/session_timers.hpp"
#include "daemon/session/texts.hpp"
#include "protocol/assert.hpp"
#include "protocol/names.hpp"
#include "protocol/session_wire.hpp"

namespace spread::session {

/// Handshakes, and how sessions begin and end. What can be told apart has a class of its own:
/// queues, open sessions, names, timers, password checks, permissions.
struct SessionCore::Impl {
    using Instant = protocol::Instant;
    using RejectCode = protocol::RejectCode;
    using SessionId = protocol::SessionId;

    /// What a client may send ahead while it waits for a name or a verdict.
    static constexpr std::size_t kKeptBytesMax = 64U << 10U;
    /// A limited client is not woken for each message, and operators are not told of each pause.
    static constexpr protocol::Duration kPaceStep = std::chrono::milliseconds(10);
    static constexpr protocol::Duration kNotePause = std::chrono::minutes(1);

    static OutboundLimits limits_of(const SessionConfig& config) {
        OutboundLimits limits;
        limits.messages_max = config.max_session_messages;
        limits.bytes_max = config.max_session_bytes;
        limits.readers_are_awaited = config.slow_reader_policy == SlowReaderPolicy::kBlock;
        limits.reader_timeout = config.slow_reader_timeout;
        return limits;
    }

    /// A daemon that waits for a slow reader takes nothing from the ring meanwhile, and sends no
    /// state.
    static protocol::Duration patience_with_exchanges(const SessionConfig& config) {
        return config.exchange_timeout + (config.slow_reader_policy == SlowReaderPolicy::kBlock
                                              ? config.slow_reader_timeout
                                              : protocol::Duration{});
    }

    static SessionLimits limits_of_sessions(const SessionConfig& config) {
        return {.all_max = config.max_sessions,
                .place_max = config.place_sessions_max,
                .unix_reserved = config.unix_sessions_reserved};
    }

    Impl(SessionConfig config, membership::GroupConfig group_config, protocol::Rng seeded)
        : config_(std::move(config)),
          rng_(seeded),
          quota_(limits_of_sessions(config_)),
          outbound_(limits_of(config_)),
          open_(config_, permissions_, std::move(group_config), sessions_, outbound_),
          exchange_(patience_with_exchanges(config_)) {
        SPREAD_ASSERT(config_.max_sessions + config_.unix_sessions_reserved <= kSlotsMax / 2);
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
        paced_.clear(id);
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
        quota_.remove(session->requester.who.peer);
        const bool was_open = session->is_open;
        sessions_.erase(id);
        out.closes.push_back({id, reason, std::move(detail), was_open});
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

    void close_disconnected(const std::vector<SessionId>& disconnected, SessionOutput& out) {
        for (const SessionId id : disconnected) {
            if (Session* session = sessions_.find(id)) {
                close(id, session->reason, false, std::move(session->detail), out);
            }
        }
        serve_heirs(out);
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

    /// A legal name nobody has: `r<number>-<number>`, at most 9 bytes (CP 3.1).
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

    /// Whom an operator keeps out. Asked when the name is known, and again when all is.
    [[nodiscard]] bool refuse_banned(SessionId id, Session& session, SessionOutput& out) {
        const access::Ban* const ban =
            bans_.empty() ? nullptr : bans_.refuse(now_, session.requester.who);
        if (ban == nullptr) {
            return false;
        }
        session.machine.refuse();
        const auto left = std::chrono::ceil<std::chrono::seconds>(ban->until - now_);
        reject(id, session, RejectCode::kAuth, CloseReason::kRejected,
               "rejected, banned as " + ban->subject.text() + " for " + in_seconds(left) + " more" +
                   (ban->reason.empty() ? "" : ": " + ban->reason),
               out);
        return true;
    }

    void grant_name(Session& session, std::string user) {
        session.machine.grant_name(
            protocol::NameField(protocol::make_private_group(user, config_.daemon_name)));
        session.requester.who.user = user;
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

    /// Shows the agreement about keys what concerns it. True: it concerns nobody else.
    [[nodiscard]] bool is_about_keys(const membership::DeliveryEvent& event, SessionOutput& out) {
        const auto* delivery = std::get_if<membership::Delivery>(&event);
        const bool is_for_keys =
            delivery != nullptr && delivery->kind == protocol::MessageKind::kRingKeys;
        if (keys_ == nullptr || (delivery != nullptr && !is_for_keys)) {
            return is_for_keys;
        }
        if (is_for_keys) {
            std::vector<std::byte> scratch;
            // What is malformed comes from a later release, and tells nothing.
            static_cast<void>(
                keys_->on_message(delivery->origin, delivery->body.contiguous(scratch)));
        } else {
            const auto& change = std::get<membership::ConfigurationChange>(event);
            if (change.kind == membership::ConfigurationKind::kRegular) {
                keys_->on_regular_configuration(change.members);
            }
        }
        submit_key_messages(*keys_, out);
        return is_for_keys;
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
            if (still != nullptr && (still->machine.is_waiting() || still->is_paced)) {
                keep(id, *still, bytes.bytes(), out);
            }
            return;
        }
    }

    // Each is false when the session ended, or nothing more is to be read from it for now.

    [[nodiscard]] bool on(SessionId id, Session& session, Multicast& multicast,
                          SessionOutput& out) {
        const std::size_t bytes = multicast.frame.size();
        const bool goes_on = open_.on(id, session, multicast, out);
        return goes_on && (!permissions_.has_limits() || has_room(id, session, bytes, out));
    }

    /// A message was taken from a client: may another one be, or has it used up its limit? Then
    /// what it has sent waits, first here, and then in its socket.
    [[nodiscard]] bool has_room(SessionId id, Session& session, std::size_t bytes,
                                SessionOutput& out) {
        const access::SendLimit& limit = permissions_.send_limit(session.requester);
        if (!limit.is_any()) {
            return true;
        }
        session.pace.take(now_, limit, bytes);
        if (session.pace.free_at() <= now_) {
            return true;
        }
        session.is_paced = true;
        paced_.set(id, std::max(session.pace.free_at(), now_ + kPaceStep));
        if (!session.paced_note_at || now_ - *session.paced_note_at >= kNotePause) {
            session.paced_note_at = now_;
            out.notes.push_back({"client_limited", session.machine.private_group().string(),
                                 "sends more than its limit of" + text_of(limit)});
        }
        return false;
    }

    /// Clients that may go on. Each of them is given all that has become free meanwhile.
    void go_on_with_paced(SessionOutput& out) {
        while (const auto id = paced_.due(now_)) {
            Session& session = *sessions_.find(*id);
            if (outbound_.is_blocked()) {
                paced_.set(*id, now_ + kPaceStep);
                continue;
            }
            paced_.clear(*id);
            session.is_paced = false;
            if (!session.is_ending) {
                resume(*id, session, out);
            }
        }
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
        session.requester.who.user = user;
        if (refuse_banned(id, session, out)) {
            return false;
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
        session.machine.answer(permissions_.admits(session.requester.who.peer),
                               "method IP, no line of the address file fits");
        return true;
    }

    [[nodiscard]] bool on(SessionId id, Session& session, PasswordAsked& asked,
                          SessionOutput& out) {
        passwords_.ask(session.requester.who.peer,
                       {id, std::move(asked.user), std::move(asked.password)});
        begin_password_check(out);
        return false;
    }

    [[nodiscard]] bool on(SessionId id, Session&, const VerdictDue& due, SessionOutput&) {
        reply(id, due.bytes);
        return true;
    }

    [[nodiscard]] bool on(SessionId id, Session& session, AdmissionAsked, SessionOutput& out) {
        session.requester.who.login = session.machine.login();
        if (refuse_banned(id, session, out)) {
            return false;
        }
        const bool may_connect = permissions_.may_connect(session.requester.who);
        session.machine.answer(
            may_connect,
            may_connect ? std::string() : permissions_.why_not_connect(session.requester.who));
        return true;
    }

    [[nodiscard]] bool on(SessionId id, Session& session, const Accepted& accepted,
                          SessionOutput& out) {
        timers_.clear(id);
        reply(id, accepted.bytes);
        open_.open(id, session);
        out.opened.push_back({id, session.machine.private_group().string(), session.peer,
                              session.machine.wants_membership(), session.tls,
                              session.requester.who.certificate});
        return true;
    }

    [[nodiscard]] bool on(SessionId id, Session& session, const Rejected& rejected,
                          SessionOutput& out) {
        reject(id, session, rejected.code, CloseReason::kRejected,
               "rejected, " + std::string(protocol::to_string(rejected.code)) +
                   (rejected.why.empty() ? "" : ": ") + rejected.why,
               out);
        return false;
    }

    // NOLINTBEGIN(readability-identifier-naming): only SessionCore, whose members they are, sees
    // them
    SessionConfig config_;
    protocol::Rng rng_;
    SessionIds ids_;
    SessionMap<Session> sessions_;
    SessionQuota quota_;
    Outbound outbound_;
    Permissions permissions_;
    access::BanList bans_;
    OpenSessions open_;
    ExchangeWatch exchange_;
    NameRegistry names_;
    SessionTimers timers_;  ///< of handshakes
    SessionTimers paced_;   ///< when clients may go on that have used up their limit
    PasswordChecks passwords_;
    PasswordChecks::HangUpProbe hang_up_probe_;
    sealing::KeyAgreement* keys_ = nullptr;
    Instant now_{};  ///< of the input at hand
    // NOLINTEND(readability-identifier-naming)
};

}  // namespace spread::session
