// What a daemon tells the service manager that started it, as systemd would hear it.

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/child_process.hpp"
#include "tests/support/daemon_process.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/raw_connection.hpp"
#include "tests/support/temp_dir.hpp"

namespace spread::system_test {
namespace {

using support::ChildProcess;
using support::DaemonKind;
using support::TempDir;
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

class ServiceManager : public testing::Test {
  protected:
    [[nodiscard]] ChildProcess start(const std::string& patience_us) {
        const auto file = directory_.write(
            "spread.conf",
            support::ring_configuration(DaemonKind::kOurs, {{.name = "d1", .address = "127.0.0.1"}},
                                        "127.0.0.255", port_));
        return ChildProcess(
            {.command = {"env", "NOTIFY_SOCKET=" + socket_.path(), "WATCHDOG_USEC=" + patience_us,
                         support::daemon_binary().string(), "-c", file.string(), "--unix-dir",
                         directory_.path().string(), "--state-dir", directory_.path().string()},
             .output = directory_.path() / "log",
             .input = {},
             .network_namespace = -1,
             .directory = directory_.path()});
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

TEST_F(ServiceManager, HearsHowTheDaemonIsThoughItDoesNotWatch) {
    ChildProcess daemon = start("0");
    EXPECT_THAT(socket_.receive_until("0 clients", "WATCHDOG=1"), HasSubstr("STATUS="));
    daemon.signal(SIGTERM);
    EXPECT_EQ(daemon.wait_exit(), 0);
}

}  // namespace
}  // namespace spread::system_test
