#include "daemon/clients/session_server.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "daemon/host/clock.hpp"
#include "daemon/host/endpoint.hpp"
#include "daemon/host/startup_error.hpp"
#include "protocol/session_wire.hpp"

namespace spread::daemon {
namespace {

/// Read block: a read gets at least a quarter of it, so that large messages are rarely cut.
constexpr std::size_t kReadBlockBytes = 64U << 10U;
constexpr std::size_t kReadBytesMin = kReadBlockBytes / 4;
/// What a handshake may be read ahead while requests must wait: no request fits behind it.
constexpr std::size_t kHandshakeBytesMax = protocol::kConnectBytesMax + protocol::kAuthChoiceBytes;
/// Ring events taken before clients are written to.
constexpr std::size_t kDeliveriesPerTurnMax = 256;
constexpr int kReadsPerTurn = 32;
/// A turn that writes to more clients than these is one of a large fan-out, which the ring must not
/// wait for, and which gains by large turns: two threads then.
constexpr std::size_t kWritesPerSharedTurn = 128;
/// No turn should come near the time after which a token counts as lost.
constexpr auto kSharedTurnMax = std::chrono::milliseconds(50);
constexpr auto kLoadWindow = std::chrono::milliseconds(30);
/// For how long it has to be calm; longer where that did not last.
constexpr auto kCalmMin = std::chrono::milliseconds(20);
constexpr auto kCalmMax = std::chrono::milliseconds(1000);
/// Rejected clients that may take their time to read why. More than these are cut off at once.
constexpr std::size_t kLingeringMax = 1000;
/// How long stopping waits for the ring, then for clients to take their last messages.
constexpr auto kLeaveTimeout = std::chrono::milliseconds(400);
constexpr auto kNoticePause = std::chrono::milliseconds(1);
constexpr auto kFlushTimeout = std::chrono::milliseconds(200);

/// What a client's socket is watched for; and while the kernel takes no more bytes for it.
constexpr std::uint32_t kReadEvents = EPOLLIN | EPOLLRDHUP | EPOLLET;
constexpr std::uint32_t kWriteEvents = kReadEvents | EPOLLOUT;
/// Marks of what is no client: identifiers of sessions count from 1.
constexpr std::uint64_t kWakeupMark = std::uint64_t{1} << 63U;
constexpr std::uint64_t kRingMark = std::uint64_t{1} << 62U;  ///< and the ring's own below

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
                             Settings settings)
    : calm_share_(settings.calm_share),
      busy_share_(settings.busy_share),
      load_(kLoadWindow),
      calm_needed_(kCalmMin),
      core_(std::move(core)),
      link_(link),
      session_log_(settings.session_log),
      // Both well below the queue's limit, so that a burst does not look like a slow reader.
      early_flush_messages_(std::max<std::size_t>(settings.session_messages_max / 4, 1)),
      deliveries_per_turn_(static_cast<int>(
          std::clamp<std::size_t>(settings.session_messages_max / 4, 1, kDeliveriesPerTurnMax))),
      queued_bytes_max_(settings.queued_bytes_max) {
    core_->set_hang_up_probe([this](protocol::SessionId id) { return has_hung_up(id); });
    if (!events_.add(link.session_wakeup.fd(), EPOLLIN, kWakeupMark)) {
        throw StartupError(fmt::format("cannot watch clients: {}", std::strerror(errno)));
    }
}

SessionServer::~SessionServer() {
    if (thread_.joinable()) {
        stop();
        thread_.join();
    }
}

void SessionServer::start(std::function<void()> ended) {
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this, ended = std::move(ended)] {
        run();
        ended();
    });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::pthread_setname_np(thread_.native_handle(), "sessions");
}

void SessionServer::wait() {
    if (thread_.joinable()) {
        thread_.join();
    }
}

