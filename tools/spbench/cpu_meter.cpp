#include "tools/spbench/cpu_meter.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <sstream>
#include <utility>

#include "tools/spbench/clock.hpp"

namespace spread::spbench {

namespace {

std::optional<std::string> file_text(const std::string& path) {
    std::ifstream file(path);
    if (!file) {
        return std::nullopt;
    }
    return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

double ticks_per_second() {
    return static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::vector<double> numbers_in(std::string_view text) {
    std::istringstream stream{std::string(text)};
    return {std::istream_iterator<double>(stream), std::istream_iterator<double>()};
}

double seconds_of(const timeval& time) {
    constexpr double kMicrosecond = 1e-6;
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * kMicrosecond;
}

double own_cpu_seconds() {
    rusage usage{};
    static_cast<void>(getrusage(RUSAGE_SELF, &usage));
    return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

struct MachineTime {
    double busy = 0;
    double total = 0;
};

MachineTime machine_time() {
    // "cpu user nice system idle iowait irq softirq steal guest guest_nice", in ticks; guest time
    // is contained in user.
    constexpr std::size_t kIdle = 3;
    constexpr std::size_t kIowait = 4;
    constexpr std::size_t kFields = 8;
    const auto text = file_text("/proc/stat");
    if (!text || !text->starts_with("cpu ")) {
        return {};
    }
    auto fields = numbers_in(std::string_view(*text).substr(4, text->find('\n') - 4));
    if (fields.size() < kFields) {
        return {};
    }
    fields.resize(kFields);
    MachineTime time;
    time.total = std::accumulate(fields.begin(), fields.end(), 0.0) / ticks_per_second();
    time.busy = time.total - (fields[kIdle] + fields[kIowait]) / ticks_per_second();
    return time;
}

}  // namespace

std::optional<double> parse_schedstat(std::string_view line) {
    std::uint64_t run_ns = 0;
    const auto [rest, failure] = std::from_chars(line.data(), line.data() + line.size(), run_ns);
    if (failure != std::errc{}) {
        return std::nullopt;
    }
    return static_cast<double>(run_ns) / static_cast<double>(kSecond);
}

std::optional<double> parse_stat(std::string_view line, double ticks) {
    // Fields are counted from behind the last ')': a command name may hold blanks and brackets.
    constexpr std::size_t kUserTime = 11;
    constexpr std::size_t kSystemTime = 12;
    const auto end_of_name = line.rfind(')');
    if (end_of_name == std::string_view::npos) {
        return std::nullopt;
    }
    std::istringstream stream{std::string(line.substr(end_of_name + 1))};
    const std::vector<std::string> fields{std::istream_iterator<std::string>(stream),
                                          std::istream_iterator<std::string>()};
    if (fields.size() <= kSystemTime) {
        return std::nullopt;
    }
    const auto times = numbers_in(fields[kUserTime] + " " + fields[kSystemTime]);
    if (times.size() != 2) {
        return std::nullopt;
    }
    return (times[0] + times[1]) / ticks;
}

std::optional<double> process_cpu_seconds(pid_t pid) {
    const std::string directory = "/proc/" + std::to_string(pid);
    std::error_code error;
    double sum = 0;
    bool found = false;
    for (const auto& task : std::filesystem::directory_iterator(directory + "/task", error)) {
        const auto text = file_text(task.path().string() + "/schedstat");
        const auto seconds = text ? parse_schedstat(*text) : std::nullopt;
        if (seconds) {
            sum += *seconds;
            found = true;
        }
    }
    if (found) {
        return sum;
    }
    const auto text = file_text(directory + "/stat");
    return text ? parse_stat(*text, ticks_per_second()) : std::nullopt;
}

double CpuUse::watched_seconds() const {
    return std::accumulate(process_seconds.begin(), process_seconds.end(), 0.0);
}

protocol::Result<CpuMeter, std::string> CpuMeter::create(Watched watched) {
    for (const auto* pids : {&watched.pids, &watched.beside}) {
        for (const pid_t pid : *pids) {
            if (!process_cpu_seconds(pid)) {
                return tl::unexpected("there is no process " + std::to_string(pid));
            }
        }
    }
    if (watched.counts_syscalls) {
        if (auto trial = SyscallMeter::create(watched.pids); !trial) {
            return tl::unexpected(trial.error());
        }
    }
    return CpuMeter(std::move(watched));
}

CpuMeter::Snapshot CpuMeter::take() const {
    Snapshot snapshot;
    snapshot.wall = to_seconds(now_ns());
    for (std::size_t i = 0; i < watched_.pids.size(); ++i) {
        const double last = i < before_.processes.size() ? before_.processes[i] : 0;
        snapshot.processes.push_back(process_cpu_seconds(watched_.pids[i]).value_or(last));
    }
    snapshot.self = own_cpu_seconds();
    for (const pid_t pid : watched_.beside) {
        snapshot.beside += process_cpu_seconds(pid).value_or(0);
    }
    const MachineTime machine = machine_time();
    snapshot.machine_busy = machine.busy;
    snapshot.machine_total = machine.total;
    return snapshot;
}

void CpuMeter::start() {
    if (watched_.counts_syscalls) {
        if (auto counting = SyscallMeter::create(watched_.pids)) {
            syscalls_ = std::move(*counting);
        }
    }
    before_ = take();
}

CpuUse CpuMeter::stop() {
    const Snapshot after = take();
    CpuUse use;
    if (syscalls_) {
        use.syscalls = syscalls_->count();
        syscalls_.reset();
    }
    use.wall_seconds = after.wall - before_.wall;
    for (std::size_t i = 0; i < watched_.pids.size(); ++i) {
        use.process_seconds.push_back(std::max(0.0, after.processes[i] - before_.processes[i]));
    }
    use.self_seconds = after.self - before_.self;
    const double total = after.machine_total - before_.machine_total;
    if (total > 0) {
        const double busy = after.machine_busy - before_.machine_busy;
        use.machine_busy = busy / total;
        const double ours =
            use.watched_seconds() + use.self_seconds + std::max(0.0, after.beside - before_.beside);
        use.machine_others = std::max(0.0, busy - ours) / total;
    }
    return use;
}

}  // namespace spread::spbench
