#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/session/outbound_queue.hpp"
#include "daemon/session/session_map.hpp"
#include "protocol/ids.hpp"
#include "protocol/message.hpp"
#include "protocol/time.hpp"

namespace spread::session {

struct OutboundLimits {
    std::size_t messages_max = 1000;        ///< of one client
    std::size_t bytes_max = 160U << 20U;    ///< of one client
    std::size_t all_bytes_max = 1U << 30U;  ///< of all clients; a shared frame counts once
    /// Everybody waits for a client whose queue is full, for so long; else that client is dropped.
    bool readers_are_awaited = false;
    protocol::Duration reader_timeout = std::chrono::seconds(5);
};

/// What is to come of the socket of a session that is over.
enum class Farewell : std::uint8_t {
    kLater,     ///< its queue is not written yet
    kShutDown,  ///< everything is written: shut down for writing, the peer may read in peace
    kRelease    ///< nobody needs the socket any more
};

/// The queues to all clients: who wants writing, and what may be queued at all.
///
/// A session's line goes through these states; whatever is not named here changes nothing:
///
///   kReplies    its handshake. open() -> kOpen, mute() -> kMuted, finish() -> kClosing
///   kOpen       takes what the ring brings. mute() -> kMuted, finish() -> kClosing
///   kMuted      takes nothing any more, its queue is dropped. finish() -> kClosing
///   kClosing    its last bytes are being written. All written -> kLingering
///   kLingering  waits for the peer to read them and close, for a while
///
/// remove() ends each of them. Pure; time and the socket's answers are arguments.
class Outbound {
  public:
    explicit Outbound(OutboundLimits limits) : limits_(limits) {}
    Outbound(const Outbound&) = delete;
    Outbound& operator=(const Outbound&) = delete;

    // Sessions. Except for add() and the queries, whoever is unknown is ignored.

    void add(protocol::SessionId id) { lines_.insert(id, {}); }
    void open(protocol::SessionId id);
    /// Nothing is written to it any more.
    void mute(protocol::SessionId id);
    /// No more is queued; what is there is written, then the peer gets time to read it.
    [[nodiscard]] Farewell finish(protocol::Instant now, protocol::SessionId id);
    /// The peer has closed its side, or the connection broke.
    [[nodiscard]] Farewell on_peer_closed(protocol::SessionId id, bool is_broken);
    void remove(protocol::SessionId id);
    /// It is over, only its socket is not.
    [[nodiscard]] bool is_finished(protocol::SessionId id) const;

    // Frames

    [[nodiscard]] FrameRef make_frame(protocol::Message bytes) {
        return FrameRef(std::move(bytes), &bytes_);
    }
    /// For one session, whatever the limits are.
    void reply(protocol::SessionId id, protocol::Message bytes);
    /// Whether the limits leave room for such a reply.
    [[nodiscard]] bool has_room(protocol::SessionId id, std::size_t bytes) const;

    /// What follows comes of one ring event, all at once: no socket can take the first frame before
    /// the last is queued, so they do not count against the limit on messages yet.
    void begin_event(protocol::Instant now);
    enum class Delivered : std::uint8_t {
        kIgnored,  ///< the session takes nothing
        kQueued,
        kQueuedLong,  ///< and the queue is more than half full, for the first time in a while
        kNoRoom       ///< it is full; nothing is queued
    };
    /// `may_wait`: a notice that may share a write with what comes within kNoticePause.
    [[nodiscard]] Delivered deliver(protocol::SessionId id, const FrameRef& frame, bool may_wait);

    // Writing

    /// Whose queue is to be written before more ring events are taken, because it grows large.
    [[nodiscard]] std::optional<protocol::SessionId> next_early() { return next_of(early_); }
    /// Whose queue is to be written. Each comes once, until it gets more.
    [[nodiscard]] std::optional<protocol::SessionId> next_wanted() { return next_of(wanted_); }
    [[nodiscard]] std::size_t wanted() const { return wanted_.ids.size() - wanted_.next; }
    /// What is to be written to a session that was added and not removed.
    [[nodiscard]] const OutboundQueue& queue(protocol::SessionId id) const;
    /// The socket took so much of it.
    struct Sent {
        bool is_more_left = false;
        Farewell farewell = Farewell::kLater;
    };
    [[nodiscard]] Sent on_sent(protocol::Instant now, protocol::SessionId id, std::size_t bytes);
    /// The socket takes no more until on_writable().
    void on_full(protocol::SessionId id);
    void on_writable(protocol::SessionId id);

