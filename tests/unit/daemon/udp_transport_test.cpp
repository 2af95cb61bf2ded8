#include "daemon/ring/udp_transport.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/host/startup_error.hpp"
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

std::vector<std::string> texts(const std::vector<protocol::Slice>& datagrams) {
    std::vector<std::string> out;
    for (const protocol::Slice& datagram : datagrams) {
        std::string text;
        for (const std::byte b : datagram.bytes()) {
            text += static_cast<char>(b);
        }
        out.push_back(std::move(text));
    }
    return out;
}

/// `count` datagrams of `bytes` that differ from each other at every place.
std::vector<std::string> burst(std::size_t count, std::size_t bytes) {
    std::vector<std::string> out(count);
    for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t at = 0; at < bytes; ++at) {
            out[i] += static_cast<char>((at * 7 + at / 251 + i * 31) % 256);
        }
    }
    return out;
}

std::vector<membership::OutboundPacket> all_to_all(const std::vector<std::string>& datagrams) {
    std::vector<membership::OutboundPacket> out;
    for (const std::string& text : datagrams) {
        out.push_back(to_all(text));
    }
    return out;
}

constexpr std::size_t kOwnBlocks = UdpTransport::kReceiptsMax + 1;  // and a spare one

class UdpTransportTest : public ::testing::Test {
  protected:
    void open_all(const TransportSetup& sender = {}, const TransportSetup& others = {}) {
        transports_ = with_free_ports(kAddresses, [&](std::uint16_t port) {
            const auto configuration = loopback_configuration(kAddresses, port);
            std::vector<std::unique_ptr<UdpTransport>> out;
            for (std::size_t i = 0; i < kAddresses.size(); ++i) {
                out.push_back(std::make_unique<UdpTransport>(configuration, i, loopback_only(),
                                                             i == 0 ? sender : others));
            }
            return out;
        });
    }

    /// All datagrams waiting on one channel of a daemon. Loopback delivers within the send call;
    /// the poll only guards against a kernel that does not.
    std::vector<protocol::Slice> slices(std::size_t daemon, Channel channel) {
        std::vector<protocol::Slice> out;
        for (const auto& socket : transports_[daemon]->sockets()) {
            if (socket.channel != channel) {
                continue;
            }
            pollfd entry{socket.fd.get(), POLLIN, 0};
            ::poll(&entry, 1, 50);
            bool more = true;
            while (more) {
                more = transports_[daemon]->receive_from(
                    socket, pool_,
                    [&](const protocol::Slice& datagram, membership::Arrival arrival,
                        const Endpoint& source) {
                        out.push_back(datagram);
                        last_arrival_ = arrival;
                        last_source_ = source.to_string();
                    });
            }
        }
        return out;
    }

    std::vector<std::string> received(std::size_t daemon, Channel channel) {
        return texts(slices(daemon, channel));
    }

    /// Reads what waits without keeping any of it; returns how many datagrams.
    std::size_t drained(std::size_t daemon, Channel channel) {
        std::size_t count = 0;
        for (const auto& socket : transports_[daemon]->sockets()) {
            while (socket.channel == channel &&
                   transports_[daemon]->receive_from(
                       socket, pool_,
                       [&count](const protocol::Slice&, membership::Arrival, const Endpoint&) {
                           ++count;
                       })) {
            }
        }
        return count;
    }

