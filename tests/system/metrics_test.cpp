// What Prometheus gets of running daemons: the list of spread-metrics(7), and numbers that are
// true.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/host/unique_fd.hpp"
#include "protocol/buffer.hpp"
#include "protocol/ring_wire.hpp"
#include "tests/support/admin_page.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/prometheus_text.hpp"
#include "tests/support/read_file.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/test_ring.hpp"

namespace spread::system_test {
namespace {

using support::Metric;
using support::TestClient;
using support::TestRing;
using support::wait_until;

class MetricsTest : public testing::Test {
  protected:
    MetricsTest() {
        authority_.sign({.common_name = "daemon"}).write(scratch_.path(), "daemon");
        const std::string pair = (scratch_.path() / "daemon").string();
        ring_.emplace(3, support::on_loopback("ClientTLS = allow\nTLSCertificateFile = \"" + pair +
                                              ".crt\"\nTLSKeyFile = \"" + pair + ".key\"\n"));
        ring_->wait_formed();
    }

    [[nodiscard]] std::string page_of(std::size_t daemon) {
        return support::admin_page(ring_->daemon(daemon), "/metrics");
    }
    [[nodiscard]] std::map<std::string, Metric> metrics_of(std::size_t daemon) {
        return support::metrics_in(page_of(daemon));
    }
    /// `sample` is "name" or "name{labels}"; throws when there is none.
    [[nodiscard]] double value(std::size_t daemon, const std::string& sample) {
        return metrics_of(daemon).at(sample.substr(0, sample.find('{'))).samples.at(sample);
    }
    void wait_for(std::size_t daemon, const std::string& sample, double wanted) {
        wait_until(sample, [&] { return value(daemon, sample) == wanted; });
    }

