#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/buffered_session.hpp"
#include "client/connector.hpp"
#include "client/probe.hpp"
#include "client/readiness.hpp"
#include "client/wakeup.hpp"
#include "protocol/names.hpp"
#include "spread/session.hpp"

namespace spread {

/// Counters have one writer at a time, who holds a lock; only the readers do without.
inline void add(std::atomic<std::uint64_t>& counter, std::uint64_t amount) {
    counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

// Long: its functions share three locks and their order, which a class of its own could not see.
/// What Session promises, over one BufferedSession after the other.
///
/// Three locks, taken in this order:
///
///   receive_mutex_  the receiving half of the line, pending_ and what leads from one line to the
///                   next; held by whoever receives, also while it waits
///   send_mutex_     the sending half: queue, joined groups; held by whoever sends, also while it
///                   waits for room
///   info_mutex_     what anybody may ask at any time; never held while waiting
///
/// The line itself changes only under all three. Whoever finds it broken under one of the first two
/// shuts the socket down, which ends the wait of the other half, and the receiving side takes the
/// session on from there.
class SessionImpl {
  public:
    using Clock = client::Clock;
    using Deadline = client::Deadline;
    enum class Sending : std::uint8_t { kBlock, kTry, kQueue };

    SessionImpl(Options options, std::vector<std::string> servers, client::Established first);
    ~SessionImpl();
    SessionImpl(const SessionImpl&) = delete;
    SessionImpl& operator=(const SessionImpl&) = delete;

    [[nodiscard]] Result<void> join(std::string_view group);
    [[nodiscard]] Result<void> leave(std::string_view group);
    [[nodiscard]] Result<std::uint64_t> multicast(const Delivery& delivery,
                                                  std::span<const protocol::NameField> groups,
                                                  Body body, Sending how);
    [[nodiscard]] Result<std::size_t> flush();
    [[nodiscard]] Result<void> flush(Deadline deadline);

    /// No deadline: however long it takes.
    [[nodiscard]] Result<Event> receive(std::optional<Deadline> deadline);
    [[nodiscard]] Result<std::optional<Event>> try_receive();
    [[nodiscard]] Result<std::size_t> visit(void (*visitor)(void*, const MessageRef&),
                                            void* context);
    [[nodiscard]] std::size_t poll() const;
    void interrupt();
    /// Made when first asked for. Its descriptors stay what they are.
    [[nodiscard]] Result<const client::Readiness*> readiness();
    void close();

    [[nodiscard]] std::string private_group() const;
    [[nodiscard]] std::string address() const;
    [[nodiscard]] DaemonVersion daemon_version() const;
    [[nodiscard]] SessionState state() const { return state_; }
    [[nodiscard]] SessionStats stats() const;

  private:
    // ---- Under send_mutex_ ----
    [[nodiscard]] Result<void> check_connected() const;
    [[nodiscard]] Result<void> send_request(Result<void> queued);
    [[nodiscard]] bool is_queue_full() const;
    /// Writes what the socket takes; remembers whether some is left.
    [[nodiscard]] Result<std::size_t> push();
    [[nodiscard]] Result<void> push_all(Deadline deadline);
    void count_queued();
    void set_has_unsent(bool has_unsent);
    /// Ends both halves of the line.
    void break_line(const Error& error);

    // ---- Under receive_mutex_ ----
    /// The next event, or nothing while there is none. `may_read`: ask the socket, too.
    [[nodiscard]] Result<std::optional<Event>> step(bool may_read);
    /// The same for one state; true: something has changed, look again.
    [[nodiscard]] bool step_connected(std::optional<Event>& event, bool may_read);
    [[nodiscard]] bool step_reconnecting();
    [[nodiscard]] Error final_error();
    /// kTimedOut at the deadline.
    [[nodiscard]] Result<void> wait(std::optional<Deadline> deadline);
    [[nodiscard]] Result<std::size_t> read();
    /// The next event among the bytes read. kIllegalMessage when they make no sense.
    [[nodiscard]] Result<std::optional<Event>> parse();
    void push_for_senders();
    void send_ping();
    /// Turns what has come on a line that is ending into events.
    void take_rest();
    void count_buffered();
    /// The descriptor shows what waits in our memory.
    void signal_more();
    /// When wait() must look at its own without anything happening; the epoch: never.
    [[nodiscard]] Deadline timer() const;
    /// From connected to reconnecting or ended. Without an error of its own: for that of the
    /// sending side.
    void lose(Error error);
    /// From reconnecting to connected.
    void adopt(client::Established established);

    /// After a failure under send_mutex_, without any lock: goes on as lose() unless a receiver is
    /// there to do it.
    void settle();
    void set_state(SessionState state);

    const Options options_;
    const std::vector<std::string> servers_;
    const std::shared_ptr<client::Wakeup> receive_wakeup_ = std::make_shared<client::Wakeup>();
    const client::Wakeup send_wakeup_;
    std::atomic<SessionState> state_{SessionState::kConnected};
    std::atomic<bool> is_broken_{false};   // the line is shut down, its end not yet told
    std::atomic<bool> has_unsent_{false};  // the socket was full: push when it is writable
    std::atomic<bool> is_interrupted_{false};
    std::atomic<bool> has_descriptor_{false};
    std::atomic<bool> is_more_signalled_{false};  // the descriptor shows what waits in memory
    std::atomic<std::size_t> buffered_{0};  // bytes, and events, that receive() has without reading

    std::mutex receive_mutex_;
    std::optional<client::BufferedSession> line_;
    std::deque<Event> pending_;
    std::optional<client::Connector> connector_;
    std::size_t server_ = 0;
    client::Probe probe_;
    bool is_likely_drained_ = false;  // the last read got less than it had room for
    bool is_end_told_ = false;
    Error end_;

    std::mutex send_mutex_;
    std::vector<std::string> joined_;  // in the order of the joins
    std::uint64_t sequence_ = 0;       // of the last multicast
    Error broken_;

    mutable std::mutex info_mutex_;
    std::string private_group_;
    std::string address_;
    DaemonVersion daemon_version_;
    std::optional<client::Readiness> readiness_;

    struct Counters {
        std::atomic<std::uint64_t> messages_in{0};
        std::atomic<std::uint64_t> bytes_in{0};
        std::atomic<std::uint64_t> messages_out{0};
        std::atomic<std::uint64_t> bytes_out{0};
        std::atomic<std::uint64_t> reconnects{0};
        std::atomic<std::size_t> queued_messages{0};
        std::atomic<std::size_t> queued_bytes{0};
    };
    Counters counters_;
};

}  // namespace spread
