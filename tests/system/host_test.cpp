// A daemon and the host it lives on: its rights, its limits, its neighbours, and a network that
// comes late.

#include <linux/capability.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/deadline.hpp"
#include "tests/support/network_lab.hpp"
#include "tests/support/test_ring.hpp"

namespace spread::system_test {
namespace {

using protocol::kCausedByJoin;
using support::ChildProcess;
using support::DaemonKind;
using support::DaemonSpec;
using support::on_loopback;
using support::RawConnection;
using support::TempDir;
using support::TestClient;
using support::TestRing;
using testing::HasSubstr;

/// The daemon is not the one built with the tests: it may be instrumented.
bool is_other_build() {
    return std::getenv("SPREAD_TEST_DAEMON") != nullptr;
}

/// A daemon started by `prefix`, a command that ends in starting what follows it.
class PreparedDaemon {
  public:
    explicit PreparedDaemon(std::vector<std::string> prefix, const std::string& extra_options = "",
                            std::vector<std::string> arguments = {}, DaemonSpec spec = local())
        : spec_(std::move(spec)), port_(support::pick_port()) {
        const auto file = directory_.write(
            "spread.conf",
            support::ring_configuration(DaemonKind::kOurs, {spec_}, "127.0.0.255", port_) +
                extra_options);
        std::vector<std::string> command = std::move(prefix);
        command.insert(command.end(),
                       {support::daemon_binary().string(), "-n", spec_.name, "-c", file.string(),
                        "--unix-dir", path().string(), "--state-dir", path().string()});
        command.insert(command.end(), arguments.begin(), arguments.end());
        process_.emplace(ChildProcess::Options{.command = std::move(command),
                                               .output = path() / "output",
                                               .input = {},
                                               .network_namespace = spec_.network_namespace,
                                               .directory = path()});
    }

    static DaemonSpec local() {
        return {.name = "d1", .address = "127.0.0.1", .network_namespace = -1};
    }

    TestClient client(const std::string& user, bool wants_membership = true) {
        support::wait_until("the daemon to listen:\n" + process_->output(),
                            [&] { return std::filesystem::is_socket(unix_socket()); });
        return {RawConnection::unix_socket(unix_socket()), user, wants_membership};
    }
    void expect_service(const std::string& user) {
        TestClient one = client(user);
        one.join("service");
        one.receive_membership("service", kCausedByJoin);
        one.multicast("service", "works");
        EXPECT_EQ(one.receive().text(), "works");
    }
    int stop() {
        process_->signal(SIGTERM);
        return process_->wait_exit();
    }
    [[nodiscard]] std::filesystem::path path() const { return directory_.path(); }
    [[nodiscard]] std::filesystem::path unix_socket() const {
        return path() / std::to_string(port_);
    }
    [[nodiscard]] ChildProcess& process() { return *process_; }

