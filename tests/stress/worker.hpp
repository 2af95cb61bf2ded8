#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "client/socket.hpp"
#include "tests/stress/loop.hpp"

namespace spread::stress {

/// A second process that makes load, so that neither its work nor its descriptors stand in the way
/// of the clients whose latency is measured. It is nice: where processors are few, it takes what
/// these and the daemon leave.
class Worker {
  public:
    /// Sends a line to the parent.
    using Say = std::function<void(const std::string& line)>;

    /// `work` runs in the new process and its value is the exit status. It starts with nothing of
    /// ours open and must make a Loop of its own.
    Worker(Loop& loop, int niceness, std::function<int(const Say&)> work);
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Exit status, once it has ended (128 + signal when killed). Known only while the loop runs.
    [[nodiscard]] std::optional<int> status() const { return status_; }
    /// What it said so far, in lines.
    [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }
    void kill();

  private:
    void on_readable();

    Loop& loop_;
    client::FileDescriptor pipe_;
    pid_t pid_ = -1;
    std::string partial_;
    std::vector<std::string> lines_;
    std::optional<int> status_;
};

}  // namespace spread::stress