    protocol::BufferPool pool_{2048, 4096};
    std::vector<std::unique_ptr<UdpTransport>> transports_;
    std::string last_source_;
    membership::Arrival last_arrival_{};
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

TEST_F(UdpTransportTest, ADaemonIsSentToByAllItsWaysAndGreetedAtWhereItClaimsToBe) {
    open_all();
    const auto ip = [](const char* text) { return *config::parse_ip(text); };
    // As if the second daemon had a name that stands for two addresses, of which one is true.
    transports_[0]->set_ways(1, std::array{ip("127.0.0.9"), ip("127.0.0.2")}, std::nullopt);
    transports_[0]->send(std::vector{to_all("both")});
    EXPECT_THAT(received(1, Channel::kData), ElementsAre("both"));
    EXPECT_THAT(received(2, Channel::kData), ElementsAre("both"));

    transports_[0]->set_ways(1, std::array{ip("127.0.0.9")}, ip("127.0.0.2"));
    transports_[0]->send(std::vector{to_one(2, Channel::kData, "elsewhere")});
    EXPECT_THAT(received(1, Channel::kData), IsEmpty());
    transports_[0]->greet(std::vector{to_one(2, Channel::kData, "who are you?")});
    EXPECT_THAT(received(1, Channel::kData), ElementsAre("who are you?"));

    transports_[0]->set_ways(1, {}, std::nullopt);
    transports_[0]->send(std::vector{to_all("not there"), to_one(2, Channel::kData, "not there")});
    EXPECT_THAT(received(1, Channel::kData), IsEmpty());
    EXPECT_THAT(received(2, Channel::kData), ElementsAre("not there"));
}

TEST_F(UdpTransportTest, TokensArriveApartFromData) {
    open_all();
    transports_[0]->send(
        std::vector{to_one(2, Channel::kToken, "token"), to_one(2, Channel::kData, "data")});
    EXPECT_THAT(received(1, Channel::kToken), ElementsAre("token"));
    EXPECT_EQ(last_arrival_, membership::Arrival::kToken);
    EXPECT_THAT(received(1, Channel::kData), ElementsAre("data"));
    EXPECT_EQ(last_arrival_, membership::Arrival::kUnicast);
    EXPECT_THAT(received(2, Channel::kData), IsEmpty());
}

class UdpOffload : public UdpTransportTest,
                   public ::testing::WithParamInterface<std::tuple<bool, bool>> {
  protected:
    [[nodiscard]] static TransportSetup setup(bool segmentation, bool coalescing) {
        TransportSetup out;
        out.segmentation = segmentation;
        out.coalescing = coalescing;
        return out;
    }
};

TEST_P(UdpOffload, RunsOfAnyLengthAndSizeKeepTheirBoundariesAndOrder) {
    const auto [segmentation, coalescing] = GetParam();
    open_all(setup(segmentation, true), setup(true, coalescing));
    ASSERT_EQ(transports_[0]->segmentation_offload(), segmentation);
    std::vector<std::string> expected;
    // Equal ones, a shorter tail, a longer one, single ones, odd sizes, and more than one message
    // can carry.
    for (const std::size_t size : {1400U, 1400U, 1400U, 900U, 1000U, 1000U, 1452U, 7U, 8U, 0U}) {
        expected.push_back(std::string(size, static_cast<char>('a' + expected.size() % 26)));
    }
    for (const std::size_t size : {1U, 3U, 1001U, 1452U}) {
        const auto run = burst(150, size);
        expected.insert(expected.end(), run.begin(), run.end());
        expected.push_back(std::string(size / 2, 'z'));
    }
    transports_[0]->send(all_to_all(expected));
    EXPECT_EQ(received(1, Channel::kData), expected);
    EXPECT_EQ(received(2, Channel::kData), expected);
    EXPECT_EQ(transports_[0]->counters().datagrams_sent, 2 * expected.size());
    std::size_t bytes = 0;
    for (const std::string& datagram : expected) {
        bytes += datagram.size();
    }
    EXPECT_EQ(transports_[0]->counters().bytes_sent, 2 * bytes);
    EXPECT_EQ(transports_[1]->counters().bytes_received, bytes);
    EXPECT_EQ(transports_[0]->counters().send_losses, 0U);
    EXPECT_EQ(transports_[0]->counters().segmented_sends > 0, segmentation);
    EXPECT_EQ(transports_[1]->counters().datagrams_received, expected.size());
    EXPECT_EQ(transports_[1]->counters().coalesced_receipts > 0, segmentation && coalescing);
    EXPECT_EQ(transports_[1]->counters().truncated, 0U);
}

TEST_P(UdpOffload, AFullReceiveBufferCostsWholeDatagramsOnly) {
    const auto [segmentation, coalescing] = GetParam();
    open_all(setup(segmentation, true), setup(true, coalescing));
    const int fd = transports_[1]->sockets().front().fd.get();
    const int bytes = 100'000;
    ASSERT_EQ(::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes), 0);
    const auto sent = burst(400, 1452);
    transports_[0]->send(all_to_all(sent));
    const auto arrived = received(1, Channel::kData);
    EXPECT_LT(arrived.size(), sent.size());
    EXPECT_GT(arrived.size(), 20U);
    auto from = sent.begin();
    for (const std::string& text : arrived) {
        from = std::find(from, sent.end(), text);
        ASSERT_NE(from, sent.end());
    }
}

