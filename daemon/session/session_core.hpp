#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/access/access_rules.hpp"
#include "daemon/access/address_rules.hpp"
#include "daemon/access/ban_list.hpp"
#include "daemon/access/peer_address.hpp"
#include "daemon/session/outbound_queue.hpp"
#include "daemon/session/session_config.hpp"
#include "daemon/session/session_output.hpp"
#include "daemon/session/traffic.hpp"
#include "membership/events.hpp"
#include "membership/groups/group_engine.hpp"
#include "protocol/ids.hpp"
#include "protocol/message.hpp"
#include "protocol/rng.hpp"
#include "protocol/session_wire.hpp"
#include "protocol/time.hpp"
#include "sealing/key_agreement.hpp"

namespace spread::session {

/// Whether a session's socket is to be read from.
enum class Reading : std::uint8_t {
    kOver,       ///< no: the session takes no more bytes
    kPaused,     ///< no, while it waits for a name or a verdict, or has used up its limit; a few
                 ///< bytes would still be kept
    kHandshake,  ///< yes, also while requests have to wait
    kRequests,   ///< yes, except while requests have to wait
    kAhead,      ///< yes, and while requests have to wait at most Overtaking::kQuantum bytes
    kDiscard     ///< yes, and drop the bytes: a reset would take the peer's unread bytes away
};

struct SessionInfo {
    protocol::SessionId id;
    std::string private_name;  ///< "#user#daemon"; empty before the handshake is done
    std::string peer;
    bool wants_membership = false;
    std::size_t messages_queued = 0;
    std::size_t bytes_queued = 0;
    std::string login;        ///< proved with a password; else empty
    std::string tls;          ///< "TLSv1.3"; empty: plain text
    std::string certificate;  ///< the name in the one it showed; else empty
    protocol::SpreadVersion library;
    protocol::Instant accepted_at{};
    std::size_t groups = 0;
    std::uint64_t messages_in = 0;   ///< multicasts taken from it
    std::uint64_t messages_out = 0;  ///< frames queued for it so far
    bool is_slow = false;            ///< its queue was half full and has not shrunk since
    bool is_ending = false;          ///< its disconnect is on its way
    protocol::Instant slow_since{};  ///< while it is slow
};

/// What becomes of a client's TLS, which is not this class's business, before the session begins.
struct TlsNews {
    enum class Kind : std::uint8_t {
        kBegun,    ///< it has begun a handshake
        kDone,     ///< bytes that come from now on are decrypted
        kFailed,   ///< the session ends; what still comes is read and dropped
        kMissing,  ///< it speaks in plain text, and must not: it is refused
    };
    Kind kind = Kind::kBegun;
    std::string version{};      ///< of kDone
    std::string certificate{};  ///< of kDone: the name in its certificate; may be empty
    std::string why{};          ///< of kFailed, printable
};

/// All client sessions of one daemon, without their sockets: handshakes, request checks, names and
/// quota, the group engine, and the queues to the clients. Pure: the daemon feeds it from sockets,
/// the simulator and the tests feed it from memory.
///
/// The owner of the sockets hands in what it reads as long as reading() says so, writes what
/// next_write() and outbound() tell it to, reports what became of that, and keeps a socket until
/// its release.
class SessionCore {
  public:
    /// `keys` gets the ring messages about keys; null, or outlives this object.
    SessionCore(SessionConfig config, membership::GroupConfig groups, protocol::Rng rng,
                sealing::KeyAgreement* keys = nullptr);
    ~SessionCore();

    /// `probe` tells whether the peer of a session has closed its side, although not all that it
    /// sent before is read. Called when another session wants the name, and before a password
    /// check. Without a probe no peer counts as having closed its side.
    void set_hang_up_probe(std::function<bool(protocol::SessionId)> probe);

    /// Who is admitted by address, and what the admitted may do; may be replaced at any time. Null:
    /// nobody is admitted by address; everybody may do everything.
    void set_address_rules(std::shared_ptr<const access::AddressRules> rules);
    void set_access_rules(std::shared_ptr<const access::AccessRules> rules);

    // Clients

    /// A connection was accepted. `peer` is printable, for logs. Over quota the reject byte is
    /// queued and the session closes; a SessionId is returned all the same.
    protocol::SessionId on_accept(protocol::Instant now, std::string peer, SessionOutput& out,
                                  const access::PeerAddress& address = {});
    [[nodiscard]] Reading reading(protocol::SessionId session) const;
    /// Bytes from the client, in any fragmentation. They may live in `bytes` slices of a shared
    /// read buffer: multicast frames that lie wholly inside one slice are submitted without a copy,
    /// with their header normalised in place, so nobody else may use the bytes before.
    void on_bytes(protocol::Instant now, protocol::SessionId session, protocol::Slice bytes,
                  SessionOutput& out);
    /// Before the first bytes of the session, which may have ended meanwhile. A handshake counts as
    /// part of that of the session, and has the same time.
    void on_tls(protocol::Instant now, protocol::SessionId session, const TlsNews& news,
                SessionOutput& out);
    /// A read found the end of the stream, or failed, in which case the connection is `broken`.
    void on_peer_closed(protocol::Instant now, protocol::SessionId session, SessionOutput& out,
                        bool broken = false);
    /// The result of a PasswordCheck. To be called also when the session has ended meanwhile.
    void on_password(protocol::Instant now, protocol::SessionId session, bool is_right,
                     SessionOutput& out);

