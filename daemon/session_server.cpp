#include "daemon/session_server.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include "daemon/clock.hpp"
#include "daemon/endpoint.hpp"
#include "protocol/session_wire.hpp"

namespace spread::daemon {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

/// Read block: a read gets at least a quarter of it, so that large messages are rarely cut.
constexpr std::size_t kReadBlockBytes = 64U << 10U;
constexpr std::size_t kReadBytesMin = kReadBlockBytes / 4;
/// What a handshake may be read ahead while requests must wait: no request fits behind it.
constexpr std::size_t kHandshakeBytesMax = protocol::kConnectBytesMax + protocol::kAuthChoiceBytes;
/// Ring events taken before clients are written to.
constexpr std::size_t kDeliveriesPerTurnMax = 256;
constexpr int kHandlersPerTurn = 32;
/// The same while this thread does the ring's work, which should not wait for them long.
constexpr int kDeliveriesPerSharedTurn = 16;
/// The ring's work is taken over when both threads together have less to do than this share of
/// their time, and given back at the second one.
constexpr float kCalmShare = 0.35F;
constexpr float kBusyShare = 0.6F;
constexpr auto kLoadWindow = std::chrono::milliseconds(2);
/// For how long it has to be calm; longer where that did not last.
constexpr auto kCalmMin = std::chrono::milliseconds(20);
constexpr auto kCalmMax = std::chrono::milliseconds(1000);
constexpr int kAcceptsPerWait = 8;
/// Rejected clients that may take their time to read why. More than these are cut off at once.
constexpr std::size_t kLingeringMax = 1000;
constexpr auto kAcceptPause = std::chrono::milliseconds(100);
/// How long stopping waits for the ring, then for clients to take their last messages.
constexpr auto kLeaveTimeout = std::chrono::milliseconds(400);
constexpr auto kFlushTimeout = std::chrono::milliseconds(200);

std::string describe_peer(const Endpoint& peer, bool is_unix) {
    return is_unix ? "unix" : peer.to_string();
}

void set_client_options(int fd, bool is_unix) {
    if (is_unix) {
        return;
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

}  // namespace

SessionServer::SessionServer(std::unique_ptr<session::SessionCore> core, RingLink& link,
                             std::vector<TcpListener> tcp_listeners,
                             std::unique_ptr<UnixListener> unix_listener, Settings settings)
    : load_(kLoadWindow),
      calm_needed_(kCalmMin),
      io_(1),
      ring_events_(io_),
      signals_(io_, SIGTERM, SIGINT, SIGHUP),
      wakeup_(io_),
      core_timer_(io_),
      accept_timer_(io_),
      stop_timer_(io_),
      core_(std::move(core)),
      link_(link),
      tcp_listeners_(std::move(tcp_listeners)),
      unix_listener_(std::move(unix_listener)),
      session_log_(settings.session_log),
      // Both well below the queue's limit, so that a burst does not look like a slow reader.
      early_flush_messages_(std::max<std::size_t>(settings.session_messages_max / 4, 1)),
      deliveries_per_turn_(static_cast<int>(
          std::clamp<std::size_t>(settings.session_messages_max / 4, 1, kDeliveriesPerTurnMax))),
      queued_bytes_max_(settings.queued_bytes_max) {
    core_->set_hang_up_probe([this](protocol::SessionId id) { return has_hung_up(id); });
    signals_.add(SIGUSR1);
    wakeup_.assign(::dup(link.session_wakeup.fd()));
    for (TcpListener& listener : tcp_listeners_) {
        add_acceptor(listener.fd.get(), false);
    }
    if (unix_listener_ && unix_listener_->fd() >= 0) {
        add_acceptor(unix_listener_->fd(), true);
    }
}

SessionServer::~SessionServer() {
    if (ring_events_.is_open()) {
        ring_events_.release();  // ring_fd_ closes it
    }
}

void SessionServer::share_work_of(RingThread& ring) {
    ring_fd_ = UniqueFd(::fcntl(ring.fd(), F_DUPFD_CLOEXEC, 0));
    ring_ = ring_fd_ ? &ring : nullptr;  // without a descriptor to spare both threads go on
}

void SessionServer::run() {
    for (const auto& acceptor : acceptors_) {
        wait_accept(*acceptor);
    }
    wait_signals();
    wait_wakeup();
    calm_since_ = now();
    load_.reset(calm_since_);
    while (phase_ != Phase::kStopped) {
        work_for_ring();
        bool busy = take_deliveries();
        busy |= push_submissions();
        resume_readers();
        flush_all();
        busy |= link_.session_has_ring() && ring_->has_work();
        stop_turn();
        arm_core_timer();
        if (phase_ == Phase::kStopped) {
            break;
        }

        int handlers = 0;
        if (!busy) {
            Wakeup::Reasons reasons = RingLink::kDelivery | RingLink::kStopped;
            if (!may_read() || !waiting_control_.empty()) {
                reasons |= RingLink::kSubmitRoom;
            }
            weigh_load();
            link_.session_wakeup.arm(reasons | RingLink::kRingIsYours);
            if (!has_work()) {
                asleep_ = true;
                handlers += static_cast<int>(io_.run_one());
                wake_up();
            }
            link_.session_wakeup.disarm();
        } else if (link_.session_has_ring()) {
            weigh_load();
        }
        // What else is ready can wait for the next turn while turns are short.
        const int handlers_max = link_.session_has_ring() && handlers > 0 ? 1 : kHandlersPerTurn;
        while (handlers < handlers_max && io_.poll_one() > 0) {
            ++handlers;
        }
    }
    give_ring_back();
    for (auto& [id, connection] : connections_) {
        error_code ignored;
        connection->socket.close(ignored);
    }
    connections_.clear();
    passwords_.reset();
}

// Accepting ----------------------------------------------------------------------------------

void SessionServer::add_acceptor(int fd, bool is_unix) {
    // Asio gets a duplicate, so that each side closes its own.
    acceptors_.push_back(std::make_unique<Acceptor>(
        Acceptor{asio::posix::stream_descriptor(io_, ::fcntl(fd, F_DUPFD_CLOEXEC, 0)), is_unix}));
}

void SessionServer::wait_accept(Acceptor& acceptor) {
    acceptor.descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                   [this, &acceptor](const error_code& error) {
                                       wake_up();
                                       if (!error) {
                                           accept_all(acceptor);
                                       }
                                   });
}

void SessionServer::accept_all(Acceptor& acceptor) {
    if (phase_ != Phase::kServing || accepting_paused_) {
        return;
    }
    for (int i = 0; i < kAcceptsPerWait; ++i) {
        Endpoint peer;
        peer.length = sizeof peer.storage;
        const int fd = ::accept4(acceptor.descriptor.native_handle(), peer.address(), &peer.length,
                                 SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EAGAIN || errno == EWOULDBLOCK) {
                break;
            }
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                pause_accepting(errno);
                return;
            }
            continue;  // that connection is gone already
        }
        set_client_options(fd, acceptor.is_unix);
        const std::string name = describe_peer(peer, acceptor.is_unix);
        const auto address = acceptor.is_unix ? access::PeerAddress::unix_socket()
                                              : access::PeerAddress::of(ip_of(peer.address()));
        const protocol::SessionId id = core_->on_accept(now(), name, out_, address);
        const int family = acceptor.is_unix ? AF_UNIX : peer.family();
        auto connection = std::make_unique<Connection>(
            Connection{.id = id, .socket = Stream(io_), .queue = {}, .peer = name});
        error_code unwatched;
        connection->socket.assign(asio::generic::stream_protocol(family, 0), fd, unwatched);
        if (unwatched) {
            // The kernel has no room to watch it.
            ::close(fd);
            core_->on_peer_closed(now(), id, out_);
            apply();
            pause_accepting(unwatched.value());
            return;
        }
        log_debug(LogType::kSession, "connection from {}", name);
        Connection& added = *connection;
        connections_[id] = std::move(connection);
        wait_read(added);
        apply();
    }
    wait_accept(acceptor);
}

