// Sealed rings on networks of their own: what somebody on all links sees and forges, and links with
// less room.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <fstream>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "client/socket.hpp"
#include "sealing/envelope.hpp"
#include "tests/support/datagram_recorder.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/test_ring.hpp"
#include "tests/system/spreadctl.hpp"

namespace spread::system_test {
namespace {

using nlohmann::json;
using support::NetworkLab;
using support::TestClient;
using support::TestRing;
using support::wait_until;

const std::string kReadableMarker = "what nobody without the key may read";

class SealedNetwork : public testing::Test {
  protected:
    void SetUp() override {
        if (const std::string& problem = support::enter_private_network(); !problem.empty()) {
            GTEST_SKIP() << "NOT TESTED: " << problem;
        }
    }
    void start(TestRing::Options options = {}) {
        const auto keys = directory_.write(
            "ring.keys", "spreadd-keys 1\nuse AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n");
        ASSERT_EQ(::chmod(keys.c_str(), 0600), 0);
        options.extra_options += "RingKeyFile = \"" + keys.string() + "\"\n";
        ring_ = std::make_unique<TestRing>(3, options);
        ring_->wait_formed();
    }
    void join_all() {
        std::vector<std::string> names;
        for (std::size_t i = 0; i < ring_->size(); ++i) {
            clients_.push_back(ring_->client(i, "user" + std::to_string(i + 1)));
            names.push_back(clients_.back().private_group());
            clients_.back().join("room");
            for (TestClient& each : clients_) {
                each.wait_for_members("room", names);
            }
        }
    }
    /// A message of each client reaches all, and nothing else does.
    void exchange(const std::string& text) {
        for (TestClient& each : clients_) {
            each.multicast("room", text);
        }
        for (TestClient& each : clients_) {
            for (std::size_t i = 0; i < clients_.size(); ++i) {
                const auto message = each.receive();
                ASSERT_TRUE(message.view().is_regular()) << "a view";
                ASSERT_EQ(message.text(), text);
            }
        }
    }
    [[nodiscard]] json status(std::size_t daemon) {
        return json::parse(spreadctl(ring_->daemon(daemon), {"status", "--json"}).text);
    }
    [[nodiscard]] std::uint64_t udp_counter(std::size_t daemon, const std::string& name) {
        return status(daemon)["counters"]["udp"][name].get<std::uint64_t>();
    }
    /// Of the daemon's network, as nstat shows it.
    [[nodiscard]] std::uint64_t ip_counter(std::size_t daemon, const std::string& name) {
        std::ifstream file("/proc/" + std::to_string(ring_->daemon(daemon).process().pid()) +
                           "/net/snmp");
        std::string line;
        std::getline(file, line);
        std::istringstream names(line);
        std::getline(file, line);
        std::istringstream values(line);
        for (std::string each, value; names >> each && values >> value;) {
            if (each == name) {
                return std::stoull(value);
            }
        }
        throw std::runtime_error("the kernel does not count " + name);
    }

    void TearDown() override {
        if (HasFailure() && ring_) {
            ADD_FAILURE() << ring_->logs();
        }
    }

