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
        case CloseReason::kKicked: return "ended by an operator";
        case CloseReason::kTlsFailed: return "TLS handshake failed";
    }
    return "unknown";
}

std::string_view word_of(CloseReason reason) {
    switch (reason) {
        case CloseReason::kPeerClosed: return "peer_closed";
        case CloseReason::kKill: return "disconnected";
        case CloseReason::kHandshakeTimeout: return "handshake_timeout";
        case CloseReason::kRejected: return "rejected";
        case CloseReason::kIllegalRequest: return "illegal_request";
        case CloseReason::kSlowReader: return "slow_reader";
        case CloseReason::kShutdown: return "shutdown";
        case CloseReason::kKicked: return "kicked";
        case CloseReason::kTlsFailed: return "tls_failed";
    }
    return "";
}

}  // namespace spread::session
