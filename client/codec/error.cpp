#include "client/codec/error.hpp"

namespace spread {

std::string_view to_string(ErrorCode code) {
    switch (code) {
        case ErrorCode::kIllegalAddress: return "no address of a daemon";
        case ErrorCode::kCouldNotConnect: return "could not connect to the daemon";
        case ErrorCode::kRejectQuota: return "rejected: the daemon has too many sessions";
        case ErrorCode::kRejectNoName: return "rejected: no private name";
        case ErrorCode::kRejectIllegalName: return "rejected: illegal private name";
        case ErrorCode::kRejectNotUnique: return "rejected: the private name is in use";
        case ErrorCode::kRejectVersion: return "rejected: versions do not fit";
        case ErrorCode::kConnectionClosed: return "the connection was closed";
        case ErrorCode::kRejectAuth: return "rejected: authentication failed";
        case ErrorCode::kIllegalSession: return "the session is closed";
        case ErrorCode::kIllegalService: return "not exactly one service type";
        case ErrorCode::kIllegalMessage: return "a message that makes no sense";
        case ErrorCode::kIllegalGroup: return "illegal group name or number of groups";
        case ErrorCode::kMessageTooLong: return "the message is too long";
        case ErrorCode::kNetErrorOnSession: return "the connection has ended";
        case ErrorCode::kTimedOut: return "timed out";
        case ErrorCode::kWouldBlock: return "the send queue is full";
        case ErrorCode::kInterrupted: return "interrupted";
    }
    return "unknown error";
}

}  // namespace spread
