#include "daemon/session/session_core.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <unordered_map>
#include <utility>
#include <variant>

#include "daemon/session/name_registry.hpp"
#include "daemon/session/session_machine.hpp"
#include "protocol/assert.hpp"
#include "protocol/membership_frames.hpp"
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
        Session(const AuthMethods& methods, std::string peer_name,
                const access::PeerAddress& peer_address)
            : machine(methods), peer(std::move(peer_name)) {
            identity.peer = peer_address;
        }

        SessionMachine machine;
        std::string peer;
        access::Identity identity;
        std::string reserved_name;    ///< user part; empty before it has one
        std::string wanted_name;      ///< waited for; else empty
        std::vector<std::byte> kept;  ///< read while it waited
        std::size_t messages_queued = 0;
        std::size_t bytes_queued = 0;
        std::uint64_t ring_event = 0;     ///< the last one that brought it something
        std::size_t messages_before = 0;  ///< queued when that event came
        bool was_warned = false;          ///< of its queue, since that was short last
        bool is_blocking = false;         ///< its queue is full and everybody waits for it
        Instant accepted_at;
        std::optional<Instant> deadline;  ///< mirrored in deadlines_: of a handshake, of blocking
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

    /// No room for a frame behind so many messages and the bytes that are queued.
    [[nodiscard]] bool is_full(const Session& session, std::size_t messages,
                               std::size_t frame_bytes) const {
        return messages >= config_.session_messages_max ||
               (session.messages_queued > 0 &&
                session.bytes_queued + frame_bytes > config_.session_bytes_max);
    }

    /// A frame of the ring event at hand joins the queue; false when there is no room for it. The
    /// frames of one event come all at once, and no socket can take the first before the last is
    /// queued: they do not count against the limit on messages yet.
    [[nodiscard]] bool enqueue(SessionId id, Session& session, std::size_t frame_bytes,
                               SessionOutput& out) {
        if (session.ring_event != ring_events_) {
            session.ring_event = ring_events_;
            session.messages_before = session.messages_queued;
        }
        const bool blocks = config_.slow_reader_policy == SlowReaderPolicy::kBlock;
        if (!blocks && is_full(session, session.messages_before, frame_bytes)) {
            return false;
        }
        count(session, frame_bytes);
        if (!session.was_warned && (2 * session.messages_before >=
                                        std::max<std::size_t>(config_.session_messages_max, 2) ||
                                    2 * session.bytes_queued > config_.session_bytes_max)) {
            session.was_warned = true;
            out.warnings.push_back("client " + who(session) + " " + describe_queue(session));
        }
        if (blocks && !session.is_blocking &&
            (session.messages_queued >= config_.session_messages_max ||
             session.bytes_queued >= config_.session_bytes_max)) {
            session.is_blocking = true;
            ++blocking_;
            set_deadline(id, session, now_ + config_.slow_reader_timeout);
        }
        return true;
    }

    /// The queue has become shorter.
    void look_at_queue(SessionId id, Session& session) {
        if (session.is_blocking && 2 * session.messages_queued <= config_.session_messages_max &&
            2 * session.bytes_queued <= config_.session_bytes_max) {
            stop_blocking(id, session);
        }
        if (session.was_warned && 4 * session.messages_queued <= config_.session_messages_max &&
            4 * session.bytes_queued <= config_.session_bytes_max) {
            session.was_warned = false;
        }
    }

    void stop_blocking(SessionId id, Session& session) {
        if (session.is_blocking) {
            session.is_blocking = false;
            --blocking_;
            set_deadline(id, session, std::nullopt);
        }
    }

    [[nodiscard]] std::string describe_queue(const Session& session) const {
        return "reads too slowly, queue holds " + std::to_string(session.messages_queued) +
               " messages (limit " + std::to_string(config_.session_messages_max) + ") of " +
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
        stop_blocking(id, it->second);
        set_deadline(id, it->second, std::nullopt);
        passwords_.remove(id);
        const std::string& wanted = it->second.wanted_name;
        // It may have inherited the name a moment ago and not been told yet.
        const bool has_inherited = !wanted.empty() && names_.holder(wanted) == id;
        if (!wanted.empty() && !has_inherited) {
            names_.stop_waiting(wanted);
        }
        if (const std::string& held = has_inherited ? wanted : it->second.reserved_name;
            !held.empty()) {
            if (const auto heir = names_.release(held)) {
                heirs_.push_back(*heir);
            }
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
        stop_blocking(id, session);
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

    /// Half a handshake must not keep others out for as long as it may take.
    void end_oldest_handshake(SessionId newcomer, SessionOutput& out) {
        // Those that have said something have the same time, so the first one is the oldest.
        const auto oldest =
            std::find_if(deadlines_.begin(), deadlines_.end(), [&](const auto& entry) {
                const Session& session = *find(entry.second);
                return entry.second != newcomer && !session.is_open && session.said_something;
            });
        if (oldest == deadlines_.end()) {
            return;
        }
        const SessionId id = oldest->second;
        Session& session = *find(id);
        if (now_ - session.accepted_at <= config_.handshake_protected) {
            return;
        }
        const std::string why = "all sessions are taken, and its handshake is the oldest";
        if (was_asked_for_proof(session)) {
            reject(id, session, RejectCode::kAuth, CloseReason::kHandshakeTimeout, why, out);
        } else {
            close(id, CloseReason::kHandshakeTimeout, false, who(session) + ": " + why, out);
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

    /// False when the session ended, or waits for the name.
    [[nodiscard]] bool name(SessionId id, Session& session, NameAsked& asked, SessionOutput& out) {
        std::string user = std::move(asked.request.private_name);
        if (user.empty()) {
            user = invent_name();
        }
        if (names_.take(user, id)) {
            grant(session, std::move(user));
            return true;
        }
        // Its holder may be on its way out: whoever reconnects under its own name waits until the
        // others have been told of its end.
        const SessionId holder = names_.holder(user);
        const bool is_leaving =
            find(holder)->is_ending || (hang_up_probe_ != nullptr && hang_up_probe_(holder));
        if (is_leaving && names_.wait(user, id)) {
            session.wanted_name = std::move(user);
            out.pauses.push_back({id, true});
        } else {
            refuse_name(id, session, user, out);
        }
        return false;
    }

    void refuse_name(SessionId id, Session& session, const std::string& user, SessionOutput& out) {
        session.machine.refuse();
        reject(id, session, RejectCode::kNotUnique, CloseReason::kRejected,
               "rejected, name \"" + user + "\" is in use", out);
    }

    void grant(Session& session, std::string user) {
        session.machine.grant_name(
            protocol::NameField(protocol::make_private_group(user, config_.daemon_name)));
        session.identity.user = user;
        session.reserved_name = std::move(user);
    }

    void open(SessionId id, Session& session, const Accepted& accepted, SessionOutput& out) {
        set_deadline(id, session, std::nullopt);
        session.is_open = true;
        const bool reads_3x =
            config_.old_client_layout && session.machine.client_version().major <= 3;
        groups_.on_session_open(
            id, session.machine.private_group().view(), session.machine.wants_membership(),
            reads_3x ? protocol::MembershipLayout::kOwnSet : protocol::MembershipLayout::kVsSets);
        reply(id, session, accepted.bytes, out);
        out.opened.push_back(
            {id, session.machine.private_group().string(), session.machine.wants_membership()});
    }

    // ---- Access control ----

    [[nodiscard]] bool may_connect(Session& session) const {
        session.identity.login = session.machine.login();
        return access_rules_ == nullptr || access_rules_->may_connect(session.identity);
    }

    [[nodiscard]] bool may_join(SessionId id, const Session& session,
                                std::string_view group) const {
        return groups_.groups_of(id) < config_.session_groups_max &&
               (access_rules_ == nullptr || access_rules_->may_join(session.identity, group));
    }

    [[nodiscard]] bool may_send(const Session& session, std::span<const std::byte> frame) const {
        const auto header =
            protocol::decode_session_header(frame.first<protocol::kSessionHeaderBytes>());
        for (std::size_t i = 0; i < static_cast<std::size_t>(header.num_groups); ++i) {
            const protocol::NameField group(protocol::group_field(frame, i));
            if (!access_rules_->may_send(session.identity, group.view())) {
                return false;
            }
        }
        return true;
    }

    /// Sends a request back to its author (client protocol 7.5). False when that ends the session.
    [[nodiscard]] bool send_back(SessionId id, Session& session, std::span<const std::byte> request,
                                 SessionOutput& out) {
        const auto header =
            protocol::decode_session_header(request.first<protocol::kSessionHeaderBytes>());
        if ((header.type & protocol::kSelfDiscard) != 0) {
            return true;  // its author is the only one to be told, and does not want to be
        }
        protocol::Message rejected = protocol::encode_reject(request);
        if (is_full(session, session.messages_queued, rejected.size())) {
            end(id, session, CloseReason::kSlowReader, describe_queue(session), out);
            return false;
        }
        count(session, rejected.size());
        out.writes.push_back({{id}, std::move(rejected)});
        return true;
    }

    [[nodiscard]] bool send_back_join(SessionId id, Session& session, const Join& join,
                                      SessionOutput& out) {
        protocol::SessionHeader header = join.header;
        header.order = protocol::ByteOrder::kLittle;
        header.num_groups = 1;  // the others and a body were never looked at
        header.data_len = 0;
        std::array<std::byte, protocol::kSessionHeaderBytes + protocol::kNameFieldBytes> request;
        protocol::encode_session_header(header,
                                        std::span(request).first<protocol::kSessionHeaderBytes>());
        std::copy_n(join.group.bytes().begin(), protocol::kNameFieldBytes,
                    request.begin() + protocol::kSessionHeaderBytes);
        return send_back(id, session, request, out);
    }

    // ---- Steps of one session ----

    /// Takes steps until more bytes are needed, or an answer, or the session is over.
    void run(SessionId id, Session& session, protocol::Slice bytes, SessionOutput& out) {
        for (;;) {
            SessionStep step = session.machine.next(bytes);
            if (handle(id, session, step, out)) {
                continue;
            }
            Session* still = find(id);
            if (still != nullptr && still->machine.is_waiting()) {
                keep(id, *still, bytes.bytes(), out);
            }
            return;
        }
    }

    /// Bytes for later. No library sends any before it has its answer; others may send some.
    void keep(SessionId id, Session& session, std::span<const std::byte> bytes,
              SessionOutput& out) {
        if (session.kept.size() + bytes.size() > kKeptBytesMax) {
            close(id, CloseReason::kIllegalRequest, false,
                  who(session) + ": sends requests before it is admitted", out);
            return;
        }
        session.kept.insert(session.kept.end(), bytes.begin(), bytes.end());
    }

    /// Goes on with a session that has its answer.
    void resume(SessionId id, Session& session, SessionOutput& out) {
        out.pauses.push_back({id, false});
        const std::vector<std::byte> kept = std::exchange(session.kept, {});
        const protocol::Message copy = protocol::make_message(kept);
        run(id, session, copy.slice(0), out);
    }

    /// Sessions that have inherited a name. Taking it may end others, and so free more names.
    void serve_heirs(SessionOutput& out) {
        while (!heirs_.empty()) {
            const SessionId id = heirs_.back();
            heirs_.pop_back();
            Session* session = find(id);
            if (session == nullptr) {
                continue;
            }
            grant(*session, std::exchange(session->wanted_name, {}));
            resume(id, *session, out);
        }
    }

    /// False when the session ended, or nothing more is to be read from it.
    [[nodiscard]] bool handle(SessionId id, Session& session, SessionStep& step,
                              SessionOutput& out) {
        // Multicasts first: they are nearly all there is.
        if (auto* multicast = std::get_if<Multicast>(&step)) {
            if (access_rules_ != nullptr) {
                std::vector<std::byte> scratch;
                const auto frame = multicast->frame.contiguous(scratch);
                if (!may_send(session, frame)) {
                    return send_back(id, session, frame, out);
                }
            }
            out.submissions.push_back({multicast->service, protocol::MessageKind::kClientFrame,
                                       false, std::move(multicast->frame)});
            return true;
        }
        if (std::holds_alternative<NeedBytes>(step)) {
            return false;
        }
        if (const auto* join = std::get_if<Join>(&step)) {
            if (!may_join(id, session, join->group.view())) {
                return send_back_join(id, session, *join, out);
            }
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
        if (std::holds_alternative<AddressAsked>(step)) {
            session.machine.answer(address_rules_ != nullptr &&
                                   address_rules_->admits(session.identity.peer));
            return true;
        }
        if (auto* asked = std::get_if<PasswordAsked>(&step)) {
            passwords_.push(session.identity.peer,
                            {id, std::move(asked->user), std::move(asked->password)});
            out.pauses.push_back({id, true});
            check_next_password(out);
            return false;
        }
        if (const auto* due = std::get_if<VerdictDue>(&step)) {
            reply(id, session, due->bytes, out);
            return true;
        }
        if (std::holds_alternative<AdmissionAsked>(step)) {
            session.machine.answer(may_connect(session));
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

    /// One check at a time is under way, so that whoever gives up meanwhile costs none. Whose peer
    /// has closed its side may still wait for the answer, but lets all others go first.
    void check_next_password(SessionOutput& out) {
        while (!password_checked_) {
            auto turn = passwords_.pop();
            if (!turn) {
                return;
            }
            if (!turn->is_last && hang_up_probe_ != nullptr &&
                hang_up_probe_(turn->check.session)) {
                passwords_.push_last(std::move(turn->check));
                continue;
            }
            password_checked_ = turn->check.session;
            out.password_checks.push_back(std::move(turn->check));
        }
    }

    void on_deadline_of(SessionId id, Session& session, SessionOutput& out) {
        if (session.is_open) {  // it blocks
            end(id, session, CloseReason::kSlowReader,
                describe_queue(session) + " and did not catch up within " +
                    in_seconds(config_.slow_reader_timeout),
                out);
            return;
        }
        if (!session.wanted_name.empty()) {
            refuse_name(id, session, std::string(session.wanted_name), out);
            return;
        }
        if (!session.said_something) {
            close(id, CloseReason::kHandshakeTimeout, false,
                  who(session) + ": sent nothing within " + in_seconds(config_.first_byte_timeout),
                  out);
            return;
        }
        const std::string why =
            "handshake not finished within " + in_seconds(config_.handshake_timeout);
        if (was_asked_for_proof(session)) {
            reject(id, session, RejectCode::kAuth, CloseReason::kHandshakeTimeout, why, out);
            return;
        }
        close(id, CloseReason::kHandshakeTimeout, false, who(session) + ": " + why, out);
    }

    /// D1 is out and D2 is not: the client waits for an answer.
    [[nodiscard]] static bool was_asked_for_proof(const Session& session) {
        const SessionPhase phase = session.machine.phase();
        return phase == SessionPhase::kAuth || phase == SessionPhase::kProving ||
               phase == SessionPhase::kAsking;
    }

    // ---- Group engine ----

    void deliver(membership::ClientEvent& event, SessionOutput& out) {
        const std::size_t bytes = event.frame.size();
        std::erase_if(event.recipients, [&](SessionId id) {
            Session* session = find(id);
            if (session == nullptr || !session->is_open || session->is_ending) {
                return true;
            }
            if (!enqueue(id, *session, bytes, out)) {
                mark_ending(id, *session, CloseReason::kSlowReader,
                            who(*session) + ": " + describe_queue(*session), out);
                slow_.push_back(id);
                return true;
            }
            return false;
        });
        if (!event.recipients.empty()) {
            out.writes.push_back({std::move(event.recipients), std::move(event.frame),
                                  event.is_notice, event.subject});
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
    NameRegistry names_;
    std::vector<SessionId> heirs_;  ///< hold a name they waited for, not served yet
    PasswordQueue passwords_;
    std::optional<SessionId> password_checked_;  ///< whose check is under way
    std::function<bool(SessionId)> hang_up_probe_;
    std::shared_ptr<const access::AddressRules> address_rules_;
    std::shared_ptr<const access::AccessRules> access_rules_;
    std::size_t blocking_ = 0;  ///< sessions that block
    Instant now_{};             ///< of the input at hand
    std::set<std::pair<Instant, SessionId>> deadlines_;
    membership::GroupOutput group_output_;  ///< empty between calls
    std::vector<SessionId> slow_;           ///< ending, their disconnect not requested yet
};

SessionCore::SessionCore(SessionConfig config, membership::GroupConfig groups, protocol::Rng rng)
    : impl_(std::make_unique<Impl>(std::move(config), std::move(groups), rng)) {}

SessionCore::~SessionCore() = default;

void SessionCore::set_hang_up_probe(std::function<bool(SessionId)> probe) {
    impl_->hang_up_probe_ = std::move(probe);
}

void SessionCore::set_address_rules(std::shared_ptr<const access::AddressRules> rules) {
    impl_->address_rules_ = std::move(rules);
}

void SessionCore::set_access_rules(std::shared_ptr<const access::AccessRules> rules) {
    impl_->access_rules_ = std::move(rules);
}

SessionId SessionCore::on_accept(Instant now, std::string peer, SessionOutput& out,
                                 const access::PeerAddress& address) {
    Impl& self = *impl_;
    self.now_ = now;
    const SessionId id{++self.last_session_};
    Impl::Session& session =
        self.sessions_.try_emplace(id, self.config_.auth, std::move(peer), address).first->second;
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
    session.accepted_at = now;
    self.set_deadline(
        id, session,
        now + std::min(self.config_.first_byte_timeout, self.config_.handshake_timeout));
    return id;
}

void SessionCore::on_bytes(Instant now, SessionId id, protocol::Slice bytes, SessionOutput& out) {
    Impl& self = *impl_;
    self.now_ = now;
    Impl::Session* session = self.find(id);
    if (session == nullptr || session->is_ending || bytes.length == 0) {
        return;
    }
    if (!session->said_something) {
        session->said_something = true;
        self.set_deadline(id, *session, session->accepted_at + self.config_.handshake_timeout);
    }
    if (session->machine.is_waiting()) {
        self.keep(id, *session, bytes.bytes(), out);
    } else {
        self.run(id, *session, std::move(bytes), out);
    }
    self.serve_heirs(out);
}

void SessionCore::on_peer_closed(Instant now, SessionId id, SessionOutput& out) {
    Impl& self = *impl_;
    self.now_ = now;
    Impl::Session* session = self.find(id);
    if (session == nullptr || session->is_ending) {
        return;
    }
    if (session->is_open) {
        self.end(id, *session, CloseReason::kPeerClosed, "closed the connection", out);
    } else if (Impl::was_asked_for_proof(*session)) {
        // It may have closed one direction only, and is then owed the answer to what it sent.
        self.reject(id, *session, RejectCode::kAuth, CloseReason::kPeerClosed,
                    "closed the connection during the handshake", out);
    } else if (session->machine.is_short_of_name()) {
        self.reject(id, *session, RejectCode::kIllegalName, CloseReason::kPeerClosed,
                    "closed the connection inside its name", out);
    } else {
        self.close(id, CloseReason::kPeerClosed, false,
                   Impl::who(*session) + ": closed the connection during the handshake", out);
    }
    self.serve_heirs(out);
}

void SessionCore::on_password(Instant now, SessionId id, bool is_right, SessionOutput& out) {
    Impl& self = *impl_;
    self.now_ = now;
    if (self.password_checked_ != id) {
        return;
    }
    self.password_checked_.reset();
    Impl::Session* session = self.find(id);
    if (session != nullptr && session->machine.phase() == SessionPhase::kAsking) {
        session->machine.answer(is_right);
        self.resume(id, *session, out);
    }
    self.check_next_password(out);
    self.serve_heirs(out);
}

void SessionCore::on_sent(SessionId id, std::size_t messages, std::size_t bytes) {
    if (Impl::Session* session = impl_->find(id)) {
        // An ending session's counts are already 0, whatever its socket was still busy with.
        session->messages_queued -= std::min(messages, session->messages_queued);
        session->bytes_queued -= std::min(bytes, session->bytes_queued);
        impl_->look_at_queue(id, *session);
    }
}

bool SessionCore::is_blocked() const {
    return impl_->blocking_ > 0;
}

void SessionCore::shed_load(Instant now, SessionOutput& out) {
    Impl& self = *impl_;
    self.now_ = now;
    // The order of the ids breaks ties, not that of a hash table.
    auto worst = self.sessions_.end();
    for (auto at = self.sessions_.begin(); at != self.sessions_.end(); ++at) {
        const bool counts = at->second.is_open && !at->second.is_ending;
        if (counts && (worst == self.sessions_.end() ||
                       std::pair(at->second.bytes_queued, at->first) >
                           std::pair(worst->second.bytes_queued, worst->first))) {
            worst = at;
        }
    }
    if (worst != self.sessions_.end()) {
        self.end(worst->first, worst->second, CloseReason::kSlowReader,
                 "all queues together are full, and this is the longest: " +
                     self.describe_queue(worst->second),
                 out);
    }
    self.serve_heirs(out);
}

void SessionCore::on_ring_event(Instant now, membership::DeliveryEvent event, SessionOutput& out) {
    impl_->now_ = now;
    ++impl_->ring_events_;
    impl_->groups_.on_event(std::move(event), impl_->group_output_);
    impl_->absorb_group_output(out);
    impl_->serve_heirs(out);
}

void SessionCore::on_deadline(Instant now, SessionOutput& out) {
    impl_->now_ = now;
    auto& deadlines = impl_->deadlines_;
    while (!deadlines.empty() && deadlines.begin()->first <= now) {
        const SessionId id = deadlines.begin()->second;
        impl_->on_deadline_of(id, *impl_->find(id), out);  // takes the deadline out
    }
    impl_->serve_heirs(out);
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
