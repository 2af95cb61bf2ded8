#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/host/unique_fd.hpp"

namespace spread::daemon {

/// What one line of /proc/.../stat says that matters here.
struct StatLine {
    std::string name;  ///< of the process or thread
    double cpu_seconds = 0;
    std::uint64_t threads = 0;
    double started_after_boot = 0;  ///< seconds
    std::uint64_t virtual_bytes = 0;
    std::uint64_t resident_bytes = 0;
};
/// Nothing for a text that is no such line.
[[nodiscard]] std::optional<StatLine> stat_line_of(std::string_view text);

/// What this process uses of its host. What the host does not say is missing.
struct ProcessFacts {
    double cpu_seconds = 0;
    std::uint64_t resident_bytes_max = 0;
    std::uint64_t files_max = 0;
    std::optional<std::uint64_t> files_open{};
    std::optional<StatLine> stat{};
    std::chrono::system_clock::time_point started_at{};  ///< with `stat`
    /// By the name of the thread, "main" being the first one.
    std::map<std::string, double> thread_cpu_seconds{};
};

/// Looks at this process by /proc, which it opens before the root directory is changed.
class ProcessWatch {
  public:
    ProcessWatch();

    [[nodiscard]] ProcessFacts look() const;

  private:
    UniqueFd directory_;  ///< /proc/self
};

}  // namespace spread::daemon
