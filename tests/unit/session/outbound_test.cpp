// Queues to clients alone: who wants writing and when, limits, notices, and how sockets end.

#include "daemon/session/outbound.hpp"

#include <chrono>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spread::session {
namespace {

using namespace std::chrono_literals;
using protocol::Instant;
using protocol::SessionId;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Delivered = Outbound::Delivered;

protocol::Message message_of(std::size_t bytes) {
    return protocol::make_message(std::vector<std::byte>(bytes, std::byte{'x'}));
}

/// Time stands at one hour, so that nobody was written to just now.
class OutboundTest : public testing::Test {
  protected:
    void start(OutboundLimits limits) {
        outbound.emplace(limits);
        outbound->begin_event(now);
    }
    SessionId add() {
        const SessionId id = ids.take();
        outbound->add(id);
        return id;
    }
    SessionId open() {
        const SessionId id = add();
        outbound->open(id);
        return id;
    }
    Delivered deliver(SessionId id, std::size_t bytes = 10, bool may_wait = false) {
        return outbound->deliver(id, outbound->make_frame(message_of(bytes)), may_wait);
    }
    Delivered deliver_event(SessionId id, std::size_t bytes = 10) {
        outbound->begin_event(now);
        return deliver(id, bytes);
    }
    std::vector<SessionId> wanted() {
        std::vector<SessionId> all;
        while (const auto id = outbound->next_wanted()) {
            all.push_back(*id);
        }
        return all;
    }
    Farewell send_all(SessionId id) {
        return outbound->on_sent(now, id, outbound->queue(id).bytes_left()).farewell;
    }

