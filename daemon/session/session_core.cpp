#include "daemon/session/session_core.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>

#include "daemon/session/session_machine.hpp"
#include "protocol/assert.hpp"
#include "protocol/names.hpp"
#include "protocol/planted_bug.hpp"
#include "protocol/session_wire.hpp"

namespace spread::session {
namespace {

using protocol::Duration;
using protocol::Instant;
using protocol::RejectCode;
using protocol::SessionId;

// Reads a duration as a person would write it in a configuration file.
std::string in_seconds(Duration duration) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
    return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

}  // namespace

std::string_view to_string(CloseReason reason) {
    switch (reason) {
        case CloseReason::kPeerClosed: return "connection closed by the client";
        case CloseReason::kKill: return "disconnect requested";
        case CloseReason::kHandshakeTimeout: return "handshake timed out";
        case CloseReason::kRejected: return "connection rejected";
        case CloseReason::kIllegalRequest: return "illegal request";
        case CloseReason::kSlowReader: return "client reads too slowly";
        case CloseReason::kShutdown: return "daemon stops";
    }
    return "unknown";
}

struct SessionCore::Impl {
    struct Session {
        Session(std::span<const std::string> auth_methods, std::string peer_name)
            : machine(auth_methods), peer(std::move(peer_name)) {}

        SessionMachine machine;
        std::string peer;
        std::string reserved_name;  ///< user part; empty before NameAsked
        std::size_t messages_queued = 0;
        std::size_t bytes_queued = 0;
        std::uint64_t ring_event = 0;     ///< the last one that brought it something
        std::size_t messages_before = 0;  ///< queued when that event came
        Instant accepted_at;
        std::optional<Instant> deadline;  ///< mirrored in deadlines_; none once open
        bool said_something = false;
        bool is_open = false;                           ///< known to the group engine
        bool is_ending = false;                         ///< its disconnect is on its way
        CloseReason reason = CloseReason::kPeerClosed;  ///< of the end
        std::string detail;                             ///< of the end
    };
    using Sessions = std::unordered_map<SessionId, Session>;

    Impl(SessionConfig config, membership::GroupConfig group_config, protocol::Rng seeded)
        : config_(std::move(config)), groups_(std::move(group_config)), rng_(seeded) {}

    [[nodiscard]] Session* find(SessionId id) {
        const auto it = sessions_.find(id);
        return it == sessions_.end() ? nullptr : &it->second;
    }

    [[nodiscard]] bool is_active(SessionId id) {
        const Session* session = find(id);
        return session != nullptr && !session->is_ending;
    }

    // ---- Log text ----

    [[nodiscard]] static std::string who(const Session& session) {
        if (session.reserved_name.empty()) {
            return session.peer;
        }
        return session.machine.private_group().string() + " from " + session.peer;
    }

    // ---- Outbound queues ----

    static void count(Session& session, std::size_t bytes) {
        ++session.messages_queued;
        session.bytes_queued += bytes;
    }

    void reply(SessionId id, Session& session, std::span<const std::byte> bytes,
               SessionOutput& out) {
        count(session, bytes.size());
        out.writes.push_back({{id}, protocol::make_message(bytes)});
    }

    /// No room for one more frame of the ring event at hand. The frames of one event come all at
    /// once, and no socket can take the first before the last is queued: they do not count yet.
    [[nodiscard]] bool is_full(Session& session, std::size_t frame_bytes) const {
        if (session.ring_event != ring_events_) {
            session.ring_event = ring_events_;
            session.messages_before = session.messages_queued;
        }
        return session.messages_before >= config_.session_messages_max ||
               (session.messages_queued > 0 &&
                session.bytes_queued + frame_bytes > config_.session_bytes_max);
    }

    [[nodiscard]] std::string describe_queue(const Session& session) const {
        return who(session) + ": reads too slowly, queue holds " +
               std::to_string(session.messages_queued) + " messages (limit " +
               std::to_string(config_.session_messages_max) + ") of " +
               std::to_string(session.bytes_queued) + " bytes (limit " +
               std::to_string(config_.session_bytes_max) + ")";
    }

    // ---- Deadlines ----

    void set_deadline(SessionId id, Session& session, std::optional<Instant> deadline) {
        if (session.deadline) {
            deadlines_.erase({*session.deadline, id});
        }
        session.deadline = deadline;
        if (deadline) {
            deadlines_.emplace(*deadline, id);
        }
    }

