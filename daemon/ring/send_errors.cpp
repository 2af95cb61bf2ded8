#include "daemon/ring/send_errors.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "daemon/host/endpoint.hpp"

namespace spread::daemon {
namespace {

constexpr auto kInterval = std::chrono::seconds(10);

const char* advice(int error) {
    switch (error) {
        case EPERM:
        case EACCES: return "; does a packet filter of this host forbid it?";
        case ENETUNREACH:
        case EHOSTUNREACH: return "; this host has no route there";
        case ENETDOWN: return "; the interface is down";
        case EADDRNOTAVAIL: return "; this host has lost the address it sends from";
        case EMSGSIZE: return "; the interface takes only smaller datagrams";
        case ENOBUFS:
            return "; the interface's queue is full, or the kernel's table of neighbours, which "
                   "all containers of a machine share (net.ipv4.neigh.default.gc_thresh3)";
        default: return "";
    }
}

}  // namespace

std::optional<Endpoint> SendErrors::note(int error, const msghdr& message, protocol::Instant now) {
    if (error == EAGAIN || error == EWOULDBLOCK) {
        return std::nullopt;  // a full buffer is ordinary loss
    }
    Endpoint to;
    to.length = std::min<socklen_t>(message.msg_namelen, sizeof to.storage);
    std::memcpy(&to.storage, message.msg_name, to.length);
    RateLimit& limit = limits_.try_emplace(error, kInterval).first->second;
    // No memory is a matter of the moment.
    const auto refused =
        error == ENOBUFS || error == ENOMEM ? std::nullopt : std::optional<Endpoint>(to);
    const auto more = limit.admit(now);
    if (!more) {
        return refused;
    }
    log_event_with(LogEvent::kSendFailed, {{"to", to.to_string()}, {"more", *more}},
                   "cannot send to UDP {}: {}{} ({} more since the last warning)", to.to_string(),
                   std::strerror(error), advice(error), *more);
    return refused;
}

}  // namespace spread::daemon
