#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace spread::c_api {

/// Where a daemon listens, from the string of SP_connect().
struct SpreadName {
    std::uint16_t port = 0;
    std::string host;  ///< empty: Unix socket /tmp/PORT
};

/// Takes what the stock library takes: blanks in front, a plus sign, zeros, text behind a blank.
/// Nothing for all else, and for ports above 65535, which stock takes modulo 65536.
[[nodiscard]] std::optional<SpreadName> parse_spread_name(const char* text);

}  // namespace spread::c_api
