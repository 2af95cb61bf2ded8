#include "daemon/driver/ring_port.hpp"

#include <cstddef>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

namespace spread::driver {
namespace {

membership::Submission sized_submission(std::size_t bytes, bool control = false) {
    membership::Submission submission;
    submission.control = control;
    submission.body = protocol::make_message(std::vector<std::byte>(bytes));
    return submission;
}

class RingPortTest : public ::testing::Test {
  protected:
    void submit(std::size_t bytes, bool control = false) {
        port.add(sized_submission(bytes, control));
    }
    /// As the ring does.
    void take_submission() {
        queues.submitted_bytes.fetch_sub(queues.submissions.front()->body.size());
        queues.submissions.pop();
    }

    struct Wake final : WakeSignal {
        void wake() override { ++count; }
        int count = 0;
    };

    RingQueues queues;
    Wake wake;
    RingPort port{queues, wake};
};

TEST_F(RingPortTest, PassesMessagesAndWhatMustNotWaitBehindThemOnInQueuesOfTheirOwn) {
    const protocol::RingId ring{protocol::DaemonId{1}, 2, 3};
    port.add(sized_submission(10));
    port.add(sized_submission(20, true));
    port.resume(ring);
    EXPECT_TRUE(port.can_push());
    wake.arm(RingQueues::kSubmission | RingQueues::kControl);
    EXPECT_EQ(port.push(), 1U);
    EXPECT_FALSE(port.can_push());
    EXPECT_EQ(wake.count, 2);
    EXPECT_EQ(queues.submissions.size(), 1U);
    EXPECT_EQ(queues.submitted_bytes.load(), 10U);
    ASSERT_EQ(queues.control.size(), 2U);
    EXPECT_TRUE(std::holds_alternative<membership::Submission>(*queues.control.front()));
    queues.control.pop();
    EXPECT_EQ(std::get<protocol::RingId>(*queues.control.front()), ring);
}

TEST_F(RingPortTest, KeepsWhatFindsTheQueueFullAndReadsNobodyUntilHalfIsTaken) {
    std::size_t pushed = 0;
    while (port.has_room()) {
        submit(10);
        pushed += port.push();
    }
    EXPECT_TRUE(port.waits_for_room());
    submit(10);
    EXPECT_EQ(port.push(), 0U);
    EXPECT_FALSE(port.can_push());
    take_submission();
    EXPECT_TRUE(port.can_push());
    EXPECT_EQ(port.push(), 1U);
    EXPECT_FALSE(port.is_low());
    for (std::size_t i = 0; i < pushed / 2; ++i) {
        take_submission();
    }
    EXPECT_TRUE(port.is_low());
    EXPECT_FALSE(port.waits_for_room());
}

TEST_F(RingPortTest, WhatGoesAheadIsPassedOnThoughTheQueueIsFull) {
    while (port.has_room()) {
        submit(10);
        static_cast<void>(port.push());
    }
    membership::Submission ahead = sized_submission(20);
    ahead.ahead = true;
    wake.arm(RingQueues::kAhead);
    port.add(std::move(ahead));
    EXPECT_TRUE(port.can_push());
    EXPECT_EQ(port.push(), 1U);
    EXPECT_EQ(wake.count, 1);
    EXPECT_EQ(queues.ahead.size(), 1U);
    EXPECT_EQ(port.ahead_left(), 1U);
    EXPECT_FALSE(port.can_push());
}

TEST_F(RingPortTest, NothingIsPassedOnBeforeWhatGoesAheadOfIt) {
    const auto ahead = [] {
        membership::Submission submission = sized_submission(20);
        submission.ahead = true;
        return submission;
    };
    const std::size_t room = queues.ahead.capacity();
    for (std::size_t i = 0; i <= room; ++i) {
        port.add(ahead());
    }
    submit(10);
    EXPECT_EQ(port.push(), room);
    EXPECT_TRUE(queues.submissions.empty());
    EXPECT_TRUE(port.waits_for_room());
    EXPECT_FALSE(port.can_push());
    queues.ahead.pop();
    EXPECT_TRUE(port.can_push());
    EXPECT_EQ(port.push(), 2U);
    EXPECT_EQ(queues.submissions.size(), 1U);
    EXPECT_FALSE(port.waits_for_room());
}

TEST_F(RingPortTest, ALargeMessageFillsTheQueueByItsBytes) {
    submit(5U << 20U);
    EXPECT_EQ(port.push(), 1U) << "a single message may exceed the limit";
    EXPECT_FALSE(port.has_room());
}

TEST_F(RingPortTest, TakesEventsWithTheirBytesAndKnowsWhenNothingMoreComes) {
    membership::Delivery delivery;
    delivery.body = protocol::make_message(std::vector<std::byte>(30));
    queues.delivered_bytes = 30;
    ASSERT_TRUE(queues.deliveries.try_push(std::move(delivery)));
    ASSERT_TRUE(queues.deliveries.try_push(membership::ConfigurationChange{}));
    queues.ring_stopped = true;
    EXPECT_FALSE(port.is_drained());
    ASSERT_TRUE(port.next_event());
    EXPECT_EQ(queues.delivered_bytes.load(), 0U);
    const auto last = port.next_event();
    ASSERT_TRUE(last);
    EXPECT_TRUE(std::holds_alternative<membership::ConfigurationChange>(*last));
    EXPECT_EQ(port.next_event(), std::nullopt);
    EXPECT_TRUE(port.is_drained());
}

}  // namespace
}  // namespace spread::driver