void SessionServer::pause_accepting(int error) {
    if (const auto more = accept_limit_.admit(now())) {
        log_error(LogType::kSession,
                  "cannot accept clients: {}; trying again. Raise the limit of open files (ulimit "
                  "-n, LimitNOFILE=)",
                  std::strerror(error));
    }
    accepting_paused_ = true;
    accept_timer_.expires_after(kAcceptPause);
    accept_timer_.async_wait([this](const error_code& cancelled) {
        accepting_paused_ = false;
        if (cancelled || phase_ != Phase::kServing) {
            return;
        }
        for (const auto& acceptor : acceptors_) {
            acceptor->descriptor.cancel();
            wait_accept(*acceptor);
        }
    });
}

// Signals ------------------------------------------------------------------------------------

void SessionServer::wait_signals() {
    signals_.async_wait([this](const error_code& error, int number) {
        if (!error) {
            on_signal(number);
            wait_signals();
        }
    });
}

void SessionServer::on_signal(int number) {
    switch (number) {
        case SIGHUP:
            if (reload_hook_) {
                give_ring_back();  // it reads files
                reload_hook_();
            }
            return;
        case SIGUSR1:
            reopen_log();
            log_info(LogType::kPrint, "log file reopened");
            return;
        default: break;
    }
    const char* name = number == SIGINT ? "SIGINT" : "SIGTERM";
    if (phase_ != Phase::kServing) {
        log_warning(LogType::kExit, "second {}: exiting at once", name);
        if (unix_listener_) {
            unix_listener_->unlink_own();
        }
        stop_logging();
        std::_Exit(1);
    }
    log_info(LogType::kExit, "{}: leaving the ring", name);
    begin_stop();
}

