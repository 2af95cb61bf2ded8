// The receiving side of a session, and its way from one connection to the next.

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "client/events.hpp"
#include "client/session_impl.hpp"

namespace spread {

namespace {

int milliseconds_until(std::optional<client::Deadline> deadline) {
    if (!deadline) {
        return -1;
    }
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(*deadline - client::Clock::now()).count();
    constexpr decltype(left) kLongest = 1'000'000;
    return static_cast<int>(std::clamp<decltype(left)>(left, 0, kLongest));
}

}  // namespace

Result<Event> SessionImpl::receive(std::optional<Deadline> deadline) {
    const std::scoped_lock lock(receive_mutex_);
    while (true) {
        auto event = step(true);
        if (!event) {
            return tl::unexpected(std::move(event.error()));
        }
        if (*event) {
            signal_more();
            return std::move(**event);
        }
        if (auto waited = wait(deadline); !waited) {
            return tl::unexpected(std::move(waited.error()));
        }
    }
}

Result<std::optional<Event>> SessionImpl::try_receive() {
    const std::unique_lock lock(receive_mutex_, std::try_to_lock);
    if (!lock) {
        return std::nullopt;
    }
    is_likely_drained_ = false;
    auto event = step(true);
    if (event && !*event && has_descriptor_) {
        // Clear the sign first and look at what it stands for afterwards: nothing gets lost.
        receive_wakeup_->clear();
        is_more_signalled_ = false;
        event = step(false);
        const std::scoped_lock info(info_mutex_);
        readiness_->arm(timer());
    }
    signal_more();
    return event;
}

Result<std::size_t> SessionImpl::visit(void (*visitor)(void*, const MessageRef&), void* context) {
    const std::scoped_lock lock(receive_mutex_);
    if (!pending_.empty() || state_ != SessionState::kConnected || is_broken_) {
        return fail(ErrorCode::kInterrupted, "there is an event to be received first");
    }
    push_for_senders();
    auto count = read();
    while (count) {
        auto view = line_->next();
        if (!view) {
            count = tl::unexpected(std::move(view.error()));
            break;
        }
        if (!*view) {
            count_buffered();
            return count;
        }
        if (!probe_.is_on() || !client::is_ping(**view, line_->private_group().view())) {
            add(counters_.messages_in, 1);
            visitor(context, client::make_ref(**view));
        }
    }
    lose(std::move(count.error()));
    signal_more();
    return fail(ErrorCode::kInterrupted, "the connection ended");
}

Result<std::optional<Event>> SessionImpl::step(bool may_read) {
    while (true) {
        if (state_ == SessionState::kClosed) {
            return fail(ErrorCode::kIllegalSession, "the session is closed");
        }
        if (is_interrupted_.exchange(false)) {
            return fail(ErrorCode::kInterrupted, "interrupted");
        }
        if (!pending_.empty()) {
            std::optional<Event> event(std::move(pending_.front()));
            pending_.pop_front();
            count_buffered();
            return event;
        }
        std::optional<Event> event;
        bool is_changed = false;
        switch (state_.load()) {
            case SessionState::kConnected: is_changed = step_connected(event, may_read); break;
            case SessionState::kReconnecting: is_changed = step_reconnecting(); break;
            case SessionState::kEnded: return tl::unexpected(final_error());
            case SessionState::kClosed: is_changed = true; break;
        }
        if (event || !is_changed) {
            return event;
        }
    }
}

bool SessionImpl::step_connected(std::optional<Event>& event, bool may_read) {
    auto parsed = parse();
    if (!parsed) {
        lose(std::move(parsed.error()));
        return true;
    }
    if (*parsed) {
        event = std::move(*parsed);
        count_buffered();
        return true;
    }
    count_buffered();
    if (is_broken_) {
        lose({});
        return true;
    }
    push_for_senders();
    // What came with a short read was all there was: the next look is that of poll().
    if (may_read && !is_likely_drained_) {
        const auto count = read();
        if (!count) {
            lose(count.error());
            return true;
        }
        if (*count > 0) {
            return true;
        }
    }
    if (!probe_.is_on()) {
        return false;
    }
    switch (probe_.verdict(Clock::now())) {
        case client::Probe::Verdict::kQuietIsFine: return false;
        case client::Probe::Verdict::kSendPing: send_ping(); return is_broken_;
        case client::Probe::Verdict::kDead: break;
    }
    lose({ErrorCode::kConnectionClosed,
          "the daemon did not answer " + std::to_string(options_.pings_max) + " pings"});
    return true;
}

bool SessionImpl::step_reconnecting() {
    auto outcome = connector_ ? connector_->poll() : std::nullopt;
    if (!outcome) {
        return false;
    }
    if (*outcome) {
        adopt(std::move(**outcome));
        return true;
    }
    connector_.reset();
    end_ = outcome->error();
    Disconnected disconnected;
    disconnected.error = end_;
    disconnected.private_group = private_group();
    {
        const std::scoped_lock lock(send_mutex_);
        disconnected.handed_over = sequence_;
    }
    pending_.emplace_back(std::move(disconnected));
    set_state(SessionState::kEnded);
    return true;
}

Error SessionImpl::final_error() {
    if (std::exchange(is_end_told_, true)) {
        return {ErrorCode::kNetErrorOnSession, "the connection of this session has ended"};
    }
    return end_;
}

Result<std::size_t> SessionImpl::read() {
    auto count = line_->read();
    if (count && *count > 0) {
        add(counters_.bytes_in, *count);
        is_likely_drained_ = line_->was_short_read();
        if (probe_.is_on()) {
            probe_.on_sign_of_life(Clock::now());
        }
    }
    return count;
}

Result<std::optional<Event>> SessionImpl::parse() {
    while (true) {
        const auto view = line_->next();
        if (!view) {
            return tl::unexpected(view.error());
        }
        if (!*view) {
            return std::nullopt;
        }
        if (probe_.is_on() && client::is_ping(**view, line_->private_group().view())) {
            continue;
        }
        add(counters_.messages_in, 1);
        auto event = client::make_event(**view);
        if (!event) {
            return tl::unexpected(std::move(event.error()));
        }
        if (const auto* rejected = std::get_if<Rejected>(&*event);
            rejected != nullptr && rejected->request == Rejected::Request::kJoin &&
            !rejected->groups.empty()) {
            const std::scoped_lock lock(send_mutex_);
            std::erase(joined_, rejected->groups.front());
        }
        return std::optional<Event>(std::move(*event));
    }
}

void SessionImpl::push_for_senders() {
    if (!has_unsent_) {
        return;
    }
    const std::unique_lock lock(send_mutex_, std::try_to_lock);
    if (lock && !is_broken_) {
        static_cast<void>(push());  // a failure is seen by whoever looks next
    }
}

void SessionImpl::send_ping() {
    const std::unique_lock lock(send_mutex_, std::try_to_lock);
    if (!lock || is_broken_) {
        return;  // somebody waits for room: the daemon does not read, and the next verdict says so
    }
    const protocol::NameField self = line_->private_group();
    client::Multicast ping;
    ping.service = protocol::kAgreedMess;
    ping.mess_type = client::Probe::kMessType;
    ping.groups = std::span(&self, 1);
    ping.body = std::as_bytes(std::span(client::Probe::kText));
    if (line_->multicast(ping)) {
        static_cast<void>(push());
    }
}

void SessionImpl::count_buffered() {
    buffered_ = pending_.size() + (line_ ? line_->frames().buffered() : 0);
}

void SessionImpl::signal_more() {
    count_buffered();
    if (!has_descriptor_) {
        return;
    }
    if (!pending_.empty() || (line_ && line_->frames().has_message())) {
        if (!is_more_signalled_.exchange(true)) {
            receive_wakeup_->notify();
        }
    } else if (is_more_signalled_.exchange(false)) {
        receive_wakeup_->clear();
        if (is_interrupted_ || state_ != SessionState::kConnected) {
            receive_wakeup_->notify();  // what was cleared may have been for that
        }
    }
}

client::Deadline SessionImpl::timer() const {
    return probe_.is_on() && state_ == SessionState::kConnected ? probe_.due() : Deadline{};
}

Result<void> SessionImpl::wait(std::optional<Deadline> deadline) {
    std::optional<Deadline> until = deadline;
    if (const Deadline own = timer(); own != Deadline{} && (!until || own < *until)) {
        until = own;
    }
    const auto events = static_cast<short>(POLLIN | (has_unsent_ ? POLLOUT : 0));
    std::array<pollfd, 2> wanted{{{line_ ? line_->descriptor() : -1, events, 0},
                                  {receive_wakeup_->descriptor(), POLLIN, 0}}};
    is_likely_drained_ = false;
    const int count = ::poll(wanted.data(), wanted.size(), milliseconds_until(until));
    if (count < 0 && errno != EINTR) {
        return fail(ErrorCode::kConnectionClosed, "poll: " + client::system_error_text(errno));
    }
    if (wanted[1].revents != 0 && state_ != SessionState::kClosed) {
        receive_wakeup_->clear();
        is_more_signalled_ = false;
    }
    // What is due for ourselves comes first, however late it is.
    if (count == 0 && deadline && until == deadline && Clock::now() >= *deadline) {
        return fail(ErrorCode::kTimedOut, "no message came in time");
    }
    return {};
}

void SessionImpl::take_rest() {
    while (true) {
        auto event = parse();
        if (!event) {
            return;
        }
        if (*event) {
            pending_.push_back(std::move(**event));
            continue;
        }
        // What the system still holds is bounded by its buffer, since nothing comes any more.
        if (const auto count = read(); !count || *count == 0) {
            return;
        }
    }
}

void SessionImpl::lose(Error error) {
    // Ends the wait of a sender, who then lets go of its lock.
    static_cast<void>(shutdown(line_->descriptor(), SHUT_RDWR));
    if (error.code != ErrorCode::kIllegalMessage) {
        take_rest();
    }
    const std::scoped_lock sending(send_mutex_);
    Disconnected disconnected;
    disconnected.error = error.text.empty() ? broken_ : std::move(error);
    disconnected.private_group = line_->private_group().string();
    disconnected.will_reconnect = options_.reconnect.has_value() && state_ != SessionState::kClosed;
    disconnected.unsent = client::multicasts_among(line_->queue().unsent_frames(), sequence_);
    disconnected.handed_over = sequence_ - disconnected.unsent.size();
    end_ = disconnected.error;
    const bool will_reconnect = disconnected.will_reconnect;
    pending_.emplace_back(std::move(disconnected));

    const std::scoped_lock lock(info_mutex_);
    line_.reset();
    is_broken_ = false;
    has_unsent_ = false;
    is_likely_drained_ = false;
    counters_.queued_bytes = 0;
    counters_.queued_messages = 0;
    if (will_reconnect) {
        set_state(SessionState::kReconnecting);
        connector_.emplace(options_, servers_, server_, receive_wakeup_);
    } else {
        set_state(SessionState::kEnded);
    }
}

void SessionImpl::adopt(client::Established established) {
    const std::scoped_lock sending(send_mutex_);
    Reconnected reconnected;
    reconnected.address = servers_[established.server];
    reconnected.private_group = established.connection.private_group.string();
    {
        const std::scoped_lock lock(info_mutex_);
        if (state_ == SessionState::kClosed) {
            return;
        }
        const auto version = established.connection.daemon_version;
        server_ = established.server;
        private_group_ = reconnected.private_group;
        address_ = reconnected.address;
        daemon_version_ = {version.major, version.minor, version.patch};
        line_.emplace(std::move(established.connection));
        if (readiness_) {
            readiness_->watch(line_->descriptor(), false);
        }
        connector_.reset();
        set_state(SessionState::kConnected);
    }
    probe_.on_sign_of_life(Clock::now());
    counters_.reconnects.fetch_add(1);
    for (const std::string& group : joined_) {
        if (line_->join(group)) {
            reconnected.rejoining.push_back(group);
        }
    }
    static_cast<void>(push());
    pending_.emplace_back(std::move(reconnected));
}

}  // namespace spread
