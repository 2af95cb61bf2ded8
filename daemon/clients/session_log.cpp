#include "daemon/clients/session_log.hpp"

#include <cerrno>
#include <cstring>
#include <string_view>

#include <fmt/format.h>

#include "daemon/host/host_facts.hpp"
#include "protocol/names.hpp"

namespace spread::daemon {

using session::CloseReason;
using session::SessionOutput;

void SessionLog::on_opened(const SessionOutput::Opened& opened) {
    ++totals_.opened;
    if (each_session_) {
        log_event_with(LogEvent::kClientConnected,
                       {{"client", protocol::escaped(opened.private_name)},
                        {"peer", opened.peer},
                        {"tls", opened.tls},
                        {"certificate", protocol::escaped(opened.certificate)}},
                       "client {} connected from {}{}{}{}", protocol::escaped(opened.private_name),
                       opened.peer, opened.tls.empty() ? "" : " by " + opened.tls,
                       opened.certificate.empty()
                           ? ""
                           : ", certificate " + protocol::escaped(opened.certificate),
                       opened.wants_membership ? ", wants membership messages" : "");
    }
}

void SessionLog::on_closed(protocol::Instant now, const SessionOutput::Close& close) {
    ++totals_.closed[static_cast<std::size_t>(close.reason)];
    totals_.unopened[static_cast<std::size_t>(close.reason)] += close.was_open ? 0 : 1;
    if (close_hook_) {
        close_hook_(close);
    }
    switch (close.reason) {
        case CloseReason::kSlowReader:
        case CloseReason::kKicked:
            log_event_with(LogEvent::kClientDropped, {{"reason", session::word_of(close.reason)}},
                           "dropped client {} ({})", close.detail,
                           session::to_string(close.reason));
            return;
        case CloseReason::kHandshakeTimeout:
        case CloseReason::kRejected:
        case CloseReason::kTlsFailed:
        case CloseReason::kIllegalRequest:
            if (const auto more = rejected_limit_.admit(now)) {
                log_event_with(LogEvent::kClientRefused,
                               {{"reason", session::word_of(close.reason)}, {"more", *more}},
                               "closed client {} ({}; {} more closed unlogged)", close.detail,
                               session::to_string(close.reason), *more);
            }
            return;
        case CloseReason::kPeerClosed:
        case CloseReason::kKill:
        case CloseReason::kShutdown: break;
    }
    if (each_session_) {
        log_event_with(LogEvent::kClientDisconnected, {{"reason", session::word_of(close.reason)}},
                       "client {} ({})", close.detail, session::to_string(close.reason));
    }
}

void SessionLog::on_note(protocol::Instant now, const SessionOutput::Note& note) {
    if (note_hook_) {
        note_hook_(note);
    }
    // That a client is slow is a warning of its own, with advice.
    if (note.event == std::string_view("slow_begin")) {
        return;
    }
    if (const auto more = note_limit_.admit(now)) {
        log_event_with(LogEvent::kClientNote,
                       {{"client", protocol::escaped(note.client)}, {"note", note.event}},
                       "client {} {}{}", protocol::escaped(note.client), note.text,
                       *more == 0 ? std::string() : fmt::format(" ({} more unlogged)", *more));
    }
}

void SessionLog::on_warning(protocol::Instant now, const std::string& warning) {
    if (const auto more = warning_limit_.admit(now)) {
        log_event(LogEvent::kClientWarning, "{}{}", warning,
                  *more == 0 ? std::string() : fmt::format(" ({} more unlogged)", *more));
    }
}

void SessionLog::on_memory(bool is_short) {
    if (is_short) {
        log_event(LogEvent::kMemoryShort,
                  "memory is short: dropping clients for which much waits, refusing joins and new "
                  "clients; lower MemoryBudget or raise the limit of this process");
    } else {
        log_event(LogEvent::kMemoryBack, "there is memory again");
    }
}

void SessionLog::on_unwatchable(protocol::Instant now, const std::string& peer) {
    const int error = errno;
    if (const auto more = accept_limit_.admit(now)) {
        log_event_with(
            LogEvent::kClientUnwatchable, {{"peer", peer}, {"more", *more}},
            "cannot serve the client at {}: {}; raise fs.epoll.max_user_watches ({} more "
            "since the last such line)",
            peer, std::strerror(error), *more);
    }
}

}  // namespace spread::daemon