void SessionServer::wait_wakeup() {
    wakeup_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const error_code& error) {
        if (!error) {
            // The loop looks at the queues after every handler; only the count must go.
            link_.session_wakeup.drain();
            wait_wakeup();
        }
    });
}

// Reading ------------------------------------------------------------------------------------

SessionServer::Connection* SessionServer::find(protocol::SessionId id) {
    const auto found = connections_.find(id);
    return found == connections_.end() ? nullptr : found->second.get();
}

bool SessionServer::may_read() const {
    return waiting_submissions_.empty() && unread_.empty() && link_.submit_has_room() &&
           !core_->is_blocked();
}

void SessionServer::wait_read(Connection& connection) {
    if (std::exchange(connection.read_waiting, true)) {
        return;
    }
    connection.socket.async_wait(Stream::wait_read,
                                 [this, id = connection.id](const error_code& error) {
                                     wake_up();
                                     Connection* waiting = error ? nullptr : find(id);
                                     if (waiting != nullptr) {
                                         waiting->read_waiting = false;
                                         on_readable(id);
                                     }
                                 });
}

void SessionServer::on_readable(protocol::SessionId id) {
    Connection* connection = find(id);
    if (connection == nullptr) {
        return;
    }
    if (connection->closing) {
        discard_input(*connection);
        return;
    }
    if (!connection->reading || connection->paused || phase_ != Phase::kServing) {
        return;
    }
    const bool pressed = !may_read();
    if (pressed && connection->opened) {
        unread_.push_back(id);
        return;
    }
    if (!read_block_ || kReadBlockBytes - read_block_used_ < kReadBytesMin) {
        if (!read_block_.unique()) {
            read_block_ = protocol::BufferRef::allocate(kReadBlockBytes);
        }
        read_block_used_ = 0;
    }
    const ssize_t count =
        ::recv(connection->socket.native_handle(), read_block_->data() + read_block_used_,
               pressed ? kHandshakeBytesMax : kReadBlockBytes - read_block_used_, MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        wait_read(*connection);
        return;
    }
    if (count <= 0) {
        on_peer_gone(id);
        return;
    }
    protocol::Slice bytes{read_block_, static_cast<std::uint32_t>(read_block_used_),
                          static_cast<std::uint32_t>(count)};
    read_block_used_ += static_cast<std::size_t>(count);
    core_->on_bytes(now(), id, std::move(bytes), out_);
    apply();
    // apply() may have closed it.
    connection = find(id);
    if (connection == nullptr) {
        return;
    }
    if ((connection->reading && !connection->paused) || connection->closing) {
        wait_read(*connection);
    }
}