    Instant now{1h};
    SessionIds ids;
    std::optional<Outbound> outbound;
};

TEST_F(OutboundTest, WhoGetsSomethingIsWantedOnceUntilItGetsMore) {
    start({});
    const SessionId one = open();
    const SessionId two = open();
    EXPECT_EQ(deliver(one), Delivered::kQueued);
    EXPECT_EQ(deliver(two), Delivered::kQueued);
    EXPECT_EQ(deliver(one), Delivered::kQueued);
    EXPECT_EQ(outbound->wanted(), 2U);
    EXPECT_EQ(outbound->next_wanted(), one);
    EXPECT_EQ(outbound->wanted(), 1U);
    EXPECT_THAT(wanted(), ElementsAre(two));
    EXPECT_EQ(outbound->wanted(), 0U);
    EXPECT_THAT(wanted(), IsEmpty());
    EXPECT_EQ(outbound->queue(one).size(), 2U);
    deliver(two);
    EXPECT_THAT(wanted(), ElementsAre(two));
    EXPECT_EQ(outbound->frames(), 4U);
}

TEST_F(OutboundTest, OnlyOpenSessionsTakeWhatTheRingBrings) {
    start({});
    const SessionId id = add();
    EXPECT_EQ(deliver(id), Delivered::kIgnored);
    outbound->reply(id, message_of(5));
    EXPECT_THAT(wanted(), ElementsAre(id));
    outbound->open(id);
    EXPECT_EQ(deliver(id), Delivered::kQueued);
    outbound->mute(id);
    EXPECT_TRUE(outbound->queue(id).empty());
    EXPECT_EQ(outbound->bytes(), 0U);
    EXPECT_EQ(deliver(id), Delivered::kIgnored);
    outbound->reply(id, message_of(5));
    EXPECT_THAT(wanted(), IsEmpty());
    EXPECT_EQ(deliver(SessionId{99}), Delivered::kIgnored);
}

TEST_F(OutboundTest, AFullSocketIsNotWantedBeforeItTakesBytesAgain) {
    start({});
    const SessionId id = open();
    deliver(id, 100);
    EXPECT_THAT(wanted(), ElementsAre(id));
    EXPECT_TRUE(outbound->on_sent(now, id, 40).is_more_left);
    outbound->on_full(id);
    deliver(id, 100);
    EXPECT_THAT(wanted(), IsEmpty());
    EXPECT_EQ(outbound->next_early(), std::nullopt);
    outbound->on_writable(id);
    outbound->on_writable(id);
    EXPECT_THAT(wanted(), ElementsAre(id));
    EXPECT_FALSE(outbound->on_sent(now, id, 160).is_more_left);
    outbound->on_full(id);
    outbound->on_writable(id);
    EXPECT_THAT(wanted(), IsEmpty()) << "there is nothing to write";
}

TEST_F(OutboundTest, AQueueThatGrowsLargeIsToBeWrittenEarly) {
    OutboundLimits limits;
    limits.messages_max = 16;
    start(limits);
    const SessionId id = open();
    for (int i = 0; i < 3; ++i) {
        deliver(id);
    }
    EXPECT_EQ(outbound->next_early(), std::nullopt);
    deliver(id);
    EXPECT_EQ(outbound->next_early(), id);
    EXPECT_EQ(outbound->next_early(), std::nullopt);
    send_all(id);
    EXPECT_THAT(wanted(), IsEmpty()) << "what was wanted is written";
}

TEST_F(OutboundTest, TheFramesOfOneEventDoNotCountAgainstTheLimitOfMessages) {
    OutboundLimits limits;
    limits.messages_max = 2;
    start(limits);
    const SessionId id = open();
    for (int i = 0; i < 5; ++i) {
        EXPECT_NE(deliver(id), Delivered::kNoRoom);
    }
    outbound->begin_event(now);
    EXPECT_EQ(deliver(id), Delivered::kNoRoom);
    send_all(id);
    outbound->begin_event(now);
    EXPECT_EQ(deliver(id), Delivered::kQueued);
}

TEST_F(OutboundTest, BytesCountWithinAnEventToo) {
    OutboundLimits limits;
    limits.bytes_max = 100;
    start(limits);
    const SessionId id = open();
    EXPECT_EQ(deliver(id, 500), Delivered::kQueuedLong) << "one is let in whatever its size";
    EXPECT_EQ(deliver(id, 1), Delivered::kNoRoom);
    EXPECT_FALSE(outbound->has_room(id, 1));
    send_all(id);
    EXPECT_TRUE(outbound->has_room(id, 1000));
}

TEST_F(OutboundTest, ALongQueueIsToldOfOnceUntilItWasShort) {
    OutboundLimits limits;
    limits.messages_max = 8;
    start(limits);
    const SessionId id = open();
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(deliver_event(id), Delivered::kQueued) << i;
    }
    EXPECT_EQ(deliver_event(id), Delivered::kQueuedLong);
    EXPECT_EQ(deliver_event(id), Delivered::kQueued);
    send_all(id);
    for (int i = 0; i < 4; ++i) {
        deliver_event(id);
    }
    EXPECT_EQ(deliver_event(id), Delivered::kQueuedLong);
}

// ---- Waiting for readers ----

class AwaitedReaders : public OutboundTest {
  protected:
    AwaitedReaders() {
        OutboundLimits limits;
        limits.messages_max = 4;
        limits.readers_are_awaited = true;
        limits.reader_timeout = 5s;
        start(limits);
    }
    void fill(SessionId id) {
        for (int i = 0; i < 4; ++i) {
            EXPECT_NE(deliver_event(id), Delivered::kNoRoom);
        }
    }
};

TEST_F(AwaitedReaders, BlockUntilHalfTheirQueueIsTaken) {
    const SessionId id = open();
    fill(id);
    EXPECT_TRUE(outbound->is_blocked());
    EXPECT_EQ(outbound->next_deadline(), now + 5s);
    static_cast<void>(outbound->on_sent(now, id, 10));
    EXPECT_TRUE(outbound->is_blocked());
    static_cast<void>(outbound->on_sent(now, id, 10));
    EXPECT_FALSE(outbound->is_blocked());
    EXPECT_EQ(outbound->next_deadline(), std::nullopt);
}

