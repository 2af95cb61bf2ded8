#include "daemon/session/open_sessions.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <utility>

#include "daemon/session/rejection.hpp"
#include "daemon/session/texts.hpp"
#include "protocol/membership_frames.hpp"

namespace spread::session {

using protocol::SessionId;

void OpenSessions::open(SessionId id, Session& session) {
    session.is_open = true;
    const SessionMachine& machine = session.machine;
    const bool reads_3x = config_.old_client_layout && machine.client_version().major <= 3;
    groups_.on_session_open(
        id, machine.private_group().view(), machine.wants_membership(),
        reads_3x ? protocol::MembershipLayout::kOwnSet : protocol::MembershipLayout::kVsSets);
    outbound_.open(id);
}

bool OpenSessions::is_active(SessionId id) const {
    const Session* session = sessions_.find(id);
    return session != nullptr && !session->is_ending;
}

// Requests ------------------------------------------------------------------------------------

bool OpenSessions::on(SessionId id, Session& session, Multicast& multicast, SessionOutput& out) {
    if (permissions_.look_at_messages()) {
        std::vector<std::byte> scratch;
        const auto frame = multicast.frame.contiguous(scratch);
        if (!permissions_.may_send(session.requester, frame)) {
            return send_back(id, session, rejection_of(frame), out);
        }
    }
    Traffic::add(traffic_.sent, multicast.type, multicast.body_bytes);
    ++session.messages_in;
    const bool ahead = overtaking_.take(session.way, multicast.frame.size());
    out.submissions.push_back({multicast.service, protocol::MessageKind::kClientFrame, false,
                               std::move(multicast.frame), ahead});
    return true;
}

bool OpenSessions::on(SessionId id, Session& session, const protocol::JoinRequest& join,
                      SessionOutput& out) {
    const std::string why_not = why_no_joins();
    if (!why_not.empty()) {
        out.warnings.push_back("join of client " + session.description() + " refused: " + why_not);
    }
    if (!why_not.empty() || groups_.groups_of(id) >= config_.max_session_groups ||
        !permissions_.may_join(session.requester, join.group.view())) {
        return send_back(id, session, rejection_of(join), out);
    }
    groups_.request_join(id, join.group.view(), output_);
    absorb(out);
    overtaking_.stay_behind(session.way);
    return is_active(id);
}

/// Empty when there is room for one more.
std::string OpenSessions::why_no_joins() const {
    if (short_of_memory_) {
        return "memory is short";
    }
    const std::size_t members = groups_.memberships();
    return members < config_.memberships_max
               ? std::string()
               : "all groups together have " + std::to_string(members) +
                     " members; see MaxMemberships and MemoryBudget";
}

bool OpenSessions::on(SessionId id, Session& session, const protocol::LeaveRequest& leave,
                      SessionOutput& out) {
    groups_.request_leave(id, leave.group.view(), output_);
    absorb(out);
    overtaking_.stay_behind(session.way);
    return is_active(id);
}

bool OpenSessions::on(SessionId id, Session& session, const protocol::KillRequest&,
                      SessionOutput& out) {
    end(id, session, CloseReason::kKill, "disconnected", out);
    return false;
}

/// A refused request goes back to its author.
bool OpenSessions::send_back(SessionId id, Session& session,
                             std::optional<protocol::Message> rejection, SessionOutput& out) {
    if (!rejection) {
        return true;
    }
    if (!outbound_.has_room(id, rejection->size())) {
        end(id, session, CloseReason::kSlowReader, describe_queue(id), out);
        return false;
    }
    outbound_.reply(id, std::move(*rejection));
    return true;
}

// Ends ----------------------------------------------------------------------------------------

void OpenSessions::mark_ending(SessionId id, Session& session, CloseReason reason,
                               std::string detail) {
    session.machine.refuse();
    session.is_ending = true;
    session.reason = reason;
    session.detail = std::move(detail);
    outbound_.mute(id);
}

void OpenSessions::end(SessionId id, Session& session, CloseReason reason, std::string_view why,
                       SessionOutput& out) {
    mark_ending(id, session, reason, session.description() + ": " + std::string(why));
    groups_.request_disconnect(id, reason == CloseReason::kKill, output_);
    absorb(out);
}

void OpenSessions::end_overdue_readers(protocol::Instant now, SessionOutput& out) {
    while (const auto id = outbound_.overdue_reader(now)) {
        end(*id, *sessions_.find(*id), CloseReason::kSlowReader,
            describe_queue(*id) + " and did not catch up within " +
                in_seconds(config_.slow_reader_timeout),
            out);
    }
}

std::string OpenSessions::describe_queue(SessionId id) const {
    const OutboundQueue& queue = outbound_.queue(id);
    return "reads too slowly, queue holds " + std::to_string(queue.size()) + " messages (limit " +
           std::to_string(config_.max_session_messages) + ") of " +
           std::to_string(queue.bytes_left()) + " bytes (limit " +
           std::to_string(config_.max_session_bytes) + ")";
}

/// Stops when the longest queue only shares frames that others keep: ending it would free nothing.
void OpenSessions::shed_load(std::size_t bytes_max, std::string_view why, SessionOutput& out) {
    while (outbound_.bytes() > bytes_max) {
        const std::size_t before = outbound_.bytes();
        const auto longest = outbound_.longest();
        if (!longest) {
            return;  // what is left belongs to rejected clients, who are gone in a moment
        }
        end(*longest, *sessions_.find(*longest), CloseReason::kSlowReader,
            std::string(why) + ", and this is the longest: " + describe_queue(*longest), out);
        if (outbound_.bytes() >= before) {
            return;
        }
    }
}

void OpenSessions::on_memory(bool is_short, SessionOutput& out) {
    short_of_memory_ = is_short;
    if (is_short) {
        shed_load(outbound_.bytes() / 2, "memory is short", out);
    }
}

// Groups --------------------------------------------------------------------------------------

const std::vector<SessionId>& OpenSessions::on_ring_event(membership::DeliveryEvent&& event,
                                                          SessionOutput& out) {
    disconnected_.clear();
    groups_.on_event(std::move(event), output_);
    absorb(out);
    shed_load(config_.queued_bytes_max, "all queues together are full", out);
    return disconnected_;
}

const std::vector<SessionId>& OpenSessions::work(SessionOutput& out) {
    disconnected_.clear();
    groups_.work(output_);
    absorb(out);
    shed_load(config_.queued_bytes_max, "all queues together are full", out);
    return disconnected_;
}

void OpenSessions::deliver(membership::ClientEvent& event, SessionOutput& out) {
    const FrameRef frame = outbound_.make_frame(std::move(event.frame));
    for (const SessionId id : event.recipients) {
        const bool may_wait = event.is_notice && id != event.subject;
        switch (outbound_.deliver(id, frame, may_wait)) {
            case Outbound::Delivered::kIgnored: break;
            case Outbound::Delivered::kQueued:
                Traffic::add(traffic_.delivered, event.type, event.body_bytes);
                break;
            case Outbound::Delivered::kQueuedLong: {
                Traffic::add(traffic_.delivered, event.type, event.body_bytes);
                const Session& session = *sessions_.find(id);
                out.warnings.push_back("client " + session.description() + " " +
                                       describe_queue(id) +
                                       "; see MaxSessionMessages and SlowReaderPolicy");
                out.notes.push_back(
                    {"slow_begin", session.machine.private_group().string(), describe_queue(id)});
                break;
            }
            case Outbound::Delivered::kNoRoom: {
                Session& session = *sessions_.find(id);
                mark_ending(id, session, CloseReason::kSlowReader,
                            session.description() + ": " + describe_queue(id));
                slow_.push_back(id);
            }
        }
    }
}

/// Hands on what the group engine said. Slow readers found on the way are disconnected, which makes
/// the engine say more.
void OpenSessions::absorb(SessionOutput& out) {
    for (;;) {
        for (membership::ClientEvent& event : output_.events) {
            deliver(event, out);
        }
        overtaking_.take_ordinary(static_cast<std::size_t>(
            std::count_if(output_.submissions.begin(), output_.submissions.end(),
                          [](const membership::Submission& each) { return !each.control; })));
        std::move(output_.submissions.begin(), output_.submissions.end(),
                  std::back_inserter(out.submissions));
        disconnected_.insert(disconnected_.end(), output_.disconnected.begin(),
                             output_.disconnected.end());
        if (output_.resume) {
            out.resume = output_.resume;
        }
        output_.clear();
        if (slow_.empty()) {
            return;
        }
        for (const SessionId id : slow_) {
            groups_.request_disconnect(id, false, output_);
        }
        slow_.clear();
    }
}

}  // namespace spread::session
