// What a ring says of networks and neighbours that are not as they should be, and that it rests.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/checksum.hpp"
#include "tests/support/admin_page.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/test_ring.hpp"
#include "tests/support/times_in.hpp"
#include "tests/system/spreadctl.hpp"

namespace spread::system_test {
namespace {

using support::DaemonProcess;
using support::NetworkLab;
using support::TestRing;
using support::times_in;
using support::wait_until;
using testing::Not;

constexpr std::string_view kGroupAddress = "239.77.0.2";
constexpr std::size_t kOutsider = 2;

TestRing::Options over_multicast() {
    TestRing::Options options;
    options.segment_address = std::string(kGroupAddress);
    return options;
}

/// Sends from the test's own place on the segment.
void send_udp(const std::string& address, std::uint16_t port, const std::vector<std::byte>& bytes) {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    ::inet_pton(AF_INET, address.c_str(), &to.sin_addr);
    ASSERT_EQ(
        ::sendto(fd, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to),
        static_cast<ssize_t>(bytes.size()));
    ::close(fd);
}

class Network : public testing::Test {
  protected:
    void start(const TestRing::Options& options) {
        if (const std::string& problem = support::enter_private_network(); !problem.empty()) {
            GTEST_SKIP() << "NOT TESTED: " << problem;
        }
        ring_ = std::make_unique<TestRing>(3, options);
    }
    void wait_for(std::size_t daemon, const std::string& text) {
        ring_->daemon(daemon).wait_logged(text);
    }
    [[nodiscard]] std::string log(std::size_t daemon) { return ring_->daemon(daemon).log(); }

    /// Messages of `bytes` from every daemon reach every daemon, if not at first: what is sent
    /// while the receiver's daemon is outside the ring is not for it.
    void expect_traffic(std::size_t bytes) {
        const std::string text(bytes, 'x');
        for (std::size_t from = 0; from < ring_->size(); ++from) {
            auto sender = ring_->client(from, "from" + std::to_string(++clients_));
            for (std::size_t to = 0; to < ring_->size(); ++to) {
                auto receiver = ring_->client(to, "to" + std::to_string(++clients_));
                wait_until("a message to come through", [&] {
                    sender.multicast(receiver.private_group(), text);
                    try {
                        return receiver.receive(std::chrono::seconds(2)).text() == text;
                    } catch (const std::runtime_error&) {
                        return false;
                    }
                });
            }
        }
    }

    void TearDown() override {
        if (HasFailure() && ring_) {
            ADD_FAILURE() << ring_->logs();
        }
    }

