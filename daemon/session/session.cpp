#include "daemon/session/session.hpp"

namespace spread::session {

std::string_view to_string(CloseReason reason) {
    switch (reason) {
        case CloseReason::kPeerClosed: return "connection closed by the client";
        case CloseReason::kKill: return "disconnect requested";
        case CloseReason::kHandshakeTimeout: return "handshake timed out";
        case CloseReason::kRejected: return "connection rejected";
        case CloseReason::kIllegalRequest: return "illegal request";
        case CloseReason::kSlowReader: return "client reads too slowly";
        case CloseReason::kShutdown: return "daemon stops";
    }
    return "unknown";
}

}  // namespace spread::session
