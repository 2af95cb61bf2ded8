#include "client/session_impl.hpp"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "client/events.hpp"

namespace spread {

namespace {

constexpr std::string_view kClosedText = "the session is closed";

}  // namespace

SessionImpl::SessionImpl(Options options, std::vector<std::string> servers,
                         client::Established first)
    : options_(std::move(options)),
      servers_(std::move(servers)),
      server_(first.server),
      probe_(options_.ping_interval, options_.pings_max),
      private_group_(first.connection.private_group.string()),
      address_(servers_.empty() ? first.connection.peer : servers_[first.server]) {
    const auto version = first.connection.daemon_version;
    daemon_version_ = {version.major, version.minor, version.patch};
    line_.emplace(std::move(first.connection));
    probe_.on_sign_of_life(Clock::now());
}

SessionImpl::~SessionImpl() {
    close();
}

std::string SessionImpl::private_group() const {
    const std::scoped_lock lock(info_mutex_);
    return private_group_;
}

std::string SessionImpl::address() const {
    const std::scoped_lock lock(info_mutex_);
    return address_;
}

DaemonVersion SessionImpl::daemon_version() const {
    const std::scoped_lock lock(info_mutex_);
    return daemon_version_;
}

SessionStats SessionImpl::stats() const {
    constexpr auto kRelaxed = std::memory_order_relaxed;
    SessionStats stats;
    stats.messages_in = counters_.messages_in.load(kRelaxed);
    stats.bytes_in = counters_.bytes_in.load(kRelaxed);
    stats.messages_out = counters_.messages_out.load(kRelaxed);
    stats.bytes_out = counters_.bytes_out.load(kRelaxed);
    stats.reconnects = counters_.reconnects.load(kRelaxed);
    stats.queued_messages = counters_.queued_messages.load(kRelaxed);
    stats.queued_bytes = counters_.queued_bytes.load(kRelaxed);
    return stats;
}

std::size_t SessionImpl::poll() const {
    const std::scoped_lock lock(info_mutex_);
    int waiting = 0;
    if (!line_ || ioctl(line_->descriptor(), FIONREAD, &waiting) != 0) {
        return buffered_;
    }
    return buffered_ + static_cast<std::size_t>(waiting);
}

void SessionImpl::interrupt() {
    is_interrupted_ = true;
    receive_wakeup_->notify();
}

Result<const client::Readiness*> SessionImpl::readiness() {
    const std::scoped_lock lock(info_mutex_);
    if (!readiness_) {
        // Set first: a sender that finds its socket full from now on waits for info_mutex_.
        has_descriptor_ = true;
        auto readiness = client::Readiness::create(receive_wakeup_->descriptor());
        if (!readiness) {
            has_descriptor_ = false;
            return tl::unexpected(std::move(readiness.error()));
        }
        readiness_ = std::move(*readiness);
        if (line_) {
            readiness_->watch(line_->descriptor(), has_unsent_);
        }
        // Bytes may be waiting in our own buffer already.
        if (buffered_ > 0 || is_interrupted_ || state_ != SessionState::kConnected) {
            is_more_signalled_ = true;
            receive_wakeup_->notify();
        }
    }
    return &*readiness_;
}

void SessionImpl::close() {
    if (state_.exchange(SessionState::kClosed) == SessionState::kClosed) {
        return;
    }
    receive_wakeup_->notify();
    send_wakeup_.notify();
    const std::scoped_lock receiving(receive_mutex_);
    const std::scoped_lock sending(send_mutex_);
    const std::scoped_lock lock(info_mutex_);
    connector_.reset();
    if (line_) {
        line_->disconnect();
        line_.reset();
    }
}

void SessionImpl::set_state(SessionState state) {
    SessionState expected = state_;
    while (expected != SessionState::kClosed && !state_.compare_exchange_weak(expected, state)) {
    }
}

// ---- Sending ----

Result<void> SessionImpl::check_connected() const {
    switch (state_.load()) {
        case SessionState::kConnected:
            if (is_broken_) {
                return tl::unexpected(broken_);
            }
            return {};
        case SessionState::kReconnecting:
            return fail(ErrorCode::kConnectionClosed,
                        "there is no connection to a daemon at the moment");
        case SessionState::kEnded:
            return fail(ErrorCode::kNetErrorOnSession, "the connection of this session has ended");
        case SessionState::kClosed: break;
    }
    return fail(ErrorCode::kIllegalSession, std::string(kClosedText));
}

void SessionImpl::count_queued() {
    counters_.queued_bytes.store(line_->unsent(), std::memory_order_relaxed);
    counters_.queued_messages.store(line_->queue().frames(), std::memory_order_relaxed);
}

void SessionImpl::set_has_unsent(bool has_unsent) {
    count_queued();
    if (has_unsent_ == has_unsent) {
        return;
    }
    has_unsent_ = has_unsent;
    if (has_descriptor_) {
        const std::scoped_lock lock(info_mutex_);
        if (readiness_) {
            readiness_->set_wants_write(line_->descriptor(), has_unsent);
        }
    } else if (has_unsent) {
        receive_wakeup_->notify();  // whoever waits there shall wait for room as well
    }
}

Result<std::size_t> SessionImpl::push() {
    const std::size_t before = line_->unsent();
    auto left = line_->flush();
    if (!left) {
        break_line(left.error());
        return left;
    }
    add(counters_.bytes_out, before - *left);
    set_has_unsent(*left > 0);
    return left;
}

Result<void> SessionImpl::push_all(Deadline deadline) {
    while (true) {
        const auto left = push();
        if (!left) {
            return tl::unexpected(left.error());
        }
        if (*left == 0) {
            return {};
        }
        const auto ready =
            client::wait_writable(line_->descriptor(), deadline, send_wakeup_.descriptor());
        if (state_ == SessionState::kClosed) {
            return fail(ErrorCode::kIllegalSession, std::string(kClosedText));
        }
        if (!ready) {
            return tl::unexpected(ready.error());
        }
    }
}

void SessionImpl::break_line(const Error& error) {
    if (!is_broken_) {
        broken_ = error;
        is_broken_ = true;
        static_cast<void>(shutdown(line_->descriptor(), SHUT_RDWR));
    }
}

Result<void> SessionImpl::send_request(Result<void> queued) {
    if (!queued) {
        return queued;
    }
    auto sent = push_all(Clock::now() + options_.send_timeout);
    if (!sent && sent.error().code == ErrorCode::kTimedOut) {
        sent.error().text = "the daemon takes no more data: " + sent.error().text;
        // Part of it may be on its way: nothing else can follow on this line.
        break_line(sent.error());
    }
    return sent;
}

Result<void> SessionImpl::join(std::string_view group) {
    settle();
    Result<void> done;
    {
        const std::scoped_lock lock(send_mutex_);
        done = check_connected();
        if (done) {
            done = send_request(line_->join(group));
        }
        if (done && std::ranges::find(joined_, group) == joined_.end()) {
            joined_.emplace_back(group);
        }
    }
    settle();
    return done;
}

Result<void> SessionImpl::leave(std::string_view group) {
    settle();
    Result<void> done;
    {
        const std::scoped_lock lock(send_mutex_);
        done = check_connected();
        if (done) {
            done = send_request(line_->leave(group));
        }
        if (done || state_ == SessionState::kReconnecting) {
            // Without a connection there is nothing to leave but the list of what to join again.
            const auto found = std::ranges::find(joined_, group);
            if (found != joined_.end()) {
                joined_.erase(found);
                done = {};
            }
        }
    }
    settle();
    return done;
}

bool SessionImpl::is_queue_full() const {
    return line_->unsent() >= options_.send_queue_bytes_max ||
           line_->queue().frames() >= options_.send_queue_messages_max;
}

Result<std::uint64_t> SessionImpl::multicast(const Delivery& delivery,
                                             std::span<const protocol::NameField> groups, Body body,
                                             Sending how) {
    /// Messages that are queued leave in pieces of this size.
    constexpr std::size_t kGatheredMax = 64 * 1024;
    client::Multicast wire;
    wire.service = static_cast<std::uint32_t>(delivery.service) |
                   (delivery.self_discard ? protocol::kSelfDiscard : 0U);
    wire.mess_type = delivery.mess_type;
    wire.groups = groups;
    wire.body = body.bytes();

    if (state_ != SessionState::kConnected || is_broken_) {
        settle();
    }
    Result<void> done;
    std::uint64_t sequence = 0;
    {
        const std::scoped_lock lock(send_mutex_);
        if (done = check_connected(); done && how != Sending::kBlock && is_queue_full()) {
            if (const auto left = push(); !left) {
                done = tl::unexpected(left.error());
            } else if (is_queue_full()) {
                return fail(ErrorCode::kWouldBlock, "the send queue is full");
            }
        }
        if (done) {
            done = line_->multicast(wire);
        }
        if (!done) {
            if (!is_broken_) {
                return tl::unexpected(done.error());
            }
        } else {
            sequence = ++sequence_;
            add(counters_.messages_out, 1);
            if (how == Sending::kBlock) {
                done = send_request({});
            } else if (how == Sending::kTry || line_->unsent() >= kGatheredMax) {
                if (const auto left = push(); !left) {
                    done = tl::unexpected(left.error());
                }
            } else {
                count_queued();
            }
        }
        if (done) {
            return sequence;
        }
    }
    settle();
    return tl::unexpected(done.error());
}

Result<std::size_t> SessionImpl::flush() {
    Result<std::size_t> left = std::size_t{0};
    {
        const std::scoped_lock lock(send_mutex_);
        if (auto connected = check_connected(); !connected) {
            return tl::unexpected(connected.error());
        }
        left = push();
    }
    if (!left) {
        settle();
    }
    return left;
}

Result<void> SessionImpl::flush(Deadline deadline) {
    Result<void> done;
    {
        const std::scoped_lock lock(send_mutex_);
        done = check_connected();
        if (done) {
            done = push_all(deadline);
        }
    }
    if (!done) {
        settle();
    }
    return done;
}

void SessionImpl::settle() {
    if ((state_ == SessionState::kConnected && !is_broken_) || state_ == SessionState::kEnded ||
        state_ == SessionState::kClosed) {
        return;
    }
    const std::unique_lock lock(receive_mutex_, std::try_to_lock);
    if (!lock) {
        return;  // the receiver sees it as well
    }
    if (state_ == SessionState::kConnected && is_broken_) {
        lose({});
    }
    if (state_ == SessionState::kReconnecting) {
        static_cast<void>(step_reconnecting());
    }
    signal_more();
}

}  // namespace spread
