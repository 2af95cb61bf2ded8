#pragma once

#include <cstddef>

#include "tests/stress/stage.hpp"

namespace spread::stress {

/// Opens `count` sessions on one daemon, half over TCP and half over a Unix socket, has them all
/// join one group and get a message each, and closes them. Prints rates and memory per session.
void run_sessions(const Settings& settings, std::size_t count, Verdict& verdict);

/// How many sessions a process may have descriptors for, here.
[[nodiscard]] std::size_t sessions_possible();

}  // namespace spread::stress