/// After a reject the client may still be sending. Closing with unread bytes would reset the
/// connection and take the reject byte with it.
void SessionServer::discard_input(Connection& connection) {
    std::array<std::byte, 4096> scrap{};
    const ssize_t count =
        ::recv(connection.socket.native_handle(), scrap.data(), scrap.size(), MSG_DONTWAIT);
    if (count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR))) {
        wait_read(connection);
        return;
    }
    if (count == 0 && !connection.shut) {
        return;  // it may still read what we have to say
    }
    erase(connection.id);
}

void SessionServer::on_peer_gone(protocol::SessionId id) {
    Connection* connection = find(id);
    if (connection == nullptr) {
        return;
    }
    if (connection->closing) {
        erase(id);
        return;
    }
    if (!connection->reading) {
        connection->queue.clear();
        return;  // the core knows already and will close it
    }
    connection->reading = false;
    connection->queue.clear();
    core_->on_peer_closed(now(), id, out_);
    apply();
}

void SessionServer::resume_readers() {
    if (unread_.empty() || !waiting_submissions_.empty() || !link_.submit_is_low() ||
        core_->is_blocked()) {
        return;
    }
    // Each gets one read, oldest first; whoever finds the queue full again goes to its end.
    std::deque<protocol::SessionId> readers;
    readers.swap(unread_);
    while (!readers.empty()) {
        const protocol::SessionId id = readers.front();
        readers.pop_front();
        on_readable(id);
        if (!may_read()) {
            break;
        }
    }
    // The rest keeps its place before those that came later.
    unread_.insert(unread_.begin(), readers.begin(), readers.end());
}

// Ring ---------------------------------------------------------------------------------------

bool SessionServer::take_deliveries() {
    int taken = 0;
    const protocol::Instant at = now();
    const int most = link_.session_has_ring()
                         ? std::min(deliveries_per_turn_, kDeliveriesPerSharedTurn)
                         : deliveries_per_turn_;
    while (taken < most && !core_->is_blocked()) {
        membership::DeliveryEvent* front = link_.deliveries.front();
        if (front == nullptr) {
            break;
        }
        membership::DeliveryEvent event = std::move(*front);
        link_.deliveries.pop();
        ++taken;
        if (const auto* delivery = std::get_if<membership::Delivery>(&event)) {
            link_.delivered_bytes.fetch_sub(delivery->body.size(), std::memory_order_release);
        } else {
            give_ring_back();  // telling all clients can take long
            if (configuration_hook_) {
                configuration_hook_(std::get<membership::ConfigurationChange>(event));
            }
        }
        core_->on_ring_event(at, std::move(event), out_);
        apply();
        shed_load();
    }
    if (taken > 0 && link_.deliveries_are_low()) {
        link_.ring_wakeup.notify(RingLink::kDeliveryRoom);
    }
    return taken == most;
}

