// What somebody without the key can send to daemons of a sealed ring changes nothing: goodbyes,
// tokens, data, joins and refusals made by hand, everything that was recorded, as it was and
// changed.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "daemon/host/unique_fd.hpp"
#include "protocol/buffer.hpp"
#include "protocol/ring_wire.hpp"
#include "sealing/envelope.hpp"
#include "tests/support/datagram_recorder.hpp"
#include "tests/support/deadline.hpp"
#include "tests/system/sealed_ring.hpp"

namespace spread::system_test {
namespace {

using nlohmann::json;
using support::SeenDatagram;

constexpr std::size_t kSeenMax = 20000;
const std::string kMarker = "what nobody without the key may read";

class ForgedDatagrams : public SealedRing {
  protected:
    ForgedDatagrams() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), pool_(2048, 64) {
        start_all("require");
        wait_formed({0, 1, 2});
    }

    json status(std::size_t daemon) { return json::parse(ctl(daemon, {"status", "--json"}).text); }

    /// To all daemons, by both ports or by the one.
    void send(std::span<const std::byte> bytes, int port = -1) {
        for (const support::DaemonSpec& spec : specs_) {
            for (int each = 0; each < 2; ++each) {
                sockaddr_in to{};
                to.sin_family = AF_INET;
                to.sin_port = htons(static_cast<std::uint16_t>(port_ + each));
                ::inet_pton(AF_INET, spec.address.c_str(), &to.sin_addr);
                if (port < 0 || port == each) {
                    static_cast<void>(::sendto(socket_.get(), bytes.data(), bytes.size(), 0,
                                               reinterpret_cast<sockaddr*>(&to), sizeof to));
                }
            }
        }
    }

    /// In the name of `sender`, with all that a member knows of its ring.
    [[nodiscard]] protocol::PacketHeader header_of(std::size_t sender) {
        const json value = status(sender);
        protocol::PacketHeader header;
        header.config_hash = value["config"]["hash"].get<std::uint32_t>();
        header.sender = protocol::DaemonId{value["daemon"]["id"].get<std::uint32_t>()};
        header.ring_id.representative =
            protocol::DaemonId{value["ring"]["id"]["representative"].get<std::uint32_t>()};
        header.ring_id.counter = value["ring"]["id"]["counter"].get<std::uint64_t>();
        return header;
    }

    std::uint64_t seal_counter(std::size_t daemon, const std::string& name) {
        return status(daemon)["counters"]["seal"][name].get<std::uint64_t>();
    }

    daemon::UniqueFd socket_;
    protocol::BufferPool pool_;
};

TEST_F(ForgedDatagrams, MadeByHandChangeNothing) {
    auto clients = members();
    const json ring = status(0)["ring"]["id"];
    exchange(clients, 1);
    protocol::PacketHeader header = header_of(1);
    protocol::Token token;
    token.ring_id = header.ring_id;
    token.sender = header.sender;
    token.to = header_of(2).sender;
    token.token_seq = protocol::TokenSeq{1ULL << 40U};
    for (int round = 2; round < 30; ++round) {
        header.kind = protocol::PacketKind::kLeave;
        send(protocol::encode_empty(header, pool_).bytes());
        header.kind = protocol::PacketKind::kAlive;
        send(protocol::encode_empty(header, pool_).bytes());
        header.kind = protocol::PacketKind::kHold;
        send(protocol::encode_hold(token.token_seq, header, pool_).bytes());
        send(protocol::encode_token(token, header.config_hash, pool_).bytes());
        exchange(clients, round);
    }
    EXPECT_EQ(status(0)["ring"]["id"], ring);
    for (std::size_t i = 0; i < 3; ++i) {
        support::wait_until("the forgeries to be counted",
                            [&] { return seal_counter(i, "rejected_plain") >= 100; });
    }
    daemons_[0]->wait_logged("does not seal, and RingSealing = require here");
}

TEST_F(ForgedDatagrams, RecordingsChangeNothing) {
    std::vector<SeenDatagram> seen;
    {
        support::DatagramRecorder recorder(port_, kSeenMax);
        if (!recorder.works()) {
            GTEST_SKIP() << "no packet socket here";
        }
        auto clients = members();
        for (int round = 0; round < 50; ++round) {
            exchange(clients, round);
        }
        clients[0].multicast("room", kMarker);
        for (TestClient& each : clients) {
            EXPECT_EQ(each.receive().text(), kMarker);
        }
        // Lives that end, and begin.
        daemons_[1]->crash();
        wait_formed({0, 2});
        daemons_[1]->restart();
        wait_formed({0, 1, 2});
        ASSERT_EQ(daemons_[2]->stop(), 0);
        daemons_[2]->restart();
        wait_formed({0, 1, 2});
        seen = recorder.stop();
    }
    ASSERT_GT(seen.size(), 200U);
    auto clients = members("after");
    const json ring = status(0)["ring"]["id"];
    std::atomic<bool> is_over = false;
    std::thread attacker([&] {
        for (std::size_t i = 0; i < 3 * seen.size(); ++i) {
            SeenDatagram datagram = seen[i % seen.size()];
            if (i >= seen.size() && !datagram.bytes.empty()) {  // then with a bit changed
                datagram.bytes[i * 7919 % datagram.bytes.size()] ^=
                    static_cast<std::byte>(1U << (i % 8));
            }
            send(datagram.bytes, i < 2 * seen.size() ? datagram.port : 1 - datagram.port);
        }
        is_over = true;
    });
    int round = 0;
    while (!is_over || round < 20) {
        exchange(clients, ++round);
    }
    attacker.join();
    exchange(clients, ++round);
    EXPECT_EQ(status(0)["ring"]["id"], ring);
    std::uint64_t dropped = 0;
    for (std::size_t i = 0; i < 3; ++i) {
        dropped += seal_counter(i, "rejected_replayed") + seal_counter(i, "rejected_forged") +
                   seal_counter(i, "unproven");
    }
    EXPECT_GT(dropped, seen.size() / 10);
    const auto marker = std::as_bytes(std::span(kMarker));
    for (const SeenDatagram& datagram : seen) {
        EXPECT_TRUE(sealing::is_sealed(datagram.bytes)) << "a plain datagram went out";
        EXPECT_EQ(
            std::search(datagram.bytes.begin(), datagram.bytes.end(), marker.begin(), marker.end()),
            datagram.bytes.end())
            << "a message can be read";
    }
}

}  // namespace
}  // namespace spread::system_test
