#include "daemon/driver/sealed_traffic.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/driver/ring_driver.hpp"
#include "protocol/message.hpp"
#include "protocol/ring_wire.hpp"
#include "protocol/rng.hpp"

namespace spread::driver {
namespace {

using membership::Arrival;
using membership::Channel;
using membership::Destination;
using membership::OutboundPacket;
using protocol::DaemonId;
using protocol::Instant;
using protocol::Slice;
using sealing::Mode;
using sealing::Refusal;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr DaemonId kD1{1};
constexpr DaemonId kD2{2};
constexpr DaemonId kD3{3};

class SeededEntropy final : public sealing::Entropy {
  public:
    explicit SeededEntropy(std::uint64_t seed) : rng_(seed) {}
    void fill(std::span<std::byte> out) override {
        for (std::byte& byte : out) {
            byte = static_cast<std::byte>(rng_.next());
        }
    }

  private:
    protocol::Rng rng_;
};

sealing::KeyRing keys_of(std::vector<int> firsts) {
    std::vector<sealing::RingKey> keys;
    for (const int first : firsts) {
        sealing::Secret secret;
        secret.bytes()[0] = static_cast<std::byte>(first);
        keys.push_back(sealing::RingKey::of(
            secret, keys.empty() ? sealing::KeyRole::kUse : sealing::KeyRole::kKeep));
    }
    return sealing::KeyRing(std::move(keys));
}

sealing::RingSeal::Setup setup_of(DaemonId self, Mode mode, std::vector<int> keys = {1}) {
    sealing::RingSeal::Setup setup;
    setup.daemons = {kD1, kD2, kD3};
    setup.self = self;
    setup.keys = keys_of(std::move(keys));
    setup.mode = mode;
    setup.backend = sealing::best_backend();
    return setup;
}

Slice slice_of(std::span<const std::byte> bytes) {
    Slice slice{protocol::BufferRef::allocate(std::max<std::size_t>(bytes.size(), 1)), 0,
                static_cast<std::uint32_t>(bytes.size())};
    std::copy(bytes.begin(), bytes.end(), slice.buffer->data());
    return slice;
}

/// Begins as a packet of a ring does.
Slice plain(std::string_view text) {
    const std::string all = "SR" + std::string(text);
    return slice_of(std::as_bytes(std::span(all)));
}

std::string text_of(const Slice& slice) {
    std::string out;
    for (const std::byte byte : slice.bytes()) {
        out += static_cast<char>(byte);
    }
    return out;
}

class KeepingTransport final : public Transport {
  public:
    void send(std::span<const OutboundPacket> packets) override {
        calls += 1;
        for (const OutboundPacket& packet : packets) {
            blocks.push_back(packet.datagram.buffer->data());
            sent.push_back(
                {packet.destination, packet.channel, packet.to, slice_of(packet.datagram.bytes())});
        }
    }
    void greet(std::span<const OutboundPacket> packets) override {
        greetings += packets.size();
        send(packets);
    }
    void send_one_by_one(const protocol::MemberList& daemons) override { one_by_one = daemons; }
    bool receive(Channel, Inbox&) override { return false; }
    bool has_unread() override { return false; }
    void read_errors(Inbox&) override {}

    std::vector<OutboundPacket> sent;
    std::vector<const std::byte*> blocks;
    protocol::MemberList one_by_one;
    std::size_t greetings = 0;
    int calls = 0;
};

class SealedTrafficTest : public testing::Test {
  protected:
    SealedTrafficTest() { make(Mode::kRequire); }

    void make(Mode mode) {
        one_ = std::make_unique<SealedTraffic>(setup_of(kD1, mode), entropy_);
        two_ = std::make_unique<SealedTraffic>(setup_of(kD2, mode), entropy_);
    }

    /// What `to` takes of all that `from` has sent.
    std::vector<std::string> carry(KeepingTransport& transport, SealedTraffic& to) {
        std::vector<std::string> taken;
        for (const OutboundPacket& packet : std::exchange(transport.sent, {})) {
            const auto opened = to.open(now_, Arrival::kUnicast, slice_of(packet.datagram.bytes()));
            if (opened) {
                taken.push_back(text_of(opened->text).substr(2));
            }
        }
        return taken;
    }
    /// Each has proven itself to the other.
    void introduce() {
        KeepingTransport transport;
        for (int i = 0; i < 4; ++i) {
            one_->send(now_, std::vector<OutboundPacket>{{{}, {}, {}, plain("hello")}}, transport);
            one_->send_hellos(transport);
            static_cast<void>(carry(transport, *two_));
            two_->send(now_, std::vector<OutboundPacket>{{{}, {}, {}, plain("hello")}}, transport);
            two_->send_hellos(transport);
            static_cast<void>(carry(transport, *one_));
        }
    }

