#include "tools/spsim/worker.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <sstream>
#include <system_error>

namespace spread::spsim {
namespace {

bool write_all(int fd, const void* data, std::size_t length) {
    const char* next = static_cast<const char*>(data);
    while (length > 0) {
        const ssize_t written = ::send(fd, next, length, MSG_NOSIGNAL);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        next += written;
        length -= static_cast<std::size_t>(written);
    }
    return true;
}

bool read_all(int fd, void* data, std::size_t length) {
    char* next = static_cast<char*>(data);
    while (length > 0) {
        const ssize_t count = ::recv(fd, next, length, 0);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return false;
        }
        next += count;
        length -= static_cast<std::size_t>(count);
    }
    return true;
}

/// Length, then bytes.
bool write_text(int fd, std::string_view text) {
    const std::uint64_t length = text.size();
    return write_all(fd, &length, sizeof length) && write_all(fd, text.data(), text.size());
}

std::optional<std::string> read_text(int fd) {
    std::uint64_t length = 0;
    if (!read_all(fd, &length, sizeof length)) {
        return std::nullopt;
    }
    std::string text(length, '\0');
    if (!read_all(fd, text.data(), text.size())) {
        return std::nullopt;
    }
    return text;
}

/// The end of what the child wrote.
std::vector<std::string> tail_of(int fd) {
    constexpr off_t kBytesMax = 8192;
    constexpr std::size_t kLinesMax = 40;
    const off_t size = ::lseek(fd, 0, SEEK_END);
    const off_t from = size > kBytesMax ? size - kBytesMax : 0;
    std::string text(static_cast<std::size_t>(size > 0 ? size - from : 0), '\0');
    const ssize_t count = ::pread(fd, text.data(), text.size(), from);
    text.resize(static_cast<std::size_t>(count > 0 ? count : 0));
    std::istringstream stream(text);
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);) {
        if (!line.empty()) {
            lines.push_back(line);
        }
    }
    if (lines.size() > kLinesMax) {
        lines.resize(kLinesMax);
    }
    return lines;
}

}  // namespace

Worker::Worker(Work work) : work_(std::move(work)) {}

Worker::~Worker() {
    kill();
}

void Worker::start(std::string_view task) {
    if (child_ < 0) {
        spawn();
    }
    cpu_at_start_ = cpu_clock();
    // A child that has just died is noticed when its answer is received.
    static_cast<void>(write_text(socket_.get(), task));
}

std::optional<std::string> Worker::receive() {
    auto answer = read_text(socket_.get());
    if (!answer) {
        bury();
    }
    return answer;
}

std::chrono::nanoseconds Worker::cpu_clock() const {
    clockid_t clock{};
    timespec time{};
    if (child_ < 0 || ::clock_getcpuclockid(child_, &clock) != 0 ||
        ::clock_gettime(clock, &time) != 0) {
        return std::chrono::nanoseconds(0);
    }
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::chrono::nanoseconds Worker::cpu_used() const {
    return cpu_clock() - cpu_at_start_;
}

bool Worker::wait(std::chrono::nanoseconds cpu_patience) const {
    constexpr int kLookEveryMs = 200;
    pollfd poll_fd{socket_.get(), POLLIN, 0};
    while (::poll(&poll_fd, 1, kLookEveryMs) <= 0) {
        if (cpu_used() > cpu_patience) {
            return false;
        }
    }
    return true;
}

void Worker::kill() {
    if (child_ >= 0) {
        ::kill(child_, SIGKILL);
        bury();
    }
}

void Worker::spawn() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        throw std::system_error(errno, std::generic_category(), "socketpair");
    }
    daemon::UniqueFd ours(ends[0]);
    daemon::UniqueFd theirs(ends[1]);
    errors_ = daemon::UniqueFd(::memfd_create("errors", MFD_CLOEXEC));
    const pid_t parent = ::getpid();
    std::fflush(nullptr);  // or the child would write it again
    child_ = ::fork();
    if (child_ < 0) {
        throw std::system_error(errno, std::generic_category(), "fork");
    }
    if (child_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) {
            ::_exit(0);
        }
        const rlimit no_core{0, 0};
        ::setrlimit(RLIMIT_CORE, &no_core);
        ::dup2(errors_.get(), STDERR_FILENO);
        ours.reset();
        serve(theirs.get());
    }
    socket_ = std::move(ours);
}

void Worker::serve(int socket) {
    while (const auto task = read_text(socket)) {
        if (!write_text(socket, work_(*task))) {
            break;
        }
    }
    ::_exit(0);
}

void Worker::bury() {
    int status = 0;
    while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
    child_ = -1;
    socket_.reset();
    if (WIFSIGNALED(status)) {
        obituary_ = "signal " + std::to_string(WTERMSIG(status)) + " (" +
                    ::strsignal(WTERMSIG(status)) + ")";
    } else {
        obituary_ = "exit status " + std::to_string(WEXITSTATUS(status));
    }
    last_words_ = tail_of(errors_.get());
    errors_.reset();
}

}  // namespace spread::spsim
