#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/codec/error.hpp"
#include "tools/spbench/syscall_meter.hpp"

namespace spread::spbench {

/// CPU use of one stretch of time.
struct CpuUse {
    double wall_seconds = 0;
    std::vector<double> process_seconds;    ///< of the watched processes, in order
    double self_seconds = 0;                ///< of this process
    double machine_busy = 0;                ///< share of all CPUs, 0 to 1
    double machine_others = 0;              ///< ... that nobody of this measurement used
    std::optional<std::uint64_t> syscalls;  ///< of the watched processes together, if asked for

    [[nodiscard]] double watched_seconds() const;
};

/// Whom to look at.
struct Watched {
    std::vector<pid_t> pids;    ///< the daemons
    std::vector<pid_t> beside;  ///< others that belong to the measurement, a network emulator say
    bool counts_syscalls = false;
};

/// Reads /proc before and after. Time of the watched processes is that of all their threads, in
/// nanoseconds where the kernel keeps them (schedstat), else in ticks (stat).
class CpuMeter {
  public:
    /// Fails with one clear line when a process does not exist, or when system calls cannot be
    /// counted.
    [[nodiscard]] static protocol::Result<CpuMeter, std::string> create(Watched watched);

    void start();
    /// A process that has gone since counts with what it had used when last looked at.
    [[nodiscard]] CpuUse stop();

  private:
    struct Snapshot {
        double wall = 0;
        std::vector<double> processes;
        double self = 0;
        double beside = 0;
        double machine_busy = 0;  // CPU seconds, all CPUs
        double machine_total = 0;
    };

    explicit CpuMeter(Watched watched) : watched_(std::move(watched)) {}
    [[nodiscard]] Snapshot take() const;

    Watched watched_;
    Snapshot before_;
    std::optional<SyscallMeter> syscalls_;
};

/// The run time in a line of /proc/PID/task/TID/schedstat, in seconds.
[[nodiscard]] std::optional<double> parse_schedstat(std::string_view line);
/// User and system time in /proc/PID/stat, in seconds. The command name may contain anything.
[[nodiscard]] std::optional<double> parse_stat(std::string_view line, double ticks_per_second);
/// CPU seconds of a process, or nothing when there is none.
[[nodiscard]] std::optional<double> process_cpu_seconds(pid_t pid);

}  // namespace spread::spbench