    // ---- Ends ----

    /// Removes the session and has its socket closed.
    void close(SessionId id, CloseReason reason, bool flush, std::string detail,
               SessionOutput& out) {
        const auto it = sessions_.find(id);
        SPREAD_ASSERT(it != sessions_.end());
        set_deadline(id, it->second, std::nullopt);
        if (!it->second.reserved_name.empty()) {
            names_.erase(it->second.reserved_name);
        }
        sessions_.erase(it);
        out.closes.push_back({id, reason, flush, std::move(detail)});
    }

    /// Sends the reject byte and closes; for sessions that never opened.
    void reject(SessionId id, Session& session, RejectCode code, CloseReason reason,
                std::string_view why, SessionOutput& out) {
        reply(id, session, std::array{static_cast<std::byte>(code)}, out);
        std::string detail = who(session) + ": " + std::string(why);
        close(id, reason, true, std::move(detail), out);
    }

    /// Nothing more is read from or written to an open session. Its groups are yet to be told.
    void mark_ending(SessionId id, Session& session, CloseReason reason, std::string detail,
                     SessionOutput& out) {
        session.machine.refuse();
        session.is_ending = true;
        session.reason = reason;
        session.detail = std::move(detail);
        session.messages_queued = 0;
        session.bytes_queued = 0;
        out.stops.push_back(id);
    }

    /// Ends an open session: its groups learn it in agreed order, and only then its socket closes
    /// and its name is free (client protocol 5.5).
    void end(SessionId id, Session& session, CloseReason reason, std::string_view why,
             SessionOutput& out) {
        mark_ending(id, session, reason, who(session) + ": " + std::string(why), out);
        groups_.request_disconnect(id, reason == CloseReason::kKill, group_output_);
        absorb_group_output(out);
    }

    // ---- Handshake ----

    /// A legal name nobody has: `r<number>-<number>`, at most 9 bytes (client protocol 3.1).
    [[nodiscard]] std::string invent_name() {
        for (;;) {
            std::string name =
                "r" + std::to_string(rng_.below(9999)) + "-" + std::to_string(rng_.below(1000));
            if (!names_.contains(name)) {
                return name;
            }
        }
    }

    /// False when the session ended.
    [[nodiscard]] bool name(SessionId id, Session& session, NameAsked& asked, SessionOutput& out) {
        std::string user = std::move(asked.request.private_name);
        if (user.empty()) {
            user = invent_name();
        }
        if (!names_.insert(user).second) {
            session.machine.refuse();
            reject(id, session, RejectCode::kNotUnique, CloseReason::kRejected,
                   "rejected, name \"" + user + "\" is in use", out);
            return false;
        }
        session.machine.grant_name(
            protocol::NameField(protocol::make_private_group(user, config_.daemon_name)));
        session.reserved_name = std::move(user);
        return true;
    }

    void open(SessionId id, Session& session, const Accepted& accepted, SessionOutput& out) {
        set_deadline(id, session, std::nullopt);
        session.is_open = true;
        groups_.on_session_open(id, session.machine.private_group().view(),
                                session.machine.wants_membership());
        reply(id, session, accepted.bytes, out);
        out.opened.push_back(
            {id, session.machine.private_group().string(), session.machine.wants_membership()});
    }

    // ---- Steps of one session ----