void SessionServer::run() {
    calm_since_ = woken_at_ = now();
    load_.reset(calm_since_, thread_cpu_time());
    batch_.begin(calm_since_);
    while (phase_ != Phase::kStopped) {
        read_mail();
        work_for_ring();
        bool busy = take_deliveries();
        busy |= push_submissions();
        resume_readers();
        flush_all();
        stop_turn();
        busy |= !ready_.empty() || (has_ring() && ring_->has_work());
        if (phase_ == Phase::kStopped) {
            break;
        }

        weigh_load();
        if (busy) {
            wait_for_events(protocol::Duration::zero());
        } else {
            Wakeup::Reasons reasons =
                RingLink::kDelivery | RingLink::kStopped | RingLink::kRingIsYours | RingLink::kMail;
            if (!may_read() || !waiting_control_.empty()) {
                reasons |= RingLink::kSubmitRoom;
            }
            link_.session_wakeup.arm(reasons);
            wait_for_events(has_work() ? protocol::Duration::zero() : time_left());
            link_.session_wakeup.disarm();
        }
        woken_at_ = now();
        on_deadlines();
        read_ready();
    }
    give_ring_back();
    drain_input();
    connections_.clear();
    passwords_.reset();
}

// Letters from other threads -----------------------------------------------------------------

void SessionServer::post(std::function<void()> letter) {
    {
        const std::lock_guard lock(mail_mutex_);
        mail_.push_back(std::move(letter));
    }
    mail_waiting_.store(true, std::memory_order_release);
    link_.session_wakeup.notify(RingLink::kMail);
}

void SessionServer::read_mail() {
    if (!mail_waiting_.load(std::memory_order_acquire)) {
        return;
    }
    {
        const std::lock_guard lock(mail_mutex_);
        mail_waiting_.store(false, std::memory_order_relaxed);
        letters_.swap(mail_);
    }
    for (const auto& letter : letters_) {
        letter();
    }
    letters_.clear();
}

void SessionServer::take_in(UniqueFd fd, const Endpoint& peer, bool is_unix) {
    clients_to_take_in_.fetch_add(1, std::memory_order_relaxed);
    const auto shared = std::make_shared<UniqueFd>(std::move(fd));
    post([this, shared, peer, is_unix] {
        clients_to_take_in_.fetch_sub(1, std::memory_order_relaxed);
        if (phase_ == Phase::kServing) {
            add_client(std::move(*shared), peer, is_unix);
        }
    });
}

void SessionServer::add_client(UniqueFd fd, const Endpoint& peer, bool is_unix) {
    set_client_options(fd.get(), is_unix);
    const std::string name = describe_peer(peer, is_unix);
    const auto address = is_unix ? access::PeerAddress::unix_socket()
                                 : access::PeerAddress::of(ip_of(peer.address()));
    // Before the core knows of it: a client that cannot be watched has never been there.
    if (!events_.add(fd.get(), 0, 0)) {
        if (const auto more = accept_limit_.admit(now())) {
            log_error(LogType::kSession,
                      "cannot serve the client at {}: {}; raise fs.epoll.max_user_watches ({} more "
                      "since the last such line)",
                      name, std::strerror(errno), *more);
        }
        return;
    }
    const protocol::SessionId id = core_->on_accept(now(), name, out_, address);
    events_.change(fd.get(), kReadEvents, id.value);
    log_debug(LogType::kSession, "connection from {}", name);
    connections_[id] = std::make_unique<Connection>(
        Connection{.id = id, .fd = std::move(fd), .queue = {}, .peer = name});
    apply();
}

// Waiting ------------------------------------------------------------------------------------

