#include "daemon/ring/flight_dumps.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "daemon/host/blocked_signals.hpp"
#include "daemon/host/logging.hpp"
#include "daemon/host/signal_stack.hpp"
#include "daemon/host/unique_fd.hpp"

namespace spread::daemon {
namespace {

constexpr auto kPause = std::chrono::minutes(1);

/// What a signal handler may use.
struct CrashFacts {
    std::atomic<const FlightMemory*> memory{nullptr};
    int directory = -1;
    std::array<char, 64> name{};
    std::array<struct sigaction, kFatalSignals.size()> before{};
};
CrashFacts crash;  // NOLINT(*-non-const-global-variables): handlers have no arguments

void write_crash() {
    const FlightMemory* const memory = crash.memory.exchange(nullptr);  // one thread, once
    if (memory == nullptr) {
        return;
    }
    const int fd = ::openat(crash.directory, crash.name.data(),
                            O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0) {
        static_cast<void>(memory->write_to(fd));
        ::close(fd);
    }
}

/// Records, and lets happen what would have happened.
void on_fatal_signal(int number) {
    const int error = errno;
    write_crash();
    for (std::size_t i = 0; i < kFatalSignals.size(); ++i) {
        if (kFatalSignals[i] == number) {
            ::sigaction(number, &crash.before[i], nullptr);
        }
    }
    errno = error;
    static_cast<void>(::raise(number));  // held back until this returns
}

std::string name_of_file(const FlightPlace& place, std::string_view what) {
    return fmt::format("daemon-{}.{}.flight", place.daemon.value, what);
}

/// The number of the oldest file, or of the first that is not there.
std::size_t oldest_of(const FlightPlace& place) {
    std::size_t oldest = 0;
    timespec since{};
    for (std::size_t i = 0; i < FlightDumps::kFiles; ++i) {
        struct stat info {};
        if (::fstatat(place.directory, name_of_file(place, std::to_string(i)).c_str(), &info,
                      AT_SYMLINK_NOFOLLOW) != 0) {
            return i;
        }
        const timespec at = info.st_mtim;
        if (i == 0 || std::pair(at.tv_sec, at.tv_nsec) < std::pair(since.tv_sec, since.tv_nsec)) {
            oldest = i;
            since = at;
        }
    }
    return oldest;
}

}  // namespace

CrashRecording::CrashRecording(const FlightMemory& memory, const FlightPlace& place) {
    if (place.directory < 0) {
        return;
    }
    const std::string name = name_of_file(place, "crash");
    name.copy(crash.name.data(), crash.name.size() - 1);
    crash.directory = place.directory;
    struct sigaction action {};
    action.sa_handler = on_fatal_signal;
    ::sigfillset(&action.sa_mask);
    action.sa_flags = SA_ONSTACK;
    for (std::size_t i = 0; i < kFatalSignals.size(); ++i) {
        ::sigaction(kFatalSignals[i], &action, &crash.before[i]);
    }
    crash.memory.store(&memory);
}

CrashRecording::~CrashRecording() {
    if (crash.memory.exchange(nullptr) == nullptr) {
        return;
    }
    for (std::size_t i = 0; i < kFatalSignals.size(); ++i) {
        ::sigaction(kFatalSignals[i], &crash.before[i], nullptr);
    }
}

FlightDumps::FlightDumps(const FlightMemory& memory, FlightPlace place)
    : memory_(memory), place_(std::move(place)), next_(oldest_of(place_)) {
    const BlockedSignals blocked;
    thread_ = std::thread([this] {
        const SignalStack stack;
        run();
    });
    ::pthread_setname_np(thread_.native_handle(), "flight");
}

FlightDumps::~FlightDumps() {
    {
        const std::lock_guard lock(mutex_);
        is_over_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

void FlightDumps::note_change() {
    {
        const std::lock_guard lock(mutex_);
        is_wanted_ = true;
    }
    changed_.notify_one();
}

void FlightDumps::run() {
    std::unique_lock lock(mutex_);
    while (!is_over_) {
        changed_.wait(lock, [this] { return is_wanted_ || is_over_; });
        if (std::exchange(is_wanted_, false)) {
            lock.unlock();
            dump();
            lock.lock();
            changed_.wait_for(lock, kPause, [this] { return is_over_; });
        }
    }
}

void FlightDumps::dump() {
    const std::string name = name_of_file(place_, std::to_string(next_));
    const std::string recording = memory_.recording();
    const UniqueFd fd(::openat(place_.directory, name.c_str(),
                               O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    errno = fd ? ENOSPC : errno;
    const bool is_written = fd && ::write(fd.get(), recording.data(), recording.size()) ==
                                      static_cast<ssize_t>(recording.size());
    if (is_written) {
        next_ = (next_ + 1) % kFiles;
        log_event(LogEvent::kRingRecorded, "the ring has changed; recorded in {}/{}", place_.path,
                  name);
    } else if (!is_failing_) {
        log_event(LogEvent::kRingRecordFailed, "cannot record the ring in {}/{}: {}", place_.path,
                  name, std::strerror(errno));
    }
    is_failing_ = !is_written;
}

}  // namespace spread::daemon
