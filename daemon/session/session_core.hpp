#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/configuration.hpp"
#include "daemon/access/access_rules.hpp"
#include "daemon/access/address_rules.hpp"
#include "daemon/access/peer_address.hpp"
#include "daemon/session/password_queue.hpp"
#include "daemon/session/session_machine.hpp"
#include "membership/events.hpp"
#include "membership/groups/group_engine.hpp"
#include "protocol/ids.hpp"
#include "protocol/message.hpp"
#include "protocol/rng.hpp"
#include "protocol/time.hpp"

namespace spread::session {

using config::SlowReaderPolicy;

/// Limits and identity of the session layer; fixed for one life of the daemon, except where a
/// setter exists.
struct SessionConfig {
    std::string daemon_name;         ///< 1..19 bytes
    std::size_t sessions_max = 997;  ///< as stock; includes unfinished handshakes
    /// MaxSessionMessages. Held against what the socket had not taken when a ring event came: one
    /// event may bring a message for each group of a client.
    std::size_t session_messages_max = 1000;
    /// Queued bytes per session. The default is never tighter than 1000 messages of any size.
    std::size_t session_bytes_max = 160U << 20U;
    std::size_t session_groups_max = 65536;  ///< a join beyond is sent back as rejected
    SlowReaderPolicy slow_reader_policy = SlowReaderPolicy::kDisconnect;
    protocol::Duration slow_reader_timeout = std::chrono::seconds(5);  ///< of kBlock
    protocol::Duration handshake_timeout = std::chrono::seconds(10);
    /// When all sessions are taken, the oldest handshake that has taken longer than this makes room
    /// for a newcomer.
    protocol::Duration handshake_protected = std::chrono::seconds(3);
    /// After accept a peer must send its first byte within this time (stock: 1 s).
    protocol::Duration first_byte_timeout = std::chrono::seconds(1);
    AuthMethods auth;
    /// Libraries of version 3 get memberships in their own layout; else in that of 4.0, which they
    /// misread, as from stock 5.0.1.
    bool old_client_layout = true;
};

enum class CloseReason : std::uint8_t {
    kPeerClosed,  ///< EOF or socket error
    kKill,        ///< orderly disconnect
    kHandshakeTimeout,
    kRejected,        ///< a reject byte was sent
    kIllegalRequest,  ///< a header check of client-protocol 5.1 failed
    kSlowReader,      ///< its queue reached a limit
    kShutdown
};

[[nodiscard]] std::string_view to_string(CloseReason reason);

/// What one input produced; owned and reused by the caller.
struct SessionOutput {
    /// One frame (or handshake reply) for one or many sessions, already counted in their queues.
    struct Write {
        std::vector<protocol::SessionId> sessions;
        protocol::Message bytes;
        /// A notice of somebody's join or leave, which may wait for others to share a write; but
        /// not to `urgent_for`.
        bool may_wait = false;
        std::optional<protocol::SessionId> urgent_for{};
    };
    struct Close {
        protocol::SessionId session;
        CloseReason reason;
        bool flush;          ///< send what is queued first (reject bytes), else drop it
        std::string detail;  ///< for the log, client text already escaped
    };
    struct Opened {
        protocol::SessionId session;
        std::string private_name;  ///< "#user#daemon"
        bool wants_membership;
    };
    std::vector<Write> writes;  ///< in order, per session
    /// Sessions past their handshake: from now on their bytes are requests.
    std::vector<Opened> opened;
    /// Sessions that are over for their client: read nothing more from them and discard what is
    /// queued, including writes of this very output. The socket stays until their Close, which
    /// comes when the disconnect has been delivered in agreed order.
    std::vector<protocol::SessionId> stops;
    std::vector<Close> closes;  ///< after the writes
    /// A session is not to be read from, since it waits for a name or a verdict, or it is again.
    /// What is read all the same is kept, up to a limit.
    struct Pause {
        protocol::SessionId session;
        bool begins;
    };
    std::vector<Pause> pauses;  ///< in order, per session
    /// To be checked in any thread; on_password() takes the result. The next one comes after that.
    using PasswordCheck = session::PasswordCheck;
    std::vector<PasswordCheck> password_checks;
    std::vector<std::string> warnings;                ///< for the log, client text already escaped
    std::vector<membership::Submission> submissions;  ///< for the ring, in order
    std::optional<protocol::RingId> resume;           ///< for the ring, after the submissions