INSTANTIATE_TEST_SUITE_P(WithAndWithout, UdpOffload,
                         ::testing::Combine(::testing::Bool(), ::testing::Bool()),
                         [](const auto& with) {
                             return std::string(std::get<0>(with.param) ? "Segmented" : "Single") +
                                    (std::get<1>(with.param) ? "Coalesced" : "Apart");
                         });

TEST_F(UdpTransportTest, ABurstIsReceivedInOneBlockWithoutACopy) {
    open_all();
    const auto sent = burst(44, 1452);
    transports_[0]->send(all_to_all(sent));
    const auto kept = slices(1, Channel::kData);
    ASSERT_EQ(texts(kept), sent);
    for (const protocol::Slice& datagram : kept) {
        EXPECT_EQ(&*datagram.buffer, &*kept.front().buffer);
    }
    EXPECT_EQ(pool_.blocks_in_use(), 0U);
    EXPECT_EQ(transports_[1]->blocks_in_use(), kOwnBlocks);
    EXPECT_EQ(transports_[1]->counters().coalesced_receipts, 1U);
}

TEST_F(UdpTransportTest, SmallReceiptsKeepNoLargeBlock) {
    open_all();
    std::vector<protocol::Slice> kept;
    for (int i = 0; i < 200; ++i) {
        transports_[0]->send(all_to_all(burst(1 + static_cast<std::size_t>(i) % 11, 1452)));
        for (protocol::Slice& datagram : slices(1, Channel::kData)) {
            kept.push_back(std::move(datagram));
        }
    }
    EXPECT_GT(kept.size(), 1000U);
    EXPECT_EQ(pool_.blocks_in_use(), kept.size());
    EXPECT_LE(transports_[1]->blocks_in_use(), kOwnBlocks);
}

TEST_F(UdpTransportTest, LargeBlocksComeBackWhenNothingOfThemIsKept) {
    open_all();
    const auto sent = burst(88, 1452);
    for (int i = 0; i < 20; ++i) {
        transports_[0]->send(all_to_all(sent));
        auto kept = slices(1, Channel::kData);
        EXPECT_EQ(kept.size(), sent.size());
        EXPECT_EQ(transports_[1]->blocks_in_use(), UdpTransport::kReceiptsMax + 2);
        kept.resize(1);  // one datagram keeps one block
        EXPECT_EQ(transports_[1]->blocks_in_use(), UdpTransport::kReceiptsMax + 1);
    }
    transports_[0]->send(all_to_all(sent));
    EXPECT_EQ(drained(1, Channel::kData), sent.size());
    EXPECT_LE(transports_[1]->blocks_in_use(), kOwnBlocks);
    EXPECT_EQ(pool_.blocks_in_use(), 0U);
}

TEST_F(UdpTransportTest, WithoutALargeBlockToSpareEverythingIsCopied) {
    TransportSetup few;
    few.blocks_max = UdpTransport::kReceiptsMax + 2;
    open_all({}, few);
    std::vector<protocol::Slice> kept;
    std::vector<std::string> expected;
    for (int i = 0; i < 10; ++i) {
        const auto sent = burst(40, 1452 - static_cast<std::size_t>(i));
        expected.insert(expected.end(), sent.begin(), sent.end());
        transports_[0]->send(all_to_all(sent));
        for (protocol::Slice& datagram : slices(1, Channel::kData)) {
            kept.push_back(std::move(datagram));
        }
    }
    EXPECT_EQ(texts(kept), expected);
    EXPECT_EQ(transports_[1]->blocks_in_use(), few.blocks_max);
    EXPECT_EQ(pool_.blocks_in_use(), 8 * 40U);
}

TEST_F(UdpTransportTest, WhatDoesNotFitItsBlockIsDroppedAndCounted) {
    TransportSetup small;
    small.block_bytes = 4096;
    open_all({}, small);
    transports_[0]->send(all_to_all(burst(3, 1452)));  // 4356 bytes, in one message
    transports_[0]->send(std::vector{to_all("after")});
    EXPECT_THAT(received(1, Channel::kData), ElementsAre("after"));
    EXPECT_EQ(transports_[1]->counters().truncated, 1U);
}