    /// False when the session ended, or nothing more is to be read from it.
    [[nodiscard]] bool handle(SessionId id, Session& session, SessionStep& step,
                              SessionOutput& out) {
        // Multicasts first: they are nearly all there is.
        if (auto* multicast = std::get_if<Multicast>(&step)) {
            if (planted(protocol::PlantedBug::kSafeAsAgreed)) {
                multicast->service = protocol::Service::kAgreed;
            }
            out.submissions.push_back({multicast->service, protocol::MessageKind::kClientFrame,
                                       false, std::move(multicast->frame)});
            return true;
        }
        if (std::holds_alternative<NeedBytes>(step)) {
            return false;
        }
        if (const auto* join = std::get_if<Join>(&step)) {
            groups_.request_join(id, join->group.view(), group_output_);
            absorb_group_output(out);
            return is_active(id);
        }
        if (const auto* leave = std::get_if<Leave>(&step)) {
            groups_.request_leave(id, leave->group.view(), group_output_);
            absorb_group_output(out);
            return is_active(id);
        }
        if (std::holds_alternative<Kill>(step)) {
            end(id, session, CloseReason::kKill, "disconnected", out);
            return false;
        }
        if (const auto* illegal = std::get_if<Illegal>(&step)) {
            end(id, session, CloseReason::kIllegalRequest, illegal->detail, out);
            return false;
        }
        if (auto* asked = std::get_if<NameAsked>(&step)) {
            return name(id, session, *asked, out);
        }
        if (const auto* due = std::get_if<AuthListDue>(&step)) {
            reply(id, session, due->bytes, out);
            return true;
        }
        if (const auto* accepted = std::get_if<Accepted>(&step)) {
            open(id, session, *accepted, out);
            return true;
        }
        const RejectCode code = std::get<Rejected>(step).code;
        reject(id, session, code, CloseReason::kRejected,
               "rejected, " + std::string(protocol::to_string(code)), out);
        return false;
    }

    void on_deadline_of(SessionId id, Session& session, SessionOutput& out) {
        if (!session.said_something) {
            close(id, CloseReason::kHandshakeTimeout, false,
                  who(session) + ": sent nothing within " + in_seconds(config_.first_byte_timeout),
                  out);
            return;
        }
        const std::string why =
            "handshake not finished within " + in_seconds(config_.handshake_timeout);
        if (session.machine.phase() == SessionPhase::kAuth) {
            reject(id, session, RejectCode::kAuth, CloseReason::kHandshakeTimeout, why, out);
            return;
        }
        close(id, CloseReason::kHandshakeTimeout, false, who(session) + ": " + why, out);
    }

    // ---- Group engine ----

    void deliver(membership::ClientEvent& event, SessionOutput& out) {
        const std::size_t bytes = event.frame.size();
        std::erase_if(event.recipients, [&](SessionId id) {
            Session* session = find(id);
            if (session == nullptr || !session->is_open || session->is_ending) {
                return true;
            }
            if (is_full(*session, bytes)) {
                mark_ending(id, *session, CloseReason::kSlowReader, describe_queue(*session), out);
                slow_.push_back(id);
                return true;
            }
            count(*session, bytes);
            return false;
        });
        if (!event.recipients.empty()) {
            out.writes.push_back({std::move(event.recipients), std::move(event.frame)});
        }
    }

    /// Hands on what the group engine said. Slow readers found on the way are disconnected, which
    /// makes the engine say more.
    void absorb_group_output(SessionOutput& out) {
        for (;;) {
            for (membership::ClientEvent& event : group_output_.events) {
                deliver(event, out);
            }
            std::move(group_output_.submissions.begin(), group_output_.submissions.end(),
                      std::back_inserter(out.submissions));
            for (const SessionId id : group_output_.disconnected) {
                if (Session* session = find(id)) {
                    close(id, session->reason, false, std::move(session->detail), out);
                }
            }
            if (group_output_.resume) {
                out.resume = group_output_.resume;
            }
            group_output_.clear();
            if (slow_.empty()) {
                return;
            }
            for (const SessionId id : slow_) {
                if (find(id) != nullptr) {
                    groups_.request_disconnect(id, false, group_output_);
                }
            }
            slow_.clear();
        }
    }

