// One real daemon, seen from outside: start and stop, configuration errors, sockets, and clients
// and strangers that do not behave.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/network_lab.hpp"
#include "tests/support/test_ring.hpp"

namespace spread::system_test {
namespace {

using protocol::kAgreedMess;
using protocol::kCausedByDisconnect;
using protocol::kCausedByJoin;
using support::Bytes;
using support::ChildProcess;
using support::DaemonKind;
using support::DaemonProcess;
using support::DaemonSpec;
using support::on_loopback;
using support::RawConnection;
using support::TempDir;
using support::TestClient;
using support::TestRing;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// Is the daemon in order, as a client sees it?
void expect_service(TestRing& ring, const std::string& user) {
    TestClient client = ring.client(0, user);
    client.join("service");
    client.receive_membership("service", kCausedByJoin);
    client.multicast("service", "works");
    EXPECT_EQ(client.receive().text(), "works");
}

struct Outcome {
    int status;
    std::string output;
};

/// Runs spreadd to its end.
Outcome run_spreadd(const TempDir& directory, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), support::daemon_binary().string());
    arguments.insert(arguments.end(), {"--unix-dir", directory.path().string(), "--state-dir",
                                       directory.path().string()});
    const auto output = directory.path() / "output";
    std::filesystem::remove(output);
    ChildProcess child({.command = std::move(arguments),
                        .output = output,
                        .input = {},
                        .network_namespace = -1,
                        .directory = directory.path()});
    const int status = child.wait_exit();
    return {status, child.output()};
}

TEST(DaemonStart, ReportsAllConfigurationErrorsWithTheirPlaces) {
    const TempDir directory;
    // Taking the port shows that the file is judged before anything is bound.
    const std::string port = std::to_string(support::pick_port());
    const auto file = directory.write("bad.conf", "Spread_Segment 127.0.0.255:" + port +
                                                      " {\n"
                                                      "    one 127.0.0.1\n"
                                                      "    one 127.0.0.2\n"
                                                      "}\n"
                                                      "Window = 0\n");
    const auto outcome = run_spreadd(directory, {"-n", "one", "-c", file.string()});
    EXPECT_EQ(outcome.status, 3);
    EXPECT_THAT(outcome.output, HasSubstr(file.string() + ":3:5: error: "));
    EXPECT_THAT(outcome.output, HasSubstr(file.string() + ":5:"));
    EXPECT_FALSE(std::filesystem::exists(directory.path() / port));
}

TEST(DaemonStart, RefusesAFileThatIsNotThere) {
    const TempDir directory;
    // Not even a good file in the working directory is taken instead.
    directory.write("spread.conf", "Spread_Segment 127.0.0.255 {\n one 127.0.0.1\n}\n");
    const auto outcome = run_spreadd(directory, {"-c", "/no/such.conf"});
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.output, HasSubstr("/no/such.conf"));
}

TEST(DaemonStart, RefusesANameThatIsNotConfigured) {
    const TempDir directory;
    const auto file =
        directory.write("spread.conf", "Spread_Segment 127.0.0.255 {\n one 127.0.0.1\n}\n");
    const auto outcome = run_spreadd(directory, {"-n", "two", "-c", file.string()});
    EXPECT_EQ(outcome.status, 3);
    EXPECT_THAT(outcome.output, HasSubstr("two"));
}

TEST(DaemonStart, AnswersBadUsageWithStatusTwo) {
    const TempDir directory;
    EXPECT_EQ(run_spreadd(directory, {"--no-such-option"}).status, 2);
    EXPECT_EQ(run_spreadd(directory, {"-n", "a-name-of-twenty-byt"}).status, 2);
    EXPECT_EQ(run_spreadd(directory, {"--help"}).status, 0);
}

TEST(DaemonStart, SaysWhichPortIsTaken) {
    TestRing first(1, on_loopback());
    const TempDir directory;
    const auto port = first.daemon(0).port();
    const auto file = directory.write(
        "spread.conf",
        support::ring_configuration(DaemonKind::kOurs, {{.name = "d1", .address = "127.0.0.1"}},
                                    "127.0.0.255", port));
    const auto outcome = run_spreadd(directory, {"-n", "d1", "-c", file.string()});
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.output, HasSubstr(std::to_string(port)));
    expect_service(first, "alice");
}

