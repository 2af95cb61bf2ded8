#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "daemon/clients/access_files.hpp"
#include "daemon/clients/batch_scheduling.hpp"
#include "daemon/clients/outbound_queue.hpp"
#include "daemon/clients/password_check.hpp"
#include "daemon/host/endpoint.hpp"
#include "daemon/host/event_set.hpp"
#include "daemon/host/load_meter.hpp"
#include "daemon/host/logging.hpp"
#include "daemon/host/unique_fd.hpp"
#include "daemon/ring/ring_link.hpp"
#include "daemon/ring/ring_thread.hpp"
#include "daemon/session/session_core.hpp"
#include "membership/events.hpp"

namespace spread::daemon {

/// The session thread: sockets of clients, and the far end of the ring's queues. All protocol
/// decisions are SessionCore's; this class moves bytes.
///
/// One turn of its loop: take deliveries from the ring, write what became ready once per client,
/// then see which sockets are ready, read some, pass submissions on. Sockets are watched for edges
/// (EPOLLET): what is known to be readable stays so until a read says otherwise, and nothing is
/// re-armed. When the submit queue is full, requests are not read until the ring thread has taken
/// half of it; handshakes go on. While a reader blocks (SlowReaderPolicy), neither requests are
/// read nor deliveries taken: the ring slows down until it has caught up.
class SessionServer {
  public:
    using ConfigurationHook = std::function<void(const membership::ConfigurationChange&)>;

    struct Settings {
        bool session_log = false;  ///< a line for each connect and disconnect
        std::size_t session_messages_max = 1000;
        /// What the queues of all clients hold together at most; shared messages count once.
        std::size_t queued_bytes_max = std::size_t{1} << 30U;
        /// The ring's work is taken over while both threads together use less than this share of a
        /// processor, and given back when one, doing both, uses more than the second.
        float calm_share = 0.7F;
        float busy_share = 0.85F;
    };

    /// `link` must outlive this object.
    SessionServer(std::unique_ptr<session::SessionCore> core, RingLink& link, Settings settings);
    ~SessionServer();
    SessionServer(const SessionServer&) = delete;
    SessionServer& operator=(const SessionServer&) = delete;

    /// Called on each configuration, before its sessions hear of it.
    void on_configuration(ConfigurationHook hook) { configuration_hook_ = std::move(hook); }

    /// As long as one processor is enough for both, the ring's work is done by this thread, too.
    /// `ring` must outlive it.
    void share_work_of(RingThread& ring) { ring_ = &ring; }

    /// Starts the session thread, with all signals blocked. It calls `ended` as its last act.
    void start(std::function<void()> ended);
    /// Until the session thread has ended.
    void wait();

    // From any thread:

    /// A new client.
    void take_in(UniqueFd fd, const Endpoint& peer, bool is_unix);
    /// Clients handed over that the session thread has not seen yet.
    [[nodiscard]] std::size_t clients_to_take_in() const {
        return clients_to_take_in_.load(std::memory_order_relaxed);
    }
    /// Who may come in and what they may do; may be replaced at any time. Without `controls` rules
    /// are not asked at all. The session thread calls `done` once it is so.
    void set_access(const AccessSetup& access, bool controls, std::function<void()> done = {});
    /// Leaves the ring, flushes what clients still get, ends the thread.
    void stop();

  private:
    struct Connection {
        protocol::SessionId id;
        UniqueFd fd;
        OutboundQueue queue;
        std::string peer;
        bool reading = true;
        bool readable = false;      ///< there may be something to read, or the end
        bool input_ended = false;   ///< the kernel has said that the end will come
        bool read_listed = false;   ///< listed in ready_ or unread_
        bool opened = false;        ///< past its handshake
        bool unflushed = false;     ///< listed in unflushed_
        bool notice_waits = false;  ///< listed in notices_
        protocol::Instant written_at{};
        bool write_waiting = false;  ///< the kernel's buffer is full
        bool write_watched = false;  ///< the kernel will say when it is not
        /// Closed for the core; lives on until its queue is written and the peer has read it.
        bool closing = false;
        bool shut = false;
        bool deaf = false;    ///< takes no more writes; its input is still read to the end
        bool paused = false;  ///< waits for a name or a verdict; not read meanwhile
    };

    void run();
    void post(std::function<void()> letter);
    void read_mail();
    void add_client(UniqueFd fd, const Endpoint& peer, bool is_unix);

    [[nodiscard]] std::optional<protocol::Duration> time_left();
    void wait_for_events(std::optional<protocol::Duration> timeout);
    void on_event(const epoll_event& event);
    void read_ready();
    void on_deadlines();