    support::Authority authority_{"test"};
    support::TempDir scratch_;
    std::optional<TestRing> ring_;
};

TEST_F(MetricsTest, AreThoseOfTheManualWithTheirLabels) {
    ring_->daemon(2).crash();
    ring_->wait_formed({0, 1});
    wait_until("the loss to show",
               [&] { return !metrics_of(0).at("spread_peer_left_out").samples.empty(); });
    std::string listed;
    for (const auto& [name, metric] : metrics_of(0)) {
        listed += support::item_of(name, metric);
    }
    std::istringstream page(
        support::read_file(std::string(SPREAD_TEST_DATA) + "/../../docs/man/spread-metrics.7"));
    std::set<std::string> items;
    for (std::string line; std::getline(page, line);) {
        if (line.starts_with(".It Li ")) {
            items.insert(line);
        }
    }
    std::set<std::string> found;
    std::istringstream lines(listed);
    for (std::string line; std::getline(lines, line);) {
        found.insert(line);
    }
    EXPECT_GT(found.size(), 80U);
    EXPECT_EQ(found, items);
}

TEST_F(MetricsTest, PromtoolFindsNothingToSay) {
    if (std::system("command -v promtool >/dev/null") != 0) {
        GTEST_SKIP() << "no promtool (Debian package prometheus)";
    }
    support::ChildProcess promtool({.command = {"promtool", "check", "metrics"},
                                    .output = scratch_.path() / "promtool",
                                    .input = page_of(0),
                                    .network_namespace = -1,
                                    .directory = {}});
    EXPECT_EQ(promtool.wait_exit(), 0);
    EXPECT_EQ(promtool.output(), "");
}

TEST_F(MetricsTest, MessagesAreCountedByServiceAndReceiver) {
    const std::vector<std::pair<std::string, std::uint32_t>> services = {
        {"unreliable", protocol::kUnreliableMess},
        {"reliable", protocol::kReliableMess},
        {"fifo", protocol::kFifoMess},
        {"causal", protocol::kCausalMess},
        {"agreed", protocol::kAgreedMess},
        {"safe", protocol::kSafeMess}};
    TestClient sender = ring_->client(0, "sender", false);
    std::vector<TestClient> receivers;
    for (const auto& [daemon, name] :
         {std::pair(0, "one"), std::pair(1, "two"), std::pair(1, "three")}) {
        receivers.push_back(ring_->client(static_cast<std::size_t>(daemon), name, false));
        receivers.back().join("room");
    }
    for (std::size_t daemon : {0U, 1U}) {
        wait_for(daemon, "spread_group_members", 3);
    }
    // Not the same numbers: what one sent on earlier rings the other one may not have got.
    const std::string packets_sent = "spread_packets_total{direction=\"sent\"}";
    const std::string packets_received = "spread_packets_total{direction=\"received\"}";
    const double sent = value(0, packets_sent);
    const double received = value(1, packets_received);
    std::size_t messages = 0;
    for (std::size_t i = 0; i < services.size(); ++i) {
        for (std::size_t n = 0; n <= i; ++n, ++messages) {
            sender.multicast("room", "ten bytes.", services[i].second);
        }
    }
    for (TestClient& receiver : receivers) {
        for (std::size_t n = 0; n < messages; ++n) {
            static_cast<void>(receiver.receive());
        }
    }
    for (std::size_t i = 0; i < services.size(); ++i) {
        const auto count = static_cast<double>(i + 1);
        const auto labels = [&](const char* direction) {
            return std::string("{direction=\"") + direction + "\",service=\"" + services[i].first +
                   "\"}";
        };
        EXPECT_EQ(value(0, "spread_messages_total" + labels("sent")), count);
        EXPECT_EQ(value(0, "spread_messages_total" + labels("delivered")), count);
        EXPECT_EQ(value(1, "spread_messages_total" + labels("sent")), 0);
        EXPECT_EQ(value(1, "spread_messages_total" + labels("delivered")), 2 * count);
        EXPECT_EQ(value(2, "spread_messages_total" + labels("delivered")), 0);
        EXPECT_EQ(value(0, "spread_message_bytes_total" + labels("sent")), 10 * count);
        EXPECT_EQ(value(1, "spread_message_bytes_total" + labels("delivered")), 20 * count);
    }
    wait_until("the packets to be counted", [&] {
        return value(0, packets_sent) > sent && value(1, packets_received) > received;
    });
}

TEST_F(MetricsTest, ConnectionsAreCountedByTheirEnd) {
    const std::string accepted = "spread_client_connects_total{result=\"accepted\"}";
    const double before = value(0, accepted);
    TestClient eve = ring_->client(0, "eve");
    EXPECT_THROW(static_cast<void>(ring_->client(0, "eve")), std::exception);
    wait_for(0, "spread_client_connects_total{result=\"rejected\"}", 1);
    EXPECT_EQ(value(0, accepted), before + 1);
    const std::string left = "spread_client_disconnects_total{reason=\"disconnected\"}";
    const double left_before = value(0, left);
    eve.kill();
    wait_for(0, left, left_before + 1);
    EXPECT_EQ(value(0, "spread_client_disconnects_total{reason=\"rejected\"}"), 0);
    EXPECT_EQ(value(0, "spread_clients"), 0);
}

TEST_F(MetricsTest, DroppedDatagramsAreCountedByReason) {
    const auto& spec = ring_->daemon(0).spec();
    const daemon::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(ring_->daemon(0).port());
    ASSERT_EQ(::inet_pton(AF_INET, spec.address.c_str(), &to.sin_addr), 1);
    const auto send = [&](std::span<const std::byte> bytes) {
        ASSERT_EQ(::sendto(socket.get(), bytes.data(), bytes.size(), 0,
                           // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
                           reinterpret_cast<const sockaddr*>(&to), sizeof to),
                  static_cast<ssize_t>(bytes.size()));
    };
    protocol::BufferPool pool(1500, 1);
    const protocol::Slice alive = protocol::encode_empty(
        {protocol::PacketKind::kAlive, 12345, protocol::DaemonId{1}, {}}, pool);
    std::vector<std::byte> other_wire(alive.bytes().begin(), alive.bytes().end());
    other_wire[2] = std::byte{250};
    for (int i = 0; i < 2; ++i) {
        send(alive.bytes());
    }
    for (int i = 0; i < 3; ++i) {
        send(other_wire);
    }
    for (int i = 0; i < 4; ++i) {
        send(support::bytes_of("no packet of a ring"));
    }
    wait_for(0, "spread_packets_dropped_total{reason=\"config\"}", 2);
    wait_for(0, "spread_packets_dropped_total{reason=\"wire\"}", 3);
    wait_for(0, "spread_packets_dropped_total{reason=\"malformed\"}", 4);
    EXPECT_EQ(value(0, "spread_packets_dropped_total{reason=\"auth\"}"), 0);
}

TEST_F(MetricsTest, APauseAndALossAreCounted) {
    EXPECT_EQ(value(1, "spread_own_pauses_total"), 0);
    ring_->daemon(1).process().signal(SIGSTOP);
    wait_for(0, "spread_ring_members", 2);
    EXPECT_GE(value(0, "spread_token_losses_total") + value(2, "spread_token_losses_total"), 1);
    ring_->daemon(1).process().signal(SIGCONT);
    wait_for(0, "spread_ring_members", 3);
    wait_until("the pause to be counted", [&] { return value(1, "spread_own_pauses_total") >= 1; });
    EXPECT_GT(value(1, "spread_own_pause_seconds_total"), 0.05);
    EXPECT_GE(metrics_of(0).at("spread_ring_changes_total").samples.size(), 2U);
}

TEST_F(MetricsTest, AReloadThatFailsIsTold) {
    EXPECT_EQ(value(0, "spread_config_reload_last_success"), 1);
    std::filesystem::rename(scratch_.path() / "daemon.key", scratch_.path() / "away");
    ring_->daemon(0).process().signal(SIGHUP);
    wait_for(0, "spread_config_reload_last_success", 0);
    std::filesystem::rename(scratch_.path() / "away", scratch_.path() / "daemon.key");
    ring_->daemon(0).process().signal(SIGHUP);
    wait_for(0, "spread_config_reload_last_success", 1);
}

TEST_F(MetricsTest, TheProcessIsDescribed) {
    const auto metrics = metrics_of(0);
    const auto now =
        std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    const double started =
        metrics.at("process_start_time_seconds").samples.at("process_start_time_seconds");
    EXPECT_LT(started, now + 1);
    EXPECT_NEAR(started, metrics.at("spread_start_time_seconds").samples.begin()->second, 30);
    EXPECT_GT(metrics.at("process_open_fds").samples.begin()->second, 5);
    EXPECT_GT(metrics.at("process_resident_memory_bytes").samples.begin()->second, 1e6);
    for (const char* thread : {"main", "ring", "sessions", "log", "state"}) {
        EXPECT_TRUE(metrics.at("spread_thread_cpu_seconds_total")
                        .samples.contains("spread_thread_cpu_seconds_total{thread=\"" +
                                          std::string(thread) + "\"}"))
            << thread;
    }
}

}  // namespace
}  // namespace spread::system_test