bool SessionServer::push_submissions() {
    bool control = false;
    while (!waiting_control_.empty() &&
           link_.control.try_push(std::move(waiting_control_.front()))) {
        waiting_control_.pop_front();
        control = true;
    }
    if (control) {
        link_.ring_wakeup.notify(RingLink::kControl);
    }
    bool pushed = false;
    while (!waiting_submissions_.empty() && link_.submit_has_room()) {
        const std::size_t bytes = waiting_submissions_.front().body.size();
        link_.submitted_bytes.fetch_add(bytes, std::memory_order_relaxed);
        if (!link_.submissions.try_push(std::move(waiting_submissions_.front()))) {
            link_.submitted_bytes.fetch_sub(bytes, std::memory_order_relaxed);
            break;
        }
        waiting_submissions_.pop_front();
        pushed = true;
    }
    if (pushed) {
        link_.ring_wakeup.notify(RingLink::kSubmission);
    }
    return false;
}

bool SessionServer::has_work() {
    const bool blocked = core_->is_blocked();
    if (link_.deliveries.front() != nullptr && !blocked) {
        return true;
    }
    if (link_.session_has_ring() && !ring_events_.is_open()) {
        return true;
    }
    if (link_.ring_stopped.load(std::memory_order_acquire) && phase_ == Phase::kLeaving) {
        return true;
    }
    if (!waiting_control_.empty() && link_.control.size() < link_.control.capacity()) {
        return true;
    }
    if (!waiting_submissions_.empty()) {
        return link_.submit_has_room();
    }
    return !unread_.empty() && link_.submit_is_low() && !blocked;
}

// The ring's work ----------------------------------------------------------------------------

/// The ring thread has handed its work over.
bool SessionServer::watch_ring() {
    error_code unwatched;
    ring_events_.assign(ring_fd_.get(), unwatched);
    if (unwatched) {
        // The kernel has no room to watch it; both threads go on for a long while.
        calm_needed_ = kCalmMax;
        give_ring_back();
        return false;
    }
    ring_readable_ = true;
    ring_taken_at_ = now();
    load_.reset(ring_taken_at_);
    return true;
}

void SessionServer::wait_ring() {
    ring_events_.async_wait(asio::posix::stream_descriptor::wait_read,
                            [this](const error_code& error) {
                                wake_up();
                                if (!error) {
                                    ring_readable_ = true;
                                }
                            });
}

/// The work of the handler that a sleep ends with counts as work.
void SessionServer::wake_up() {
    if (std::exchange(asleep_, false)) {
        load_.resume(now());
    }
}

/// A turn of the ring's work, if that is ours and there is some.
void SessionServer::work_for_ring() {
    if (!link_.session_has_ring()) {
        return;
    }
    if (phase_ != Phase::kServing) {
        give_ring_back();  // handed over just when we began to stop
        return;
    }
    if (!ring_events_.is_open() && !watch_ring()) {
        return;
    }
    const bool look = std::exchange(ring_readable_, false);
    if (!look && !ring_->has_work()) {
        return;
    }
    ring_->poll(look);
    if (look) {
        wait_ring();
    }
}

void SessionServer::give_ring_back() {
    if (!link_.session_has_ring()) {
        return;
    }
    if (ring_events_.is_open()) {
        ring_events_.release();  // out of the reactor: from now on the ring thread is woken
    }
    calm_since_ = now();
    link_.give_ring_back();
}

/// Asks for the ring's work when both threads have had little to do for a while, and gives it back
/// when it is too much for one.
void SessionServer::weigh_load() {
    if (ring_ == nullptr || phase_ != Phase::kServing) {
        return;
    }
    const protocol::Instant at = now();
    const bool window_ended = load_.pause(at);
    if (!window_ended) {
        return;
    }
    if (link_.session_has_ring()) {
        if (load_.share() > kBusyShare) {
            const bool was_short = at - ring_taken_at_ < kCalmMax;
            calm_needed_ = was_short ? std::min<protocol::Duration>(2 * calm_needed_, kCalmMax)
                                     : protocol::Duration(kCalmMin);
            give_ring_back();
        }
        return;
    }
    if (load_.share() + link_.ring_load.load(std::memory_order_relaxed) > kCalmShare) {
        calm_since_ = at;
        link_.ring_wanted.store(false, std::memory_order_relaxed);
    } else if (at - calm_since_ >= calm_needed_) {
        link_.ring_wanted.store(true, std::memory_order_release);
    }
}

