#include "daemon/udp_transport.hpp"

#include <poll.h>

#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/startup_error.hpp"
#include "loopback_ports.hpp"

namespace spread::daemon {
namespace {

using membership::Channel;
using membership::Destination;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::vector<std::string> kAddresses = {"127.0.0.1", "127.0.0.2", "127.0.0.3"};

protocol::Slice slice_of(const std::string& text) {
    return protocol::make_message(std::as_bytes(std::span(text.data(), text.size()))).slice(0);
}

membership::OutboundPacket to_all(const std::string& text) {
    return {Destination::kAll, Channel::kData, {}, slice_of(text)};
}

membership::OutboundPacket to_one(std::uint32_t daemon, Channel channel, const std::string& text) {
    return {Destination::kDaemon, channel, protocol::DaemonId{daemon}, slice_of(text)};
}

class UdpTransportTest : public ::testing::Test {
  protected:
    void open_all() {
        transports_ = with_free_ports(kAddresses, [](std::uint16_t port) {
            const auto configuration = loopback_configuration(kAddresses, port);
            std::vector<std::unique_ptr<UdpTransport>> out;
            for (std::size_t i = 0; i < kAddresses.size(); ++i) {
                out.push_back(std::make_unique<UdpTransport>(configuration, i, loopback_only()));
            }
            return out;
        });
    }

    /// All datagrams waiting on one channel of a daemon. Loopback delivers within the send call;
    /// the poll only guards against a kernel that does not.
    std::vector<std::string> received(std::size_t daemon, Channel channel) {
        std::vector<std::string> out;
        for (const auto& socket : transports_[daemon]->sockets()) {
            if (socket.channel != channel) {
                continue;
            }
            pollfd entry{socket.fd.get(), POLLIN, 0};
            ::poll(&entry, 1, 50);
            std::size_t count = UdpTransport::kReceiveBatchMax;
            while (count == UdpTransport::kReceiveBatchMax) {
                count = transports_[daemon]->receive(
                    socket, pool_, [&](const protocol::Slice& datagram, const Endpoint& source) {
                        const auto bytes = datagram.bytes();
                        std::string text(bytes.size(), '\0');
                        std::transform(bytes.begin(), bytes.end(), text.begin(),
                                       [](std::byte b) { return static_cast<char>(b); });
                        out.push_back(std::move(text));
                        last_source_ = source.to_string();
                    });
            }
        }
        return out;
    }

