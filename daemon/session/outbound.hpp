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
    std::size_t messages_max = 1000;      ///< of one client
    std::size_t bytes_max = 160U << 20U;  ///< of one client
    /// True: everybody waits for a client whose queue is full, for `reader_timeout` at most, after
    /// which the client is dropped. False: it is dropped at once.
    bool readers_are_awaited = false;
    protocol::Duration reader_timeout = std::chrono::seconds(5);
};

/// What is to be done with the socket of a session that is over.
enum class Farewell : std::uint8_t {
    kLater,     ///< nothing yet: its queue is not written
    kShutDown,  ///< shut it down for writing: all is written, and the peer gets time to read it
    kRelease    ///< close it
};

/// The queues to all clients: who wants writing, and what may be queued at all.
///
/// A session's line goes through these states; calls that are not named here change nothing:
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

    // Sessions. Except in add() and the queries, unknown identifiers are ignored.

    void add(protocol::SessionId id) { lines_.insert(id, {}); }
    void open(protocol::SessionId id);
    /// Nothing is written to it any more.
    void mute(protocol::SessionId id);
    /// No more is queued; what is there is written, then the peer gets time to read it.
    [[nodiscard]] Farewell finish(protocol::Instant now, protocol::SessionId id);
    /// The peer has closed its side, or the connection broke.
    [[nodiscard]] Farewell on_peer_closed(protocol::SessionId id, bool is_broken);
    void remove(protocol::SessionId id);
    /// The session is over, but its socket is still in use.
    [[nodiscard]] bool is_finished(protocol::SessionId id) const;

    // Frames

    [[nodiscard]] FrameRef make_frame(protocol::Message bytes) {
        return FrameRef(std::move(bytes), &bytes_);
    }
    /// For one session, whatever the limits are.
    void reply(protocol::SessionId id, protocol::Message bytes);
    /// Whether the limits leave room for such a reply.
    [[nodiscard]] bool has_room(protocol::SessionId id, std::size_t bytes) const;

    /// A ring event begins. All frames it brings are queued before any socket can take the first
    /// one, so they do not count against the limit on messages until the next event.
    void begin_event(protocol::Instant now);
    /// The same event brings more, later.
    void go_on_with_event(protocol::Instant now) { event_at_ = now; }
    enum class Delivered : std::uint8_t {
        kIgnored,  ///< the session takes nothing
        kQueued,
        kQueuedLong,  ///< queued, and half full; once until the queue is down to a quarter
        kNoRoom       ///< the queue is full; nothing is queued
    };
    /// `may_wait`: the frame is a notice that may be held back to share a write with others.
    [[nodiscard]] Delivered deliver(protocol::SessionId id, const FrameRef& frame, bool may_wait);

    // Writing

    /// A session whose queue has grown large: to be written before more ring events are taken.
    [[nodiscard]] std::optional<protocol::SessionId> next_early() { return next_of(early_); }
    /// A session whose queue is to be written. Each is named once, and again when it gets more.
    [[nodiscard]] std::optional<protocol::SessionId> next_wanted() { return next_of(wanted_); }
    [[nodiscard]] std::size_t wanted() const { return wanted_.ids.size() - wanted_.next; }
    /// Frames queued for it so far, and whether its queue is long (kQueuedLong); of a session that
    /// was added and not removed.
    struct Record {
        std::uint64_t frames = 0;
        bool is_long = false;
        protocol::Instant long_since{};  ///< while it is
    };
    [[nodiscard]] Record record(protocol::SessionId id) const;
    /// What is to be written to a session that was added and not removed.
    [[nodiscard]] const OutboundQueue& queue(protocol::SessionId id) const;
    /// The socket took so much of it.
    struct Sent {
        bool is_more_left = false;
        Farewell farewell = Farewell::kLater;
        /// Its queue is short again: how many messages were in it at most, and for how long it was
        /// long.
        struct CaughtUp {
            std::size_t messages_most = 0;
            protocol::Duration after{};
        };
        std::optional<CaughtUp> caught_up{};
    };
    [[nodiscard]] Sent on_sent(protocol::Instant now, protocol::SessionId id, std::size_t bytes);
    /// The socket takes no more until on_writable().
    void on_full(protocol::SessionId id);
    /// Enough has been written to it for now: it is to be written again.
    void on_put_off(protocol::SessionId id);
    void on_writable(protocol::SessionId id);

    // Limits

    /// A reader that everybody waits for.
    [[nodiscard]] bool is_blocked() const { return blocking_ > 0; }
    /// A reader for which the others have waited for `reader_timeout`. Named again at each call
    /// until it is muted or has caught up.
    [[nodiscard]] std::optional<protocol::SessionId> overdue_reader(protocol::Instant now) const;
    /// Bytes in all queues; a shared frame counts once.
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    /// Frames that were put into queues, each once per queue.
    [[nodiscard]] std::uint64_t frames() const { return frames_; }
    /// The open session with most bytes to write, the latest of several; none when all are empty.
    [[nodiscard]] std::optional<protocol::SessionId> longest() const;
    [[nodiscard]] bool is_all_written() const;

    // Time

    /// Sessions whose notices have waited for kNoticePause are to be written. Handles at most
    /// kNoticesPerDeadline of them; the others stay due.
    void on_deadline(protocol::Instant now);
    /// A session that has lingered for kLingerTime. Named again at each call until it is removed.
    [[nodiscard]] std::optional<protocol::SessionId> overdue_lingerer(protocol::Instant now) const;
    [[nodiscard]] std::optional<protocol::Instant> next_deadline() const;

    /// Notices that come within this time of a session's last write are held back and share the
    /// next write.
    static constexpr protocol::Duration kNoticePause = std::chrono::milliseconds(1);
    static constexpr std::size_t kNoticesPerDeadline = 128;
    /// How long a peer of a closed session may take to read its last bytes, and how many may do so
    /// at a time.
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
        std::uint64_t frames = 0;         ///< that were queued
        std::uint64_t event = 0;          ///< the last one that brought it something
        std::size_t messages_before = 0;  ///< queued when that event came
        std::size_t messages_most = 0;    ///< queued while was_long
        protocol::Instant long_since{};   ///< while was_long
        protocol::Instant written_at{};
        protocol::Instant awaited_until{};  ///< while is_awaited
        State state = State::kReplies;
        Writing writing = Writing::kIdle;
        bool has_notice_due = false;  ///< listed in notices_
        bool was_long = false;        ///< kQueuedLong was returned, and is not due again yet
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
    [[nodiscard]] std::optional<Sent::CaughtUp> look_at_length(protocol::Instant now, Line& line);
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
    // Each in the order of time. An entry may be out of date when its time comes.
    std::deque<Appointment> notices_;
    std::deque<Appointment> awaited_;
    std::deque<Appointment> lingerers_;
};

}  // namespace spread::session
