#include "tests/system/spreadctl.hpp"

#include "tests/support/child_process.hpp"
#include "tests/support/temp_dir.hpp"

namespace spread::system_test {

std::vector<std::string> spreadctl_command(const std::string& where,
                                           const std::vector<std::string>& arguments) {
    std::vector<std::string> command{SPREADCTL_BINARY, "--timeout", "30", "-s", where};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return command;
}

Answer spreadctl(const std::string& where, const std::vector<std::string>& arguments) {
    const support::TempDir scratch;
    support::ChildProcess child({.command = spreadctl_command(where, arguments),
                                 .output = scratch.path() / "output",
                                 .input = {},
                                 .network_namespace = -1,
                                 .directory = {}});
    const int status = child.wait_exit();
    return {status, child.output()};
}

Answer spreadctl(const support::DaemonProcess& daemon, const std::vector<std::string>& arguments) {
    return spreadctl(daemon.control_socket().string(), arguments);
}

}  // namespace spread::system_test
