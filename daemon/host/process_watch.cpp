#include "daemon/host/process_watch.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <ctime>
#include <memory>

#include "daemon/host/read_file.hpp"

namespace spread::daemon {
namespace {

constexpr std::size_t kStatBytesMax = 4096;

std::optional<StatLine> stat_in(int directory, const std::string& path) {
    const UniqueFd file(::openat(directory, path.c_str(), O_RDONLY | O_CLOEXEC));
    const auto text = file ? read_file(file.get(), kStatBytesMax) : std::nullopt;
    return text ? stat_line_of(*text) : std::nullopt;
}

/// Calls `on_name` for each entry of a directory; false: it cannot be read.
template <typename OnName>
bool for_each_name(int directory, const char* path, OnName&& on_name) {
    UniqueFd fd(::openat(directory, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const std::unique_ptr<DIR, int (*)(DIR*)> open(fd ? ::fdopendir(fd.get()) : nullptr,
                                                   ::closedir);
    if (open == nullptr) {
        return false;
    }
    static_cast<void>(fd.release());
    while (const dirent* entry = ::readdir(open.get())) {
        if (const std::string name = entry->d_name; name != "." && name != "..") {
            on_name(name);
        }
    }
    return true;
}

double in_seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

std::chrono::system_clock::time_point boot_time() {
    timespec since_boot{};
    ::clock_gettime(CLOCK_BOOTTIME, &since_boot);
    return std::chrono::system_clock::now() -
           std::chrono::duration_cast<std::chrono::system_clock::duration>(
               std::chrono::seconds(since_boot.tv_sec) +
               std::chrono::nanoseconds(since_boot.tv_nsec));
}

}  // namespace

std::optional<StatLine> stat_line_of(std::string_view text) {
    // The name is in parentheses and may have some itself.
    const std::size_t open = text.find('(');
    const std::size_t close = text.rfind(')');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
        return std::nullopt;
    }
    // Behind the name: the state, then numbers; the first of these is field 4 of proc(5).
    constexpr std::size_t kFirstNumber = 4;
    constexpr std::size_t kResident = 24;
    std::array<std::uint64_t, kResident + 1> field{};
    const char* at = text.data() + close + 1;
    const char* const end = text.data() + text.size();
    at += std::min<std::ptrdiff_t>(end - at, 2);
    for (std::size_t i = kFirstNumber; i <= kResident; ++i) {
        while (at != end && (*at == ' ' || *at == '-')) {
            ++at;
        }
        const auto [next, error] = std::from_chars(at, end, field[i]);
        if (error != std::errc()) {
            return std::nullopt;
        }
        at = next;
    }
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    StatLine out;
    out.name = text.substr(open + 1, close - open - 1);
    out.cpu_seconds = static_cast<double>(field[14] + field[15]) / ticks;
    out.threads = field[20];
    out.started_after_boot = static_cast<double>(field[22]) / ticks;
    out.virtual_bytes = field[23];
    out.resident_bytes = field[kResident] * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    return out;
}

ProcessWatch::ProcessWatch()
    : directory_(::open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}

ProcessFacts ProcessWatch::look() const {
    ProcessFacts out;
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    out.cpu_seconds = in_seconds(usage.ru_utime) + in_seconds(usage.ru_stime);
    out.resident_bytes_max = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    out.files_max = files.rlim_cur;
    if (!directory_) {
        return out;
    }
    out.stat = stat_in(directory_.get(), "stat");
    if (out.stat) {
        out.started_at =
            boot_time() + std::chrono::duration_cast<std::chrono::system_clock::duration>(
                              std::chrono::duration<double>(out.stat->started_after_boot));
    }
    std::uint64_t open = 0;
    if (for_each_name(directory_.get(), "fd", [&open](const std::string&) { ++open; })) {
        out.files_open = open - 1;  // without the one that looks
    }
    for_each_name(directory_.get(), "task", [&](const std::string& thread) {
        if (const auto stat = stat_in(directory_.get(), "task/" + thread + "/stat")) {
            const bool is_first = thread == std::to_string(::getpid());
            out.thread_cpu_seconds[is_first ? "main" : stat->name] += stat->cpu_seconds;
        }
    });
    return out;
}

}  // namespace spread::daemon