TEST(DaemonStart, TellsProgramsWhyItDoesNotStart) {
    TestRing first(1, on_loopback());
    const TempDir directory;
    const std::string segment =
        "Spread_Segment 127.0.0.255:" + std::to_string(first.daemon(0).port()) +
        " {\n    d1 127.0.0.1\n}\n";
    const auto bad = directory.write("bad.conf", segment + "Windows = 1\n");
    const auto taken = directory.write("taken.conf", segment + "LogFormat = json\n");
    const auto last_event = [&](const std::vector<std::string>& arguments, int status) {
        const auto outcome = run_spreadd(directory, arguments);
        EXPECT_EQ(outcome.status, status);
        std::string event;
        std::istringstream lines(outcome.output);
        for (std::string line; std::getline(lines, line);) {
            const auto parsed = nlohmann::json::parse(line, nullptr, false);
            EXPECT_TRUE(parsed.is_object() && parsed.contains("event")) << line;
            event = parsed.is_object() ? parsed.value("event", "") : "";
        }
        return event;
    };
    EXPECT_EQ(last_event({"-c", bad.string(), "--log-format", "json"}, 3), "configuration_error");
    EXPECT_EQ(last_event({"-n", "d2", "-c", taken.string()}, 3), "configuration_error");
    EXPECT_EQ(last_event({"-c", "/no/such.conf", "--log-format", "json"}, 1), "failed");
    EXPECT_EQ(last_event({"-n", "d1", "-c", taken.string()}, 1), "failed");
}

TEST(DaemonStart, ServesOnTheBuiltInConfigurationWithoutAFile) {
    if (!support::enter_private_network().empty() || std::filesystem::exists("/etc/spread.conf") ||
        std::filesystem::exists("/etc/spread/spread.conf")) {
        GTEST_SKIP() << "NOT TESTED: port 4803 or a configuration file of this host would be used";
    }
    const TempDir directory;
    ChildProcess daemon(
        {.command = {support::daemon_binary().string(), "--unix-dir", directory.path().string(),
                     "--state-dir", directory.path().string()},
         .output = directory.path() / "log",
         .input = {},
         .network_namespace = -1,
         .directory = directory.path()});
    support::wait_until("the Unix socket to appear",
                        [&] { return std::filesystem::exists(directory.path() / "4803"); });
    TestClient client = TestClient::tcp("127.0.0.1", 4803, "alice");
    EXPECT_EQ(client.private_group(), "#alice#localhost");
    daemon.signal(SIGINT);
    EXPECT_EQ(daemon.wait_exit(), 0) << daemon.output();
}

TEST(DaemonStart, WarnsWhereAWindowDoesNotFitIntoReceiveBuffers) {
    const DaemonSpec one{.name = "d1", .address = "127.0.0.1"};
    const DaemonSpec other{.name = "d2", .address = "127.0.0.2"};
    const auto starts = [&](const std::vector<DaemonSpec>& daemons, const std::string& window) {
        const TempDir directory;
        const auto port = support::pick_port();
        const auto file = directory.write(
            "spread.conf",
            support::ring_configuration(DaemonKind::kOurs, daemons, "127.0.0.255", port) +
                "Window = " + window + "\n");
        DaemonProcess daemon(DaemonKind::kOurs, one, file, port, directory.path());
        support::wait_until("the daemon to be ready",
                            [&] { return daemon.log().find("event=ready") != std::string::npos; });
        EXPECT_EQ(daemon.stop(), 0);
        return daemon.log();
    };
    // No kernel gives more than 16 MiB for the 8 that are asked for.
    EXPECT_THAT(starts({one, other}, "30000"),
                AllOf(HasSubstr("warning network: receive buffers hold "),
                      HasSubstr("fewer than the window of 30000: bursts may get lost"),
                      HasSubstr("event=receive_buffer_small")));
    EXPECT_THAT(starts({one, other}, "20"), Not(HasSubstr("receive_buffer_small")));
    EXPECT_THAT(starts({one}, "30000"), Not(HasSubstr("receive_buffer_small")));
}