    void clear() {
        writes.clear();
        opened.clear();
        stops.clear();
        closes.clear();
        pauses.clear();
        password_checks.clear();
        warnings.clear();
        submissions.clear();
        resume.reset();
    }
};

struct SessionInfo {
    protocol::SessionId id;
    std::string private_name;  ///< "#user#daemon"; empty before the handshake is done
    std::string peer;
    bool wants_membership = false;
    std::size_t messages_queued = 0;
    std::size_t bytes_queued = 0;
};

/// All client sessions of one daemon, without their sockets: handshakes, request checks, names and
/// quota, the group engine, and the accounting of outbound queues. Pure: the daemon feeds it from
/// sockets, the simulator and the golden replays feed it from memory.
class SessionCore {
  public:
    SessionCore(SessionConfig config, membership::GroupConfig groups, protocol::Rng rng);
    ~SessionCore();

    /// Whether the peer of a session has closed its side, although what it sent before is not read
    /// yet. Asked when somebody else wants the session's name; without it, nobody has.
    void set_hang_up_probe(std::function<bool(protocol::SessionId)> probe);

    /// Who is admitted by address, and what the admitted may do; may be replaced at any time. Null:
    /// nobody is admitted by address; everybody may do everything.
    void set_address_rules(std::shared_ptr<const access::AddressRules> rules);
    void set_access_rules(std::shared_ptr<const access::AccessRules> rules);

    /// A connection was accepted. `peer` is printable, for logs. Over quota the reject byte goes
    /// out and the session closes; a SessionId is returned all the same.
    protocol::SessionId on_accept(protocol::Instant now, std::string peer, SessionOutput& out,
                                  const access::PeerAddress& address = {});

    /// Bytes from the client, in any fragmentation. They may live in `bytes` slices of a shared
    /// read buffer: multicast frames that lie wholly inside one slice are submitted without a copy,
    /// with their header normalised in place, so the caller must own the buffer's bytes until then.
    void on_bytes(protocol::Instant now, protocol::SessionId session, protocol::Slice bytes,
                  SessionOutput& out);

    /// The peer closed or the socket failed.
    void on_peer_closed(protocol::Instant now, protocol::SessionId session, SessionOutput& out);

    /// The result of a PasswordCheck, which is due also when its session has ended.
    void on_password(protocol::Instant now, protocol::SessionId session, bool is_right,
                     SessionOutput& out);

    /// The socket layer passed this many whole messages and bytes to the kernel.
    void on_sent(protocol::SessionId session, std::size_t messages, std::size_t bytes);

    /// From the ring, in order.
    void on_ring_event(protocol::Instant now, membership::DeliveryEvent event, SessionOutput& out);

    /// A reader has fallen behind and the policy is to wait for it: no ring event should come
    /// before this is false again.
    [[nodiscard]] bool is_blocked() const;
    /// Queued frames use more memory than they may: the session with the longest queue ends.
    void shed_load(protocol::Instant now, SessionOutput& out);

    /// Timers of handshakes and of blocking readers.
    void on_deadline(protocol::Instant now, SessionOutput& out);
    [[nodiscard]] std::optional<protocol::Instant> next_deadline() const;

    /// Closes every session (daemon stops).
    void shutdown(protocol::Instant now, SessionOutput& out);

    void set_session_messages_max(std::size_t messages);

    [[nodiscard]] const membership::GroupEngine& groups() const;
    [[nodiscard]] std::size_t session_count() const;
    [[nodiscard]] std::vector<SessionInfo> sessions() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace spread::session
