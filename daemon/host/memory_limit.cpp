#include "daemon/host/memory_limit.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <iterator>
#include <limits>

namespace spread::daemon {
namespace {

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// A file with one number; "max", and a file that is not there, are no limit.
std::optional<std::uint64_t> number_in(const std::string& path) {
    const std::string text = text_of(path);
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end != text.data() ? std::optional(number) : std::nullopt;
}

/// Of the group and all above it. Inside a container the path may lead nowhere, and the top of the
/// tree that can be seen is the container's own.
std::optional<std::uint64_t> smallest_above(const std::string& top, std::string path,
                                            const std::string& file) {
    std::optional<std::uint64_t> smallest;
    for (;;) {
        if (const auto limit = number_in(top + path + "/" + file);
            limit && (!smallest || *limit < *smallest)) {
            smallest = limit;
        }
        const std::size_t slash = path.rfind('/');
        if (path.empty() || slash == std::string::npos) {
            return smallest;
        }
        path.resize(slash);
    }
}

}  // namespace

std::optional<ControlGroup> memory_group_of(std::string_view text) {
    std::optional<ControlGroup> group;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        // NUMBER:CONTROLLERS:PATH
        const std::size_t first = line.find(':');
        const std::size_t second = first == line.npos ? line.npos : line.find(':', first + 1);
        if (second == line.npos) {
            continue;
        }
        const std::string controllers =
            "," + std::string(line.substr(first + 1, second - first - 1)) + ",";
        const std::string path(line.substr(second + 1));
        if (controllers.find(",memory,") != controllers.npos) {
            return ControlGroup{path, true};
        }
        if (line.starts_with("0::")) {
            group = ControlGroup{path, false};
        }
    }
    return group;
}

MemoryLimit memory_limit(const std::string& root) {
    MemoryLimit limit{std::numeric_limits<std::uint64_t>::max(), "this host"};
    const auto consider = [&limit](std::optional<std::uint64_t> bytes, std::string_view whose) {
        if (bytes && *bytes < limit.bytes) {
            limit = {*bytes, whose};
        }
    };
    const long pages = ::sysconf(_SC_PHYS_PAGES);
    const long page = ::sysconf(_SC_PAGESIZE);
    if (pages > 0 && page > 0) {
        consider(static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page), limit.whose);
    }
    if (const auto group = memory_group_of(text_of(root + "/proc/self/cgroup"))) {
        const std::string top =
            root + (group->is_version_1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup");
        consider(smallest_above(top, group->path,
                                group->is_version_1 ? "memory.limit_in_bytes" : "memory.max"),
                 "the control group");
    }
    for (const auto kind : {RLIMIT_AS, RLIMIT_DATA}) {
        rlimit bound{};
        if (::getrlimit(kind, &bound) == 0 && bound.rlim_cur != RLIM_INFINITY) {
            consider(bound.rlim_cur, kind == RLIMIT_AS ? "ulimit -v" : "ulimit -d");
        }
    }
    return limit;
}

}  // namespace spread::daemon