/// Until the next thing that is due without an event.
std::optional<protocol::Duration> SessionServer::time_left() {
    std::optional<protocol::Instant> first = core_->next_deadline();
    const auto consider = [&first](protocol::Instant at) {
        if (!first || at < *first) {
            first = at;
        }
    };
    if (!notices_.empty()) {
        consider(notices_.front().first);
    }
    if (!linger_until_.empty()) {
        consider(linger_until_.front().first);
    }
    if (phase_ != Phase::kServing) {
        consider(stop_by_);
    }
    if (has_ring()) {
        if (const auto deadline = ring_->next_deadline()) {
            consider(*deadline);
        }
    }
    if (!first) {
        return std::nullopt;
    }
    return *first - now();
}

void SessionServer::wait_for_events(std::optional<protocol::Duration> timeout) {
    for (const epoll_event& event : events_.wait(event_room_, timeout)) {
        on_event(event);
    }
}

/// Takes note only, but for bytes that a client can take again.
void SessionServer::on_event(const epoll_event& event) {
    const std::uint64_t mark = event.data.u64;
    if (mark == kWakeupMark) {
        // The loop looks at the queues each time; only the count must go.
        link_.session_wakeup.drain();
        return;
    }
    if ((mark & kRingMark) != 0) {
        ring_events_.push_back(event);
        ring_events_.back().data.u64 = 0;
        ring_events_.back().data.u32 = static_cast<std::uint32_t>(mark & ~kRingMark);
        return;
    }
    Connection* connection = find(protocol::SessionId{mark});
    if (connection == nullptr) {
        return;
    }
    if ((event.events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) {
        connection->readable = true;
        connection->input_ended |= (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
        wait_read(*connection);
    }
    if (connection->write_waiting && (event.events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
        connection->write_waiting = false;
        flush_one(*connection);
    }
}

void SessionServer::on_deadlines() {
    if (const auto deadline = core_->next_deadline(); deadline && *deadline <= now()) {
        core_->on_deadline(now(), out_);
        apply();
    }
    flush_notices();
    while (!linger_until_.empty() && linger_until_.front().first <= now()) {
        erase(linger_until_.front().second);
        linger_until_.pop_front();
    }
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

/// Reads it in its turn, at once or when the kernel has something for it.
void SessionServer::wait_read(Connection& connection) {
    if (connection.readable && !connection.read_listed) {
        connection.read_listed = true;
        ready_.push_back(connection.id);
    }
}

void SessionServer::read_ready() {
    for (int i = 0; i < kReadsPerTurn && !ready_.empty(); ++i) {
        const protocol::SessionId id = ready_.front();
        ready_.pop_front();
        if (Connection* connection = find(id)) {
            connection->read_listed = false;
            on_readable(id);
        }
    }
}

/// As recv(), and knows afterwards whether there is more. A read that is not filled has emptied the
/// socket, but for the end of what the peer sends, which is announced once (and for what
/// follows urgent data or descriptors, which no client sends: that waits for the next bytes).
ssize_t SessionServer::receive(Connection& connection, std::byte* to, std::size_t most) {
    const ssize_t count = ::recv(connection.fd.get(), to, most, MSG_DONTWAIT);
    if (count > 0 && static_cast<std::size_t>(count) < most && !connection.input_ended) {
        connection.readable = false;
    } else if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        connection.readable = false;
    }
    return count;
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
        connection->read_listed = true;
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
        receive(*connection, read_block_->data() + read_block_used_,
                pressed ? kHandshakeBytesMax : kReadBlockBytes - read_block_used_);
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
    const ssize_t count = receive(connection, scrap.data(), scrap.size());
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
        if (Connection* connection = find(id)) {
            connection->read_listed = false;
            on_readable(id);
        }
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
    turn_at_ = at;
    while (taken < deliveries_per_turn_ && !core_->is_blocked()) {
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
        if (unflushed_.size() > kWritesPerSharedTurn && has_ring()) {
            give_ring_back_for_long();
        }
    }
    if (taken > 0 && link_.deliveries_are_low()) {
        link_.ring_wakeup.notify(RingLink::kDeliveryRoom);
    }
    return taken == deliveries_per_turn_;
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
        batch_.count(1);
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
    if (link_.session_has_ring() && !has_ring()) {
        return true;
    }
    if (mail_waiting_.load(std::memory_order_acquire)) {
        return true;
    }
    if (link_.ring_stopped.load(std::memory_order_acquire) && phase_ == Phase::kLeaving &&
        link_.deliveries.front() == nullptr) {
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
    for (const RingThread::Watched& each : ring_->watched()) {
        if (!events_.add(each.fd, EPOLLIN, kRingMark | each.mark)) {
            // The kernel has no room to watch it; both threads go on for a long while.
            calm_needed_ = kCalmMax;
            give_ring_back();
            return false;
        }
        ring_watched_.push_back(each);
    }
    ring_taken_at_ = now();
    load_.reset(ring_taken_at_, thread_cpu_time());
    return true;
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
    if (!has_ring() && !watch_ring()) {
        return;
    }
    if (ring_events_.empty() && !ring_->has_work()) {
        const auto deadline = ring_->next_deadline();
        if (!deadline || *deadline > now()) {
            return;
        }
    }
    ring_->work_on(ring_events_);
    ring_events_.clear();
}

void SessionServer::give_ring_back() {
    for (const RingThread::Watched& each : ring_watched_) {
        events_.remove(each.fd);
    }
    ring_watched_.clear();
    ring_events_.clear();
    if (!link_.session_has_ring()) {
        link_.ring_wanted.store(false, std::memory_order_relaxed);
        return;
    }
    calm_since_ = now();
    link_.give_ring_back();
}

/// The next time, it has to be calm for longer, unless this time lasted.
void SessionServer::give_ring_back_for_long() {
    const bool was_short = now() - ring_taken_at_ < kCalmMax;
    calm_needed_ = was_short ? std::min<protocol::Duration>(2 * calm_needed_, kCalmMax)
                             : protocol::Duration(kCalmMin);
    give_ring_back();
}

/// Asks for the ring's work when one processor has been enough for both threads for a while, and
/// gives it back when it is too much for one.
void SessionServer::weigh_load() {
    const protocol::Instant at = now();
    batch_.weigh(at);
    if (ring_ == nullptr || phase_ != Phase::kServing) {
        return;
    }
    if (has_ring() && at - woken_at_ > kSharedTurnMax) {
        give_ring_back_for_long();
    }
    if (!load_.is_due(at)) {
        return;
    }
    load_.end_window(at, thread_cpu_time());
    if (has_ring()) {
        if (load_.share() > busy_share_) {
            give_ring_back_for_long();
        }
        return;
    }
    if (load_.share() + link_.ring_load.load(std::memory_order_relaxed) > calm_share_) {
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
        batch_.count(write.sessions.size());
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
            } else if (write.may_wait && id != write.urgent_for && hold_notice(*connection)) {
                continue;
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
    ::shutdown(connection.fd.get(), SHUT_WR);
    if (++lingering_ > kLingeringMax) {
        erase(connection.id);
        return;
    }
    // Whoever neither reads nor closes must not keep the socket.
    linger_until_.emplace_back(now() + kFlushTimeout, connection.id);
    wait_read(connection);
}

void SessionServer::erase(protocol::SessionId id) {
    const auto found = connections_.find(id);
    if (found != connections_.end()) {
        lingering_ -= found->second->shut ? 1 : 0;
        connections_.erase(found);
    }
}

/// Notices of joins and leaves may come by the thousand, each to all members of a group: whoever
/// was written to just now gets the next ones together, or before whatever else it gets.
bool SessionServer::hold_notice(Connection& connection) {
    if (connection.unflushed || turn_at_ - connection.written_at >= kNoticePause) {
        return false;
    }
    if (!std::exchange(connection.notice_waits, true)) {
        notices_.emplace_back(turn_at_ + kNoticePause, connection.id);
    }
    return true;
}

void SessionServer::flush_notices() {
    std::size_t written = 0;
    while (!notices_.empty() && notices_.front().first <= now()) {
        if (written >= kWritesPerSharedTurn && has_ring()) {
            return;  // the rest is due in the next turn
        }
        Connection* connection = find(notices_.front().second);
        notices_.pop_front();
        if (connection == nullptr) {
            continue;
        }
        connection->notice_waits = false;
        if (!connection->queue.empty() && !connection->write_waiting) {
            flush_one(*connection);
            ++written;
        }
    }
}

/// Closing a socket with unread bytes resets it, and takes with it what the peer has not read.
void SessionServer::drain_input() {
    std::array<std::byte, 4096> scrap{};
    for (const auto& [id, connection] : connections_) {
        for (int i = 0; i < 64 && receive(*connection, scrap.data(), scrap.size()) > 0; ++i) {
        }
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
    const FlushResult result = flush(connection.fd.get(), connection.queue, sent);
    if (sent.bytes > 0 || sent.messages > 0) {
        core_->on_sent(connection.id, sent.messages, sent.bytes);
    }
    connection.written_at = turn_at_;
    if (result == FlushResult::kBlocked) {
        wait_write(connection);
        return;
    }
    if (std::exchange(connection.write_watched, false)) {
        events_.change(connection.fd.get(), kReadEvents, connection.id.value);
    }
    if (result == FlushResult::kFailed) {
        stop_writing(connection);
    } else if (connection.closing) {
        finish_closing(connection);
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
    connection.write_watched = true;
    // Also when it is watched already: after ENOBUFS there is room, and no edge would come.
    events_.change(connection.fd.get(), kWriteEvents, connection.id.value);
}

// Access -------------------------------------------------------------------------------------

void SessionServer::set_access(const AccessSetup& access, bool controls,
                               std::function<void()> done) {
    auto letter = [this, access, controls, done = std::move(done)] {
        core_->set_address_rules(access.addresses);
        core_->set_access_rules(controls ? access.rules : nullptr);
        set_passwords(access.passwords);
        if (done) {
            done();
        }
    };
    if (thread_.joinable()) {
        post(std::move(letter));
    } else {
        letter();  // so that what fails is told at the start
    }
}

void SessionServer::set_passwords(std::shared_ptr<const access::PasswordFile> file) {
    if (passwords_ != nullptr) {
        passwords_->replace_file(std::move(file));
        return;
    }
    passwords_ =
        std::make_unique<PasswordChecker>(std::move(file), [this](std::uint64_t id, bool is_good) {
            post([this, id, is_good] { on_password(protocol::SessionId{id}, is_good); });
        });
}

void SessionServer::check_password(session::SessionOutput::PasswordCheck& check) {
    const protocol::SessionId id = check.session;
    if (passwords_ == nullptr ||
        !passwords_->submit({id.value, std::move(check.user), std::move(check.password)})) {
        // As a wrong one, but not from inside apply().
        post([this, id] { on_password(id, false); });
    }
}

void SessionServer::on_password(protocol::SessionId id, bool is_good) {
    core_->on_password(now(), id, is_good, out_);
    apply();
}

/// The kernel says so even while bytes that came before are unread.
bool SessionServer::has_hung_up(protocol::SessionId id) {
    Connection* connection = find(id);
    if (connection == nullptr) {
        return true;
    }
    pollfd poll{connection->fd.get(), POLLRDHUP, 0};
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

void SessionServer::stop() {
    post([this] { begin_stop(); });
}

/// First the ring: it still orders what clients have sent, and the others re-form at once. Then the
/// clients: they get what was delivered until then.
void SessionServer::begin_stop() {
    if (phase_ != Phase::kServing) {
        return;
    }
    phase_ = Phase::kLeaving;
    stop_by_ = now() + kLeaveTimeout;
    link_.leave_wanted.store(true, std::memory_order_release);
    give_ring_back();
    link_.ring_wakeup.notify(RingLink::kControl);
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
