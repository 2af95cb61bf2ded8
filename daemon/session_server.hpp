#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "daemon/access_files.hpp"
#include "daemon/listeners.hpp"
#include "daemon/load_meter.hpp"
#include "daemon/logging.hpp"
#include "daemon/outbound_queue.hpp"
#include "daemon/password_check.hpp"
#include "daemon/ring_link.hpp"
#include "daemon/ring_thread.hpp"
#include "daemon/session/session_core.hpp"
#include "membership/events.hpp"

namespace spread::daemon {

/// The session thread: sockets of clients, signals, and the far end of the ring's queues. All
/// protocol decisions are SessionCore's; this class moves bytes.
///
/// One turn of its loop: take deliveries from the ring, write what became ready once per client,
/// pass submissions on, then serve whatever sockets and timers are ready. When the submit queue is
/// full, requests are not read until the ring thread has taken half of it; handshakes go on. While
/// a reader blocks (SlowReaderPolicy), neither requests are read nor deliveries taken: the ring
/// slows down until it has caught up.
class SessionServer {
  public:
    using ConfigurationHook = std::function<void(const membership::ConfigurationChange&)>;

    struct Settings {
        bool session_log = false;  ///< a line for each connect and disconnect
        std::size_t session_messages_max = 1000;
        /// What the queues of all clients hold together at most; shared messages count once.
        std::size_t queued_bytes_max = std::size_t{1} << 30U;
    };

    /// `link` must outlive this object.
    SessionServer(std::unique_ptr<session::SessionCore> core, RingLink& link,
                  std::vector<TcpListener> tcp_listeners,
                  std::unique_ptr<UnixListener> unix_listener, Settings settings);
    ~SessionServer();
    SessionServer(const SessionServer&) = delete;
    SessionServer& operator=(const SessionServer&) = delete;

    /// Who may come in and what they may do; may be replaced at any time. Without `controls` rules
    /// are not asked at all.
    void set_access(const AccessSetup& access, bool controls);

    /// Called on SIGHUP.
    void on_reload(std::function<void()> hook) { reload_hook_ = std::move(hook); }

    /// Called on each configuration, before its sessions hear of it.
    void on_configuration(ConfigurationHook hook) { configuration_hook_ = std::move(hook); }

    /// While there is little to do, the ring's work is done by this thread, too. `ring` must
    /// outlive run().
    void share_work_of(RingThread& ring);

    /// Serves until SIGTERM or SIGINT, leaves the ring, flushes what clients still get, returns.
    void run();

  private:
    using Stream = boost::asio::generic::stream_protocol::socket;

    struct Connection {
        protocol::SessionId id;
        Stream socket;
        OutboundQueue queue;
        std::string peer;
        bool reading = true;
        bool read_waiting = false;   ///< the kernel will say when there is something to read
        bool opened = false;         ///< past its handshake
        bool unflushed = false;      ///< listed in unflushed_
        bool write_waiting = false;  ///< the kernel's buffer is full
        /// Closed for the core; lives on until its queue is written and the peer has read it.
        bool closing = false;
        bool shut = false;
        bool deaf = false;    ///< takes no more writes; its input is still read to the end
        bool paused = false;  ///< waits for a name or a verdict; not read meanwhile
    };

    struct Acceptor {
        boost::asio::posix::stream_descriptor descriptor;
        bool is_unix = false;
    };

    void add_acceptor(int fd, bool is_unix);
    void wait_accept(Acceptor& acceptor);
    void accept_all(Acceptor& acceptor);
    void pause_accepting(int error);
    void wait_signals();
    void on_signal(int number);
    void wait_wakeup();

    void wait_read(Connection& connection);
    void on_readable(protocol::SessionId id);
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
    void flush_all();
    void flush_one(Connection& connection);
    void arm_core_timer();
    void log_close(const session::SessionOutput::Close& close, const Connection* connection);
    void check_password(session::SessionOutput::PasswordCheck& check);
    [[nodiscard]] bool has_hung_up(protocol::SessionId id);
    void log_warnings();
    void shed_load();
    void note_opened(const session::SessionOutput::Opened& opened);

    [[nodiscard]] bool watch_ring();
    void wait_ring();
    void wake_up();
    void work_for_ring();
    void give_ring_back();
    void weigh_load();

    void begin_stop();
    void stop_turn();

    RingThread* ring_ = nullptr;
    UniqueFd ring_fd_;  ///< ours, of what tells that the ring has something to do
    bool ring_readable_ = false;
    LoadMeter load_;
    bool asleep_ = false;
    protocol::Duration calm_needed_;  ///< before the ring's work is asked for
    protocol::Instant calm_since_{};  ///< both threads have had little to do since then
    protocol::Instant ring_taken_at_{};

    boost::asio::io_context io_;
    boost::asio::posix::stream_descriptor ring_events_;  ///< open while we have the ring
    boost::asio::signal_set signals_;
    boost::asio::posix::stream_descriptor wakeup_;
    boost::asio::steady_timer core_timer_;
    boost::asio::steady_timer accept_timer_;
    boost::asio::steady_timer stop_timer_;
    std::optional<protocol::Instant> core_timer_at_;

    std::unique_ptr<session::SessionCore> core_;
    RingLink& link_;
    std::vector<TcpListener> tcp_listeners_;
    std::unique_ptr<UnixListener> unix_listener_;
    std::vector<std::unique_ptr<Acceptor>> acceptors_;
    bool session_log_;
    std::size_t early_flush_messages_;
    int deliveries_per_turn_;
    ConfigurationHook configuration_hook_;
    std::function<void()> reload_hook_;
    std::size_t queued_bytes_max_;
    std::size_t queued_bytes_ = 0;  ///< of frames in queues; before connections_, which hold them
    std::size_t lingering_ = 0;     ///< connections that are shut and wait for their peers

    std::unordered_map<protocol::SessionId, std::unique_ptr<Connection>> connections_;
    std::vector<protocol::SessionId> unflushed_;
    std::vector<protocol::SessionId> flushing_;
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
    bool accepting_paused_ = false;
    RateLimit accept_limit_{std::chrono::seconds(10)};
    RateLimit rejected_limit_{std::chrono::milliseconds(100)};
    RateLimit warning_limit_{std::chrono::milliseconds(100)};
    std::unique_ptr<PasswordChecker> passwords_;  ///< last: its thread posts to io_
};

}  // namespace spread::daemon
