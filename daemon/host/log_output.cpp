#include "daemon/host/log_output.hpp"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "daemon/host/startup_error.hpp"

namespace spread::daemon {
namespace {

/// How long stopping waits for whoever reads the log.
constexpr auto kStopPatience = std::chrono::seconds(1);
/// When to give up; zero while nobody stops.
std::atomic<std::chrono::steady_clock::duration> stop_deadline{};
std::atomic<std::uint64_t> all_lost{0};

bool stopping_takes_too_long() {
    const auto deadline = stop_deadline.load();
    return deadline.count() != 0 && std::chrono::steady_clock::now().time_since_epoch() > deadline;
}

/// False when the descriptor takes nothing and waiting has ended.
bool wait_writable(int fd) {
    constexpr int kLookEveryMs = 100;
    pollfd poll_fd{fd, POLLOUT, 0};
    for (;;) {
        const bool last = stopping_takes_too_long();
        const int ready = ::poll(&poll_fd, 1, last ? 0 : kLookEveryMs);
        if (ready > 0 || (ready < 0 && errno != EINTR)) {
            return true;  // an error shows in the write
        }
        if (last) {
            return false;
        }
    }
}

}  // namespace

LogOutput::LogOutput(std::string path) : path_(std::move(path)) {
    if (path_.empty()) {
        return;
    }
    const std::size_t slash = path_.rfind('/');
    name_ = slash == std::string::npos ? path_ : path_.substr(slash + 1);
    const std::string directory = slash == std::string::npos ? "."
                                  : slash == 0               ? "/"
                                                             : path_.substr(0, slash);
    directory_ = UniqueFd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    const int error = directory_ ? open_file(file_) : errno;
    if (error != 0 && error != ENXIO) {
        throw StartupError(fmt::format("cannot open log file {}: {}", path_, std::strerror(error)));
    }
}

int LogOutput::open_file(UniqueFd& to) const {
    // Non-blocking, since opening a fifo would otherwise wait for a reader.
    UniqueFd fresh(::openat(directory_.get(), name_.c_str(),
                            O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                            0644));
    if (!fresh) {
        return errno;
    }
    to = std::move(fresh);
    return 0;
}

int LogOutput::reopen() {
    return path_.empty() ? 0 : open_file(file_);
}

int LogOutput::give_to(uid_t user, gid_t group) {
    struct stat facts {};
    if (!file_ || ::fstat(file_.get(), &facts) != 0 || !S_ISREG(facts.st_mode) ||
        facts.st_uid != 0) {
        return 0;
    }
    return ::fchown(file_.get(), user, group) == 0 ? 0 : errno;
}

bool LogOutput::write(std::string_view line) {
    if (!path_.empty() && !file_) {
        if (const int error = open_file(file_)) {
            return lose(error);
        }
    }
    const int fd = path_.empty() ? STDERR_FILENO : file_.get();
    std::string repaired;
    if (torn_) {
        repaired = "\n" + std::string(line);
        line = repaired;
    }
    std::size_t done = 0;
    while (done < line.size()) {
        if (!wait_writable(fd)) {
            torn_ = torn_ || done > 0;
            return lose(EAGAIN);
        }
        // A writable pipe takes this much without blocking.
        const std::size_t size = std::min<std::size_t>(line.size() - done, PIPE_BUF);
        const ssize_t count = ::write(fd, line.data() + done, size);
        if (count < 0 && errno != EINTR && errno != EAGAIN) {
            const int error = errno;
            cut(done);
            return lose(error);
        }
        done += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    torn_ = false;
    return true;
}

bool LogOutput::lose(int error) {
    ++lost_.lines;
    ++all_lost;
    lost_.error = error;
    return false;
}

/// Takes back the part of a line that was written before the disk was full.
void LogOutput::cut(std::size_t written) {
    if (written == 0) {
        return;
    }
    struct stat facts {};
    const bool undone = file_ && ::fstat(file_.get(), &facts) == 0 && S_ISREG(facts.st_mode) &&
                        facts.st_size >= static_cast<off_t>(written) &&
                        ::ftruncate(file_.get(), facts.st_size - static_cast<off_t>(written)) == 0;
    torn_ = torn_ || !undone;
}

std::uint64_t LogOutput::lines_lost() {
    return all_lost.load();
}

void LogOutput::stop() {
    stop_deadline.store((std::chrono::steady_clock::now() + kStopPatience).time_since_epoch());
}

void LogOutput::start() {
    stop_deadline.store({});
}

}  // namespace spread::daemon
