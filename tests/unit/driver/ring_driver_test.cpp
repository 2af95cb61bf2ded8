#include "daemon/driver/ring_driver.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/message.hpp"

namespace spread::driver {
namespace {

using membership::Channel;
using membership::ConfigurationChange;
using membership::Delivery;
using membership::DeliveryEvent;
using membership::Submission;
using protocol::DaemonId;
using protocol::Instant;
using protocol::Slice;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr DaemonId kSelf{1};
constexpr DaemonId kPeer{2};

/// What happened, in order, from all the driver's neighbours.
using Journal = std::vector<std::string>;

class FakeWakeSignal final : public WakeSignal {
  public:
    int wakes = 0;

  private:
    void wake() override { ++wakes; }
};

class FakeTransport final : public Transport {
  public:
    explicit FakeTransport(Journal& journal) : journal_(journal) {}

    void send(std::span<const membership::OutboundPacket> packets) override {
        journal_.push_back("send");
        sent.insert(sent.end(), packets.begin(), packets.end());
    }
    void send_one_by_one(const protocol::MemberList& daemons) override { one_by_one = daemons; }
    bool receive(Channel channel, Inbox& inbox) override {
        asked.push_back(channel);
        if (before_receive) {
            std::exchange(before_receive, {})();
        }
        auto& waiting = channel == Channel::kData ? data : tokens;
        if (waiting.empty()) {
            return false;
        }
        inbox.take(membership::arrival_by(channel, true), waiting.back());
        waiting.pop_back();
        ++received;
        return true;
    }
    bool has_unread() override { return !data.empty() || !tokens.empty(); }
    void read_errors(Inbox& inbox) override {
        for (const DaemonId peer : std::exchange(unreachable, {})) {
            inbox.note_unreachable(peer);
        }
    }

    std::vector<membership::OutboundPacket> sent;
    protocol::MemberList one_by_one;
    std::vector<Slice> data;  ///< arrived, newest first
    std::vector<Slice> tokens;
    std::vector<DaemonId> unreachable;
    std::vector<Channel> asked;
    std::size_t received = 0;
    std::function<void()> before_receive;  ///< once

  private:
    Journal& journal_;
};

class FakeHost final : public RingHost {
  public:
    explicit FakeHost(Journal& journal) : journal_(journal) {}

    void on_state_change(const membership::StateChange& change) override {
        states.push_back(change.to);
        reasons.push_back(change.reason);
    }
    void keep_counter(std::uint64_t ring_counter) override {
        journal_.push_back("keep");
        counter = ring_counter;
    }
    bool on_bad_datagram(BadDatagram kind, std::span<const std::byte>) override {
        bad.push_back(kind);
        return takes_bad;
    }
    void on_not_run(protocol::Duration late) override { not_run_for.push_back(late); }

    std::uint64_t counter = 0;
    std::vector<membership::RingState> states;
    std::vector<membership::ChangeReason> reasons;
    std::vector<BadDatagram> bad;
    bool takes_bad = false;
    std::vector<protocol::Duration> not_run_for;

  private:
    Journal& journal_;
};

Submission submission_of(std::size_t bytes, bool control = false) {
    Submission submission;
    submission.control = control;
    submission.body = protocol::make_message(std::vector<std::byte>(bytes, std::byte{7}));
    return submission;
}

/// One driver, with everything around it in the test's hands.
class RingDriverTest : public ::testing::Test {
  protected:
    explicit RingDriverTest(const QueueLimits& limits = {}) : queues_(limits) {}

    void make(protocol::MemberList daemons) {
        membership::RingConfig config;
        config.daemons = std::move(daemons);
        config.self = kSelf;
        driver_ = std::make_unique<RingDriver>(
            RingDriver::Setup{config, protocol::Incarnation{1}, 1000, protocol::Rng(1), nullptr,
                              flight_, FlightRecorder::Detail::kMessages},
            queues_, sessions_, transport_, host_, pool_);
        driver_->start(now_);
    }
    void turn() {
        driver_->work(now_);
        driver_->finish(now_);
    }
    /// How long it took.
    protocol::Duration run_until_operational() {
        const Instant begin = now_;
        do {
            now_ += std::chrono::milliseconds(1);
            turn();
        } while (driver_->engine().state() != membership::RingState::kOperational &&
                 now_ - begin < std::chrono::seconds(10));
        return now_ - begin;
    }
    /// A ring of one that takes messages.
    void form_ring_of_one() {
        make({kSelf});
        const auto events = take_deliveries();
        const auto* change = std::get_if<ConfigurationChange>(&events.back());
        ASSERT_NE(change, nullptr);
        ASSERT_TRUE(queues_.control.try_push(change->ring_id));
        turn();
        ASSERT_EQ(driver_->engine().state(), membership::RingState::kOperational);
    }