    // Limits

    /// A reader that everybody waits for.
    [[nodiscard]] bool is_blocked() const { return blocking_ > 0; }
    /// One that others have waited for long enough. It comes until it is muted or has caught up.
    [[nodiscard]] std::optional<protocol::SessionId> overdue_reader(protocol::Instant now) const;
    /// Bytes in all queues.
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    /// Frames that were put into queues, each once per queue.
    [[nodiscard]] std::uint64_t frames() const { return frames_; }
    [[nodiscard]] bool is_over_limit() const { return bytes_ > limits_.all_bytes_max; }
    /// The open session with most bytes to write, of those the latest; none when all are empty.
    [[nodiscard]] std::optional<protocol::SessionId> longest() const;
    [[nodiscard]] bool is_all_written() const;

    // Time

    /// Notices that have waited long enough want writing. Only some at a time: the rest is due
    /// still.
    void on_deadline(protocol::Instant now);
    /// One that has lingered long enough. It comes until it is removed.
    [[nodiscard]] std::optional<protocol::SessionId> overdue_lingerer(protocol::Instant now) const;
    [[nodiscard]] std::optional<protocol::Instant> next_deadline() const;

    /// Notices to a session within so long of its last write share the next one.
    static constexpr protocol::Duration kNoticePause = std::chrono::milliseconds(1);
    static constexpr std::size_t kNoticesPerDeadline = 128;
    /// For how long a peer may take to read why it was rejected, and how many may at a time.
    static constexpr protocol::Duration kLingerTime = std::chrono::milliseconds(200);
    static constexpr std::size_t kLingeringMax = 1000;

  private:
    enum class State : std::uint8_t { kReplies, kOpen, kMuted, kClosing, kLingering };
    enum class Writing : std::uint8_t {
        kIdle,    ///< nothing to write, or notices only, which wait
        kWanted,  ///< listed in wanted_
        kFull     ///< waits for the socket
    };
    struct Line {
        OutboundQueue queue;
        std::uint64_t event = 0;          ///< the last one that brought it something
        std::size_t messages_before = 0;  ///< queued when that event came
        protocol::Instant written_at{};
        protocol::Instant awaited_until{};  ///< while is_awaited
        State state = State::kReplies;
        Writing writing = Writing::kIdle;
        bool has_notice_due = false;  ///< listed in notices_
        bool was_long = false;        ///< told so since the queue was short last
        bool is_awaited = false;      ///< its queue is full and everybody waits for it
        bool peer_has_closed = false;
    };
    struct List {
        std::vector<protocol::SessionId> ids;
        std::size_t next = 0;
    };
    using Appointment = std::pair<protocol::Instant, protocol::SessionId>;

    [[nodiscard]] bool is_full(const Line& line, std::size_t messages, std::size_t bytes) const;
    void append(protocol::SessionId id, Line& line, FrameRef frame, bool may_wait);
    [[nodiscard]] bool hold_notice(protocol::SessionId id, Line& line);
    void want(protocol::SessionId id, Line& line);
    [[nodiscard]] std::optional<protocol::SessionId> next_of(List& list);
    void look_at_length(Line& line);
    void stop_awaiting(Line& line);
    [[nodiscard]] Farewell farewell(protocol::Instant now, protocol::SessionId id, Line& line);

    OutboundLimits limits_;
    std::size_t bytes_ = 0;  ///< before lines_, whose frames are counted here
    SessionMap<Line> lines_;
    std::uint64_t events_ = 0;
    std::uint64_t frames_ = 0;
    protocol::Instant event_at_{};
    List wanted_;
    List early_;
    std::size_t blocking_ = 0;
    std::size_t lingering_ = 0;
    // Each in the order of time; some entries are void by the time they come up.
    std::deque<Appointment> notices_;
    std::deque<Appointment> awaited_;
    std::deque<Appointment> lingerers_;
};

}  // namespace spread::session
