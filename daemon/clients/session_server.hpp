#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "daemon/clients/access_files.hpp"
#include "daemon/clients/batch_scheduling.hpp"
#include "daemon/clients/client_socket.hpp"
#include "daemon/clients/password_check.hpp"
#include "daemon/clients/read_buffer.hpp"
#include "daemon/clients/ring_share.hpp"
#include "daemon/clients/session_log.hpp"
#include "daemon/clients/stop_sequence.hpp"
#include "daemon/clients/task_queue.hpp"
#include "daemon/clients/tls_door.hpp"
#include "daemon/driver/ring_port.hpp"
#include "daemon/host/endpoint.hpp"
#include "daemon/host/event_set.hpp"
#include "daemon/host/unique_fd.hpp"
#include "daemon/ring/ring_link.hpp"
#include "daemon/ring/ring_thread.hpp"
#include "daemon/session/session_core.hpp"
#include "daemon/session/session_map.hpp"
#include "membership/events.hpp"

namespace spread::daemon {

/// The session thread: sockets of clients, and the far end of the ring's queues. All protocol
/// decisions are SessionCore's; this class moves bytes.
///
/// One turn of its loop: take deliveries from the ring, pass submissions on, write each client once
/// that wants it, then see which sockets are ready and read some. Each of these ends after a few
/// milliseconds and goes on in the next turn, so that the ring's work is never kept waiting. When
/// the submit queue is full, requests are not read until the ring thread has taken half of it, save
/// for the few bytes that quiet clients may put ahead; handshakes go on. While a reader blocks
/// (SlowReaderPolicy), neither requests are read nor deliveries taken: the ring slows down until it
/// has caught up.
class SessionServer {
  public:
    /// What a visitor meets on the session thread. What it puts into `out` is carried out.
    struct Inside {
        session::SessionCore& core;
        session::SessionOutput& out;
        const session::SessionMap<ClientSocket>& sockets;
        const SessionTotals& totals;
        protocol::TlsCounters tls;
        driver::RingPort& ring;  ///< what is put there is passed on
    };
    using Visitor = std::function<void(const Inside&)>;
    using ConfigurationHook = std::function<void(const membership::ConfigurationChange&)>;

    struct Settings {
        bool session_log = false;  ///< a line for each connect and disconnect
        WorkSharing::Limits sharing{};
        std::shared_ptr<const tls::Context> tls{};  ///< null: clients do not speak TLS
        bool tls_is_required = false;               ///< of those that come by TCP
    };

    /// `link` must outlive this object.
    SessionServer(std::unique_ptr<session::SessionCore> core, RingLink& link, Settings settings);
    ~SessionServer();
    SessionServer(const SessionServer&) = delete;
    SessionServer& operator=(const SessionServer&) = delete;

    /// Called on each configuration, before its sessions hear of it.
    void on_configuration(ConfigurationHook hook) { configuration_hook_ = std::move(hook); }

    /// Called for each session that ends.
    void on_close(SessionLog::CloseHook hook) { log_.on_close(std::move(hook)); }
    /// Called when a client becomes slow, is slow no more, or sends more than it may.
    void on_note(SessionLog::NoteHook hook) { log_.on_note(std::move(hook)); }

    /// As long as one processor is enough for both, the ring's work is done by this thread, too.
    /// `ring` must outlive it.
    void share_work_of(RingThread& ring) { ring_share_.share_work_of(ring); }

    /// Starts the session thread, with all signals blocked. It calls `ended` as its last act.
    void start(std::function<void()> ended);
    /// Returns when the session thread has ended.
    void wait();

    // From any thread:

    /// A new client.
    void take_in(UniqueFd fd, const Endpoint& peer, bool is_unix);
    /// Clients handed over that the session thread has not seen yet.
    [[nodiscard]] std::size_t clients_to_take_in() const {
        return clients_to_take_in_.load(std::memory_order_relaxed);
    }
    /// Who may connect and what clients may do; may be replaced at any time. Without `controls` the
    /// access rules are not applied. The session thread calls `done` once the rules are in force.
    void set_access(const AccessSetup& access, bool controls, std::function<void()> done = {});
    /// What handshakes of TLS begin with from now on.
    void set_tls(std::shared_ptr<const tls::Context> context);
    /// Calls it on the session thread, between two turns: it has to be done soon.
    void visit(Visitor visitor);
    /// Leaves the ring, flushes what clients still get, ends the thread.
    void stop();

  private:
    void run();
    void post(TaskQueue::Task task);
    void add_client(UniqueFd fd, const Endpoint& peer, bool is_unix);

    void wait_for_events(bool busy);
    [[nodiscard]] bool has_work();
    [[nodiscard]] std::optional<protocol::Duration> time_left();
    void on_event(const epoll_event& event);
    void on_deadlines();

    [[nodiscard]] bool may_read() const;
    void wait_read(ClientSocket& socket);
    void read_ready();
    void read(protocol::SessionId id);
    void resume_readers();

    void look_at_memory();
    bool take_deliveries();
    void apply_delivered();
    void apply();
    void push_submissions();
    void check_passwords();
    void on_password(protocol::SessionId id, bool is_good);

    void write_wanted();
    std::size_t write(protocol::SessionId id);
    void watch_writing(ClientSocket& socket, bool watched);

    void begin_stop();
    [[nodiscard]] bool is_drained();
    void stop_turn();

    RingLink& link_;
    driver::RingPort port_;
    EventSet events_;
    RingShare ring_share_;
    BatchScheduling batch_;
    /// Many, so that sockets of clients do not keep those of the ring waiting.
    std::array<epoll_event, 512> event_room_{};

    std::unique_ptr<session::SessionCore> core_;
    session::SessionOutput out_;
    session::SessionMap<ClientSocket> sockets_;
    std::deque<protocol::SessionId> ready_;   ///< to be read, each listed once
    std::deque<protocol::SessionId> unread_;  ///< the same, waiting for room in the submit queue
    ReadBuffer read_buffer_;
    protocol::Instant turn_at_{};   ///< when the ring's events of this turn were taken
    protocol::Instant woken_at_{};  ///< when this turn began
    std::uint64_t frames_counted_ = 0;
    protocol::Instant memory_looked_at_{};
    bool memory_is_short_ = false;
    bool writes_left_ = false;  ///< the turn ended before all had been written to

    ConfigurationHook configuration_hook_;
    SessionLog log_;
    StopSequence stopping_;
    TaskQueue tasks_;
    std::atomic<std::size_t> clients_to_take_in_{0};
    std::unique_ptr<TlsDoor> tls_;  ///< null: all clients speak in plain text; after the tasks
    std::unique_ptr<PasswordChecker> passwords_;  ///< its thread posts some
    std::thread thread_;
};

}  // namespace spread::daemon