    void submit(std::size_t bytes = 100) {
        Submission submission = submission_of(bytes);
        queues_.submitted_bytes += submission.body.size();
        ASSERT_TRUE(queues_.submissions.try_push(std::move(submission)));
    }
    std::vector<DeliveryEvent> take_deliveries(std::size_t most = SIZE_MAX) {
        std::vector<DeliveryEvent> out;
        while (out.size() < most && queues_.deliveries.front() != nullptr) {
            out.push_back(std::move(*queues_.deliveries.front()));
            queues_.deliveries.pop();
            if (const auto* delivery = std::get_if<Delivery>(&out.back())) {
                queues_.delivered_bytes -= delivery->body.size();
            }
        }
        return out;
    }
    static std::vector<std::uint64_t> numbers_of(const std::vector<DeliveryEvent>& events) {
        std::vector<std::uint64_t> out;
        for (const DeliveryEvent& event : events) {
            out.push_back(std::get<Delivery>(event).seq.value);
        }
        return out;
    }

    protocol::BufferPool pool_{2048, 1024};
    Journal journal_;
    RingQueues queues_;
    FakeWakeSignal sessions_;
    FakeTransport transport_{journal_};
    FakeHost host_{journal_};
    [[nodiscard]] FlightEvent recorded(std::uint64_t number) const {
        return event_in(flight_[(number - 1) % flight_.size()]).value_or(FlightEvent{});
    }
    [[nodiscard]] FlightEvent last_recorded() const {
        FlightEvent last;
        for (const FlightSlot& slot : flight_) {
            const auto event = event_in(slot);
            last = event && event->number > last.number ? *event : last;
        }
        return last;
    }