TEST_F(UdpTransportTest, ARefusedSegmentedSendGoesOutAsSingleDatagrams) {
    open_all();
    ASSERT_TRUE(transports_[0]->segmentation_offload());
    // The kernel leaves segments without checksums to nobody: EINVAL, as with some devices.
    const int on = 1;
    ASSERT_EQ(::setsockopt(transports_[0]->sockets().front().fd.get(), SOL_SOCKET, SO_NO_CHECK, &on,
                           sizeof on),
              0);
    const auto sent = burst(100, 1452);
    transports_[0]->send(all_to_all(sent));
    EXPECT_FALSE(transports_[0]->segmentation_offload());
    EXPECT_EQ(received(1, Channel::kData), sent);
    EXPECT_EQ(received(2, Channel::kData), sent);
    EXPECT_EQ(transports_[0]->counters().datagrams_sent, 2 * sent.size());
    EXPECT_EQ(transports_[0]->counters().segmented_sends, 0U);
    EXPECT_EQ(transports_[0]->counters().send_losses, 0U);
    transports_[0]->send(all_to_all(sent));
    EXPECT_EQ(received(1, Channel::kData), sent);
}

TEST_F(UdpTransportTest, ABatchIsBoundedAndSaysWhetherMoreWaits) {
    open_all();
    constexpr std::size_t kBatch = UdpTransport::kReceiptsMax;
    for (std::size_t i = 0; i < kBatch + 1; ++i) {
        transports_[0]->send(std::vector{to_all("datagram")});
    }
    const UdpTransport::Socket& socket = transports_[1]->sockets().front();
    pollfd entry{socket.fd.get(), POLLIN, 0};
    ::poll(&entry, 1, 50);
    std::size_t count = 0;
    const auto counting = [&count](const protocol::Slice&, membership::Arrival, const Endpoint&) {
        ++count;
    };
    EXPECT_TRUE(transports_[1]->receive_from(socket, pool_, counting));
    EXPECT_EQ(count, kBatch);
    EXPECT_FALSE(transports_[1]->receive_from(socket, pool_, counting));
    EXPECT_EQ(count, kBatch + 1);
    EXPECT_EQ(transports_[1]->counters().receive_calls, 2U);
}

TEST_F(UdpTransportTest, ReceiveRoomIsHalfOfTheSmallestDataBuffer) {
    open_all();
    std::size_t smallest = ~std::size_t{0};
    for (const UdpTransport::Socket& socket : transports_[1]->sockets()) {
        int bytes = 0;
        socklen_t length = sizeof bytes;
        ASSERT_EQ(::getsockopt(socket.fd.get(), SOL_SOCKET, SO_RCVBUF, &bytes, &length), 0);
        if (socket.channel == Channel::kData) {
            smallest = std::min(smallest, static_cast<std::size_t>(bytes));
        }
    }
    EXPECT_GT(smallest, 0U);
    EXPECT_EQ(transports_[1]->receive_room_bytes(), smallest / 2);
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
    transports_[0]->read_unreachable([&dead](protocol::DaemonId peer) { dead.push_back(peer); });
    EXPECT_THAT(dead, ElementsAre(protocol::DaemonId{2}));
    EXPECT_EQ(transports_[0]->counters().peer_errors, 1U);
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

TEST_F(UdpTransportTest, ATokenAsLongAsADatagramCanBeArrivesWhole) {
    open_all();
    std::string longest;
    for (std::size_t i = 0; i < 65507; ++i) {
        longest += static_cast<char>('a' + i * i % 26);
    }
    const std::string two_and_a_bit = longest.substr(0, 2049);
    transports_[0]->send(std::vector{to_one(2, Channel::kToken, longest),
                                     to_one(2, Channel::kToken, "small"),
                                     to_one(2, Channel::kToken, two_and_a_bit)});
    EXPECT_THAT(received(1, Channel::kToken), ElementsAre(longest, "small", two_and_a_bit));
    EXPECT_EQ(transports_[1]->counters().truncated, 0U);
}

TEST_F(UdpTransportTest, BlocksNobodyKeptAreUsedAgain) {
    open_all();
    for (int i = 0; i < 10; ++i) {
        transports_[0]->send(std::vector{to_one(2, Channel::kData, "again")});
        EXPECT_EQ(drained(1, Channel::kData), 1U);
        EXPECT_EQ(pool_.blocks_in_use(), 0U);
    }
    EXPECT_EQ(transports_[1]->blocks_in_use(), UdpTransport::kReceiptsMax);
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
