// What a daemon tells the service manager that started it, as systemd would hear it.

#include <poll.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/child_process.hpp"
#include "tests/support/daemon_process.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/raw_connection.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/test_client.hpp"

namespace spread::system_test {
namespace {

using support::ChildProcess;
using support::DaemonKind;
using support::TempDir;
using support::TestClient;
using testing::HasSubstr;
using testing::Not;

/// The service manager's end.
class NotifySocket {
  public:
    explicit NotifySocket(std::string path)
        : path_(std::move(path)), fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (fd_ < 0 || path_.size() >= sizeof address.sun_path) {
            throw std::runtime_error("no socket for notifications");
        }
        std::copy(path_.begin(), path_.end(), address.sun_path);
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the socket API's way
        const auto* at = reinterpret_cast<const sockaddr*>(&address);
        if (::bind(fd_, at, sizeof address) != 0) {
            throw std::runtime_error("cannot bind " + path_);
        }
    }
    ~NotifySocket() { ::close(fd_); }
    NotifySocket(const NotifySocket&) = delete;
    NotifySocket& operator=(const NotifySocket&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }
    /// The next message.
    [[nodiscard]] std::string receive() const {
        pollfd wanted{fd_, POLLIN, 0};
        if (::poll(&wanted, 1,
                   static_cast<int>(std::chrono::milliseconds(support::kPatience).count())) != 1) {
            throw std::runtime_error("the daemon does not notify");
        }
        std::array<char, 4096> text{};
        const ssize_t length = ::recv(fd_, text.data(), text.size(), 0);
        return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0))};
    }
    /// The next message that holds `line`; those before it must not hold `never`.
    [[nodiscard]] std::string receive_until(const std::string& line,
                                            const std::string& never = {}) const {
        for (;;) {
            std::string text = receive();
            if (text.find(line) != std::string::npos) {
                return text;
            }
            if (!never.empty()) {
                EXPECT_THAT(text, Not(HasSubstr(never)));
            }
        }
    }

  private:
    std::string path_;
    int fd_;
};

/// Holds one thread of a daemon still, as a debugger does; the others go on.
class HeldThread {
  public:
    HeldThread(pid_t process, const std::string& name) : thread_(find(process, name)) {
        if (::ptrace(PTRACE_SEIZE, thread_, nullptr, nullptr) != 0) {
            is_refused_ = errno == EPERM;
            if (!is_refused_) {
                throw std::runtime_error("cannot trace thread " + name);
            }
            return;
        }
        int status = 0;
        if (::ptrace(PTRACE_INTERRUPT, thread_, nullptr, nullptr) != 0 ||
            ::waitpid(thread_, &status, __WALL) != thread_ || !WIFSTOPPED(status)) {
            throw std::runtime_error("cannot hold thread " + name);
        }
    }
    ~HeldThread() { release(); }
    HeldThread(const HeldThread&) = delete;
    HeldThread& operator=(const HeldThread&) = delete;

    /// The system does not let this test trace its own children.
    [[nodiscard]] bool is_refused() const { return is_refused_; }
    void release() {
        if (!is_refused_ && thread_ > 0) {
            ::ptrace(PTRACE_DETACH, thread_, nullptr, nullptr);
        }
        thread_ = -1;
    }

  private:
    static pid_t find(pid_t process, const std::string& name) {
        const auto tasks = std::filesystem::path("/proc") / std::to_string(process) / "task";
        for (const auto& task : std::filesystem::directory_iterator(tasks)) {
            std::string its_name;
            std::getline(std::ifstream(task.path() / "comm"), its_name);
            if (its_name == name) {
                return std::stoi(task.path().filename());
            }
        }
        throw std::runtime_error("no thread " + name);
    }

    pid_t thread_;
    bool is_refused_ = false;
};

class ServiceManager : public testing::Test {
  protected:
    [[nodiscard]] ChildProcess start(const std::string& patience_us,
                                     const std::vector<support::DaemonSpec>& ring = {
                                         {.name = "d1", .address = "127.0.0.1"}}) {
        const auto file = directory_.write(
            "spread.conf",
            support::ring_configuration(DaemonKind::kOurs, ring, "127.0.0.255", port_));
        return ChildProcess(
            {.command = {"env", "NOTIFY_SOCKET=" + socket_.path(), "WATCHDOG_USEC=" + patience_us,
                         support::daemon_binary().string(), "-c", file.string(), "-n", "d1",
                         "--unix-dir", directory_.path().string(), "--state-dir",
                         directory_.path().string()},
             .output = directory_.path() / "log",
             .input = {},
             .network_namespace = -1,
             .directory = directory_.path()});
    }

