#include "daemon/session/outbound.hpp"

#include <algorithm>

#include "protocol/assert.hpp"

namespace spread::session {

using protocol::Instant;
using protocol::SessionId;

// Sessions ------------------------------------------------------------------------------------

void Outbound::open(SessionId id) {
    if (Line* line = lines_.find(id); line != nullptr && line->state == State::kReplies) {
        line->state = State::kOpen;
    }
}

void Outbound::mute(SessionId id) {
    Line* line = lines_.find(id);
    if (line == nullptr || is_finished(id)) {
        return;
    }
    line->state = State::kMuted;
    line->queue.clear();
    stop_awaiting(*line);
}

Farewell Outbound::finish(Instant now, SessionId id) {
    Line* line = lines_.find(id);
    if (line == nullptr) {
        return Farewell::kRelease;
    }
    stop_awaiting(*line);
    line->state = State::kClosing;
    want(id, *line);
    return farewell(now, id, *line);
}

/// Once everything is written, the peer gets time to read it, unless it has gone.
Farewell Outbound::farewell(Instant now, SessionId id, Line& line) {
    if (line.state != State::kClosing || !line.queue.empty()) {
        return Farewell::kLater;
    }
    line.state = State::kLingering;
    if (++lingering_ > kLingeringMax || line.peer_has_closed) {
        return Farewell::kRelease;
    }
    lingerers_.emplace_back(now + kLingerTime, id);
    return Farewell::kShutDown;
}

Farewell Outbound::on_peer_closed(SessionId id, bool is_broken) {
    Line* line = lines_.find(id);
    if (line == nullptr || line->state == State::kLingering) {
        return Farewell::kRelease;
    }
    if (is_broken && line->state == State::kClosing) {
        return Farewell::kRelease;
    }
    line->peer_has_closed = true;  // it may still read what we have to say
    return Farewell::kLater;
}

void Outbound::remove(SessionId id) {
    Line* line = lines_.find(id);
    if (line == nullptr) {
        return;
    }
    stop_awaiting(*line);
    lingering_ -= line->state == State::kLingering ? 1 : 0;
    lines_.erase(id);
    while (!lingerers_.empty() && lines_.find(lingerers_.front().second) == nullptr) {
        lingerers_.pop_front();
    }
    while (!notices_.empty() && lines_.find(notices_.front().second) == nullptr) {
        notices_.pop_front();
    }
}

bool Outbound::is_finished(SessionId id) const {
    const Line* line = lines_.find(id);
    return line != nullptr && (line->state == State::kClosing || line->state == State::kLingering);
}

// Frames --------------------------------------------------------------------------------------

void Outbound::reply(SessionId id, protocol::Message bytes) {
    Line* line = lines_.find(id);
    if (line != nullptr && (line->state == State::kReplies || line->state == State::kOpen)) {
        append(id, *line, make_frame(std::move(bytes)), false);
    }
}

bool Outbound::has_room(SessionId id, std::size_t bytes) const {
    const Line* line = lines_.find(id);
    return line != nullptr && !is_full(*line, line->queue.size(), bytes);
}

/// No room for a frame behind so many messages and the bytes that are queued.
bool Outbound::is_full(const Line& line, std::size_t messages, std::size_t bytes) const {
    return messages >= limits_.messages_max ||
           (!line.queue.empty() && line.queue.bytes_left() + bytes > limits_.bytes_max);
}

void Outbound::begin_event(Instant now) {
    ++events_;
    event_at_ = now;
}

Outbound::Delivered Outbound::deliver(SessionId id, const FrameRef& frame, bool may_wait) {
    Line* line = lines_.find(id);
    if (line == nullptr || line->state != State::kOpen) {
        return Delivered::kIgnored;
    }
    if (line->event != events_) {
        line->event = events_;
        line->messages_before = line->queue.size();
    }
    if (!limits_.readers_are_awaited &&
        is_full(*line, line->messages_before, frame.bytes().size())) {
        return Delivered::kNoRoom;
    }
    append(id, *line, frame, may_wait);
    if (limits_.readers_are_awaited && !line->is_awaited &&
        (line->queue.size() >= limits_.messages_max ||
         line->queue.bytes_left() >= limits_.bytes_max)) {
        line->is_awaited = true;
        line->awaited_until = event_at_ + limits_.reader_timeout;
        awaited_.emplace_back(line->awaited_until, id);
        ++blocking_;
    }
    if (!line->was_long &&
        (2 * line->messages_before >= std::max<std::size_t>(limits_.messages_max, 2) ||
         2 * line->queue.bytes_left() > limits_.bytes_max)) {
        line->was_long = true;
        line->long_since = event_at_;
        line->messages_most = 0;
        return Delivered::kQueuedLong;
    }
    return Delivered::kQueued;
}

Outbound::Record Outbound::record(SessionId id) const {
    const Line* line = lines_.find(id);
    SPREAD_ASSERT(line != nullptr);
    return {line->frames, line->was_long, line->long_since};
}

void Outbound::append(SessionId id, Line& line, FrameRef frame, bool may_wait) {
    ++frames_;
    ++line.frames;
    line.queue.push(std::move(frame));
    if (line.writing == Writing::kFull) {
        line.queue.compact();
    } else if (line.queue.size() == std::max<std::size_t>(limits_.messages_max / 4, 1)) {
        early_.ids.push_back(id);
    }
    if (line.writing == Writing::kIdle && !(may_wait && hold_notice(id, line))) {
        want(id, line);
    }
}

/// Notices of joins and leaves may come by the thousand, each to all members of a group: whoever
/// was written to just now gets the next ones together, or before whatever else it gets.
bool Outbound::hold_notice(SessionId id, Line& line) {
    if (event_at_ - line.written_at >= kNoticePause) {
        return false;
    }
    if (!std::exchange(line.has_notice_due, true)) {
        notices_.emplace_back(event_at_ + kNoticePause, id);
    }
    return true;
}

// Writing -------------------------------------------------------------------------------------

void Outbound::want(SessionId id, Line& line) {
    if (line.writing == Writing::kIdle && !line.queue.empty()) {
        line.writing = Writing::kWanted;
        wanted_.ids.push_back(id);
    }
}

std::optional<SessionId> Outbound::next_of(List& list) {
    constexpr std::size_t kTakenKept = 1024;
    if (list.next >= kTakenKept && 2 * list.next >= list.ids.size()) {
        list.ids.erase(list.ids.begin(), list.ids.begin() + static_cast<std::ptrdiff_t>(list.next));
        list.next = 0;
    }
    while (list.next < list.ids.size()) {
        const SessionId id = list.ids[list.next++];
        Line* line = lines_.find(id);
        if (line == nullptr || line->writing == Writing::kFull) {
            continue;
        }
        if (&list == &wanted_) {
            line->writing = Writing::kIdle;
        }
        if (!line->queue.empty()) {
            return id;
        }
    }
    list.ids.clear();
    list.next = 0;
    return std::nullopt;
}

const OutboundQueue& Outbound::queue(SessionId id) const {
    const Line* line = lines_.find(id);
    SPREAD_ASSERT(line != nullptr);
    return line->queue;
}

Outbound::Sent Outbound::on_sent(Instant now, SessionId id, std::size_t bytes) {
    Line* line = lines_.find(id);
    if (line == nullptr) {
        return {};
    }
    if (line->was_long) {
        line->messages_most = std::max(line->messages_most, line->queue.size());
    }
    line->queue.consume(std::min(bytes, line->queue.bytes_left()));
    line->written_at = now;
    const auto caught_up = look_at_length(now, *line);
    return {!line->queue.empty(), farewell(now, id, *line), caught_up};
}

/// The queue has become shorter.
std::optional<Outbound::Sent::CaughtUp> Outbound::look_at_length(Instant now, Line& line) {
    const std::size_t messages = line.queue.size();
    const std::size_t bytes = line.queue.bytes_left();
    if (line.is_awaited && 2 * messages <= limits_.messages_max && 2 * bytes <= limits_.bytes_max) {
        stop_awaiting(line);
    }
    if (line.was_long && 4 * messages <= limits_.messages_max && 4 * bytes <= limits_.bytes_max) {
        line.was_long = false;
        return Sent::CaughtUp{line.messages_most, now - line.long_since};
    }
    return std::nullopt;
}

void Outbound::on_full(SessionId id) {
    if (Line* line = lines_.find(id)) {
        line->writing = Writing::kFull;
        line->queue.compact();
    }
}

void Outbound::on_put_off(SessionId id) {
    if (Line* line = lines_.find(id)) {
        want(id, *line);
    }
}

void Outbound::on_writable(SessionId id) {
    Line* line = lines_.find(id);
    if (line != nullptr && line->writing == Writing::kFull) {
        line->writing = Writing::kIdle;
        want(id, *line);
    }
}

// Limits --------------------------------------------------------------------------------------

void Outbound::stop_awaiting(Line& line) {
    if (!std::exchange(line.is_awaited, false)) {
        return;
    }
    --blocking_;
    while (!awaited_.empty()) {
        const auto& [until, id] = awaited_.front();
        const Line* first = lines_.find(id);
        if (first != nullptr && first->is_awaited && first->awaited_until == until) {
            break;
        }
        awaited_.pop_front();
    }
}

std::optional<SessionId> Outbound::overdue_reader(Instant now) const {
    if (awaited_.empty() || awaited_.front().first > now) {
        return std::nullopt;
    }
    return awaited_.front().second;
}

std::optional<SessionId> Outbound::longest() const {
    std::optional<SessionId> longest;
    std::size_t most = 0;
    lines_.for_each([&](SessionId id, const Line& line) {
        const std::size_t bytes = line.queue.bytes_left();
        if (line.state == State::kOpen && bytes > 0 &&
            (bytes > most || (bytes == most && id > *longest))) {
            longest = id;
            most = bytes;
        }
    });
    return longest;
}

bool Outbound::is_all_written() const {
    bool all = true;
    lines_.for_each([&all](SessionId, const Line& line) { all = all && line.queue.empty(); });
    return all;
}

// Time ----------------------------------------------------------------------------------------

void Outbound::on_deadline(Instant now) {
    std::size_t found = 0;
    while (found < kNoticesPerDeadline && !notices_.empty() && notices_.front().first <= now) {
        const SessionId id = notices_.front().second;
        notices_.pop_front();
        if (Line* line = lines_.find(id)) {
            line->has_notice_due = false;
            found += line->queue.empty() ? 0 : 1;
            want(id, *line);
        }
    }
}

std::optional<SessionId> Outbound::overdue_lingerer(Instant now) const {
    if (lingerers_.empty() || lingerers_.front().first > now) {
        return std::nullopt;
    }
    return lingerers_.front().second;
}

std::optional<Instant> Outbound::next_deadline() const {
    std::optional<Instant> first;
    for (const auto* each : {&notices_, &awaited_, &lingerers_}) {
        if (!each->empty() && (!first || each->front().first < *first)) {
            first = each->front().first;
        }
    }
    return first;
}

}  // namespace spread::session
