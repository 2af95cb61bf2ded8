// spreadctl doctor: what it finds without daemons, and with them.

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/child_process.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/network_lab.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/test_ring.hpp"
#include "tests/system/spreadctl.hpp"

namespace spread::system_test {
namespace {

using support::ChildProcess;
using support::NetworkLab;
using testing::HasSubstr;

constexpr std::size_t kHosts = 3;

/// Three hosts with one file, and no daemon.
class DoctorTest : public testing::Test {
  protected:
    void SetUp() override {
        if (const std::string& why = support::enter_private_network(); !why.empty()) {
            GTEST_SKIP() << "no network namespaces: " << why;
        }
        lab_ = std::make_unique<NetworkLab>(kHosts);
        port_ = support::pick_port();
        std::ofstream out(file());
        out << "Spread_Segment " << NetworkLab::broadcast() << ':' << port_ << " {\n";
        for (std::size_t i = 0; i < kHosts; ++i) {
            out << " d" << i + 1 << ' ' << NetworkLab::address(i) << '\n';
        }
        out << "}\n";
    }

    [[nodiscard]] std::string file() const { return (scratch_.path() / "spread.conf").string(); }
    [[nodiscard]] std::string data_port() const { return std::to_string(port_); }
    [[nodiscard]] std::string token_port() const { return std::to_string(port_ + 1); }

    /// Of the doctors of all hosts, together.
    std::vector<Answer> doctors(unsigned seconds) {
        std::vector<std::unique_ptr<ChildProcess>> running;
        for (std::size_t i = 0; i < kHosts; ++i) {
            running.push_back(std::make_unique<ChildProcess>(ChildProcess::Options{
                .command = spreadctl_command(
                    "/nowhere", {"doctor", "-c", file(), "--wait", std::to_string(seconds)}),
                .output = scratch_.path() / ("doctor" + std::to_string(++runs_)),
                .input = {},
                .network_namespace = lab_->namespace_of(i),
                .directory = {}}));
        }
        std::vector<Answer> out;
        for (auto& each : running) {
            const int status = each->wait_exit();
            out.push_back({status, each->output()});
        }
        return out;
    }
    /// Repeated where a loaded machine has not run them at the same time.
    void expect(std::size_t host, int status, const std::string& text) {
        std::string last;
        EXPECT_NO_THROW(support::wait_until("the doctors to find it", [&] {
            const std::vector<Answer> all = doctors(5);
            last = all[host].text;
            return all[host].status == status && last.find(text) != std::string::npos;
        })) << last;
    }

    support::TempDir scratch_;
    std::unique_ptr<NetworkLab> lab_;
    std::uint16_t port_ = 0;
    int runs_ = 0;
};

TEST_F(DoctorTest, AllIsWell) {
    expect(0, 0,
           "ok       d3 -> d1: UDP 10.77.0.1:" + data_port() + ", UDP 10.77.0.1:" + token_port() +
               " and full-sized packets arrive, multicast too\n");
}

TEST_F(DoctorTest, AClosedTokenPortIsNamedAtBothEnds) {
    lab_->filter(2, "udp dport " + token_port() + " drop");
    const std::string line =
        "BAD      d1 -> d3 tokens: nothing arrives\n           -> open UDP "
        "10.77.0.3:" +
        token_port() + " on the host of d3 for d1\n";
    expect(0, 1, line);
    expect(2, 1, line);
}

TEST_F(DoctorTest, AClosedDataPortToOneHostIsNamed) {
    lab_->filter(1, "ip saddr 10.77.0.1 udp dport " + data_port() + " drop");
    expect(1, 1,
           "BAD      d1 -> d2 data: nothing arrives\n           -> open UDP 10.77.0.2:" +
               data_port() + " on the host of d2 for d1\n");
    expect(2, 0, "ok       d2 -> d3: ");
}

TEST_F(DoctorTest, AGroupAddressThatDoesNotArriveIsADoubt) {
    lab_->filter(2, "ip daddr 10.77.0.255 drop");
    expect(0, 0, "WARNING  d1 -> d3 multicast: 10.77.0.255 does not arrive\n");
}

TEST_F(DoctorTest, LargePacketsThatAreLostAreFound) {
    lab_->filter(2, "udp length > 1000 drop");
    expect(0, 1, "BAD      d1 -> d3 large packets: small ones arrive, full-sized ones do not\n");
}

TEST_F(DoctorTest, AFileWithErrorsAndAStrangersHost) {
    std::ofstream(file()) << "Spread_Segment 10.77.0.255:4803 { x 10.77.0.99 }\n";
    const Answer stranger = doctors(0).front();
    EXPECT_EQ(stranger.status, 1);
    EXPECT_THAT(stranger.text, HasSubstr("BAD      "));
    std::ofstream(file()) << "Spread_Segment {\n";
    const Answer wrong = doctors(0).front();
    EXPECT_EQ(wrong.status, 1);
    EXPECT_THAT(wrong.text, HasSubstr("BAD      file: "));
}

// The daemon's working directory is not the operator's.
TEST(Doctor, AFileThatTheDaemonWasGivenByARelativeNameIsFound) {
    const support::TempDir scratch;
    const std::string port = std::to_string(support::pick_port());
    const auto file = scratch.write(
        "spread.conf", "Spread_Segment 127.0.0.255:" + port + " {\n d1 127.0.0.1\n}\n");
    const std::string here = scratch.path().string();
    ChildProcess daemon({.command = {support::daemon_binary().string(), "-n", "d1", "-c",
                                     "./spread.conf", "--unix-dir", here, "--state-dir", here},
                         .output = scratch.path() / "log",
                         .input = {},
                         .network_namespace = -1,
                         .directory = scratch.path()});
    const std::string socket = (scratch.path() / (port + ".ctl")).string();
    support::wait_until("the daemon to serve",
                        [&] { return spreadctl(socket, {"status"}).status == 0; });
    EXPECT_THAT(spreadctl(socket, {"doctor"}).text,
                HasSubstr("ok       file: " + file.string() + ", hash "));
    EXPECT_EQ(spreadctl(socket, {"config", "diff", file.string()}).status, 0);
}

TEST(Doctor, ARunningDaemonIsAsked) {
    support::TestRing ring(3, support::on_loopback());
    ring.wait_formed();
    const auto doctor = [&] { return spreadctl(ring.daemon(0), {"doctor"}).text; };
    support::wait_until("all to be well", [&] {
        return doctor().find("ok       daemon: ring of 3 of 3 daemons\n") != std::string::npos;
    });
    ring.daemon(2).crash();
    ring.wait_formed({0, 1});
    support::wait_until("d3 to be missed", [&] {
        return doctor().find("BAD      d3: not in the ring: ") != std::string::npos;
    });
    const std::string text = doctor();
    EXPECT_THAT(text, HasSubstr("ok       d2: in the ring; both ports and full-sized packets"));
    EXPECT_THAT(text, HasSubstr("WARNING  d3: does not answer within 1 s\n"));
}

}  // namespace
}  // namespace spread::system_test