    support::TempDir directory_;
    std::unique_ptr<TestRing> ring_;
    std::vector<TestClient> clients_;
};

TEST_F(SealedNetwork, NothingCanBeReadOnAnyLink) {
    start();
    for (std::size_t host = 0; host < ring_->size(); ++host) {
        ring_->links().split_bursts(host);
    }
    join_all();
    support::DatagramRecorder recorder(ring_->daemon(0).port(), 1'000'000);
    if (!recorder.works()) {
        GTEST_SKIP() << "NOT TESTED: no packet sockets here";
    }
    for (int round = 0; round < 334 && !HasFatalFailure(); ++round) {  // a thousand messages
        exchange(kReadableMarker);
    }
    const auto seen = recorder.stop();
    EXPECT_GT(seen.size(), 334U);  // one a round at least
    const auto marker = std::as_bytes(std::span(kReadableMarker));
    for (const support::SeenDatagram& each : seen) {
        ASSERT_TRUE(sealing::is_sealed(each.bytes)) << "a plain datagram went out";
        ASSERT_EQ(std::search(each.bytes.begin(), each.bytes.end(), marker.begin(), marker.end()),
                  each.bytes.end())
            << "a message can be read";
    }
}

TEST_F(SealedNetwork, LinksOfLessRoomTakeWholeDatagramsInBursts) {
    TestRing::Options options;
    options.mtu = 1400;
    start(options);
    join_all();
    std::array<std::uint64_t, 3> segmented{};
    for (std::size_t i = 0; i < ring_->size(); ++i) {
        segmented[i] = udp_counter(i, "segmented_sends");
    }
    for (int round = 0; round < 30 && !HasFatalFailure(); ++round) {
        exchange(std::string(40'000, static_cast<char>('a' + round % 26)));
    }
    for (std::size_t i = 0; i < ring_->size(); ++i) {
        EXPECT_EQ(ip_counter(i, "FragCreates"), 0U) << "at d" << i + 1;
        wait_until("bursts to be counted",
                   [&] { return udp_counter(i, "segmented_sends") > segmented[i]; });
    }
}

std::uint16_t checksum_of(std::span<const std::byte> bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
        sum += std::to_integer<std::uint32_t>(bytes[i]) << 8U |
               std::to_integer<std::uint32_t>(bytes[i + 1]);
    }
    while (sum >> 16U != 0) {
        sum = (sum & 0xffffU) + (sum >> 16U);
    }
    return htons(static_cast<std::uint16_t>(~sum));
}

ip ip_header(const std::string& from, const std::string& to, std::uint8_t protocol,
             std::size_t bytes) {
    ip header{};
    header.ip_v = 4;
    header.ip_hl = 5;
    header.ip_ttl = 64;
    header.ip_p = protocol;
    header.ip_len = htons(static_cast<std::uint16_t>(bytes));
    ::inet_pton(AF_INET, from.c_str(), &header.ip_src);
    ::inet_pton(AF_INET, to.c_str(), &header.ip_dst);
    header.ip_sum = checksum_of(std::as_bytes(std::span(&header, 1)));
    return header;
}

/// "Nobody listens at `about`, port `port`", to `victim`, in the name of `about`.
std::vector<std::byte> port_unreachable(const std::string& victim, const std::string& about,
                                        std::uint16_t port) {
    struct Text {
        icmphdr icmp;
        ip sent;
        udphdr udp;
    };
    static_assert(sizeof(Text) == sizeof(icmphdr) + sizeof(ip) + sizeof(udphdr));
    constexpr std::size_t kSentBytes = 200;
    Text text{};
    text.icmp.type = ICMP_DEST_UNREACH;
    text.icmp.code = ICMP_PORT_UNREACH;
    text.sent = ip_header(victim, about, IPPROTO_UDP, sizeof(ip) + sizeof(udphdr) + kSentBytes);
    text.udp.source = htons(port);
    text.udp.dest = htons(port);
    text.udp.len = htons(sizeof(udphdr) + kSentBytes);
    text.icmp.checksum = checksum_of(std::as_bytes(std::span(&text, 1)));
    const ip outer = ip_header(about, victim, IPPROTO_ICMP, sizeof outer + sizeof text);
    std::vector<std::byte> packet(sizeof outer + sizeof text);
    std::memcpy(packet.data(), &outer, sizeof outer);
    std::memcpy(packet.data() + sizeof outer, &text, sizeof text);
    return packet;
}

/// The kernels take them for what their peers' hosts say, and hand them to the daemons.
TEST_F(SealedNetwork, ForgedMessagesThatNobodyListensChangeNothing) {
    start();
    join_all();
    const client::FileDescriptor raw(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
    if (!raw) {
        GTEST_SKIP() << "NOT TESTED: no raw sockets here";
    }
    exchange("before");
    const json ring = status(0)["ring"]["id"];
    std::atomic<bool> is_over = false;
    std::thread forger([&] {
        const std::uint16_t port = ring_->daemon(0).port();
        for (std::size_t round = 0; !is_over; ++round) {
            const std::size_t victim = round % 3;
            const std::size_t about = (victim + 1 + round / 3 % 2) % 3;
            const auto packet =
                port_unreachable(NetworkLab::address(victim), NetworkLab::address(about),
                                 static_cast<std::uint16_t>(port + round / 6 % 2));
            sockaddr_in to{};
            to.sin_family = AF_INET;
            ::inet_pton(AF_INET, NetworkLab::address(victim).c_str(), &to.sin_addr);
            static_cast<void>(::sendto(raw.get(), packet.data(), packet.size(), 0,
                                       reinterpret_cast<sockaddr*>(&to), sizeof to));
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
    });
    const auto are_taken = [&] {
        for (std::size_t i = 0; i < 3; ++i) {
            if (udp_counter(i, "peer_errors") < 50) {
                return false;
            }
        }
        return true;
    };
    const support::Deadline deadline(support::kPatience);
    bool taken = false;
    for (int round = 0; !taken && !deadline.passed() && !HasFatalFailure(); ++round) {
        exchange(std::to_string(round));
        taken = round % 20 == 0 && are_taken();
    }
    is_over = true;
    forger.join();
    EXPECT_TRUE(taken) << "the kernels did not believe them";
    exchange("behind");
    EXPECT_EQ(status(0)["ring"]["id"], ring);
}

}  // namespace
}  // namespace spread::system_test