    // Writing

    /// For the end of a turn: a session whose queue is to be written. Each is named once, and again
    /// when it gets more. While some are left no ring event should be handed in: what they have not
    /// been offered would look like slow reading.
    [[nodiscard]] std::optional<protocol::SessionId> next_write();
    /// A session whose queue has grown large: to be written before the next ring event is handed
    /// in.
    [[nodiscard]] std::optional<protocol::SessionId> next_early_write();
    /// How many next_write() would name.
    [[nodiscard]] std::size_t writes_wanted() const;
    /// The bytes to write; of a session that is not released. OutboundQueue::for_each_slice()
    /// gathers them.
    [[nodiscard]] const OutboundQueue& outbound(protocol::SessionId session) const;
    /// The socket took `bytes` of the queue. True while there is more to write.
    bool on_sent(protocol::Instant now, protocol::SessionId session, std::size_t bytes,
                 SessionOutput& out);
    /// It may take more, but not in this turn: next_write() names it again.
    void on_write_put_off(protocol::SessionId session);
    /// The socket takes no more bytes until on_writable().
    void on_write_blocked(protocol::SessionId session);
    void on_writable(protocol::SessionId session);
    /// The socket will never take bytes again: the session gets nothing more. What its peer sent
    /// before is still read, up to the end of the stream.
    void on_write_failed(protocol::SessionId session, SessionOutput& out);
    [[nodiscard]] bool is_all_written() const;
    struct Queued {
        std::size_t bytes;     ///< in the queues of all sessions; what several share counts once
        std::uint64_t frames;  ///< put into queues since the start, each once per queue
    };
    [[nodiscard]] Queued queued() const;

    // Ring

    /// A turn of the owner's loop begins: so many units (membership::WorkBudget) may be spent on
    /// ring events until the next one. Without turns everything is done at once. `stamped` is how
    /// far the submissions are, which shows who may go ahead of others.
    void begin_turn(std::size_t units, const ordering::SendProgress& stamped = {});
    [[nodiscard]] bool turn_is_spent() const;
    /// From the ring, in order. What the turn has no room for is left to work().
    void on_ring_event(protocol::Instant now, membership::DeliveryEvent&& event,
                       SessionOutput& out);
    /// The last ring event is not done yet: no other should be handed in before it is.
    [[nodiscard]] bool has_work() const;
    void work(protocol::Instant now, SessionOutput& out);
    /// A reader has fallen behind and the policy is to wait for it: neither ring events nor
    /// requests should be handed in, and no work be done, until this is false again.
    [[nodiscard]] bool is_blocked() const;
    /// How many ring events at most should be handed in before queues are written; after more, a
    /// burst would look like slow readers.
    [[nodiscard]] std::size_t events_per_turn() const;

    // Time

    /// Timers of handshakes, blocking readers, notices, lingering sockets. next_write() then names
    /// the sessions to be written.
    void on_deadline(protocol::Instant now, SessionOutput& out);
    [[nodiscard]] std::optional<protocol::Instant> next_deadline() const;
    /// The process has no memory left, or enough again. While it is short of it, half of what waits
    /// for clients is dropped with each call, the longest queues first, and newcomers and joins are
    /// refused.
    void on_memory(protocol::Instant now, bool is_short, SessionOutput& out);
    /// An operator ends the session of this private name, for a printable `reason`. False: there is
    /// none.
    bool kick(protocol::Instant now, std::string_view private_name, std::string_view reason,
              SessionOutput& out);
    /// An operator keeps clients out: they are refused until the ban's end, and the sessions it is
    /// about end. How many these are; nothing: there is no room for one more ban.
    std::optional<std::size_t> ban(protocol::Instant now, access::Ban ban, SessionOutput& out);
    [[nodiscard]] access::BanList& bans();
    /// Closes every session once its queue is written (daemon stops).
    void shutdown(protocol::Instant now, SessionOutput& out);

    // Looking inside

    [[nodiscard]] const membership::GroupEngine& groups() const;
    [[nodiscard]] const Traffic& traffic() const;
    /// Sessions, without those that are over and wait for their release.
    [[nodiscard]] std::size_t session_count() const;
    [[nodiscard]] std::vector<SessionInfo> sessions() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace spread::session
