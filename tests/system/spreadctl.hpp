#pragma once

#include <string>
#include <vector>

#include "tests/support/daemon_process.hpp"

namespace spread::system_test {

/// How a run of spreadctl ended and what it said.
struct Answer {
    int status = 0;
    std::string text;
};

/// The command that asks at `where`, a control socket or HOST:PORT.
std::vector<std::string> spreadctl_command(const std::string& where,
                                           const std::vector<std::string>& arguments);

/// Runs it to its end.
Answer spreadctl(const std::string& where, const std::vector<std::string>& arguments);
Answer spreadctl(const support::DaemonProcess& daemon, const std::vector<std::string>& arguments);

}  // namespace spread::system_test
