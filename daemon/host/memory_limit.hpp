#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace spread::daemon {

/// How much memory this process may come to use.
struct MemoryLimit {
    std::uint64_t bytes = 0;
    std::string_view whose;  ///< "this host", "the control group", "ulimit -v"
};

/// The smallest of what the host has, the control groups of the process (of either version) allow,
/// and the limit of its address space. `root` stands for "/", for tests.
[[nodiscard]] MemoryLimit memory_limit(const std::string& root = "");

/// The path of the process's control group that bounds memory, from /proc/self/cgroup: that of the
/// controller "memory" in version 1, of the one hierarchy in version 2.
struct ControlGroup {
    std::string path;
    bool is_version_1 = false;
};
[[nodiscard]] std::optional<ControlGroup> memory_group_of(std::string_view proc_self_cgroup);

}  // namespace spread::daemon