    SessionConfig config_;
    membership::GroupEngine groups_;
    protocol::Rng rng_;
    std::uint64_t last_session_ = 0;
    std::uint64_t ring_events_ = 0;
    Sessions sessions_;
    std::unordered_set<std::string> names_;
    std::set<std::pair<Instant, SessionId>> deadlines_;
    membership::GroupOutput group_output_;  ///< empty between calls
    std::vector<SessionId> slow_;           ///< ending, their disconnect not requested yet
};

SessionCore::SessionCore(SessionConfig config, membership::GroupConfig groups, protocol::Rng rng)
    : impl_(std::make_unique<Impl>(std::move(config), std::move(groups), rng)) {}

SessionCore::~SessionCore() = default;

SessionId SessionCore::on_accept(Instant now, std::string peer, SessionOutput& out) {
    Impl& self = *impl_;
    const SessionId id{++self.last_session_};
    Impl::Session& session =
        self.sessions_.try_emplace(id, self.config_.auth_methods, std::move(peer)).first->second;
    if (self.sessions_.size() > self.config_.sessions_max) {
        self.reject(
            id, session, RejectCode::kQuota, CloseReason::kRejected,
            "rejected, all " + std::to_string(self.config_.sessions_max) + " sessions are taken",
            out);
        return id;
    }
    session.accepted_at = now;
    self.set_deadline(
        id, session,
        now + std::min(self.config_.first_byte_timeout, self.config_.handshake_timeout));
    return id;
}

void SessionCore::on_bytes(Instant, SessionId id, protocol::Slice bytes, SessionOutput& out) {
    Impl& self = *impl_;
    Impl::Session* session = self.find(id);
    if (session == nullptr || session->is_ending || bytes.length == 0) {
        return;
    }
    if (!session->said_something) {
        session->said_something = true;
        self.set_deadline(id, *session, session->accepted_at + self.config_.handshake_timeout);
    }
    for (;;) {
        SessionStep step = session->machine.next(bytes);
        if (!self.handle(id, *session, step, out)) {
            return;
        }
    }
}

void SessionCore::on_peer_closed(Instant, SessionId id, SessionOutput& out) {
    Impl& self = *impl_;
    Impl::Session* session = self.find(id);
    if (session == nullptr || session->is_ending) {
        return;
    }
    if (session->is_open) {
        self.end(id, *session, CloseReason::kPeerClosed, "closed the connection", out);
    } else if (session->machine.phase() == SessionPhase::kAuth) {
        // It may have closed one direction only, and is then owed the answer to what it sent.
        self.reject(id, *session, RejectCode::kAuth, CloseReason::kPeerClosed,
                    "closed the connection during the handshake", out);
    } else {
        self.close(id, CloseReason::kPeerClosed, false,
                   Impl::who(*session) + ": closed the connection during the handshake", out);
    }
}

void SessionCore::on_sent(SessionId id, std::size_t messages, std::size_t bytes) {
    if (Impl::Session* session = impl_->find(id)) {
        // An ending session's counts are already 0, whatever its socket was still busy with.
        session->messages_queued -= std::min(messages, session->messages_queued);
        session->bytes_queued -= std::min(bytes, session->bytes_queued);
    }
}

void SessionCore::on_ring_event(Instant, membership::DeliveryEvent event, SessionOutput& out) {
    ++impl_->ring_events_;
    impl_->groups_.on_event(std::move(event), impl_->group_output_);
    impl_->absorb_group_output(out);
}

void SessionCore::on_deadline(Instant now, SessionOutput& out) {
    auto& deadlines = impl_->deadlines_;
    while (!deadlines.empty() && deadlines.begin()->first <= now) {
        const SessionId id = deadlines.begin()->second;
        impl_->on_deadline_of(id, *impl_->find(id), out);  // takes the deadline out
    }
}

std::optional<Instant> SessionCore::next_deadline() const {
    const auto& deadlines = impl_->deadlines_;
    return deadlines.empty() ? std::nullopt : std::optional(deadlines.begin()->first);
}

void SessionCore::shutdown(Instant, SessionOutput& out) {
    for (const SessionInfo& info : sessions()) {
        impl_->close(info.id, CloseReason::kShutdown, false,
                     (info.private_name.empty() ? "" : info.private_name + " from ") + info.peer +
                         ": daemon stops",
                     out);
    }
}

void SessionCore::set_session_messages_max(std::size_t messages) {
    impl_->config_.session_messages_max = messages;
}

const membership::GroupEngine& SessionCore::groups() const {
    return impl_->groups_;
}

std::size_t SessionCore::session_count() const {
    return impl_->sessions_.size();
}

std::vector<SessionInfo> SessionCore::sessions() const {
    std::vector<SessionInfo> infos;
    infos.reserve(impl_->sessions_.size());
    for (const auto& [id, session] : impl_->sessions_) {
        infos.push_back({id,
                         session.is_open ? session.machine.private_group().string() : std::string(),
                         session.peer, session.machine.wants_membership(), session.messages_queued,
                         session.bytes_queued});
    }
    std::sort(infos.begin(), infos.end(),
              [](const SessionInfo& a, const SessionInfo& b) { return a.id < b.id; });
    return infos;
}

}  // namespace spread::session
