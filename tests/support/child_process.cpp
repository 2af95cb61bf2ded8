#include "tests/support/child_process.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "tests/support/read_file.hpp"
#include "tests/support/temp_dir.hpp"

namespace spread::support {
namespace {

/// Administration programs live in the sbin directories, which are not in every user's PATH.
std::string search_path() {
    const char* path = std::getenv("PATH");
    return std::string(path != nullptr ? path : "/usr/bin:/bin") + ":/usr/sbin:/sbin";
}

/// In a mount namespace of the caller's own, as `ip netns exec` does it with /etc/netns/NAME.
bool mount_over_etc(const std::filesystem::path& etc) {
    if (unshare(CLONE_NEWNS) != 0 || mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
        return false;
    }
    for (const auto& file : std::filesystem::directory_iterator(etc)) {
        const std::string over = "/etc/" + file.path().filename().string();
        if (mount(file.path().c_str(), over.c_str(), nullptr, MS_BIND, nullptr) != 0) {
            return false;
        }
    }
    return true;
}

}  // namespace

ChildProcess::ChildProcess(Options options) : options_(std::move(options)) {
    std::vector<char*> arguments;
    arguments.reserve(options_.command.size() + 1);
    for (auto& argument : options_.command) {
        arguments.push_back(argument.data());
    }
    arguments.push_back(nullptr);
    const std::string path = search_path();
    const std::string output =
        options_.output.empty() ? std::string("/dev/null") : options_.output.string();

    int input[2] = {-1, -1};
    if (options_.input && pipe2(input, O_CLOEXEC) != 0) {
        throw std::runtime_error("cannot make a pipe");
    }
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ < 0) {
        throw std::runtime_error("cannot fork");
    }
    if (pid_ == 0) {
        // Without this a crashed test would leave daemons behind.
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) {
            _exit(125);
        }
        const int out = open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        const int in = options_.input ? input[0] : open("/dev/null", O_RDONLY | O_CLOEXEC);
        dup2(in, STDIN_FILENO);
        dup2(out, STDOUT_FILENO);
        dup2(out, STDERR_FILENO);
        if (options_.network_namespace >= 0 &&
            setns(options_.network_namespace, CLONE_NEWNET) != 0) {
            std::perror("setns");
            _exit(125);
        }
        if (!options_.etc.empty() && !mount_over_etc(options_.etc)) {
            std::perror("mount over /etc");
            _exit(125);
        }
        if (!options_.directory.empty() && chdir(options_.directory.c_str()) != 0) {
            std::perror("chdir");
            _exit(125);
        }
        setenv("PATH", path.c_str(), 1);
        for (std::string& variable : options_.environment) {
            putenv(variable.data());
        }
        execvp(arguments[0], arguments.data());
        std::perror(arguments[0]);
        _exit(127);
    }
    if (options_.input) {
        close(input[0]);
        // Small enough for the pipe's buffer, so this cannot block.
        const auto written = write(input[1], options_.input->data(), options_.input->size());
        close(input[1]);
        if (written != static_cast<ssize_t>(options_.input->size())) {
            throw std::runtime_error("cannot write the input of " + options_.command.front());
        }
    }
}

ChildProcess::~ChildProcess() {
    if (!status_) {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
}

bool ChildProcess::is_running() {
    if (status_) {
        return false;
    }
    int raw = 0;
    if (waitpid(pid_, &raw, WNOHANG) == 0) {
        return true;
    }
    status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
    return false;
}

void ChildProcess::signal(int number) const {
    if (!status_) {
        kill(pid_, number);
    }
}

int ChildProcess::wait_exit(std::chrono::milliseconds patience) {
    wait_until(
        options_.command.front() + " to end", [this] { return !is_running(); }, patience);
    return *status_;
}

std::string ChildProcess::output() const {
    return options_.output.empty() ? std::string() : read_file(options_.output);
}

void run_command(const std::vector<std::string>& command, int network_namespace) {
    const TempDir directory;
    ChildProcess child({.command = command,
                        .output = directory.path() / "output",
                        .input = {},
                        .network_namespace = network_namespace,
                        .directory = {}});
    const int status = child.wait_exit();
    if (status != 0) {
        std::string text;
        for (const auto& word : command) {
            text += word + " ";
        }
        throw std::runtime_error(text + "ended with status " + std::to_string(status) + ": " +
                                 child.output());
    }
}

}  // namespace spread::support