TEST_F(AwaitedReaders, AreOverdueInTheOrderInWhichTheyFellBehind) {
    const SessionId one = open();
    const SessionId two = open();
    const SessionId three = open();
    fill(one);
    now += 1s;
    fill(two);
    now += 1s;
    fill(three);
    // The first catches up and falls behind again.
    send_all(one);
    now += 1s;
    fill(one);
    EXPECT_EQ(outbound->next_deadline(), Instant(1h) + 6s);
    EXPECT_EQ(outbound->overdue_reader(Instant(1h) + 5999ms), std::nullopt);
    EXPECT_EQ(outbound->overdue_reader(Instant(1h) + 6s), two);
    outbound->mute(two);
    EXPECT_EQ(outbound->overdue_reader(Instant(1h) + 10s), three);
    outbound->remove(three);
    EXPECT_EQ(outbound->overdue_reader(Instant(1h) + 10s), one);
    outbound->mute(one);
    EXPECT_FALSE(outbound->is_blocked());
    EXPECT_EQ(outbound->overdue_reader(Instant(1h) + 10s), std::nullopt);
}

// ---- Notices ----

TEST_F(OutboundTest, NoticesSoonAfterAWriteWaitForEachOther) {
    start({});
    const SessionId id = open();
    deliver(id, 10, true);
    EXPECT_THAT(wanted(), ElementsAre(id)) << "nothing was written for long";
    send_all(id);
    now += 500us;
    outbound->begin_event(now);
    deliver(id, 10, true);
    deliver(id, 10, true);
    EXPECT_THAT(wanted(), IsEmpty());
    EXPECT_EQ(outbound->next_deadline(), now + Outbound::kNoticePause);
    outbound->on_deadline(now + Outbound::kNoticePause - 1ns);
    EXPECT_THAT(wanted(), IsEmpty());
    outbound->on_deadline(now + Outbound::kNoticePause);
    EXPECT_THAT(wanted(), ElementsAre(id));
    EXPECT_EQ(outbound->queue(id).size(), 2U);
    EXPECT_EQ(outbound->next_deadline(), std::nullopt);
}

TEST_F(OutboundTest, WhatIsUrgentTakesHeldNoticesAlong) {
    start({});
    const SessionId id = open();
    deliver(id);
    send_all(id);
    wanted();
    deliver(id, 10, true);
    EXPECT_THAT(wanted(), IsEmpty());
    deliver(id);
    EXPECT_THAT(wanted(), ElementsAre(id));
    EXPECT_EQ(outbound->queue(id).size(), 2U);
    send_all(id);
    outbound->on_deadline(now + 1ms);
    EXPECT_THAT(wanted(), IsEmpty()) << "the notice is written";
}

TEST_F(OutboundTest, SoManyNoticesAreDueAtOnceAndNoMore) {
    start({});
    std::vector<SessionId> all;
    for (std::size_t i = 0; i < Outbound::kNoticesPerDeadline + 5; ++i) {
        all.push_back(open());
        deliver(all.back());
        send_all(all.back());
        wanted();
        deliver(all.back(), 10, true);
    }
    now += 1ms;
    outbound->on_deadline(now);
    EXPECT_THAT(wanted(), SizeIs(Outbound::kNoticesPerDeadline));
    EXPECT_LE(outbound->next_deadline(), now) << "the rest is due still";
    outbound->on_deadline(now);
    EXPECT_THAT(wanted(), SizeIs(5));
}

// ---- All queues together ----

