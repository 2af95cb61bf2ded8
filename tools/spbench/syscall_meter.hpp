#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "client/socket.hpp"
#include "protocol/result.hpp"

namespace spread::spbench {

/// Counts the system calls of processes from its creation on, by the kernel's own tracepoint: a
/// fraction of a microsecond a call, so only runs that ask for it should pay. Needs root (or
/// CAP_PERFMON) and a mounted tracefs.
class SyscallMeter {
  public:
    /// One line of why not, where the kernel does not let us.
    [[nodiscard]] static protocol::Result<SyscallMeter, std::string> create(
        const std::vector<pid_t>& pids);

    /// By all processes together.
    [[nodiscard]] std::uint64_t count() const;

  private:
    explicit SyscallMeter(std::vector<client::FileDescriptor> counters)
        : counters_(std::move(counters)) {}

    std::vector<client::FileDescriptor> counters_;  // one per thread
};

}  // namespace spread::spbench
