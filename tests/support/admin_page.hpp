#pragma once

#include <cstdint>
#include <string>

#include "tests/support/daemon_process.hpp"
#include "tests/support/raw_connection.hpp"

namespace spread::support {

/// The whole answer to a request of HTTP, headers too.
[[nodiscard]] std::string http_answer(RawConnection connection, const std::string& method,
                                      const std::string& target,
                                      const std::string& host = "localhost");

/// What the daemon answers at its control socket to a request for `path`, without the headers.
[[nodiscard]] std::string admin_page(const DaemonProcess& daemon, const std::string& path);

/// How many configurations the daemon has installed since its start. Its log cannot tell: it puts
/// lines that are alike together.
[[nodiscard]] std::uint64_t configurations_of(const DaemonProcess& daemon);

}  // namespace spread::support
