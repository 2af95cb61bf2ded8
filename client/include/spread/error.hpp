#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace spread {

/// What went wrong. Where the stock libraries have a number for it, the value is that number, so
/// that scripts and users find it in the documents they know.
enum class ErrorCode : std::int8_t {
    kIllegalAddress = -1,      ///< ILLEGAL_SPREAD: connection string, or host name unknown
    kCouldNotConnect = -2,     ///< socket, connect, or network namespace
    kRejectQuota = -3,         ///< the daemon has too many sessions
    kRejectNoName = -4,        ///< old daemons only
    kRejectIllegalName = -5,   ///< private name
    kRejectNotUnique = -6,     ///< private name in use on that daemon
    kRejectVersion = -7,       ///< daemon or client too old for the other
    kConnectionClosed = -8,    ///< end of stream or socket error
    kRejectAuth = -9,          ///< authentication refused, or no method in common
    kIllegalSession = -11,     ///< the session was closed by its own side
    kIllegalService = -12,     ///< multicast without exactly one service
    kIllegalMessage = -13,     ///< what the daemon sent makes no sense
    kIllegalGroup = -14,       ///< group name, or number of groups
    kMessageTooLong = -17,     ///< body and groups beyond 144000 bytes
    kNetErrorOnSession = -18,  ///< use after the connection ended for good
    // Below: no stock number.
    kTimedOut = -100,     ///< nothing happened in time; nothing is lost
    kWouldBlock = -101,   ///< the send queue is full
    kInterrupted = -102,  ///< somebody called interrupt()
};

/// What a code means in general, where an Error is not at hand.
[[nodiscard]] std::string_view to_string(ErrorCode code);

/// One clear line for the user, and a code for the program.
struct Error {
    ErrorCode code = ErrorCode::kConnectionClosed;
    std::string text;
};

/// A value or an Error. Used as std::expected, which C++20 does not have yet.
template <typename T>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string text) {
    return tl::unexpected<Error>(Error{code, std::move(text)});
}

}  // namespace spread