    protocol::BufferPool pool_{2048, 4096};
    std::vector<std::unique_ptr<UdpTransport>> transports_;
    std::string last_source_;
};

TEST_F(UdpTransportTest, ADatagramForAllReachesEveryOtherDaemonOfALoopbackSegment) {
    open_all();
    transports_[0]->send(std::vector{to_all("hello")});
    EXPECT_THAT(received(1, Channel::kData), ElementsAre("hello"));
    EXPECT_THAT(last_source_, HasSubstr("127.0.0.1:"));
    EXPECT_THAT(received(2, Channel::kData), ElementsAre("hello"));
    EXPECT_THAT(received(0, Channel::kData), IsEmpty());
    EXPECT_THAT(transports_[0]->route().unicast,
                ElementsAre(protocol::DaemonId{2}, protocol::DaemonId{3}));
}

TEST_F(UdpTransportTest, TokensArriveApartFromData) {
    open_all();
    transports_[0]->send(
        std::vector{to_one(2, Channel::kToken, "token"), to_one(2, Channel::kData, "data")});
    EXPECT_THAT(received(1, Channel::kToken), ElementsAre("token"));
    EXPECT_THAT(received(1, Channel::kData), ElementsAre("data"));
    EXPECT_THAT(received(2, Channel::kData), IsEmpty());
}

TEST_F(UdpTransportTest, RunsOfAnyLengthAndSizeKeepTheirBoundariesAndOrder) {
    open_all();
    std::vector<membership::OutboundPacket> packets;
    std::vector<std::string> expected;
    // Equal ones, a shorter tail, a longer one, single ones, and more than one message can carry.
    for (const std::size_t size : {1400U, 1400U, 1400U, 900U, 1000U, 1000U, 1452U, 7U, 8U}) {
        expected.push_back(std::string(size, static_cast<char>('a' + expected.size() % 26)));
    }
    for (int i = 0; i < 150; ++i) {
        expected.push_back(std::string(1452, static_cast<char>('A' + i % 26)));
    }
    for (const std::string& text : expected) {
        packets.push_back(to_all(text));
    }
    transports_[0]->send(packets);
    EXPECT_EQ(received(1, Channel::kData), expected);
    EXPECT_EQ(received(2, Channel::kData), expected);
    EXPECT_EQ(transports_[0]->stats().datagrams_sent, 2 * expected.size());
    EXPECT_EQ(transports_[0]->stats().send_losses, 0U);
}

TEST_F(UdpTransportTest, ManySmallSendsFillMoreThanOneBatch) {
    open_all();
    std::vector<membership::OutboundPacket> packets;
    std::vector<std::string> expected;
    for (std::size_t i = 0; i < 700; ++i) {
        expected.push_back(std::string(1 + i % 2 + i % 5, 'x') + std::to_string(i));
        packets.push_back(to_all(expected.back()));
    }
    transports_[1]->send(packets);
    EXPECT_EQ(received(0, Channel::kData), expected);
    EXPECT_EQ(received(2, Channel::kData), expected);
}

TEST_F(UdpTransportTest, ADeadPeersKernelNamesThePeer) {
    open_all();
    transports_[1].reset();
    transports_[0]->send(std::vector{to_one(2, Channel::kToken, "anybody there?")});
    pollfd entry{transports_[0]->sockets().front().fd.get(), 0, 0};
    ASSERT_EQ(::poll(&entry, 1, 5'000), 1);
    EXPECT_NE(entry.revents & POLLERR, 0);
    std::vector<protocol::DaemonId> dead;
    transports_[0]->read_errors([&dead](protocol::DaemonId peer) { dead.push_back(peer); });
    EXPECT_THAT(dead, ElementsAre(protocol::DaemonId{2}));
    EXPECT_EQ(transports_[0]->stats().peer_errors, 1U);
}

TEST_F(UdpTransportTest, ADeadPeerKeepsNothingFromTheOthers) {
    open_all();
    transports_[1].reset();
    std::vector<std::string> expected;
    for (int i = 0; i < 20; ++i) {
        expected.push_back("packet " + std::to_string(i));
        transports_[0]->send(std::vector{to_all(expected.back())});
    }
    EXPECT_EQ(received(2, Channel::kData), expected);
}

TEST_F(UdpTransportTest, ATokenLargerThanABlockArrivesWhole) {
    open_all();
    std::string longest;
    for (std::size_t i = 0; i < 65000; ++i) {
        longest += static_cast<char>('a' + i * i % 26);
    }
    const std::string two_and_a_bit = longest.substr(0, 2049);
    transports_[0]->send(std::vector{to_one(2, Channel::kToken, longest),
                                     to_one(2, Channel::kToken, "small"),
                                     to_one(2, Channel::kToken, two_and_a_bit)});
    EXPECT_THAT(received(1, Channel::kToken), ElementsAre(longest, "small", two_and_a_bit));
    EXPECT_EQ(transports_[1]->stats().truncated, 0U);
}

TEST_F(UdpTransportTest, BlocksNobodyKeptAreUsedAgain) {
    open_all();
    for (int i = 0; i < 10; ++i) {
        transports_[0]->send(std::vector{to_one(2, Channel::kData, "again")});
        EXPECT_THAT(received(1, Channel::kData), ElementsAre("again"));
    }
    EXPECT_EQ(pool_.blocks_in_use(), UdpTransport::kReceiveBatchMax);
    transports_[1]->release_blocks();
    EXPECT_EQ(pool_.blocks_in_use(), 0U);
    transports_.clear();
}

TEST_F(UdpTransportTest, TheSameDaemonTwiceIsOneClearLine) {
    with_free_ports(kAddresses, [](std::uint16_t port) {
        const auto configuration = loopback_configuration(kAddresses, port);
        const UdpTransport first(configuration, 0, loopback_only());
        try {
            const UdpTransport second(configuration, 0, loopback_only());
            ADD_FAILURE() << "two daemons share an address and port";
        } catch (const StartupError& error) {
            EXPECT_THAT(error.what(), HasSubstr("127.0.0.1:" + std::to_string(port)));
            EXPECT_THAT(error.what(), HasSubstr("running already"));
        }
        return 0;
    });
}

TEST_F(UdpTransportTest, AnAddressThatIsNotLocalIsOneClearLine) {
    auto configuration = loopback_configuration({"192.0.2.1"}, 20000);
    try {
        const UdpTransport transport(configuration, 0, loopback_only());
        ADD_FAILURE() << "a foreign address was bound";
    } catch (const StartupError& error) {
        EXPECT_THAT(error.what(), HasSubstr("192.0.2.1"));
    }
}

}  // namespace
}  // namespace spread::daemon
