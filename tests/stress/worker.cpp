#include "tests/stress/worker.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <stdexcept>

namespace spread::stress {
namespace {

constexpr int kPipeInChild = 3;
constexpr int kNicest = 19;

/// The life of the new process.
[[noreturn]] void live(int pipe, pid_t parent, int niceness,
                       const std::function<int(const Worker::Say&)>& work) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(125);
    }
    dup2(pipe, kPipeInChild);
    close_range(kPipeInChild + 1, ~0U, 0);
    setpriority(PRIO_PROCESS, 0, niceness);
    if (niceness == kNicest) {
        // Whoever wakes up takes the processor from it at once; from a nice one only after a while.
        const sched_param none{};
        sched_setscheduler(0, SCHED_IDLE, &none);
    }
    int status = 1;
    try {
        status = work([](const std::string& line) {
            const std::string whole = line + "\n";
            static_cast<void>(!write(kPipeInChild, whole.data(), whole.size()));
        });
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "stress: %s\n", problem.what());
    }
    // Nothing of the parent's is to be destroyed here.
    std::fflush(nullptr);
    _exit(status);
}

}  // namespace

Worker::Worker(Loop& loop, int niceness, std::function<int(const Say&)> work) : loop_(loop) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
        throw std::runtime_error("cannot make a pipe: " + client::system_error_text(errno));
    }
    pipe_ = client::FileDescriptor(ends[0]);
    const client::FileDescriptor theirs(ends[1]);
    fcntl(pipe_.get(), F_SETFL, O_NONBLOCK);
    std::fflush(nullptr);
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ < 0) {
        throw std::runtime_error("cannot fork: " + client::system_error_text(errno));
    }
    if (pid_ == 0) {
        live(theirs.get(), parent, niceness, work);
    }
    loop_.watch(pipe_.get(), EPOLLIN, [this](std::uint32_t) { on_readable(); });
}

Worker::~Worker() {
    loop_.forget(pipe_.get());
    kill();
}

void Worker::kill() {
    if (!status_) {
        ::kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
        status_ = 128 + SIGKILL;
    }
}

void Worker::on_readable() {
    std::array<char, 4096> buffer{};
    for (;;) {
        const ssize_t count = read(pipe_.get(), buffer.data(), buffer.size());
        if (count < 0) {
            return;
        }
        if (count == 0) {
            break;
        }
        for (const char c : std::string_view(buffer.data(), static_cast<std::size_t>(count))) {
            if (c != '\n') {
                partial_ += c;
                continue;
            }
            lines_.push_back(std::move(partial_));
            partial_.clear();
        }
    }
    // The pipe closes when the process ends, and not before.
    loop_.forget(pipe_.get());
    int raw = 0;
    if (!status_ && waitpid(pid_, &raw, 0) == pid_) {
        status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
    }
}

}  // namespace spread::stress