/// Carries out what the core asked for.
void SessionServer::apply() {
    for (session::SessionOutput::Write& write : out_.writes) {
        const FrameRef frame(std::move(write.bytes), &queued_bytes_);
        for (const protocol::SessionId id : write.sessions) {
            Connection* connection = find(id);
            if (connection == nullptr) {
                continue;
            }
            if (connection->deaf) {
                core_->on_sent(id, 1, frame.bytes().size());
                continue;
            }
            connection->queue.push(frame);
            if (connection->write_waiting) {
                connection->queue.compact();
                continue;
            }
            if (connection->queue.size() >= early_flush_messages_) {
                flush_one(*connection);  // the turn may bring more than a queue holds
            } else if (!connection->unflushed) {
                connection->unflushed = true;
                unflushed_.push_back(id);
            }
        }
    }
    for (const auto& each : out_.opened) {
        note_opened(each);
    }
    for (const protocol::SessionId id : out_.stops) {
        if (Connection* connection = find(id)) {
            connection->reading = false;
            connection->queue.clear();
        }
    }
    for (const auto& each : out_.closes) {
        close(each);
    }
    for (const auto& [id, begins] : out_.pauses) {
        Connection* connection = find(id);
        if (connection == nullptr) {
            continue;
        }
        if (std::exchange(connection->paused, begins) && !begins) {
            wait_read(*connection);
        }
    }
    for (session::SessionOutput::PasswordCheck& check : out_.password_checks) {
        check_password(check);
    }
    log_warnings();
    for (membership::Submission& submission : out_.submissions) {
        if (submission.control) {
            waiting_control_.emplace_back(std::move(submission));
        } else {
            waiting_submissions_.push_back(std::move(submission));
        }
    }
    if (out_.resume) {
        waiting_control_.emplace_back(*out_.resume);
    }
    out_.clear();
    push_submissions();
}

// Closing and writing ------------------------------------------------------------------------

void SessionServer::close(const session::SessionOutput::Close& close) {
    Connection* connection = find(close.session);
    log_close(close, connection);
    if (connection == nullptr) {
        return;
    }
    connection->reading = false;
    if (!close.flush) {
        erase(close.session);
        return;
    }
    connection->closing = true;
    if (connection->queue.empty()) {
        finish_closing(*connection);
    }
}

/// Everything is written: tells the peer, and waits for it to close in turn.
void SessionServer::finish_closing(Connection& connection) {
    if (connection.shut) {
        return;
    }
    connection.shut = true;
    ::shutdown(connection.socket.native_handle(), SHUT_WR);
    if (++lingering_ > kLingeringMax) {
        erase(connection.id);
        return;
    }
    // Whoever neither reads nor closes must not keep the socket.
    auto timer = std::make_shared<asio::steady_timer>(io_, kFlushTimeout);
    timer->async_wait([this, timer, id = connection.id](const error_code&) {
        if (find(id) != nullptr) {
            erase(id);
        }
    });
    wait_read(connection);
}

void SessionServer::erase(protocol::SessionId id) {
    const auto found = connections_.find(id);
    if (found != connections_.end()) {
        error_code ignored;
        found->second->socket.close(ignored);
        lingering_ -= found->second->shut ? 1 : 0;
        connections_.erase(found);
    }
}

void SessionServer::flush_all() {
    flushing_.swap(unflushed_);
    for (const protocol::SessionId id : flushing_) {
        if (Connection* connection = find(id)) {
            connection->unflushed = false;
            if (!connection->write_waiting) {
                flush_one(*connection);
            }
        }
    }
    flushing_.clear();
}