TEST_F(OutboundTest, ASharedFrameCountsOnceAndTheLongestQueueIsKnown) {
    OutboundLimits limits;
    start(limits);
    const SessionId one = open();
    const SessionId two = open();
    EXPECT_EQ(outbound->longest(), std::nullopt);
    const FrameRef frame = outbound->make_frame(message_of(100));
    EXPECT_EQ(outbound->deliver(one, frame, false), Delivered::kQueued);
    EXPECT_EQ(outbound->deliver(two, frame, false), Delivered::kQueued);
    EXPECT_EQ(outbound->bytes(), 100U);
    EXPECT_LE(outbound->bytes(), 100U);
    EXPECT_EQ(outbound->longest(), two) << "of equal ones the latest";
    deliver(one, 1);
    EXPECT_GT(outbound->bytes(), 100U);
    EXPECT_EQ(outbound->longest(), one);
    EXPECT_FALSE(outbound->is_all_written());
    outbound->mute(one);
    outbound->mute(two);
    EXPECT_EQ(outbound->bytes(), 100U) << "the test still has it";
    EXPECT_TRUE(outbound->is_all_written());
}

// ---- How sockets end ----

TEST_F(OutboundTest, ASocketLingersOnceItsLastBytesAreWritten) {
    start({});
    const SessionId id = add();
    outbound->reply(id, message_of(1));
    EXPECT_EQ(outbound->finish(now, id), Farewell::kLater);
    EXPECT_TRUE(outbound->is_finished(id));
    EXPECT_THAT(wanted(), ElementsAre(id));
    EXPECT_EQ(send_all(id), Farewell::kShutDown);
    EXPECT_EQ(outbound->next_deadline(), now + Outbound::kLingerTime);
    EXPECT_EQ(outbound->overdue_lingerer(now + Outbound::kLingerTime - 1ns), std::nullopt);
    EXPECT_EQ(outbound->overdue_lingerer(now + Outbound::kLingerTime), id);
    EXPECT_EQ(outbound->on_peer_closed(id, false), Farewell::kRelease);
    outbound->remove(id);
    EXPECT_EQ(outbound->next_deadline(), std::nullopt);
}

TEST_F(OutboundTest, APeerThatHasClosedItsSideStillGetsTheLastBytes) {
    start({});
    for (const bool before : {true, false}) {
        const SessionId id = add();
        outbound->reply(id, message_of(1));
        if (before) {
            EXPECT_EQ(outbound->on_peer_closed(id, false), Farewell::kLater);
        }
        EXPECT_EQ(outbound->finish(now, id), Farewell::kLater);
        if (!before) {
            EXPECT_EQ(outbound->on_peer_closed(id, false), Farewell::kLater);
        }
        EXPECT_EQ(send_all(id), Farewell::kRelease) << "nobody is left to read in peace";
        outbound->remove(id);
    }
}

TEST_F(OutboundTest, ABrokenConnectionIsNotWaitedFor) {
    start({});
    const SessionId id = add();
    outbound->reply(id, message_of(1));
    EXPECT_EQ(outbound->finish(now, id), Farewell::kLater);
    EXPECT_EQ(outbound->on_peer_closed(id, true), Farewell::kRelease);
}

TEST_F(OutboundTest, WithNothingToWriteASocketIsShutDownAtOnce) {
    start({});
    const SessionId id = open();
    outbound->mute(id);
    EXPECT_EQ(outbound->finish(now, id), Farewell::kShutDown);
}

TEST_F(OutboundTest, MoreThanSoManyDoNotLinger) {
    start({});
    for (std::size_t i = 0; i < Outbound::kLingeringMax; ++i) {
        ASSERT_EQ(outbound->finish(now, add()), Farewell::kShutDown);
    }
    const SessionId last = add();
    EXPECT_EQ(outbound->finish(now, last), Farewell::kRelease);
    outbound->remove(last);
    // One leaves, and there is room for one.
    outbound->remove(*outbound->overdue_lingerer(now + Outbound::kLingerTime));
    EXPECT_EQ(outbound->finish(now, add()), Farewell::kShutDown);
}

}  // namespace
}  // namespace spread::session
