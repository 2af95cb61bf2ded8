#pragma once

#include <functional>
#include <string>

namespace spread::admin {

/// What an operator can have done. Called on the main thread.
struct AdminCommands {
    std::function<void()> stop;
    /// No new clients from now on.
    std::function<void()> stop_accepting;
    std::function<void()> reopen_log;
    /// False: there is no such level.
    std::function<bool(const std::string& level)> set_log_level;
    std::function<void()> reload;
    /// A recording of the ring (daemon/ring/flight_file.hpp); without it there is none to be had.
    std::function<std::string()> recording{};
};

}  // namespace spread::admin