void SessionServer::flush_one(Connection& connection) {
    SentCount sent;
    const FlushResult result = flush(connection.socket.native_handle(), connection.queue, sent);
    if (sent.bytes > 0 || sent.messages > 0) {
        core_->on_sent(connection.id, sent.messages, sent.bytes);
    }
    switch (result) {
        case FlushResult::kDone:
            if (connection.closing) {
                finish_closing(connection);
            }
            return;
        case FlushResult::kBlocked: wait_write(connection); return;
        case FlushResult::kFailed: stop_writing(connection); return;
    }
}

/// The peer takes nothing any more, but what it sent before it went may still wait in the socket:
/// messages a client was allowed to send are not lost because it did not stay for the answers. The
/// reading side meets the end of the stream after them.
void SessionServer::stop_writing(Connection& connection) {
    if (connection.closing) {
        erase(connection.id);
        return;
    }
    connection.deaf = true;
    SentCount dropped;
    dropped.bytes = connection.queue.bytes_left();
    dropped.messages = connection.queue.size();
    connection.queue.clear();
    core_->on_sent(connection.id, dropped.messages, dropped.bytes);
}

void SessionServer::wait_write(Connection& connection) {
    connection.write_waiting = true;
    connection.queue.compact();
    connection.socket.async_wait(Stream::wait_write,
                                 [this, id = connection.id](const error_code& error) {
                                     wake_up();
                                     Connection* waiting = find(id);
                                     if (error || waiting == nullptr) {
                                         return;
                                     }
                                     waiting->write_waiting = false;
                                     flush_one(*waiting);
                                 });
}

void SessionServer::arm_core_timer() {
    const auto deadline = core_->next_deadline();
    if (deadline == core_timer_at_) {
        return;
    }
    core_timer_at_ = deadline;
    if (!deadline) {
        core_timer_.cancel();
        return;
    }
    core_timer_.expires_at(to_steady(*deadline));
    core_timer_.async_wait([this](const error_code& cancelled) {
        if (cancelled) {
            return;
        }
        core_timer_at_.reset();
        core_->on_deadline(now(), out_);
        apply();
    });
}

// Access -------------------------------------------------------------------------------------

void SessionServer::set_access(const AccessSetup& access, bool controls) {
    core_->set_address_rules(access.addresses);
    core_->set_access_rules(controls ? access.rules : nullptr);
    if (passwords_ != nullptr) {
        passwords_->replace_file(access.passwords);
        return;
    }
    passwords_ =
        std::make_unique<PasswordChecker>(access.passwords, [this](std::uint64_t id, bool is_good) {
            asio::post(io_, [this, id, is_good] {
                core_->on_password(now(), protocol::SessionId{id}, is_good, out_);
                apply();
            });
        });
}

void SessionServer::check_password(session::SessionOutput::PasswordCheck& check) {
    const std::uint64_t id = check.session.value;
    if (passwords_ == nullptr ||
        !passwords_->submit({id, std::move(check.user), std::move(check.password)})) {
        // As a wrong one, but not from inside apply().
        asio::post(io_, [this, id] {
            core_->on_password(now(), protocol::SessionId{id}, false, out_);
            apply();
        });
    }
}

