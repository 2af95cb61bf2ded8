#include "tools/spbench/syscall_meter.hpp"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

namespace spread::spbench {

namespace {

std::optional<std::uint64_t> tracepoint_id() {
    constexpr std::array<const char*, 2> kMounts{"/sys/kernel/tracing",
                                                 "/sys/kernel/debug/tracing"};
    for (const std::string mount : kMounts) {
        std::ifstream file(mount + "/events/raw_syscalls/sys_enter/id");
        std::uint64_t id = 0;
        if (file >> id) {
            return id;
        }
    }
    return std::nullopt;
}

client::FileDescriptor open_counter(std::uint64_t tracepoint, pid_t thread) {
    perf_event_attr attributes{};
    attributes.size = sizeof attributes;
    attributes.type = PERF_TYPE_TRACEPOINT;
    attributes.config = tracepoint;
    attributes.inherit = 1;  // threads that are yet to come
    constexpr int kAnyCpu = -1;
    constexpr int kNoGroup = -1;
    return client::FileDescriptor(static_cast<int>(syscall(
        SYS_perf_event_open, &attributes, thread, kAnyCpu, kNoGroup, PERF_FLAG_FD_CLOEXEC)));
}

}  // namespace

protocol::Result<SyscallMeter, std::string> SyscallMeter::create(const std::vector<pid_t>& pids) {
    const auto tracepoint = tracepoint_id();
    if (!tracepoint) {
        return tl::unexpected(std::string(
            "system calls cannot be counted: no tracefs (as root: mount -t tracefs tracefs "
            "/sys/kernel/tracing)"));
    }
    std::vector<client::FileDescriptor> counters;
    for (const pid_t pid : pids) {
        std::error_code error;
        const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
        for (const auto& task : std::filesystem::directory_iterator(tasks, error)) {
            auto counter = open_counter(*tracepoint, std::stoi(task.path().filename().string()));
            if (!counter) {
                return tl::unexpected("system calls of process " + std::to_string(pid) +
                                      " cannot be counted: " + client::system_error_text(errno));
            }
            counters.push_back(std::move(counter));
        }
        if (error) {
            return tl::unexpected("there is no process " + std::to_string(pid));
        }
    }
    return SyscallMeter(std::move(counters));
}

std::uint64_t SyscallMeter::count() const {
    std::uint64_t sum = 0;
    for (const auto& counter : counters_) {
        std::uint64_t value = 0;
        if (read(counter.get(), &value, sizeof value) == sizeof value) {
            sum += value;
        }
    }
    return sum;
}

}  // namespace spread::spbench
