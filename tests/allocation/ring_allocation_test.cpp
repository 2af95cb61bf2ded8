#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "protocol/message.hpp"
#include "protocol/ring_wire.hpp"
#include "tests/allocation/counting_new.hpp"
#include "tests/allocation/driver_ring.hpp"

namespace spread::support {
namespace {

using membership::Channel;
using membership::Delivery;
using membership::OutboundPacket;
using membership::Submission;
using protocol::Service;

constexpr std::size_t kDaemons = 3;

/// Keeps `outstanding` messages of `bytes` of each daemon under way, and drops what is delivered.
class Traffic {
  public:
    Traffic(DriverRing& ring, std::size_t bytes, std::size_t outstanding, Service service)
        : ring_(ring), service_(service), may_send_(ring.size(), outstanding), got_(ring.size()) {
        frame_ = protocol::make_message(std::vector<std::byte>(bytes, std::byte{0x55})).slice(0);
        ring.set_sink([this](std::size_t daemon, const Delivery& delivery) {
            ++got_[daemon];
            may_send_[daemon] += delivery.origin.value == daemon + 1 ? 1 : 0;
        });
    }
    ~Traffic() { ring_.set_sink({}); }
    Traffic(const Traffic&) = delete;
    Traffic& operator=(const Traffic&) = delete;

    /// Until every daemon has got this many more messages.
    void run(std::uint64_t messages) {
        for (const std::uint64_t end = delivered() + messages; delivered() < end;) {
            for (std::size_t daemon = 0; daemon < ring_.size(); ++daemon) {
                for (; may_send_[daemon] > 0 && ring_.has_room(daemon); --may_send_[daemon]) {
                    Submission submission;
                    submission.service = service_;
                    submission.body = protocol::Message(frame_);
                    ring_.submit(daemon, std::move(submission));
                }
            }
            ring_.turn();
        }
    }

  private:
    /// By the daemon that is furthest behind.
    [[nodiscard]] std::uint64_t delivered() const {
        return *std::min_element(got_.begin(), got_.end());
    }

    DriverRing& ring_;
    Service service_;
    protocol::Slice frame_;
    std::vector<std::size_t> may_send_;
    std::vector<std::uint64_t> got_;
};

/// Queues and pools grow to what they need in this many messages, and must not grow any more.
constexpr std::uint64_t kWarmUp = 200'000;
constexpr std::uint64_t kMessages = 10'000;

struct Load {
    std::size_t bytes;
    std::size_t outstanding;
    Service service = Service::kAgreed;
    std::uint64_t warm_up = kWarmUp;
    std::uint64_t messages = kMessages;
};

/// Allocations for `load.messages` messages ordered and delivered, by all engines together.
std::uint64_t allocations_for(DriverRing& ring, const Load& load) {
    Traffic traffic(ring, load.bytes, load.outstanding, load.service);
    traffic.run(load.warm_up);
    const std::uint64_t before = allocations();
    traffic.run(load.messages);
    return allocations() - before;
}

std::uint64_t allocations_for(const Load& load) {
    DriverRing ring(kDaemons);
    return allocations_for(ring, load);
}

TEST(Allocation, IsCounted) {
    const std::uint64_t before = allocations();
    const auto value = std::make_unique<int>(7);
    EXPECT_EQ(allocations() - before, 1U) << *value;
}

TEST(Allocation, NoneForSmallMessagesAtSaturation) {
    EXPECT_EQ(allocations_for({.bytes = 144, .outstanding = 1500}), 0U);
}

TEST(Allocation, NoneForSafeMessages) {
    EXPECT_EQ(allocations_for({.bytes = 144, .outstanding = 1500, .service = Service::kSafe}), 0U);
}

TEST(Allocation, NoneWhenThereIsOneMessagePerVisit) {
    EXPECT_EQ(allocations_for({.bytes = 144, .outstanding = 1}), 0U);
}

/// Every other one of these continues in a second packet.
TEST(Allocation, NoneForMessagesNoLongerThanAPacket) {
    EXPECT_EQ(allocations_for({.bytes = 1000, .outstanding = 200}), 0U);
    EXPECT_EQ(allocations_for({.bytes = 1390, .outstanding = 200}), 0U);
}

/// A chain of three or more slices needs memory: one piece per message and daemon that delivers it.
TEST(Allocation, OnePerMessageAndDaemonWhenItSpansManyPackets) {
    const Load load{.bytes = 60'000, .outstanding = 10, .warm_up = 1000, .messages = 1000};
    const std::uint64_t count = allocations_for(load);
    EXPECT_LE(count, kDaemons * (load.messages + load.outstanding * kDaemons));
    EXPECT_GE(count, load.messages) << "better than documented";
}

/// Every 50th data packet is lost at one of its receivers: requests on the token, and packets sent
/// again.
TEST(Allocation, NoneForRetransmissions) {
    DriverRing ring(kDaemons);
    std::uint64_t packets = 0;
    ring.set_drop([&packets](std::size_t, std::size_t, const OutboundPacket& packet) {
        return packet.channel == Channel::kData && ++packets % 50 == 0;
    });
    EXPECT_EQ(allocations_for(ring, {.bytes = 144, .outstanding = 1500, .warm_up = 400'000}), 0U);
    EXPECT_GT(ring.engine(0).stats().packets_retransmitted, 100U);
}

/// By itself, or with data for all; looked at without decoding, which would count.
bool brings_token(const OutboundPacket& packet, std::size_t to) {
    constexpr std::size_t kToOffset = 68;
    const auto with_data = protocol::decode_data_token(packet.datagram.bytes());
    return packet.channel == Channel::kToken ||
           (with_data && with_data->token[kToOffset] == static_cast<std::byte>(to + 1));
}

/// Tokens get lost and are sent again.
TEST(Allocation, NoneForTokensSentAgain) {
    DriverRing ring(kDaemons);
    std::uint64_t tokens = 0;
    ring.set_drop([&tokens](std::size_t, std::size_t to, const OutboundPacket& packet) {
        return brings_token(packet, to) && ++tokens % 20 == 0;
    });
    EXPECT_EQ(allocations_for(ring, {.bytes = 144, .outstanding = 1}), 0U);
    EXPECT_GT(ring.engine(0).stats().tokens_retransmitted, 100U);
}

/// The token of an idle ring is held, announced, and given free again.
TEST(Allocation, NoneOnAnIdleRing) {
    DriverRing ring(kDaemons);
    ring.run_until(ring.now() + std::chrono::seconds(5));
    const std::uint64_t before = allocations();
    ring.run_until(ring.now() + std::chrono::seconds(60));
    EXPECT_EQ(allocations() - before, 0U);
    EXPECT_GT(ring.engine(1).stats().tokens_received, 500U);
}

TEST(Allocation, NoneOnARingOfOne) {
    DriverRing ring(1);
    EXPECT_EQ(allocations_for(ring, {.bytes = 144, .outstanding = 100}), 0U);
}

}  // namespace
}  // namespace spread::support