    SeededEntropy entropy_{5};
    std::unique_ptr<SealedTraffic> one_;
    std::unique_ptr<SealedTraffic> two_;
    KeepingTransport transport_;
    Instant now_{std::chrono::hours(1)};
};

TEST_F(SealedTrafficTest, SealsInOrderAndSaysWhereTo) {
    introduce();
    const std::vector<OutboundPacket> packets{
        {Destination::kAll, Channel::kData, {}, plain("a")},
        {Destination::kDaemon, Channel::kToken, kD2, plain("token")}};
    one_->send(now_, packets, transport_);
    ASSERT_THAT(transport_.sent, SizeIs(2));
    EXPECT_EQ(transport_.sent[0].destination, Destination::kAll);
    EXPECT_EQ(transport_.sent[1].channel, Channel::kToken);
    EXPECT_EQ(transport_.sent[1].to, kD2);
    EXPECT_EQ(transport_.sent[1].datagram.length,
              packets[1].datagram.length + sealing::kSealRoomBytes);
    EXPECT_THAT(carry(transport_, *two_), ElementsAre("a", "token"));
}

TEST_F(SealedTrafficTest, ChallengesAreGreetingsAndNothingElseIs) {
    one_->send(now_, std::vector<OutboundPacket>{{{}, {}, {}, plain("hello")}}, transport_);
    EXPECT_EQ(transport_.greetings, 0U);
    static_cast<void>(carry(transport_, *two_));
    two_->send_hellos(transport_);
    EXPECT_EQ(transport_.greetings, 2U) << "a challenge, by both ports";
    two_->send(now_, std::vector<OutboundPacket>{{{}, {}, {}, plain("hello")}}, transport_);
    EXPECT_EQ(transport_.greetings, 2U);
}

TEST_F(SealedTrafficTest, ABatchIsOneCallAndItsMemoryIsUsedAgain) {
    introduce();
    std::vector<OutboundPacket> packets;
    for (int i = 0; i < 44; ++i) {
        packets.push_back({Destination::kAll, Channel::kData, {}, plain(std::string(1400, 'x'))});
    }
    one_->send(now_, std::span(packets).first(1), transport_);  // as joins are, before bursts
    one_->send(now_, packets, transport_);
    EXPECT_EQ(transport_.calls, 2);
    const std::byte* const block = transport_.blocks.back();
    one_->send(now_, packets, transport_);
    EXPECT_EQ(transport_.blocks.back(), block);
}

TEST_F(SealedTrafficTest, MoreThanTheArenaHoldsGoesInSeveralCalls) {
    introduce();
    std::vector<OutboundPacket> packets;
    for (int i = 0; i < 10; ++i) {
        packets.push_back(
            {Destination::kDaemon, Channel::kToken, kD2, plain(std::string(60000, 'x'))});
    }
    one_->send(now_, packets, transport_);
    EXPECT_GT(transport_.calls, 1);
    EXPECT_THAT(carry(transport_, *two_), SizeIs(10));
}

/// The group's copy and that for a daemon by itself show that two ways are open; each counts.
TEST_F(SealedTrafficTest, CopiesForADaemonByItselfHaveNumbersOfTheirOwn) {
    introduce();
    one_->send_one_by_one({kD2}, transport_);
    EXPECT_THAT(transport_.one_by_one, IsEmpty()) << "the transport must not copy sealed ones";
    const std::vector<OutboundPacket> packets{{Destination::kAll, Channel::kData, {}, plain("a")},
                                              {Destination::kAll, Channel::kData, {}, plain("b")},
                                              {Destination::kAll, Channel::kToken, {}, plain("c")}};
    one_->send(now_, packets, transport_);
    ASSERT_THAT(transport_.sent, SizeIs(5));
    EXPECT_EQ(transport_.sent[2].destination, Destination::kDaemon);
    EXPECT_EQ(transport_.sent[2].to, kD2);
    EXPECT_THAT(carry(transport_, *two_), ElementsAre("a", "b", "a", "b", "c"));
}

TEST_F(SealedTrafficTest, AcceptSendsPlainAsItIs) {
    make(Mode::kAccept);
    one_->send_one_by_one({kD2}, transport_);
    EXPECT_THAT(transport_.one_by_one, ElementsAre(kD2));
    one_->send(now_, std::vector<OutboundPacket>{{{}, {}, {}, plain("a")}}, transport_);
    ASSERT_THAT(transport_.sent, SizeIs(1));
    EXPECT_EQ(text_of(transport_.sent[0].datagram), "SRa");
    one_->change(Mode::kSend, keys_of({1}), transport_);
    EXPECT_THAT(transport_.one_by_one, IsEmpty());
    one_->change(Mode::kAccept, keys_of({1}), transport_);
    EXPECT_THAT(transport_.one_by_one, ElementsAre(kD2));
}

TEST_F(SealedTrafficTest, RequireTakesNoPlainPacketOfARing) {
    EXPECT_FALSE(two_->open(now_, Arrival::kUnicast, plain("a")));
    EXPECT_EQ(two_->last_refusal(), Refusal::kPlain);
    const std::string monitor = "of stock's monitor";
    EXPECT_TRUE(two_->open(now_, Arrival::kUnicast, slice_of(std::as_bytes(std::span(monitor)))))
        << "is no packet of a ring, which the engine says";
    make(Mode::kSend);
    EXPECT_TRUE(two_->open(now_, Arrival::kUnicast, plain("a")));
    EXPECT_EQ(two_->seal().counters().plain_taken, 1U);
}

// Three drivers ------------------------------------------------------------------------------

struct OnWire {
    Arrival arrival{};
    Slice datagram;
};

class Node;

/// Carries all that is sent in one millisecond to the next one.
struct Wire {
    std::array<std::deque<OnWire>, 3> to;
    bool saw_plain = false;
    bool saw_sealed = false;
};

class Node final : public Transport, public RingHost {
  public:
    Node(Wire& wire, std::size_t index, Mode mode)
        : wire_(wire), index_(index), entropy_(100 + index) {
        membership::RingSettings settings;
        settings.daemons = {kD1, kD2, kD3};
        settings.self = settings.daemons[index];
        RingDriver::Setup setup{
            membership::RingConfig::settled(settings), protocol::Incarnation{1}, 1000,
            protocol::Rng(index + 1),
            std::make_unique<SealedTraffic>(setup_of(settings.self, mode), entropy_)};
        driver_ =
            std::make_unique<RingDriver>(std::move(setup), queues_, sessions_, *this, *this, pool_);
    }

