#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "membership/engine_output.hpp"
#include "membership/last_heard.hpp"
#include "membership/received_from.hpp"
#include "membership/ring_config.hpp"
#include "membership/ring_stats.hpp"
#include "membership/trace.hpp"
#include "protocol/buffer.hpp"
#include "protocol/ids.hpp"
#include "protocol/rng.hpp"
#include "protocol/time.hpp"

namespace spread::ordering {
class SendQueue;
}  // namespace spread::ordering

namespace spread::membership {

enum class SubmitStatus : std::uint8_t {
    kAccepted,
    kFull  ///< try again when send_queue_has_room(); nothing was taken
};

enum class ReadPreference : std::uint8_t { kDataFirst, kTokenFirst };

enum class RingState : std::uint8_t { kOperational, kGather, kCommit, kRecovery };

/// One daemon's part in the ring: total order (Totem single-ring, with the accelerated token) and
/// membership with extended virtual synchrony. A state machine without I/O: the host supplies time,
/// datagrams and entropy, and carries out what EngineOutput says.
///
/// References: Amir, Moser, Melliar-Smith, Agarwal, Ciarfella, "The Totem single-ring ordering and
/// membership protocol", TOCS 1995; Moser, Amir, Melliar-Smith, Agarwal, "Extended virtual
/// synchrony", ICDCS 1994; Babay, Amir, "Fast total ordering for modern data centers", ICDCS 2016.
class RingEngine {
  public:
    /// `pool` supplies the datagram buffers (blocks of at least datagram_bytes_max) and `tracer`
    /// hears state changes; both must outlive the engine.
    RingEngine(RingConfig config, protocol::Incarnation incarnation, std::uint64_t ring_counter,
               protocol::Rng rng, protocol::BufferPool& pool, Tracer& tracer);
    ~RingEngine();
    RingEngine(const RingEngine&) = delete;
    RingEngine& operator=(const RingEngine&) = delete;

    void on_start(protocol::Instant now, EngineOutput& out);
    /// A datagram as received. Anything malformed, foreign or stale is counted and dropped.
    void on_packet(protocol::Instant now, Arrival arrival, const protocol::Slice& datagram,
                   EngineOutput& out, Vouched vouched = Vouched::kByChecksum);
    /// Call at or after next_deadline(), after draining the sockets.
    void on_deadline(protocol::Instant now, EngineOutput& out);
    /// on_deadline() would give somebody up for want of a packet, which may be in a socket.
    [[nodiscard]] bool would_give_up(protocol::Instant now) const;
    /// The host wanted to run `late` ago. When that is long, nobody is given up before the packets
    /// that it has missed were read, and others who stood still with it had time to speak. To be
    /// called first.
    void on_late(protocol::Instant now, protocol::Duration late, EngineOutput& out);
    /// The host should run at least so often, so that it notices when it does not.
    [[nodiscard]] protocol::Duration pulse() const;
    /// The kernel of `peer` said that nobody listens there.
    void on_peer_unreachable(protocol::Instant now, protocol::DaemonId peer, EngineOutput& out);
    /// Our own kernel refuses to send to `peer`.
    void on_send_refused(protocol::Instant now, protocol::DaemonId peer);
    /// Whether this host carries our own address, on an interface with a link; it does at first.
    void set_own_address(protocol::Instant now, bool is_here);
    /// A partition for testing: until then, packets of `daemons` are as good as lost. Replaces the
    /// last one; no daemons end it.
    void cut_off(const protocol::MemberList& daemons, protocol::Instant until);
    /// Whom cut_off() cuts off at that time.
    [[nodiscard]] protocol::MemberList cut_off(protocol::Instant now) const;
    /// Windows from now on; see RingConfig::change_windows().
    void change_windows(const WindowChange& change);
    /// Graceful shutdown: tells the ring to go on without us. The engine is silent afterwards.
    void on_leave(protocol::Instant now, EngineOutput& out);

    /// Takes `submission` unless the queue is full; it is moved from only when accepted. Call
    /// on_submitted() after one or more of them.
    [[nodiscard]] SubmitStatus submit(Submission&& submission);
    /// Submissions were made: a quiet ring sends them at once, all together.
    void on_submitted(protocol::Instant now, EngineOutput& out);
    /// After each regular configuration ordinary messages wait until the host resumes that ring;
    /// control messages do not wait.
    void resume(protocol::Instant now, protocol::RingId ring, EngineOutput& out);
    /// `daemons` are members of `ring`, but the group layer waits for their state in vain. Gathers
    /// without them, and does not hear them for a while.
    void give_up(protocol::Instant now, protocol::RingId ring, const protocol::MemberList& daemons,
                 EngineOutput& out);
    /// How many deliveries the host can take now; more stay in the engine, whose aru then stops, so
    /// that the ring slows down. Configuration changes are always handed over. Unlimited at first.
    void set_delivery_room(protocol::Instant now, std::size_t deliveries, EngineOutput& out);

    [[nodiscard]] std::optional<protocol::Instant> next_deadline() const;
    /// Counter of the last ring that this daemon installed or helps to form. So that the daemon's
    /// next life does not repeat it, the host stores it before it carries out the output of the
    /// call that raised it.
    [[nodiscard]] std::uint64_t ring_counter() const;
    [[nodiscard]] bool send_queue_has_room() const;
    [[nodiscard]] const ordering::SendQueue& send_queue() const;
    /// How much of the room granted last is left.
    [[nodiscard]] std::size_t delivery_room() const;
    [[nodiscard]] ReadPreference read_preference() const;
    [[nodiscard]] RingState state() const;
    [[nodiscard]] const protocol::RingId& ring_id() const;      ///< last installed regular ring
    [[nodiscard]] const protocol::MemberList& members() const;  ///< of that ring
    [[nodiscard]] const RingStats& stats() const;
    [[nodiscard]] const RingConfig& config() const;
    [[nodiscard]] const LastHeard& last_heard() const;
    [[nodiscard]] const ReceivedFrom& received_from() const;
    /// Checksum of RingConfig::settings, as joins carry it.
    [[nodiscard]] std::uint32_t settings_sum() const;
    /// By configuration position, those whose last join or probe shows another one.
    [[nodiscard]] protocol::DaemonSet with_other_settings() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace spread::membership
