#include "daemon/clients/session_server.hpp"

#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "daemon/host/blocked_signals.hpp"
#include "daemon/host/clock.hpp"
#include "daemon/host/memory_reserve.hpp"
#include "daemon/host/signal_stack.hpp"
#include "daemon/host/startup_error.hpp"
#include "protocol/session_wire.hpp"

namespace spread::daemon {
namespace {

using protocol::SessionId;
using session::Reading;

/// What a handshake may be read ahead while requests must wait: no request fits behind it.
constexpr std::size_t kHandshakeBytesMax = protocol::kConnectBytesMax + protocol::kAuthChoiceBytes;
constexpr int kReadsPerTurn = 32;
/// What ring events may cost in one turn, in microseconds or so: little while this thread turns the
/// ring as well. Else large turns are good for large fan-outs: each client gets much in one write.
constexpr std::size_t kUnitsBesideTheRing = 2000;
constexpr std::size_t kUnitsAlone = 20000;
/// Units are estimates, and a host may be short of processors, so the clock bounds a turn as well.
constexpr auto kTurnBesideTheRing = std::chrono::milliseconds(4);
/// In ring events: reading it costs a fiftieth of what a message does.
constexpr std::size_t kLooksAtClockEvery = 8;
/// What is written to one client, and to all of them, before the rest has to wait for the next
/// turn.
constexpr std::size_t kClientBytesPerTurn = 1U << 20U;
constexpr std::size_t kBytesPerTurn = 8U << 20U;
constexpr auto kMemoryPause = std::chrono::milliseconds(100);
/// Reads that took this long together are enough for a turn.
constexpr auto kReadingMax = std::chrono::milliseconds(4);
/// Marks the wake-up among events; clients' sockets have their SessionId, the ring's RingShare's
/// mark.
constexpr std::uint64_t kWakeupMark = std::uint64_t{1} << 63U;

}  // namespace

SessionServer::SessionServer(std::unique_ptr<session::SessionCore> core, RingLink& link,
                             Settings settings)
    : link_(link),
      port_(link, link.ring_wakeup),
      ring_share_(link, events_, settings.sharing),
      core_(std::move(core)),
      log_(settings.session_log) {
    core_->set_hang_up_probe([this](SessionId id) {
        const ClientSocket* socket = sockets_.find(id);
        return socket == nullptr || socket->has_hung_up();
    });
    if (!events_.add(link.session_wakeup.fd(), EPOLLIN, kWakeupMark)) {
        throw StartupError(fmt::format("cannot watch clients: {}", std::strerror(errno)));
    }
    if (settings.tls != nullptr) {
        tls_ = std::make_unique<TlsDoor>(
            TlsDoor::Parts{*core_, sockets_, events_}, std::move(settings.tls),
            settings.tls_is_required, [this](std::shared_ptr<TlsHandshakes::Outcome> outcome) {
                post([this, outcome = std::move(outcome)] {
                    if (ClientSocket* const socket = tls_->take_back(*outcome, out_)) {
                        wait_read(*socket);
                    }
                    apply();
                });
            });
    }
}

SessionServer::~SessionServer() {
    if (thread_.joinable()) {
        stop();
        thread_.join();
    }
}

void SessionServer::start(std::function<void()> ended) {
    const BlockedSignals blocked;
    thread_ = std::thread([this, ended = std::move(ended)] {
        const SignalStack stack;
        run();
        ended();
    });
    ::pthread_setname_np(thread_.native_handle(), "sessions");
}

void SessionServer::wait() {
    if (thread_.joinable()) {
        thread_.join();
    }
}

void SessionServer::run() {
    woken_at_ = now();
    ring_share_.start(woken_at_);
    batch_.begin(woken_at_);
    while (!stopping_.is_stopped()) {
        tasks_.run();
        look_at_memory();
        if (stopping_.is_serving()) {
            ring_share_.work();
        } else if (ring_share_.is_offered()) {
            ring_share_.give_back();  // handed over just when we began to stop
        }
        bool busy = take_deliveries();
        push_submissions();
        resume_readers();
        write_wanted();
        stop_turn();
        busy |= !ready_.empty() || ring_share_.has_work() || writes_left_;
        if (stopping_.is_stopped()) {
            break;
        }
        const protocol::Instant at = now();
        batch_.weigh(at);
        if (stopping_.is_serving()) {
            ring_share_.weigh_turn(at, at - woken_at_);
        }
        wait_for_events(busy);
        woken_at_ = now();
        on_deadlines();
        read_ready();
    }
    ring_share_.give_back();
    sockets_.for_each([](SessionId, ClientSocket& socket) { socket.drain(); });
    sockets_.clear();
    tls_.reset();
    passwords_.reset();
}

// Clients come -------------------------------------------------------------------------------

void SessionServer::post(TaskQueue::Task task) {
    tasks_.post(std::move(task));
    link_.session_wakeup.notify(RingLink::kTask);
}

void SessionServer::take_in(UniqueFd fd, const Endpoint& peer, bool is_unix) {
    clients_to_take_in_.fetch_add(1, std::memory_order_relaxed);
    const auto shared = std::make_shared<UniqueFd>(std::move(fd));
    post([this, shared, peer, is_unix] {
        clients_to_take_in_.fetch_sub(1, std::memory_order_relaxed);
        if (stopping_.is_serving()) {
            add_client(std::move(*shared), peer, is_unix);
        }
    });
}

void SessionServer::add_client(UniqueFd fd, const Endpoint& peer, bool is_unix) {
    if (!is_unix) {
        set_tcp_options(fd.get());
    }
    const std::string name = is_unix ? "unix" : peer.to_string();
    const auto address = is_unix ? access::PeerAddress::unix_socket()
                                 : access::PeerAddress::of(ip_of(peer.address()));
    // Before the core knows of it: a client that cannot be watched is turned away.
    if (!events_.add(fd.get(), 0, 0)) {
        log_.on_unwatchable(now(), name);
        return;
    }
    const SessionId id = core_->on_accept(now(), name, out_, address);
    events_.change(fd.get(), ClientSocket::kReadEvents, id.value);
    log_event(LogEvent::kConnection, "connection from {}", name);
    sockets_.insert(id, ClientSocket(id, std::move(fd)));
    if (tls_ != nullptr && !is_unix) {
        sockets_.find(id)->expect_first_byte(address.place());
    }
    apply();
}

// Waiting ------------------------------------------------------------------------------------

void SessionServer::wait_for_events(bool busy) {
    std::optional<protocol::Duration> timeout = protocol::Duration::zero();
    if (!busy) {
        Wakeup::Reasons reasons =
            RingLink::kDelivery | RingLink::kStopped | RingLink::kRingIsYours | RingLink::kTask;
        if (port_.waits_for_room() || !unread_.empty()) {
            reasons |= RingLink::kSubmitRoom;
        }
        link_.session_wakeup.arm(reasons);
        if (!has_work()) {
            timeout = time_left();
        }
    }
    for (const epoll_event& event : events_.wait(event_room_, timeout)) {
        on_event(event);
    }
    if (!busy) {
        link_.session_wakeup.disarm();
    }
}

/// Looks once more, after others have been asked to wake us.
bool SessionServer::has_work() {
    const bool blocked = core_->is_blocked();
    return (!blocked && (core_->has_work() || port_.has_event())) || ring_share_.is_offered() ||
           tasks_.has_tasks() ||
           (stopping_.phase() == StopSequence::Phase::kLeaving && is_drained()) ||
           port_.can_push() || (!blocked && !unread_.empty() && port_.is_low());
}

/// Until the next thing that is due without an event.
std::optional<protocol::Duration> SessionServer::time_left() {
    std::optional<protocol::Instant> first = core_->next_deadline();
    const auto consider = [&first](protocol::Instant at) {
        if (!first || at < *first) {
            first = at;
        }
    };
    if (!stopping_.is_serving()) {
        consider(stopping_.until());
    }
    if (const auto deadline = ring_share_.next_deadline()) {
        consider(*deadline);
    }
    if (!first) {
        return std::nullopt;
    }
    return *first - now();
}

/// Takes note only.
void SessionServer::on_event(const epoll_event& event) {
    const std::uint64_t mark = event.data.u64;
    if (mark == kWakeupMark) {
        // The loop looks at the queues each time; only the count must go.
        link_.session_wakeup.drain();
        return;
    }
    if ((mark & RingShare::kMark) != 0) {
        ring_share_.note_event(event);
        return;
    }
    ClientSocket* socket = sockets_.find(SessionId{mark});
    if (socket == nullptr) {
        return;
    }
    if ((event.events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0 ||
        socket->reads_when_writable()) {
        socket->note_input(event.events);
        wait_read(*socket);
    }
    if ((event.events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
        core_->on_writable(socket->id());
    }
}

void SessionServer::on_deadlines() {
    if (const auto deadline = core_->next_deadline(); deadline && *deadline <= now()) {
        core_->on_deadline(now(), out_);
        apply();
    }
    write_wanted();  // notices, and sockets that take bytes again
}

// Reading ------------------------------------------------------------------------------------

bool SessionServer::may_read() const {
    return unread_.empty() && port_.has_room() && !core_->is_blocked();
}

/// Reads it in its turn, at once or when the kernel has something for it.
void SessionServer::wait_read(ClientSocket& socket) {
    if (socket.is_readable() && socket.enlist()) {
        ready_.push_back(socket.id());
    }
}

void SessionServer::read_ready() {
    const protocol::Instant until = now() + kReadingMax;
    for (int i = 0; i < kReadsPerTurn && !ready_.empty(); ++i) {
        const SessionId id = ready_.front();
        ready_.pop_front();
        read(id);
        if (now() >= until) {
            break;
        }
    }
}

void SessionServer::read(SessionId id) {
    ClientSocket* socket = sockets_.find(id);
    if (socket == nullptr) {
        return;
    }
    socket->delist();
    const Reading reading = core_->reading(id);
    if (reading == Reading::kOver || reading == Reading::kPaused ||
        (!stopping_.is_serving() && reading != Reading::kDiscard)) {
        return;
    }
    if (socket->is_unheard() && reading != Reading::kDiscard &&
        tls_->listen(*socket, out_) != TlsDoor::Speech::kOpen) {
        apply();
        return;
    }
    std::span<std::byte> room = read_buffer_.room();
    if (!may_read()) {
        if (reading == Reading::kRequests) {
            static_cast<void>(socket->enlist());
            unread_.push_back(id);
            return;
        }
        room = room.first(reading == Reading::kAhead ? session::Overtaking::kQuantum
                                                     : kHandshakeBytesMax);
    }
    const ClientSocket::Read read = socket->read(room);
    switch (read.result) {
        case ClientSocket::ReadResult::kNothing:
            if (socket->reads_when_writable()) {
                watch_writing(*socket, true);
            }
            break;
        case ClientSocket::ReadResult::kBytes:
            core_->on_bytes(now(), id, read_buffer_.take(read.bytes), out_);
            apply();
            break;
        case ClientSocket::ReadResult::kEnd:
        case ClientSocket::ReadResult::kBroken:
            core_->on_peer_closed(now(), id, out_,
                                  read.result == ClientSocket::ReadResult::kBroken);
            apply();
            return;
    }
    if (ClientSocket* still = sockets_.find(id)) {
        wait_read(*still);
    }
}

void SessionServer::resume_readers() {
    if (unread_.empty() || !port_.is_low() || core_->is_blocked()) {
        return;
    }
    // Each gets one read, oldest first; whoever finds the queue full again goes to its end.
    std::deque<SessionId> readers;
    readers.swap(unread_);
    while (!readers.empty()) {
        const SessionId id = readers.front();
        readers.pop_front();
        read(id);
        if (!may_read()) {
            break;
        }
    }
    // The rest keeps its place before those that came later.
    unread_.insert(unread_.begin(), readers.begin(), readers.end());
}

// Ring ---------------------------------------------------------------------------------------

/// True if there may be more. What was left to write in the last turn comes first.
bool SessionServer::take_deliveries() {
    turn_at_ = now();
    const bool beside_ring = ring_share_.has_ring();
    core_->begin_turn(beside_ring ? kUnitsBesideTheRing : kUnitsAlone, port_.progress());
    if (writes_left_) {
        return true;
    }
    if (core_->has_work() && !core_->is_blocked()) {
        core_->work(turn_at_, out_);
        apply_delivered();
    }
    const std::size_t most = core_->events_per_turn();
    std::size_t taken = 0;
    const auto is_over = [&] {
        return taken == most || core_->turn_is_spent() ||
               (beside_ring && taken % kLooksAtClockEvery == kLooksAtClockEvery - 1 &&
                now() - turn_at_ >= kTurnBesideTheRing);
    };
    while (!core_->is_blocked() && !is_over()) {
        auto event = port_.next_event();
        if (!event) {
            break;
        }
        ++taken;
        if (const auto* change = std::get_if<membership::ConfigurationChange>(&*event)) {
            ring_share_.give_back();  // telling all clients can take long
            if (configuration_hook_) {
                configuration_hook_(*change);
            }
        }
        core_->on_ring_event(turn_at_, std::move(*event), out_);
        apply_delivered();
    }
    if (core_->has_work()) {
        ring_share_.give_back();  // more than one turn's work
    }
    if (taken > 0) {
        port_.tell_of_room();
        const std::uint64_t frames = core_->queued().frames;
        batch_.count(static_cast<std::size_t>(frames - std::exchange(frames_counted_, frames)));
    }
    return is_over();
}

void SessionServer::apply_delivered() {
    apply();
    while (const auto id = core_->next_early_write()) {
        write(*id);
    }
    ring_share_.weigh_writes(core_->writes_wanted());
}

/// Carries out what the core asked for.
void SessionServer::apply() {
    if (out_.empty()) {
        return;
    }
    for (const auto& opened : out_.opened) {
        log_.on_opened(opened);
    }
    for (const auto& note : out_.notes) {
        log_.on_note(now(), note);
    }
    for (const auto& close : out_.closes) {
        log_.on_closed(now(), close);
    }
    for (const std::string& warning : out_.warnings) {
        log_.on_warning(now(), warning);
    }
    for (const SessionId id : out_.shutdowns) {
        if (ClientSocket* socket = sockets_.find(id)) {
            socket->shut_down();
        }
    }
    for (const SessionId id : out_.readers) {
        if (ClientSocket* socket = sockets_.find(id)) {
            wait_read(*socket);
        }
    }
    for (const SessionId id : out_.releases) {
        if (const ClientSocket* const socket = tls_ == nullptr ? nullptr : sockets_.find(id)) {
            tls_->forget(*socket);
        }
        sockets_.erase(id);
    }
    check_passwords();
    for (membership::Submission& submission : out_.submissions) {
        port_.add(std::move(submission));
    }
    if (out_.resume) {
        port_.resume(*out_.resume);
    }
    if (out_.overdue) {
        port_.give_up({out_.overdue->ring, std::move(out_.overdue->owing)});
    }
    out_.clear();
    push_submissions();
}

void SessionServer::push_submissions() {
    batch_.count(port_.push());
}

/// An allocation has failed. The longest queues go, and then the newest demands, until there is
/// room for the reserve again.
void SessionServer::look_at_memory() {
    if (!MemoryReserve::is_used() ||
        (memory_is_short_ && turn_at_ - memory_looked_at_ < kMemoryPause)) {
        return;
    }
    memory_looked_at_ = turn_at_;
    if (!std::exchange(memory_is_short_, true)) {
        SessionLog::on_memory(true);
    }
    core_->on_memory(now(), true, out_);
    apply();
    if (MemoryReserve::refill()) {
        memory_is_short_ = false;
        core_->on_memory(now(), false, out_);
        SessionLog::on_memory(false);
    }
}

// Writing ------------------------------------------------------------------------------------

/// Once each, as far as the turn goes.
void SessionServer::write_wanted() {
    std::size_t bytes = 0;
    for (std::size_t left = core_->writes_wanted(); left > 0 && bytes < kBytesPerTurn; --left) {
        if (const auto id = core_->next_write()) {
            bytes += write(*id);
        }
    }
    writes_left_ = core_->writes_wanted() > 0;
    apply();
}

/// Writes as much of its queue as the socket takes, in as few calls as possible. Returns how much.
std::size_t SessionServer::write(SessionId id) {
    ClientSocket* socket = sockets_.find(id);
    if (socket == nullptr) {
        return 0;
    }
    std::size_t bytes = 0;
    for (bool more = true; more;) {
        if (bytes >= kClientBytesPerTurn) {
            core_->on_write_put_off(id);
            return bytes;
        }
        const ClientSocket::Write written = socket->write(core_->outbound(id));
        switch (written.result) {
            case ClientSocket::WriteResult::kTaken:
                bytes += written.bytes;
                more = core_->on_sent(turn_at_, id, written.bytes, out_);
                break;
            case ClientSocket::WriteResult::kFull:
                core_->on_write_blocked(id);
                // Even if it is watched already: after ENOBUFS there is room, so no edge would
                // come.
                watch_writing(*socket, true);
                return bytes;
            case ClientSocket::WriteResult::kBroken:
                core_->on_write_failed(id, out_);
                more = false;
                break;
        }
    }
    if (socket->reads_when_writable()) {
        socket->note_input(0);
        wait_read(*socket);
    }
    watch_writing(*socket, false);
    return bytes;
}

void SessionServer::watch_writing(ClientSocket& socket, bool watched) {
    if (socket.set_write_watched(watched) || watched) {
        events_.change(socket.fd(),
                       watched ? ClientSocket::kWriteEvents : ClientSocket::kReadEvents,
                       socket.id().value);
    }
}

// Stopping -----------------------------------------------------------------------------------

void SessionServer::stop() {
    post([this] { begin_stop(); });
}

void SessionServer::begin_stop() {
    if (stopping_.begin(now())) {
        link_.leave_wanted.store(true, std::memory_order_release);
        ring_share_.give_back();
        link_.ring_wakeup.notify(RingLink::kControl);
    }
}

/// Clients have got, or will get, all that the ring has delivered.
bool SessionServer::is_drained() {
    return port_.is_drained() && !core_->has_work();
}

void SessionServer::stop_turn() {
    if (stopping_.is_serving()) {
        return;
    }
    if (stopping_.leave(now(), is_drained())) {
        core_->shutdown(now(), out_);
        apply();
        write_wanted();
    }
    stopping_.flush(now(), core_->is_all_written());
}

}  // namespace spread::daemon