    void start(Instant now) { driver_->start(now); }
    void turn(Instant now) {
        driver_->work(now);
        driver_->finish(now);
        while (auto* event = queues_.deliveries.front()) {
            if (const auto* change = std::get_if<membership::ConfigurationChange>(event)) {
                ++configurations;
                members = change->members;
                control(change->ring_id);
            } else {
                const auto& delivery = std::get<membership::Delivery>(*event);
                queues_.delivered_bytes -= delivery.body.size();
                ++delivered;
            }
            queues_.deliveries.pop();
        }
    }
    void control(ControlItem item) { ASSERT_TRUE(queues_.control.try_push(std::move(item))); }
    void submit() {
        membership::Submission submission;
        submission.body = protocol::make_message(std::vector<std::byte>(300, std::byte{7}));
        queues_.submitted_bytes += submission.body.size();
        ASSERT_TRUE(queues_.submissions.try_push(std::move(submission)));
    }
    void seal(Mode mode, std::vector<int> keys) {
        control(SealingChange{mode, std::make_unique<sealing::KeyRing>(keys_of(std::move(keys)))});
    }
    [[nodiscard]] const sealing::RingSeal& sealed() const { return *driver_->seal(); }

    int configurations = 0;
    int delivered = 0;
    protocol::MemberList members;

  private:
    class Sleeper final : public WakeSignal {
        void wake() override {}
    };

    void send(std::span<const OutboundPacket> packets) override {
        for (const OutboundPacket& packet : packets) {
            (sealing::is_sealed(packet.datagram.bytes()) ? wire_.saw_sealed : wire_.saw_plain) =
                true;
            for (std::size_t to = 0; to < 3; ++to) {
                const bool is_for = packet.destination == Destination::kAll
                                        ? to != index_
                                        : packet.to.value == to + 1;
                if (is_for) {
                    wire_.to[to].push_back(
                        {membership::arrival_by(packet.channel,
                                                packet.destination == Destination::kAll),
                         slice_of(packet.datagram.bytes())});
                }
            }
        }
    }
    void send_one_by_one(const protocol::MemberList&) override {}
    bool receive(Channel channel, Inbox& inbox) override {
        auto& waiting = wire_.to[index_];
        if (waiting.empty() || channel == Channel::kToken) {
            return false;
        }
        const OnWire one = std::move(waiting.front());
        waiting.pop_front();
        inbox.take(one.arrival, one.datagram);
        return true;
    }
    bool has_unread() override { return !wire_.to[index_].empty(); }
    void read_errors(Inbox&) override {}