    void wait_read(Connection& connection);
    void on_readable(protocol::SessionId id);
    [[nodiscard]] static ssize_t receive(Connection& connection, std::byte* to, std::size_t most);
    void discard_input(Connection& connection);
    void wait_write(Connection& connection);
    void stop_writing(Connection& connection);
    void on_peer_gone(protocol::SessionId id);
    Connection* find(protocol::SessionId id);

    bool take_deliveries();
    bool push_submissions();
    [[nodiscard]] bool has_work();
    [[nodiscard]] bool may_read() const;
    void resume_readers();
    void apply();
    void close(const session::SessionOutput::Close& close);
    void finish_closing(Connection& connection);
    void erase(protocol::SessionId id);
    void drain_input();
    [[nodiscard]] bool hold_notice(Connection& connection);
    void flush_notices();
    void flush_all();
    void flush_one(Connection& connection);
    void log_close(const session::SessionOutput::Close& close, const Connection* connection);
    void set_passwords(std::shared_ptr<const access::PasswordFile> file);
    void check_password(session::SessionOutput::PasswordCheck& check);
    void on_password(protocol::SessionId id, bool is_good);
    [[nodiscard]] bool has_hung_up(protocol::SessionId id);
    void log_warnings();
    void shed_load();
    void note_opened(const session::SessionOutput::Opened& opened);

    [[nodiscard]] bool watch_ring();
    /// By our own state: the ring thread may take back what it has just handed over.
    [[nodiscard]] bool has_ring() const { return !ring_watched_.empty(); }
    void give_ring_back_for_long();
    void work_for_ring();
    void give_ring_back();
    void weigh_load();

    void begin_stop();
    void stop_turn();

    RingThread* ring_ = nullptr;
    std::vector<RingThread::Watched> ring_watched_;  ///< while we have the ring's work
    std::vector<epoll_event> ring_events_;
    float calm_share_;
    float busy_share_;
    LoadMeter load_;
    BatchScheduling batch_;
    protocol::Duration calm_needed_;  ///< before the ring's work is asked for
    protocol::Instant calm_since_{};  ///< both threads have had little to do since then
    protocol::Instant ring_taken_at_{};
    protocol::Instant woken_at_{};  ///< when this turn began

    EventSet events_;
    /// Many, so that sockets of clients do not keep those of the ring waiting.
    std::array<epoll_event, 512> event_room_{};

    std::unique_ptr<session::SessionCore> core_;
    RingLink& link_;
    bool session_log_;
    std::size_t early_flush_messages_;
    int deliveries_per_turn_;
    ConfigurationHook configuration_hook_;
    std::size_t queued_bytes_max_;
    std::size_t queued_bytes_ = 0;  ///< of frames in queues; before connections_, which hold them
    std::size_t lingering_ = 0;     ///< connections that are shut and wait for their peers
    /// When they have waited long enough, in that order; some are gone before.
    std::deque<std::pair<protocol::Instant, protocol::SessionId>> linger_until_;

    std::unordered_map<protocol::SessionId, std::unique_ptr<Connection>> connections_;
    std::vector<protocol::SessionId> unflushed_;
    std::vector<protocol::SessionId> flushing_;
    /// Who has notices that wait for others, and until when; in that order.
    std::deque<std::pair<protocol::Instant, protocol::SessionId>> notices_;
    protocol::Instant turn_at_{};             ///< when the ring's events of this turn were taken
    std::deque<protocol::SessionId> ready_;   ///< readable, each listed once
    std::deque<protocol::SessionId> unread_;  ///< readable, waiting for room in the submit queue
    session::SessionOutput out_;
    /// Submissions that found their queue full. Bounded: clients are not read while there are any.
    std::deque<membership::Submission> waiting_submissions_;
    std::deque<ControlItem> waiting_control_;

    /// Clients' bytes are read here, one behind the other; messages keep the block alive.
    protocol::BufferRef read_block_;
    std::size_t read_block_used_ = 0;

    enum class Phase : std::uint8_t { kServing, kLeaving, kFlushing, kStopped };
    Phase phase_ = Phase::kServing;
    protocol::Instant stop_by_{};
    RateLimit accept_limit_{std::chrono::seconds(10)};
    RateLimit rejected_limit_{std::chrono::milliseconds(100)};
    RateLimit warning_limit_{std::chrono::milliseconds(100)};

    std::mutex mail_mutex_;
    std::vector<std::function<void()>> mail_;  ///< guarded by mail_mutex_
    std::vector<std::function<void()>> letters_;
    std::atomic<bool> mail_waiting_{false};
    std::atomic<std::size_t> clients_to_take_in_{0};
    std::unique_ptr<PasswordChecker> passwords_;  ///< after the mail: its thread writes letters
    std::thread thread_;
};

}  // namespace spread::daemon