    std::unique_ptr<TestRing> ring_;
    int clients_ = 0;
};

// --- paths ---

TEST_F(Network, APathNarrowerThanBothItsEndsGetsSmallerDatagrams) {
    auto options = over_multicast();
    options.router_mtu = 1400;
    start(options);
    ring_->wait_formed();
    expect_traffic(20000);
    wait_until("a daemon to name the path", [&] {
        return (log(0) + log(1) + log(2)).find("datagrams of more than 1352 bytes to d") !=
               std::string::npos;
    });
}

// As when a tunnel comes between them, or a switch forgets its jumbo frames.
TEST_F(Network, APathThatShrinksUnderARunningRingIsNoticedAndNamed) {
    start(over_multicast());
    ring_->wait_formed();
    NetworkLab& lab = ring_->links();
    for (std::size_t host = 0; host < ring_->size(); ++host) {
        // A burst that crosses in one piece is longer than the wire would ever see.
        lab.split_bursts(host);
        lab.filter(host, "ip saddr " + NetworkLab::address(kOutsider) + " meta length > 1300 drop");
    }
    lab.filter(kOutsider, "meta l4proto udp meta length > 1300 drop");
    expect_traffic(20000);
    ring_->wait_formed();
    wait_until("a daemon to name the path", [&] {
        return (log(0) + log(1)).find("bytes to d3 are lost, smaller ones arrive (MTU?)") !=
               std::string::npos;
    });
}

TEST_F(Network, AGroupAddressThatIsNotCarriedIsNamedOnceAndDoneWithout) {
    start(over_multicast());
    ring_->wait_formed();
    ring_->links().filter(kOutsider, "ip daddr " + std::string(kGroupAddress) + " drop");
    const auto talker = [this] { expect_traffic(100); };
    wait_until("multicast to be named", [&] {
        talker();
        return log(0).find("multicast: 239.77.0.2 does not reach d3") != std::string::npos;
    });
    EXPECT_EQ(times_in(log(0), "does not reach d3"), 1U);
    ring_->wait_formed();
}

// --- this host ---

TEST_F(Network, WhatTheOwnKernelRefusesToSendIsTheCause) {
    start(over_multicast());
    ring_->wait_formed();
    // The host of its predecessor, which sends it the token.
    ring_->links().filter_output(1, "ip daddr " + NetworkLab::address(kOutsider) + " udp dport " +
                                        std::to_string(ring_->daemon(0).port()) + "-" +
                                        std::to_string(ring_->daemon(0).port() + 1) + " drop");
    wait_for(1, "this host refuses to send to UDP 10.77.0.3");
    wait_for(1, "Operation not permitted");
    ring_->wait_formed({0, 1});
}

TEST_F(Network, ALostAddressIsTheCause) {
    start(over_multicast());
    ring_->wait_formed();
    ring_->links().remove_address(kOutsider, NetworkLab::address(kOutsider));
    wait_for(kOutsider, "(this host has lost this daemon's address, or its interface has no link)");
    ring_->wait_formed({0, 1});
}

TEST_F(Network, ALostLinkIsNamedAndItsReturnIsNoticed) {
    start(over_multicast());
    ring_->wait_formed();
    ring_->links().unplug(kOutsider);
    wait_for(kOutsider, "of own address 10.77.0.3 has no link");
    ring_->wait_formed({0, 1});
    ring_->links().plug_in(kOutsider);
    wait_for(kOutsider, "has a link again");
    ring_->wait_formed();
}

// --- neighbours ---

TEST_F(Network, PacketsOfAnotherVersionAndOfStockAreNamedAsSuch) {
    start(over_multicast());
    ring_->wait_formed();
    const std::uint16_t port = ring_->daemon(0).port();
    std::vector<std::byte> stock(60);
    stock[0] = std::byte{0x80};
    stock[1] = std::byte{0x02};
    stock[3] = std::byte{0x80};
    send_udp(NetworkLab::address(0), port, stock);
    wait_for(0, "is a daemon of stock Spread");
    stock[3] = std::byte{0x81};
    send_udp(NetworkLab::address(0), port, stock);
    wait_for(0, "request of stock's monitor ignored: it is not as long as it says");
    std::vector<std::byte> other(32);
    other[0] = std::byte{'S'};
    other[1] = std::byte{'R'};
    other[2] = std::byte{99};
    const std::span<const std::byte> all(other);
    const std::uint32_t sum = protocol::crc32c(all.subspan(8), protocol::crc32c(all.first(4)));
    for (unsigned i = 0; i < 4; ++i) {
        other[4 + i] = static_cast<std::byte>(sum >> (8 * i));
    }
    for (int i = 0; i < 100; ++i) {
        send_udp(NetworkLab::address(0), port, other);
    }
    wait_for(0, "speaks version 99 of the ring's wire");
    EXPECT_EQ(times_in(log(0), "speaks version 99"), 1U);
    ring_->wait_formed();
}

TEST_F(Network, AnotherFileIsNamedByTheLineThatDiffers) {
    start(over_multicast());
    ring_->wait_formed();
    ASSERT_EQ(ring_->daemon(kOutsider).stop(), 0);
    const auto other = ring_->start_again(kOutsider, kOutsider, "AcceleratedRing = true\n");
    const std::string expected = "d3 runs another configuration file: ";
    wait_for(0, expected);
    wait_for(0, "'AcceleratedRing true' there, 'AcceleratedRing auto' here");
    EXPECT_EQ(times_in(log(0), expected), 1U);
    other->wait_logged("runs another configuration file: ");
    wait_until("spreadctl to say so, rather than that it has left", [&] {
        return spreadctl(ring_->daemon(0), {"status"}).text.find("d3: it runs another") !=
               std::string::npos;
    });
    const Answer difference =
        spreadctl(ring_->daemon(0), {"config", "diff", other->control_socket().string()});
    EXPECT_EQ(difference.status, 1);
    EXPECT_NE(difference.text.find("AcceleratedRing"), std::string::npos) << difference.text;
}

TEST_F(Network, ASettingOutsideTheHashIsNamedToo) {
    start(over_multicast());
    ring_->wait_formed();
    ASSERT_EQ(ring_->daemon(kOutsider).stop(), 0);
    const auto other = ring_->start_again(kOutsider, kOutsider, "TokenTimeout = 400\n");
    wait_for(0, "'TokenTimeout 400 ms'");
    wait_for(0, "'TokenTimeout 250 ms' here");
    EXPECT_EQ(times_in(log(0), "d3 runs another configuration file"), 1U);
    ring_->wait_formed({0, 1});
    // Whoever has no log sees as much.
    const auto says = [this](const std::vector<std::string>& arguments, const std::string& text) {
        return spreadctl(ring_->daemon(0), arguments).text.find(text) != std::string::npos;
    };
    EXPECT_TRUE(says({"events"}, "d3 runs another configuration file: "));
    wait_until("spreadctl to say whose file differs", [&] {
        return says({"status"},
                    "; DIFFERS from that of d3 (spreadctl config diff NAME); the same "
                    "settings at d2\n") &&
               says({"peers"}, "DIFFERS") && says({"doctor"}, "d3 settings: differ: TokenTimeout");
    });
    // All three are in the ring, and those who ask are warned all the same.
    const std::string difference =
        "d3: its settings differ: TokenTimeout is 400 ms there, 250 ms here";
    for (const auto& command : {std::vector<std::string>{"status"}, {"status", "--all"}}) {
        wait_until("spreadctl to warn", [&] {
            return spreadctl(ring_->daemon(0), command).text.find(difference) != std::string::npos;
        });
    }
    EXPECT_EQ(spreadctl(ring_->daemon(1), {"check"}).status, 1);
    EXPECT_NE(spreadctl(ring_->daemon(1), {"check"}).text.find("other settings at d3"),
              std::string::npos);
}

// A virtual machine was cloned, its address and its state directory with it.
TEST_F(Network, TwoHostsWithOneIdentityAreNamedAndTheOthersRest) {
    auto options = over_multicast();
    options.spare_hosts = 1;
    start(options);
    ring_->wait_formed();
    NetworkLab& lab = ring_->links();
    lab.remove_address(3, NetworkLab::address(3));
    lab.add_address(3, NetworkLab::address(kOutsider));
    const auto twin = ring_->start_again(kOutsider, 3);
    wait_for(0, "d3 (two hosts claim to be it: one started at ");
    wait_for(1, "d3 (two hosts claim to be it: one started at ");
    ring_->wait_formed({0, 1});
    // Both speak on, and nobody of the ring goes through a change any more.
    const auto rings = [this] { return support::configurations_of(ring_->daemon(0)); };
    const std::uint64_t before = rings();
    std::this_thread::sleep_for(std::chrono::seconds(3));
    EXPECT_LE(rings(), before + 1);
    twin->crash();
    lab.remove_address(3, NetworkLab::address(kOutsider));
    wait_until(
        "d3 to be back",
        [&] {
            const std::string text = log(0);
            const auto last = text.rfind("installed configuration of");
            return text.substr(last).starts_with("installed configuration of 3 of 3 ");
        },
        2 * support::kPatience);
}

}  // namespace
}  // namespace spread::system_test
