#pragma once

#include <chrono>
#include <optional>
#include <string_view>

// The service manager that started this process, by the datagrams of sd_notify(3); nobody where
// NOTIFY_SOCKET is not set. The protocol is a few lines of text, and libsystemd would be one more
// library that a node needs.

namespace spread::daemon {

/// One datagram of lines NAME=VALUE to the service manager; what cannot be sent is lost.
void notify_manager(std::string_view lines);

[[nodiscard]] bool has_manager();

/// How long the service manager waits for a WATCHDOG=1 before it ends this process; none when it
/// does not watch.
[[nodiscard]] std::optional<std::chrono::microseconds> manager_patience();

}  // namespace spread::daemon
