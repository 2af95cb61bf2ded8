#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/deadline.hpp"

namespace spread::support {

/// A program run by a test. It dies with this object, and with the test process if that crashes.
class ChildProcess {
  public:
    struct Options {
        std::vector<std::string> command;  ///< program (path, or found in PATH) and arguments
        std::filesystem::path output;      ///< stdout and stderr, appended
        std::optional<std::string> input;  ///< what it reads from stdin; nothing if unset
        int network_namespace = -1;        ///< file descriptor; -1: the test's own
        std::filesystem::path directory;   ///< working directory; empty: the test's own
        /// The files in it take the places of those of their names in /etc; empty: none do.
        std::filesystem::path etc = {};
        std::vector<std::string> environment = {};  ///< more of it: "NAME=VALUE"
    };

    explicit ChildProcess(Options options);
    ~ChildProcess();
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }
    /// Still there, as far as known without waiting.
    [[nodiscard]] bool is_running();
    void signal(int number) const;
    /// Exit status as a shell shows it (128 + signal when killed). Throws when it does not end.
    int wait_exit(std::chrono::milliseconds patience = kPatience);
    /// All it has written so far.
    [[nodiscard]] std::string output() const;

  private:
    Options options_;
    pid_t pid_ = -1;
    std::optional<int> status_;
};

/// Runs a program to its end; throws with its output when it fails.
void run_command(const std::vector<std::string>& command, int network_namespace = -1);

}  // namespace spread::support
