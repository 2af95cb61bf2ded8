#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/result.hpp"

namespace spread::client {

/// What went wrong. Where the stock libraries have a number for it, the value is that number
/// (client protocol 10), so that scripts and users find it in the documents they know.
enum class ErrorCode : std::int8_t {
    kIllegalAddress = -1,     ///< connection string, or host name unknown
    kCouldNotConnect = -2,    ///< socket, connect, or network namespace
    kRejectQuota = -3,        ///< the daemon has too many sessions
    kRejectNoName = -4,       ///< old daemons only
    kRejectIllegalName = -5,  ///< private name
    kRejectNotUnique = -6,    ///< private name in use on that daemon
    kRejectVersion = -7,      ///< daemon or client too old for the other
    kConnectionClosed = -8,   ///< end of stream or socket error
    kRejectAuth = -9,         ///< authentication refused, or no method in common
    kIllegalService = -12,    ///< multicast without exactly one service
    kIllegalMessage = -13,    ///< what the daemon sent makes no sense
    kIllegalGroup = -14,      ///< group name, or number of groups
    kMessageTooLong = -17,    ///< body and groups beyond 144000 bytes
    kTimedOut = -100,         ///< no stock number: nothing happened in time
};

/// One clear line for the user, and a code for the program.
struct Error {
    ErrorCode code = ErrorCode::kConnectionClosed;
    std::string text;
};

template <typename T>
using Result = protocol::Result<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string text) {
    return tl::unexpected<Error>(Error{code, std::move(text)});
}

}  // namespace spread::client