/// The kernel says so even while bytes that came before are unread.
bool SessionServer::has_hung_up(protocol::SessionId id) {
    Connection* connection = find(id);
    if (connection == nullptr) {
        return true;
    }
    pollfd poll{connection->socket.native_handle(), POLLRDHUP, 0};
    return ::poll(&poll, 1, 0) > 0 && (poll.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

// Limits -------------------------------------------------------------------------------------

void SessionServer::shed_load() {
    while (queued_bytes_ > queued_bytes_max_) {
        const std::size_t before = queued_bytes_;
        core_->shed_load(now(), out_);
        apply();
        if (queued_bytes_ >= before) {
            return;  // what is left belongs to rejected clients, who are gone in a moment
        }
    }
}

void SessionServer::log_warnings() {
    for (const std::string& warning : out_.warnings) {
        if (const auto more = warning_limit_.admit(now())) {
            log_warning(LogType::kSession, "{}; see MaxSessionMessages and SlowReaderPolicy{}",
                        warning,
                        *more == 0 ? std::string() : fmt::format(" ({} more unlogged)", *more));
        }
    }
}

// Session log --------------------------------------------------------------------------------

void SessionServer::note_opened(const session::SessionOutput::Opened& opened) {
    Connection* connection = find(opened.session);
    if (connection == nullptr) {
        return;
    }
    connection->opened = true;
    if (session_log_) {
        log_info(LogType::kSession, "client {} connected from {}{}", escape(opened.private_name),
                 connection->peer, opened.wants_membership ? ", wants membership messages" : "");
    }
}

void SessionServer::log_close(const session::SessionOutput::Close& close,
                              const Connection* connection) {
    // The core's detail names the client; before there is one, its address must do.
    const std::string who =
        !close.detail.empty()
            ? "client " + close.detail
            : "client at " + (connection == nullptr ? std::string("unknown") : connection->peer);
    switch (close.reason) {
        case session::CloseReason::kSlowReader:
            log_warning(LogType::kSession, "dropped {} ({})", who,
                        session::to_string(close.reason));
            return;
        case session::CloseReason::kHandshakeTimeout:
        case session::CloseReason::kRejected:
        case session::CloseReason::kIllegalRequest:
            if (const auto more = rejected_limit_.admit(now())) {
                log_info(LogType::kSession, "closed {} ({}; {} more closed unlogged)", who,
                         session::to_string(close.reason), *more);
            }
            return;
        default: break;
    }
    if (session_log_) {
        log_info(LogType::kSession, "{} ({})", who, session::to_string(close.reason));
    }
}

// Stopping -----------------------------------------------------------------------------------

/// First the ring: it still orders what clients have sent, and the others re-form at once. Then the
/// clients: they get what was delivered until then.
void SessionServer::begin_stop() {
    phase_ = Phase::kLeaving;
    stop_by_ = now() + kLeaveTimeout;
    for (const auto& acceptor : acceptors_) {
        error_code ignored;
        acceptor->descriptor.close(ignored);
    }
    tcp_listeners_.clear();
    if (unix_listener_) {
        unix_listener_->unlink_own();
    }
    link_.leave_wanted.store(true, std::memory_order_release);
    give_ring_back();
    link_.ring_wakeup.notify(RingLink::kControl);
    stop_timer_.expires_at(to_steady(stop_by_));
    stop_timer_.async_wait([](const error_code&) {});
}

void SessionServer::stop_turn() {
    if (phase_ == Phase::kLeaving) {
        const bool drained = link_.ring_stopped.load(std::memory_order_acquire) &&
                             link_.deliveries.front() == nullptr;
        if (!drained && now() < stop_by_) {
            return;
        }
        phase_ = Phase::kFlushing;
        stop_by_ = now() + kFlushTimeout;
        core_->shutdown(now(), out_);
        // The ring is gone: what the sessions' end would tell it, its new configuration says.
        out_.submissions.clear();
        out_.resume.reset();
        for (auto& each : out_.closes) {
            each.flush = true;
        }
        apply();
        flush_all();
        stop_timer_.expires_at(to_steady(stop_by_));
        stop_timer_.async_wait([](const error_code&) {});
    }
    if (phase_ == Phase::kFlushing) {
        const bool flushed =
            std::all_of(connections_.begin(), connections_.end(),
                        [](const auto& entry) { return entry.second->queue.empty(); });
        if (flushed || now() >= stop_by_) {
            phase_ = Phase::kStopped;
        }
    }
}

}  // namespace spread::daemon