TEST(DaemonStart, SignalsForARunningDaemonDoNotEndOneThatStarts) {
    const TempDir directory;
    const std::string port = std::to_string(support::pick_port());
    const auto file = directory.write(
        "spread.conf", "Spread_Segment 127.0.0.255:" + port + " {\n    one 127.0.0.1\n}\n");
    ChildProcess daemon({.command = {support::daemon_binary().string(), "-n", "one", "-c",
                                     file.string(), "--unix-dir", directory.path().string(),
                                     "--state-dir", directory.path().string()},
                         .output = directory.path() / "log",
                         .input = {},
                         .network_namespace = -1,
                         .directory = directory.path()});
    support::wait_until("the daemon to start", [&] {
        return daemon.output().find("starting, process") != std::string::npos;
    });
    support::wait_until("it to serve clients", [&] {
        daemon.signal(SIGHUP);
        return daemon.output().find("ready: serving clients") != std::string::npos;
    });
    daemon.signal(SIGTERM);
    EXPECT_EQ(daemon.wait_exit(), 0) << daemon.output();
}

TEST(Daemon, WritesItsLogForProgramsWhenAskedTo) {
    const TempDir directory;
    const std::string port = std::to_string(support::pick_port());
    const auto file =
        directory.write("spread.conf", "LogFormat = json\nSpread_Segment 127.0.0.255:" + port +
                                           " {\n    one 127.0.0.1\n}\n");
    ChildProcess daemon({.command = {support::daemon_binary().string(), "-n", "one", "-c",
                                     file.string(), "--unix-dir", directory.path().string(),
                                     "--state-dir", directory.path().string(), "--control-socket",
                                     (directory.path() / "ctl").string()},
                         .output = directory.path() / "log",
                         .input = {},
                         .network_namespace = -1,
                         .directory = directory.path()});
    support::wait_until("it to serve clients", [&] {
        return daemon.output().find("ready: serving clients") != std::string::npos;
    });
    daemon.signal(SIGTERM);
    EXPECT_EQ(daemon.wait_exit(), 0) << daemon.output();
    std::istringstream lines(daemon.output());
    std::set<std::string> events;
    for (std::string line; std::getline(lines, line);) {
        const auto parsed = nlohmann::json::parse(line, nullptr, false);
        ASSERT_TRUE(parsed.is_object()) << line;
        EXPECT_EQ(parsed.at("daemon"), "one");
        events.insert(parsed.at("event").get<std::string>());
    }
    EXPECT_THAT(events, testing::IsSupersetOf({"starting", "ring_complete", "ready", "exiting"}));
}

