// Readers who do not keep up: warnings, waiting for them, and the limit of all queues together.

#include <optional>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/session/test_daemon.hpp"

namespace spread::session {
namespace {

using namespace std::chrono_literals;
using protocol::SessionId;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// "reader" and "other" sit in "room" without membership messages; "writer" sends there.
class SlowReaders : public testing::Test {
  protected:
    void start(SessionConfig config) {
        daemon.emplace(std::move(config));
        for (SessionId* member : {&reader, &other}) {
            const std::string name = member == &reader ? "reader" : "other";
            *member = daemon->open(name, false);
            daemon->send(*member, join_bytes("room", "#" + name + "#d1"));
        }
        writer = daemon->open("writer");
        daemon->run_ring();
    }

    void write(std::string_view body = "x") {
        daemon->send(writer, multicast_bytes({"room"}, body, protocol::kAgreedMess, "#writer#d1"));
        daemon->run_ring();
        daemon->sent(other);
    }

    static SessionConfig blocking(std::uint32_t messages) {
        SessionConfig config;
        config.max_session_messages = messages;
        config.slow_reader_policy = SlowReaderPolicy::kBlock;
        return config;
    }

    std::optional<TestDaemon> daemon;
    SessionId reader;
    SessionId other;
    SessionId writer;
};

TEST_F(SlowReaders, AreWarnedOfOnceAtHalfTheirLimit) {
    SessionConfig config;
    config.max_session_messages = 10;
    start(config);
    for (int i = 0; i < 5; ++i) {
        write();
    }
    EXPECT_THAT(daemon->warnings, IsEmpty());
    write();
    EXPECT_THAT(daemon->warnings,
                ElementsAre(testing::AllOf(HasSubstr("#reader#d1"), HasSubstr("6 messages"),
                                           HasSubstr("limit 10"))));
    write();
    EXPECT_THAT(daemon->warnings, SizeIs(1));
    // And again after they have caught up in between.
    daemon->sent(reader);
    for (int i = 0; i < 6; ++i) {
        write();
    }
    EXPECT_THAT(daemon->warnings, SizeIs(2));
}

TEST_F(SlowReaders, BeginAndEndToBeSlow) {
    SessionConfig config;
    config.max_session_messages = 10;
    start(config);
    for (int i = 0; i < 7; ++i) {
        daemon->now += 1s;
        write();
    }
    ASSERT_THAT(daemon->notes, SizeIs(1));
    EXPECT_STREQ(daemon->notes[0].event, "slow_begin");
    EXPECT_EQ(daemon->notes[0].client, "#reader#d1");
    daemon->now += 2s;
    daemon->sent(reader, 1);
    EXPECT_THAT(daemon->notes, SizeIs(1)) << "it has not caught up yet";
    daemon->sent(reader);
    ASSERT_THAT(daemon->notes, SizeIs(2));
    EXPECT_STREQ(daemon->notes[1].event, "slow_end");
    EXPECT_EQ(daemon->notes[1].text, "has caught up after 3 s; 7 messages waited at most");
}

TEST_F(SlowReaders, AreWarnedOfForTheirBytesToo) {
    SessionConfig config;
    config.max_session_bytes = 10000;
    start(config);
    write(std::string(4000, 'x'));
    EXPECT_THAT(daemon->warnings, IsEmpty());
    write(std::string(2000, 'x'));
    EXPECT_THAT(daemon->warnings, SizeIs(1));
}

TEST_F(SlowReaders, AreWaitedForIfThatIsThePolicy) {
    start(blocking(4));
    for (int i = 0; i < 4; ++i) {
        EXPECT_FALSE(daemon->core().is_blocked());
        write();
    }
    EXPECT_TRUE(daemon->core().is_blocked());
    EXPECT_THAT(daemon->stops, IsEmpty());
    daemon->sent(reader, 81);
    EXPECT_TRUE(daemon->core().is_blocked()) << "it has to catch up properly";
    daemon->sent(reader, 81);
    EXPECT_FALSE(daemon->core().is_blocked());
    EXPECT_EQ(daemon->core().next_deadline(), std::nullopt);
}

TEST_F(SlowReaders, AreWaitedForBecauseOfTheirBytesToo) {
    SessionConfig config = blocking(1000);
    config.max_session_bytes = 5000;
    start(config);
    write(std::string(6000, 'x'));
    EXPECT_TRUE(daemon->core().is_blocked());
    daemon->sent(reader);
    EXPECT_FALSE(daemon->core().is_blocked());
}

TEST_F(SlowReaders, AreDroppedAfterTheTimeOthersWaitForThem) {
    start(blocking(2));
    write();
    write();
    ASSERT_EQ(daemon->core().next_deadline(), daemon->now + 5s);
    daemon->now += 5s;
    daemon->fire_deadlines();
    EXPECT_FALSE(daemon->core().is_blocked());
    EXPECT_THAT(daemon->stops, ElementsAre(reader));
    daemon->run_ring();
    ASSERT_TRUE(daemon->close_of(reader));
    EXPECT_EQ(daemon->close_of(reader)->reason, CloseReason::kSlowReader);
    EXPECT_THAT(daemon->close_of(reader)->detail, HasSubstr("did not catch up within 5 s"));
}

TEST_F(SlowReaders, WhoLeavesIsNotWaitedForAnyMore) {
    start(blocking(1));
    write();
    EXPECT_TRUE(daemon->core().is_blocked());
    daemon->hang_up(reader);
    EXPECT_FALSE(daemon->core().is_blocked());
    EXPECT_EQ(daemon->core().next_deadline(), std::nullopt);
}

TEST_F(SlowReaders, TheLongestQueueGoesWhenAllTogetherHoldTooMuch) {
    SessionConfig config;
    config.queued_bytes_max = 900;
    start(config);
    const SessionId second = daemon->open("second", false);
    daemon->send(second, join_bytes("big", "#second#d1"));
    write("12345");
    daemon->send(writer, multicast_bytes({"big"}, std::string(500, 'x'), protocol::kAgreedMess,
                                         "#writer#d1"));
    daemon->run_ring();
    EXPECT_THAT(daemon->stops, IsEmpty());
    write(std::string(200, 'y'));
    EXPECT_THAT(daemon->stops, ElementsAre(second));
    EXPECT_EQ(daemon->close_of(second)->reason, CloseReason::kSlowReader);
    EXPECT_THAT(daemon->close_of(second)->detail, HasSubstr("#second#d1"));
    EXPECT_EQ(daemon->core().queued().bytes, 80U + 5U + 80U + 200U);
    write(std::string(600, 'z'));
    EXPECT_THAT(daemon->stops, ElementsAre(second, reader));
    EXPECT_EQ(daemon->core().queued().bytes, 0U);
}

TEST_F(SlowReaders, NobodyElseGoesWhereTheLongestQueueHoldsWhatOthersKeep) {
    SessionConfig config;
    config.queued_bytes_max = 100;
    start(config);
    daemon->send(writer, multicast_bytes({"room"}, std::string(200, 'x'), protocol::kAgreedMess,
                                         "#writer#d1"));
    daemon->step_ring();
    EXPECT_THAT(daemon->stops, SizeIs(1)) << "its end has freed nothing";
    EXPECT_EQ(daemon->core().queued().bytes, 80U + 200U);
}

TEST_F(SlowReaders, TheLongestQueuesAndTheNewestDemandsGoWhenMemoryIsShort) {
    start({});
    const SessionId second = daemon->open("second", false);
    daemon->send(second, join_bytes("big", "#second#d1"));
    write("12345");
    daemon->send(writer, multicast_bytes({"big"}, std::string(500, 'x'), protocol::kAgreedMess,
                                         "#writer#d1"));
    daemon->run_ring();
    daemon->set_memory_short(true);
    EXPECT_THAT(daemon->stops, ElementsAre(second)) << "half of what waits is enough";
    EXPECT_THAT(daemon->info(reader).messages_queued, 1U);
    daemon->run_ring();
    EXPECT_THAT(daemon->close_of(second)->detail, HasSubstr("memory is short"));

    const SessionId late = daemon->accept();
    EXPECT_EQ(daemon->close_of(late)->reason, CloseReason::kRejected);
    daemon->send(writer, join_bytes("room", "#writer#d1"));
    EXPECT_THAT(daemon->ring, IsEmpty());
    EXPECT_THAT(daemon->warnings, ElementsAre(HasSubstr("memory is short")));
    daemon->set_memory_short(false);
    daemon->send(writer, join_bytes("room", "#writer#d1"));
    EXPECT_THAT(daemon->ring, SizeIs(1));
    daemon->open("young");
}

TEST(LoadShedding, WithoutOpenSessionsThereIsNothingToEnd) {
    SessionConfig config;
    config.queued_bytes_max = 1;
    TestDaemon daemon(config);
    const SessionId young = daemon.accept();
    daemon.send(young, connect_bytes("young"));
    const SessionId writer = daemon.open("writer");
    daemon.send(writer, multicast_bytes({"room"}, "x", protocol::kAgreedMess, "#writer#d1"));
    daemon.run_ring();
    EXPECT_THAT(daemon.stops, IsEmpty());
}

}  // namespace
}  // namespace spread::session