    std::unique_ptr<RingDriver> driver_;
    Instant now_{std::chrono::seconds(5)};
    std::vector<FlightSlot> flight_ = std::vector<FlightSlot>(64);
};

TEST_F(RingDriverTest, RecordsWhatTheRingDoesInTheOrderOfCauses) {
    form_ring_of_one();
    submit(200);
    now_ += std::chrono::milliseconds(7);
    turn();
    std::vector<FlightEvent::Kind> kinds;
    std::vector<FlightEvent> messages;
    std::uint64_t time = 0;
    for (const FlightSlot& slot : flight_) {
        const auto event = event_in(slot);
        if (!event) {
            break;
        }
        EXPECT_GE(event->time_ns, time);
        time = event->time_ns;
        kinds.push_back(event->kind);
        if (event->kind == FlightEvent::Kind::kAccept ||
            event->kind == FlightEvent::Kind::kDelivery) {
            messages.push_back(*event);
        }
    }
    using enum FlightEvent::Kind;
    EXPECT_THAT(kinds,
                ElementsAre(kState, kState, kTransitional, kRegular, kResume, kAccept, kDelivery));
    EXPECT_EQ(time, 5'007'000'000U);
    ASSERT_THAT(messages, SizeIs(2));
    EXPECT_EQ(messages[0].a, messages[1].a) << "one message, one digest";
    EXPECT_EQ(messages[1].b, kSelf.value);
    EXPECT_EQ(messages[1].ring(), driver_->engine().ring_id());
}

TEST_F(RingDriverTest, OrdersWhatWaitsInTheSubmitQueue) {
    form_ring_of_one();
    submit();
    submit(200);
    EXPECT_TRUE(driver_->has_work());
    turn();
    EXPECT_FALSE(driver_->has_work());
    EXPECT_EQ(queues_.submitted_bytes, 0U);
    EXPECT_EQ(queues_.delivered_bytes, 300U);
    EXPECT_THAT(take_deliveries(), SizeIs(2));
}

TEST_F(RingDriverTest, WhatGoesAheadOvertakesWhatWaitsThoughTheEngineIsFull) {
    make({kSelf});
    const auto ring = std::get<ConfigurationChange>(take_deliveries().back()).ring_id;
    const std::size_t most = driver_->engine().config().send_queue_messages_max;
    for (std::size_t i = 0; i < most; ++i) {
        submit();
        turn();
    }
    submit();
    EXPECT_FALSE(driver_->has_work()) << "the engine waits for the ring to be resumed and is full";
    Submission ahead = submission_of(300);
    ahead.ahead = true;
    ASSERT_TRUE(queues_.ahead.try_push(std::move(ahead)));
    EXPECT_TRUE(driver_->has_work());
    EXPECT_NE(driver_->wake_reasons() & RingQueues::kAhead, 0U);
    turn();
    EXPECT_TRUE(queues_.ahead.empty());
    EXPECT_EQ(queues_.ordinary_stamped, 0U);
    EXPECT_EQ(queues_.ahead_stamped, 0U);
    ASSERT_TRUE(queues_.control.try_push(ring));
    turn();
    turn();
    const auto events = take_deliveries();
    ASSERT_THAT(events, SizeIs(most + 2));
    EXPECT_EQ(std::get<Delivery>(events.front()).body.size(), 300U);
    EXPECT_EQ(queues_.ordinary_stamped, most + 1);
    EXPECT_EQ(queues_.ahead_stamped, 1U);
}

TEST_F(RingDriverTest, WakesSessionsThatSleepOnceABatch) {
    form_ring_of_one();
    sessions_.wakes = 0;
    sessions_.arm(RingQueues::kDelivery);
    submit();
    submit();
    turn();
    EXPECT_EQ(sessions_.wakes, 1);
    submit();
    turn();
    EXPECT_EQ(sessions_.wakes, 1) << "it is awake";
}

TEST_F(RingDriverTest, SaysThatTheSubmitQueueHasRoomAgain) {
    form_ring_of_one();
    sessions_.wakes = 0;
    sessions_.arm(RingQueues::kSubmitRoom);
    submit();
    turn();
    EXPECT_EQ(sessions_.wakes, 1);
}

TEST_F(RingDriverTest, TakesControlItemsThoughTheRingIsNotResumed) {
    make({kSelf});
    take_deliveries();
    submit();
    ASSERT_TRUE(queues_.control.try_push(submission_of(30, true)));
    turn();
    const auto events = take_deliveries();
    ASSERT_THAT(events, SizeIs(1)) << "the other one waits for the ring to be resumed";
    EXPECT_EQ(std::get<Delivery>(events.front()).body.size(), 30U);
}

TEST_F(RingDriverTest, KeepsTheRingsCounterBeforeAnybodyHearsOfTheRing) {
    make({kSelf, kPeer});
    EXPECT_THAT(journal_, ElementsAre("send")) << "a join, which is of no ring yet";
    journal_.clear();
    run_until_operational();
    ASSERT_GT(host_.counter, 1000U);
    EXPECT_EQ(host_.counter, driver_->engine().ring_counter());
    const auto kept = std::find(journal_.begin(), journal_.end(), "keep");
    ASSERT_NE(kept, journal_.end());
    EXPECT_THAT(take_deliveries(), Not(IsEmpty()));
}

TEST_F(RingDriverTest, ReportsDatagramsThatAreNotOfARing) {
    make({kSelf, kPeer});
    const protocol::Message junk = protocol::make_message(std::vector<std::byte>(50, std::byte{9}));
    transport_.data.push_back(junk.slice(0));
    turn();
    EXPECT_THAT(host_.bad, ElementsAre(RingHost::BadDatagram::kMalformed));
    EXPECT_EQ(last_recorded().kind, FlightEvent::Kind::kRefused);
    EXPECT_EQ(last_recorded().a, Refused::kMalformed);
}

TEST_F(RingDriverTest, WhatIsMeantForSomebodyElseIsNotRecordedAsRefused) {
    make({kSelf, kPeer});
    turn();
    const FlightEvent before = last_recorded();
    host_.takes_bad = true;
    const protocol::Message junk = protocol::make_message(std::vector<std::byte>(50, std::byte{9}));
    transport_.data.push_back(junk.slice(0));
    turn();
    EXPECT_THAT(host_.bad, ElementsAre(RingHost::BadDatagram::kMalformed));
    EXPECT_EQ(last_recorded().kind, before.kind);
    EXPECT_NE(last_recorded().kind, FlightEvent::Kind::kRefused);
}

TEST_F(RingDriverTest, RecordsThePacketsThatFormRings) {
    make({kSelf, kPeer});
    const auto header = [](std::uint32_t config_hash) {
        return protocol::PacketHeader{
            protocol::PacketKind::kJoin, config_hash, kPeer, {kPeer, 5, 2000}};
    };
    const auto arrives = [this](const protocol::PacketHeader& from) {
        protocol::Join join;
        join.proc_set = {kSelf, kPeer};
        transport_.tokens.push_back(protocol::encode_join(join, from, pool_));
        turn();
    };
    const std::uint64_t before = last_recorded().number;
    arrives(header(0));
    const auto packet = recorded(before + 1);
    EXPECT_EQ(packet.kind, FlightEvent::Kind::kPacket);
    EXPECT_EQ(packet.b, kPeer.value);
    EXPECT_EQ(packet.ring(), (protocol::RingId{kPeer, 5, 2000}));
    const std::uint64_t between = last_recorded().number;
    arrives(header(99));
    EXPECT_EQ(recorded(between + 1).kind, FlightEvent::Kind::kRefused);
    EXPECT_EQ(recorded(between + 1).a, Refused::kOtherConfiguration);
}

TEST_F(RingDriverTest, ATurnReceivesABoundedNumberOfBatches) {
    make({kSelf, kPeer});
    const protocol::Message junk = protocol::make_message(std::vector<std::byte>(50, std::byte{9}));
    for (int i = 0; i < RingDriver::kReceiveCallsMax + 3; ++i) {
        transport_.data.push_back(junk.slice(0));
    }
    turn();
    EXPECT_EQ(transport_.received, std::size_t{RingDriver::kReceiveCallsMax});
    turn();
    EXPECT_EQ(transport_.received, std::size_t{RingDriver::kReceiveCallsMax + 3});
}

TEST_F(RingDriverTest, AsksBothChannelsAndThePreferredOneFirst) {
    make({kSelf, kPeer});
    const bool data_first =
        driver_->engine().read_preference() == membership::ReadPreference::kDataFirst;
    turn();
    EXPECT_THAT(transport_.asked, ElementsAre(data_first ? Channel::kData : Channel::kToken,
                                              data_first ? Channel::kToken : Channel::kData));
}

TEST_F(RingDriverTest, WhatIsSubmittedWhileItReceivesGoesOutInTheSameTurn) {
    form_ring_of_one();
    const protocol::Message junk = protocol::make_message(std::vector<std::byte>(50, std::byte{9}));
    transport_.data.push_back(junk.slice(0));
    transport_.before_receive = [this] { submit(); };
    turn();
    EXPECT_THAT(take_deliveries(), SizeIs(1));
}

TEST_F(RingDriverTest, FiresTheDeadlineAfterTheSockets) {
    make({kSelf, kPeer});
    now_ = *driver_->next_deadline();
    transport_.sent.clear();
    driver_->work(now_);
    EXPECT_THAT(transport_.sent, IsEmpty());
    driver_->finish(now_);
    EXPECT_THAT(transport_.sent, Not(IsEmpty())) << "joins are repeated";
}

TEST_F(RingDriverTest, GivesNobodyUpWhileSomethingIsUnread) {
    make({kSelf, kPeer});
    const protocol::Message junk = protocol::make_message(std::vector<std::byte>(50, std::byte{9}));
    const auto turns = [&](int count) {
        for (int i = 0; i < count; ++i) {
            transport_.data.assign(RingDriver::kReceiveCallsMax + 1, junk.slice(0));
            now_ += std::chrono::milliseconds(1);
            turn();
        }
    };
    const int until_alone = 300;
    turns(until_alone);
    EXPECT_EQ(driver_->engine().state(), membership::RingState::kGather);
    transport_.data.clear();
    turn();
    EXPECT_NE(driver_->engine().next_deadline(), std::nullopt);
    run_until_operational();
    EXPECT_EQ(driver_->engine().members().size(), 1U);
}

TEST_F(RingDriverTest, SocketsThatAreNeverEmptyHoldNothingUpForEver) {
    make({kSelf, kPeer});
    const protocol::Message junk = protocol::make_message(std::vector<std::byte>(50, std::byte{9}));
    int turns = 0;
    while (driver_->engine().state() == membership::RingState::kGather && turns < 5000) {
        transport_.data.assign(RingDriver::kReceiveCallsMax + 1, junk.slice(0));
        now_ += std::chrono::milliseconds(1);
        turn();
        ++turns;
    }
    EXPECT_EQ(driver_->engine().state(), membership::RingState::kOperational);
    EXPECT_GT(turns, RingDriver::kReadingTurnsMax);
}

TEST_F(RingDriverTest, WhoStoodStillGivesOthersTimeToSpeak) {
    make({kSelf, kPeer});
    for (int i = 0; i < 100; ++i) {  // it waits for others
        now_ += std::chrono::milliseconds(1);
        turn();
    }
    ASSERT_EQ(driver_->engine().state(), membership::RingState::kGather);
    EXPECT_THAT(host_.not_run_for, IsEmpty());
    now_ += std::chrono::seconds(2);
    turn();
    EXPECT_EQ(driver_->engine().state(), membership::RingState::kGather);
    ASSERT_THAT(host_.not_run_for, SizeIs(1));
    EXPECT_GT(host_.not_run_for.front(), std::chrono::milliseconds(1900));
    EXPECT_LE(host_.not_run_for.front(), std::chrono::seconds(2));
    EXPECT_GE(run_until_operational(), std::chrono::milliseconds(15));
    EXPECT_THAT(host_.not_run_for, SizeIs(1));
    // Of the other it cannot say anything else yet.
    const auto events = take_deliveries();
    const auto* change = std::get_if<ConfigurationChange>(&events.back());
    ASSERT_NE(change, nullptr);
    ASSERT_THAT(change->missing, SizeIs(1));
    EXPECT_EQ(change->missing.front().cause, membership::Cause::kOwnPause);
}

TEST_F(RingDriverTest, WantsToRunSeveralTimesInALossTimeout) {
    make({kSelf, kPeer});
    run_until_operational();
    turn();
    EXPECT_LE(*driver_->next_deadline() - now_, driver_->engine().pulse());
    EXPECT_LE(4 * driver_->engine().pulse(), membership::RingConfig{}.token_loss_timeout);
}

TEST_F(RingDriverTest, TellsTheEngineOfUnreachablePeers) {
    make({kSelf, kPeer});
    // The other daemon, and a network without faults.
    RingQueues queues;
    FakeWakeSignal sessions;
    FakeTransport transport(journal_);
    FakeHost host(journal_);
    membership::RingConfig config;
    config.daemons = {kSelf, kPeer};
    config.self = kPeer;
    RingDriver peer({config, protocol::Incarnation{1}, 1000, protocol::Rng(2)}, queues, sessions,
                    transport, host, pool_);
    peer.start(now_);
    const auto carry = [](FakeTransport& from, FakeTransport& to) {
        for (const auto& packet : std::exchange(from.sent, {})) {
            auto& waiting = packet.channel == Channel::kData ? to.data : to.tokens;
            waiting.insert(waiting.begin(), packet.datagram);
        }
    };
    for (int i = 0; i < 1000 && driver_->engine().members().size() < 2; ++i) {
        carry(transport_, transport);
        carry(transport, transport_);
        now_ += std::chrono::microseconds(100);
        peer.work(now_);
        peer.finish(now_);
        turn();
    }
    ASSERT_THAT(driver_->engine().members(), ElementsAre(kSelf, kPeer));

    // It is asked, and does not answer.
    transport_.unreachable = {kPeer};
    transport_.data.clear();
    transport_.tokens.clear();
    transport_.sent.clear();
    turn();
    EXPECT_THAT(transport_.sent, Not(IsEmpty()));
    for (int i = 0; i < 100; ++i) {
        now_ += std::chrono::milliseconds(1);
        turn();
    }
    EXPECT_THAT(host_.reasons, Contains(membership::ChangeReason::kPeerUnreachable));
}

TEST_F(RingDriverTest, LeavesAtOnceWhenNothingWaits) {
    form_ring_of_one();
    queues_.leave_wanted = true;
    EXPECT_TRUE(driver_->has_work());
    turn();
    EXPECT_TRUE(driver_->has_left());
}

TEST_F(RingDriverTest, BeforeItLeavesItOrdersWhatClientsHaveSent) {
    form_ring_of_one();
    submit();
    queues_.leave_wanted = true;
    turn();
    EXPECT_TRUE(driver_->has_left());
    EXPECT_THAT(take_deliveries(), SizeIs(1));
}

TEST_F(RingDriverTest, LeavesAfterAGraceWhenTheRingDoesNotTurn) {
    make({kSelf, kPeer});  // nobody answers, and no ring of one yet
    submit();
    queues_.leave_wanted = true;
    turn();
    EXPECT_FALSE(driver_->has_left());
    EXPECT_FALSE(driver_->has_work()) << "nothing new";
    const Instant leave_by = now_ + RingDriver::kLeaveGrace;
    EXPECT_LE(*driver_->next_deadline(), leave_by);
    now_ = leave_by - std::chrono::microseconds(1);
    driver_->finish(now_);
    EXPECT_FALSE(driver_->has_left());
    transport_.sent.clear();
    now_ = leave_by;
    driver_->finish(now_);
    EXPECT_TRUE(driver_->has_left());
    EXPECT_THAT(transport_.sent, Not(IsEmpty())) << "a goodbye";
}

class SmallQueues : public RingDriverTest {
  protected:
    SmallQueues() : RingDriverTest({.deliveries = 4, .delivered_bytes = 1000}) {}
};

TEST_F(SmallQueues, TheEngineKeepsWhatTheDeliveryQueueHasNoRoomFor) {
    form_ring_of_one();
    for (int i = 0; i < 10; ++i) {
        submit(10);
    }
    turn();
    EXPECT_EQ(queues_.deliveries.size(), 4U);
    EXPECT_FALSE(driver_->has_work()) << "the session side has not caught up";
    EXPECT_TRUE((driver_->wake_reasons() & RingQueues::kDeliveryRoom) != 0);
    std::vector<std::uint64_t> numbers;
    while (numbers.size() < 10) {
        const auto more = numbers_of(take_deliveries());
        ASSERT_FALSE(more.empty());
        numbers.insert(numbers.end(), more.begin(), more.end());
        if (numbers.size() < 10) {
            EXPECT_TRUE(driver_->has_work());
        }
        turn();
    }
    EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
}

TEST_F(SmallQueues, BytesFillTheDeliveryQueueAsWell) {
    form_ring_of_one();
    submit(900);
    submit(900);
    turn();
    EXPECT_EQ(queues_.deliveries.size(), 2U) << "the room was granted before";
    submit(10);
    turn();
    EXPECT_EQ(queues_.deliveries.size(), 2U);
    take_deliveries();
    turn();
    EXPECT_EQ(queues_.deliveries.size(), 1U);
}

TEST_F(SmallQueues, ConfigurationsThatFindTheQueueFullFollowLater) {
    make({kSelf, kPeer});
    take_deliveries();
    for (int i = 0; i < 4; ++i) {
        ASSERT_TRUE(queues_.deliveries.try_push(Delivery{}));
    }
    run_until_operational();
    EXPECT_EQ(queues_.deliveries.size(), 4U);
    EXPECT_TRUE((driver_->wake_reasons() & RingQueues::kDeliveryRoom) != 0);
    take_deliveries();
    EXPECT_TRUE(driver_->has_work());
    turn();
    EXPECT_THAT(take_deliveries(), Not(IsEmpty()));
}

TEST(RingQueues, TheRingsWorkChangesHandsWhenWantedOnly) {
    RingQueues queues;
    EXPECT_FALSE(queues.hand_ring_over());
    queues.ring_wanted = true;
    EXPECT_TRUE(queues.hand_ring_over());
    EXPECT_TRUE(queues.session_has_ring());
    EXPECT_FALSE(queues.ring_wanted);
    EXPECT_TRUE(queues.take_ring_back());
    EXPECT_FALSE(queues.session_has_ring());
    EXPECT_FALSE(queues.take_ring_back()) << "it had it already";
}

TEST(RingQueues, NobodyHandsTheRingsWorkToAStoppingSessionThread) {
    RingQueues queues;
    queues.ring_wanted = true;
    queues.leave_wanted = true;
    EXPECT_FALSE(queues.hand_ring_over());
    EXPECT_FALSE(queues.session_has_ring());
}

}  // namespace
}  // namespace spread::driver