    /// While a thread is held, the manager hears `sentence` and is not fed; later it is again.
    void expect_unfed(HeldThread& held, const std::string& sentence) const {
        EXPECT_THAT(socket_.receive_until(sentence), Not(HasSubstr("WATCHDOG=1")));
        for (int i = 0; i < 3; ++i) {
            EXPECT_THAT(socket_.receive(), Not(HasSubstr("WATCHDOG=1")));
        }
        held.release();
        static_cast<void>(socket_.receive_until("WATCHDOG=1"));
    }

    const TempDir directory_;
    const std::uint16_t port_ = support::pick_port();
    const NotifySocket socket_{(directory_.path() / "notify").string()};
};

TEST_F(ServiceManager, HearsOfReadinessReloadAndStop) {
    ChildProcess daemon = start("200000");
    EXPECT_THAT(socket_.receive_until("READY=1"), HasSubstr("STATUS=1 of 1 daemons"));
    // Whoever waited for this can connect at once.
    const auto client = support::RawConnection::tcp("127.0.0.1", port_);
    EXPECT_THAT(socket_.receive_until("WATCHDOG=1"), Not(HasSubstr("READY")));

    daemon.signal(SIGHUP);
    EXPECT_THAT(socket_.receive_until("RELOADING=1", "READY=1"), HasSubstr("MONOTONIC_USEC="));
    static_cast<void>(socket_.receive_until("READY=1"));

    daemon.signal(SIGTERM);
    static_cast<void>(socket_.receive_until("STOPPING=1"));
    EXPECT_EQ(daemon.wait_exit(), 0);
}

TEST_F(ServiceManager, IsNotFedWhileTheSessionThreadIsStuck) {
    ChildProcess daemon = start("200000");
    static_cast<void>(socket_.receive_until("WATCHDOG=1"));
    HeldThread held(daemon.pid(), "sessions");
    if (held.is_refused()) {
        GTEST_SKIP() << "NOT TESTED: no permission to trace a daemon";
    }
    expect_unfed(held, "STATUS=the daemon does not serve its clients");
    daemon.signal(SIGTERM);
    EXPECT_EQ(daemon.wait_exit(), 0);
}

TEST_F(ServiceManager, IsNotFedWhileTheRingThreadIsStuckAndHasTheRing) {
    const std::vector<support::DaemonSpec> ring{{.name = "d1", .address = "127.0.0.1"},
                                                {.name = "d2", .address = "127.0.0.2"}};
    ChildProcess daemon = start("200000", ring);
    std::filesystem::create_directory(directory_.path() / "d2");
    support::DaemonProcess other(DaemonKind::kOurs, ring[1], directory_.path() / "spread.conf",
                                 port_, directory_.path() / "d2");
    static_cast<void>(socket_.receive_until("STATUS=ring of 2 of 2 daemons"));
    HeldThread held(daemon.pid(), "ring");
    if (held.is_refused()) {
        GTEST_SKIP() << "NOT TESTED: no permission to trace a daemon";
    }
    // Messages to so many make a session thread that has the ring's work give it back.
    constexpr int kMembers = 200;
    std::vector<TestClient> members;
    for (int i = 0; i < kMembers; ++i) {
        members.push_back(TestClient::tcp("127.0.0.1", port_, "m" + std::to_string(i), false));
        members.back().join("room");
    }
    for (int i = 0; i < 10; ++i) {
        members.front().multicast("room", "to all");
    }
    expect_unfed(held, "STATUS=the daemon does not work on its ring");
    daemon.signal(SIGTERM);
    EXPECT_EQ(daemon.wait_exit(), 0);
}

TEST_F(ServiceManager, HearsHowTheDaemonIsThoughItDoesNotWatch) {
    ChildProcess daemon = start("0");
    EXPECT_THAT(socket_.receive_until("0 clients", "WATCHDOG=1"), HasSubstr("STATUS="));
    daemon.signal(SIGTERM);
    EXPECT_EQ(daemon.wait_exit(), 0);
}

}  // namespace
}  // namespace spread::system_test