    void on_state_change(const membership::StateChange&) override {}
    void keep_counter(std::uint64_t) override {}
    bool on_bad_datagram(BadDatagram, std::span<const std::byte>) override { return false; }

    Wire& wire_;
    std::size_t index_;
    SeededEntropy entropy_;
    protocol::BufferPool pool_{2048, 4096};
    RingQueues queues_;
    Sleeper sessions_;
    std::unique_ptr<RingDriver> driver_;
};

class SealedRingTest : public testing::Test {
  protected:
    void start(std::array<Mode, 3> modes) {
        for (std::size_t i = 0; i < 3; ++i) {
            nodes_[i] = std::make_unique<Node>(wire_, i, modes[i]);
            nodes_[i]->start(now_);
        }
    }
    void run(protocol::Duration time, bool under_load = false) {
        const Instant until = now_ + time;
        for (int step = 0; now_ < until; ++step) {
            now_ += std::chrono::microseconds(200);
            if (under_load && step % 10 == 0) {
                nodes_[static_cast<std::size_t>(step / 10 % 3)]->submit();
                ++submitted_;
            }
            for (const auto& node : nodes_) {
                node->turn(now_);
            }
        }
    }
    [[nodiscard]] bool is_whole() const {
        return std::all_of(nodes_.begin(), nodes_.end(),
                           [](const auto& node) { return node->members.size() == 3; });
    }

    Wire wire_;
    std::array<std::unique_ptr<Node>, 3> nodes_;
    Instant now_{std::chrono::hours(1)};
    int submitted_ = 0;
};

TEST_F(SealedRingTest, FormsAndDeliversAndSaysNothingPlain) {
    start({Mode::kRequire, Mode::kRequire, Mode::kRequire});
    run(std::chrono::seconds(2));
    ASSERT_TRUE(is_whole());
    run(std::chrono::milliseconds(200), true);
    run(std::chrono::milliseconds(200));
    for (const auto& node : nodes_) {
        EXPECT_EQ(node->delivered, submitted_);
        EXPECT_EQ(node->sealed().counters().rejected_forged, 0U);
    }
    EXPECT_FALSE(wire_.saw_plain);
    EXPECT_TRUE(wire_.saw_sealed);
}

TEST_F(SealedRingTest, GoesFromPlainToSealedAndBackUnderLoadWithoutAView) {
    start({Mode::kAccept, Mode::kAccept, Mode::kAccept});
    run(std::chrono::seconds(2));
    ASSERT_TRUE(is_whole());
    const int before = nodes_[0]->configurations;
    for (const Mode mode : {Mode::kSend, Mode::kRequire, Mode::kSend, Mode::kAccept}) {
        for (const auto& node : nodes_) {  // not at the same moment
            node->seal(mode, {1});
            run(std::chrono::milliseconds(20), true);
        }
        wire_.saw_plain = false;
        run(std::chrono::milliseconds(100), true);
        EXPECT_EQ(wire_.saw_plain, mode == Mode::kAccept);
    }
    run(std::chrono::milliseconds(200));
    for (const auto& node : nodes_) {
        EXPECT_EQ(node->configurations, before);
        EXPECT_EQ(node->delivered, submitted_);
    }
}

TEST_F(SealedRingTest, ChangesItsKeyUnderLoadWithoutAView) {
    start({Mode::kRequire, Mode::kRequire, Mode::kRequire});
    run(std::chrono::seconds(2));
    ASSERT_TRUE(is_whole());
    const int before = nodes_[0]->configurations;
    for (int key = 1; key < 6; ++key) {
        for (const std::vector<int>& keys :
             {std::vector{key, key + 1}, std::vector{key + 1, key}, std::vector{key + 1}}) {
            for (const auto& node : nodes_) {
                node->seal(Mode::kRequire, keys);
                run(std::chrono::milliseconds(10), true);
            }
        }
    }
    run(std::chrono::milliseconds(200));
    for (const auto& node : nodes_) {
        EXPECT_EQ(node->configurations, before);
        EXPECT_EQ(node->delivered, submitted_);
        EXPECT_EQ(node->sealed().counters().rejected_key, 0U);
        EXPECT_FALSE(wire_.saw_plain);
    }
}

}  // namespace
}  // namespace spread::driver
