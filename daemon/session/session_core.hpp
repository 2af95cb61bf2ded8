#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/access/access_rules.hpp"
#include "daemon/access/address_rules.hpp"
#include "daemon/access/peer_address.hpp"
#include "daemon/session/outbound_queue.hpp"
#include "daemon/session/session_config.hpp"
#include "daemon/session/session_output.hpp"
#include "membership/events.hpp"
#include "membership/groups/group_engine.hpp"
#include "protocol/ids.hpp"
#include "protocol/message.hpp"
#include "protocol/rng.hpp"
#include "protocol/time.hpp"

namespace spread::session {

/// Whether a session's socket is to be read from.
enum class Reading : std::uint8_t {
    kOver,    ///< no more: what comes is nobody's business
    kPaused,  ///< it waits for a name or a verdict; a little of what is read all the same is kept
    kHandshake,  ///< even while requests have to wait
    kRequests,
    kDiscard  ///< to the end, so that the peer is not cut off from what it has not read
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
/// quota, the group engine, and the queues to the clients. Pure: the daemon feeds it from sockets,
/// the simulator and the tests feed it from memory.
///
/// The owner of the sockets hands in what it reads as long as reading() says so, writes what
/// next_write() and outbound() tell it to, reports what became of that, and keeps a socket until
/// its release.
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

    // Clients

    /// A connection was accepted. `peer` is printable, for logs. Over quota the reject byte is
    /// queued and the session closes; a SessionId is returned all the same.
    protocol::SessionId on_accept(protocol::Instant now, std::string peer, SessionOutput& out,
                                  const access::PeerAddress& address = {});
    [[nodiscard]] Reading reading(protocol::SessionId session) const;
    /// Bytes from the client, in any fragmentation. They may live in `bytes` slices of a shared
    /// read buffer: multicast frames that lie wholly inside one slice are submitted without a copy,
    /// with their header normalised in place, so the caller must own the buffer's bytes until then.
    void on_bytes(protocol::Instant now, protocol::SessionId session, protocol::Slice bytes,
                  SessionOutput& out);
    /// Reading met the end of what the peer sends, or an error: the connection is `broken`.
    void on_peer_closed(protocol::Instant now, protocol::SessionId session, SessionOutput& out,
                        bool broken = false);
    /// The result of a PasswordCheck, which is due also when its session has ended.
    void on_password(protocol::Instant now, protocol::SessionId session, bool is_right,
                     SessionOutput& out);

    // Writing

    /// Whose queue is to be written now, each once until it gets more; at the end of a turn.
    [[nodiscard]] std::optional<protocol::SessionId> next_write();
    /// The same, before the next ring event is handed in: its queue grows large.
    [[nodiscard]] std::optional<protocol::SessionId> next_early_write();
    /// How many next_write() would name.
    [[nodiscard]] std::size_t writes_wanted() const;
    /// The bytes to write; of a session that is not released. OutboundQueue::for_each_slice()
    /// gathers them.
    [[nodiscard]] const OutboundQueue& outbound(protocol::SessionId session) const;
    /// The socket took so many bytes of that. True while there is more to write.
    bool on_sent(protocol::Instant now, protocol::SessionId session, std::size_t bytes,
                 SessionOutput& out);
    /// It takes no more, until it does again.
    void on_write_blocked(protocol::SessionId session);
    void on_writable(protocol::SessionId session);
    /// It never will: the session gets nothing more, but what its peer sent before it went still
    /// counts. Reading meets the end of the stream after that.
    void on_write_failed(protocol::SessionId session, SessionOutput& out);
    [[nodiscard]] bool is_all_written() const;
    /// In the queues of all sessions; a frame that several share counts once.
    [[nodiscard]] std::size_t bytes_queued() const;
    /// Frames put into queues since the start, each once per queue.
    [[nodiscard]] std::uint64_t frames_queued() const;

    // Ring

    /// From the ring, in order.
    void on_ring_event(protocol::Instant now, membership::DeliveryEvent event, SessionOutput& out);
    /// A reader has fallen behind and the policy is to wait for it: no ring event should come
    /// before this is false again, and no requests.
    [[nodiscard]] bool is_blocked() const;
    /// So many ring events may come before queues are written, or a burst looks like slow readers.
    [[nodiscard]] std::size_t events_per_turn() const;

    // Time

    /// Timers of handshakes, blocking readers, notices, lingering sockets. What wants writing after
    /// that is for next_write().
    void on_deadline(protocol::Instant now, SessionOutput& out);
    [[nodiscard]] std::optional<protocol::Instant> next_deadline() const;
    /// Closes every session once its queue is written (daemon stops).
    void shutdown(protocol::Instant now, SessionOutput& out);

    // Looking inside

    [[nodiscard]] const membership::GroupEngine& groups() const;
    /// Without those that are over and wait for their release.
    [[nodiscard]] std::size_t session_count() const;
    [[nodiscard]] std::vector<SessionInfo> sessions() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace spread::session