  private:
    TempDir directory_;
    DaemonSpec spec_;
    std::uint16_t port_;
    std::optional<ChildProcess> process_;
};

/// `sh -c SCRIPT` that goes on with the daemon's command.
std::vector<std::string> shell(const std::string& script) {
    return {"/bin/sh", "-c", script + "; exec \"$@\"", "sh"};
}

TEST(DaemonRights, RootKeepsOnlyWhatFilesTake) {
    if (geteuid() != 0) {
        GTEST_SKIP() << "NOT TESTED: not root";
    }
    if (is_other_build()) {
        GTEST_SKIP() << "NOT TESTED: a sanitizer has a thread of its own, with all rights";
    }
    TestRing ring(1, on_loopback());
    TestClient client = ring.client(0, "alice");  // it serves: all threads are there
    const auto tasks = "/proc/" + std::to_string(ring.daemon(0).process().pid()) + "/task";
    constexpr std::uint64_t kKept = 1U << CAP_DAC_OVERRIDE | 1U << CAP_FOWNER;
    std::size_t threads = 0;
    for (const auto& task : std::filesystem::directory_iterator(tasks)) {
        std::ifstream status(task.path() / "status");
        for (std::string word; status >> word;) {
            if (word == "CapEff:" || word == "CapPrm:" || word == "CapBnd:") {
                std::uint64_t rights = 0;
                status >> std::hex >> rights;
                EXPECT_EQ(rights & ~kKept, 0U) << task.path() << ' ' << word;
            }
        }
        ++threads;
    }
    EXPECT_GE(threads, 4U);
}

TEST(DaemonNeighbours, WhatStandsInPlaceOfTheUnixSocketIsAnError) {
    PreparedDaemon daemon(shell("mkdir \"$(sed -n 's/.*:\\([0-9]*\\) .*/\\1/p' spread.conf)\""));
    support::wait_until("the daemon to serve", [&] {
        return daemon.process().output().find("ready: serving") != std::string::npos;
    });
    EXPECT_THAT(daemon.process().output(), HasSubstr("error session: no Unix socket for clients"));
    EXPECT_THAT(daemon.process().output(), HasSubstr("UnixSocketDir chooses a directory"));
    std::filesystem::remove(daemon.unix_socket());
    daemon.expect_service("alice");
    EXPECT_EQ(daemon.stop(), 0);
}

TEST(DaemonNeighbours, OneAddressCannotTakeAllSessions) {
    TestRing ring(1, on_loopback("MaxSessions = 20\nMaxSessionsPerAddress = 2\n"));
    TestClient first = ring.client(0, "first");
    TestClient second = ring.client(0, "second");
    EXPECT_ANY_THROW(ring.client(0, "third"));
    TestClient local(RawConnection::unix_socket(ring.daemon(0).unix_socket()), "local");
    ring.daemon(0).wait_logged("see MaxSessionsPerAddress");
}

TEST(DaemonNeighbours, TheUnixSocketHasPlacesOfItsOwn) {
    TestRing ring(1, on_loopback("MaxSessions = 16\n"));
    std::vector<TestClient> strangers;
    for (int i = 0; i < 16; ++i) {
        strangers.push_back(ring.client(0, "s" + std::to_string(i)));
    }
    EXPECT_ANY_THROW(ring.client(0, "late"));
    TestClient local(RawConnection::unix_socket(ring.daemon(0).unix_socket()), "local");
    local.join("room");
    local.receive_membership("room", kCausedByJoin);
}

TEST(DaemonLimits, ALogFifoThatNobodyReadsHoldsUpNothing) {
    const TempDir elsewhere;
    const std::string fifo = (elsewhere.path() / "log").string();
    ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
    PreparedDaemon daemon({}, "EventLogFile = \"" + fifo + "\"\n");
    daemon.expect_service("alice");
    EXPECT_EQ(daemon.stop(), 0);
}

TEST(DaemonLimits, AFileSizeLimitDoesNotKill) {
    if (is_other_build()) {
        GTEST_SKIP() << "NOT TESTED: a sanitizer keeps files of its own";
    }
    PreparedDaemon daemon(shell("ulimit -f 0"));
    daemon.expect_service("alice");
    EXPECT_EQ(daemon.stop(), 0);
}

// Much more is allowed to wait for clients than there is memory.
TEST(DaemonLimits, WithoutMemoryTheLongestQueuesGoAndTheDaemonGoesOn) {
    if (is_other_build()) {
        GTEST_SKIP() << "NOT TESTED: a sanitizer takes all of the address space";
    }
    PreparedDaemon daemon(shell("ulimit -v 700000"),
                          "MemoryBudget = 8000\nMaxSessionMessages = 900000\n"
                          "MaxSessionBytes = 900000000\n");
    TestClient writer = daemon.client("writer");
    std::vector<TestClient> sleepers;
    for (int i = 0; i < 4; ++i) {
        sleepers.push_back(daemon.client("sleeper" + std::to_string(i), false));
        sleepers.back().join("room" + std::to_string(i));
    }
    const std::string body(100000, 'x');
    const auto has_dropped = [&] {
        return daemon.process().output().find("memory is short") != std::string::npos;
    };
    for (int i = 0; i < 12000 && !has_dropped(); ++i) {
        for (int each = 0; each < 4; ++each) {
            writer.multicast("room" + std::to_string(each), body);
        }
        if (i % 16 == 0) {
            writer.multicast(writer.private_group(), "still there?");
            ASSERT_EQ(writer.receive().text(), "still there?");
        }
    }
    EXPECT_TRUE(has_dropped());
    support::wait_until("somebody to be dropped", [&] {
        return daemon.process().output().find("dropped client #sleeper") != std::string::npos;
    });
    daemon.expect_service("after");
    EXPECT_EQ(daemon.stop(), 0) << daemon.process().output();
}

// As stock, which starts without its address where -n says who it is.
TEST(DaemonNetwork, WaitsForItsAddressByItselfWhereItsNameIsGiven) {
    if (const std::string& why = support::enter_private_network(); !why.empty()) {
        GTEST_SKIP() << "NOT TESTED: " << why;
    }
    support::NetworkLab lab(1);
    const std::string address = "10.77.0.44";
    PreparedDaemon daemon(
        {}, "", {}, {.name = "d1", .address = address, .network_namespace = lab.namespace_of(0)});
    support::wait_until("the daemon to wait", [&] {
        return daemon.process().output().find("waiting 10 s for the address") != std::string::npos;
    });
    lab.add_address(0, address);
    daemon.expect_service("alice");
    EXPECT_EQ(daemon.stop(), 0);
}

TEST(DaemonNetwork, WaitsForItsAddress) {
    if (const std::string& why = support::enter_private_network(); !why.empty()) {
        GTEST_SKIP() << "NOT TESTED: " << why;
    }
    support::NetworkLab lab(1);
    const std::string address = "10.77.0.44";
    PreparedDaemon daemon(
        {}, "", {"--wait-for-address", "30"},
        {.name = "d1", .address = address, .network_namespace = lab.namespace_of(0)});
    support::wait_until("the daemon to wait", [&] {
        return daemon.process().output().find("waiting 30 s for the address") != std::string::npos;
    });
    EXPECT_FALSE(std::filesystem::exists(daemon.unix_socket()));
    lab.add_address(0, address);
    daemon.expect_service("alice");
    EXPECT_EQ(daemon.stop(), 0);
}

}  // namespace
}  // namespace spread::system_test