TEST(DaemonSockets, ServesTheUnixSocketAndRemovesIt) {
    TestRing ring(1, on_loopback());
    const auto path = ring.daemon(0).unix_socket();
    ASSERT_TRUE(std::filesystem::is_socket(path)) << ring.logs();
    // Any user of the host may connect (CP 2.1).
    EXPECT_EQ(std::filesystem::status(path).permissions() & std::filesystem::perms::all,
              std::filesystem::perms(0666));
    TestClient local(RawConnection::unix_socket(path), "local");
    TestClient remote = ring.client(0, "remote");
    local.join("room");
    local.receive_membership("room", kCausedByJoin);
    remote.multicast("room", "over TCP");
    EXPECT_EQ(local.receive().text(), "over TCP");
    EXPECT_EQ(ring.daemon(0).stop(), 0);
    EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(DaemonSockets, TakesOverTheSocketOfADeadDaemon) {
    TestRing ring(1, on_loopback());
    const auto path = ring.daemon(0).unix_socket();
    ring.daemon(0).crash();
    ASSERT_TRUE(std::filesystem::exists(path));
    ring.daemon(0).restart();
    TestClient client(RawConnection::unix_socket(path), "alice");
    EXPECT_EQ(client.private_group(), "#alice#d1");
}

TEST(DaemonSockets, LeavesTheSocketOfALiveDaemonAlone) {
    // Two daemons on one host with the same port, on different addresses.
    TestRing ring(2, on_loopback());
    ring.wait_formed();
    const auto path = ring.daemon(0).unix_socket();
    TestClient local(RawConnection::unix_socket(path), "local");
    for (std::size_t i = 0; i < 2; ++i) {
        TestClient client = ring.client(i, "tcp");
        if (local.private_group() != "#local#" + ring.daemon(i).spec().name) {
            ring.daemon(i).wait_logged("no Unix socket");
        }
    }
}

TEST(DaemonSockets, ServesIpv6) {
    const TempDir directory;
    const DaemonSpec spec{.name = "six", .address = "::1", .network_namespace = -1};
    const auto port = support::pick_port();
    const auto file = directory.write(
        "spread.conf", support::ring_configuration(DaemonKind::kOurs, {spec}, "ff01::96", port));
    DaemonProcess daemon(DaemonKind::kOurs, spec, file, port, directory.path());
    daemon.wait_listening();
    TestClient client = TestClient::tcp("::1", port, "alice");
    client.join("room");
    EXPECT_THAT(client.receive_membership("room", kCausedByJoin).members,
                ElementsAre("#alice#six"));
    EXPECT_EQ(daemon.stop(), 0) << daemon.log();
}

/// The same noise on every run.
Bytes noise(std::mt19937& random, std::size_t count) {
    Bytes bytes(count);
    std::ranges::generate(bytes, [&random] { return static_cast<std::byte>(random() & 0xffU); });
    return bytes;
}

TEST(DaemonUnderAttack, SurvivesNoiseOnItsClientPort) {
    TestRing ring(1, on_loopback());
    std::mt19937 random(1);
    for (std::size_t i = 0; i < 100; ++i) {
        // Some after the handshake, where requests are read.
        if (i % 2 == 0) {
            RawConnection stranger = ring.connection(0);
            stranger.send_if_open(noise(random, 1 + i * 10));
        } else {
            TestClient client = ring.client(0, "n" + std::to_string(i));
            client.connection().send_if_open(noise(random, 48 + i * 10));
            client.connection().drain();
        }
    }
    RawConnection http = ring.connection(0);
    http.send_if_open(support::bytes_of("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    http.drain();
    expect_service(ring, "alice");
}

TEST(DaemonUnderAttack, SurvivesNoiseOnItsRingPorts) {
    TestRing ring(2, on_loopback());
    ring.wait_formed();
    TestClient watcher = ring.client(0, "watcher");
    watcher.join("room");
    watcher.receive_membership("room", kCausedByJoin);
    std::mt19937 random(2);
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ASSERT_GE(fd, 0);
    for (std::size_t i = 0; i < 3000; ++i) {
        const Bytes datagram = noise(random, random() % 1500);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(static_cast<std::uint16_t>(ring.daemon(0).port() + i % 2));
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK + static_cast<std::uint32_t>(i / 2 % 2));
        // NOLINTNEXTLINE(*-reinterpret-cast): the socket interface has one type for all families
        sendto(fd, datagram.data(), datagram.size(), 0, reinterpret_cast<const sockaddr*>(&to),
               sizeof to);
    }
    close(fd);
    expect_service(ring, "alice");
    // The ring has not noticed: the next thing the watcher hears is a client of the other daemon.
    TestClient other = ring.client(1, "other");
    other.multicast("room", "calm");
    EXPECT_EQ(watcher.receive().text(), "calm") << ring.logs();
}

TEST(DaemonUnderAttack, DropsSessionsThatForgeDaemonMessages) {
    TestRing ring(1, on_loopback());
    TestClient watcher = ring.client(0, "watcher");
    watcher.join("room");
    watcher.receive_membership("room", kCausedByJoin);
    int number = 0;
    for (const std::uint32_t forged :
         {protocol::kGroupsMess, protocol::kRejectMess, protocol::kTransitionMess,
          protocol::kRegMembMess | protocol::kCausedByJoin, 0x4000U, 0x8000U, 0x100000U}) {
        const std::string user = "f" + std::to_string(++number);
        TestClient forger = ring.client(0, user);
        forger.join("room");
        watcher.receive_membership("room", kCausedByJoin);
        forger.receive_membership("room", kCausedByJoin);
        forger.multicast("room", "forged", kAgreedMess | forged);
        forger.connection().drain();
        EXPECT_EQ(watcher.receive_membership("room", kCausedByDisconnect).changed_member(),
                  forger.private_group());
    }
}

TEST(DaemonUnderAttack, UnfinishedHandshakesHoldUpNobody) {
    TestRing ring(1, on_loopback());
    std::vector<RawConnection> silent;
    std::vector<RawConnection> halfway;
    for (int i = 0; i < 50; ++i) {
        silent.push_back(ring.connection(0));
        halfway.push_back(ring.connection(0));
        halfway.back().send(support::bytes_of_hex("050001"));
    }
    expect_service(ring, "alice");
    for (auto& connection : silent) {
        connection.expect_end();
    }
    for (auto& connection : halfway) {
        connection.expect_end();
    }
}

TEST(DaemonClients, NoticesClientsThatVanish) {
    TestRing ring(1, on_loopback());
    TestClient watcher = ring.client(0, "watcher");
    watcher.join("room");
    watcher.receive_membership("room", kCausedByJoin);
    for (const bool reset : {false, true}) {
        {
            TestClient victim = ring.client(0, reset ? "reset" : "closed");
            victim.join("room");
            watcher.receive_membership("room", kCausedByJoin);
            // A killed process leaves unread input, which makes the kernel send a reset.
            if (reset) {
                victim.connection().reset_on_close();
            }
        }
        EXPECT_EQ(watcher.receive_membership("room", kCausedByDisconnect).changed_member(),
                  reset ? "#reset#d1" : "#closed#d1");
    }
}

TEST(DaemonClients, DropsAReaderThatIsTooSlow) {
    TestRing ring(1, on_loopback("MaxSessionMessages = 100\n"));
    TestClient slow = ring.client(0, "slow");
    slow.connection().set_receive_buffer(65536);
    slow.join("room");
    slow.receive_membership("room", kCausedByJoin);
    TestClient watcher = ring.client(0, "watcher");
    watcher.join("room");
    watcher.receive_membership("room", kCausedByJoin);
    const std::string body(8000, 'x');
    // The watcher reads every one: it is the other's queue that fills.
    bool dropped = false;
    for (int i = 0; i < 5000 && !dropped; ++i) {
        watcher.multicast("room", body);
        const auto message = watcher.receive();
        if (message.view().is_regular_membership()) {
            EXPECT_EQ(message.membership().cause, kCausedByDisconnect);
            EXPECT_EQ(message.membership().changed_member(), "#slow#d1");
            dropped = true;
        }
    }
    EXPECT_TRUE(dropped);
    slow.connection().drain();  // what the kernel still held, then the end
    ring.daemon(0).wait_logged("#slow#d1");
    ring.daemon(0).wait_logged("too slowly");
}

TEST(DaemonClients, CarriesTheLargestMessageALibrarySends) {
    TestRing ring(1, on_loopback());
    TestClient client = ring.client(0, "alice");
    client.join("room");
    client.receive_membership("room", kCausedByJoin);
    // Libraries stop at body + 32 x groups = 144000; stock aborts on it (CP 9, item
    // 3).
    for (const std::size_t size : {143152U, 143153U, 143921U, 143968U}) {
        const std::string body(size, static_cast<char>('a' + size % 26));
        client.multicast("room", body);
        EXPECT_EQ(client.receive().text(), body);
    }
}

TEST(DaemonClients, CountsANameAsFreeOnceItsClientIsGone) {
    TestRing ring(1, on_loopback());
    for (int i = 0; i < 100; ++i) {
        TestClient client = ring.client(0, "again");
        client.kill();
        // The daemon closes when the disconnect has been ordered; from then on the name is free.
        client.connection().drain();
    }
}

}  // namespace
}  // namespace spread::system_test
