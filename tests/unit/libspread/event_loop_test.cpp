// The event loop behind sp_events.h: order of a round, timers, watches, and the C functions' codes.

#include "client/c/event_loop.hpp"

#include <fcntl.h>
#include <sp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spread::c_api {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr sp_time kNow{0, 0};
constexpr sp_time kMuchLater{3600, 0};

/// What callbacks, which are plain functions, write down.
struct Diary {
    EventLoop loop;
    std::vector<std::string> entries;
    std::size_t stop_after = 0;  ///< so many entries

    void note(std::string entry) {
        entries.push_back(std::move(entry));
        if (entries.size() == stop_after) {
            loop.stop();
        }
    }
    /// Runs until so many entries are there.
    void run(std::size_t count) {
        stop_after = entries.size() + count;
        loop.run();
    }
};

void on_timer(int code, void* data) {
    static_cast<Diary*>(data)->note("timer " + std::to_string(code));
}

/// Takes one byte.
void on_byte(int descriptor, int code, void* data) {
    char byte = 0;
    EXPECT_EQ(read(descriptor, &byte, 1), 1);
    static_cast<Diary*>(data)->note("read " + std::to_string(code) + " " + byte);
}

void on_room(int /*descriptor*/, int code, void* data) {
    static_cast<Diary*>(data)->note("room " + std::to_string(code));
}

/// Two sockets, of which one is watched and the other talks.
class Channel {
  public:
    Channel() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data()), 0); }
    ~Channel() {
        close(ends_[0]);
        close(ends_[1]);
    }
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    [[nodiscard]] int watched() const { return ends_[0]; }
    [[nodiscard]] int other() const { return ends_[1]; }
    void say(const std::string& bytes) const {
        EXPECT_EQ(write(ends_[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    }

  private:
    std::array<int, 2> ends_{};
};

class EventLoopTest : public ::testing::Test {
  protected:
    int watch(const Channel& channel, int code, int priority) {
        return diary_.loop.attach(channel.watched(), READ_FD, on_byte, code, &diary_, priority);
    }
    void timer(int code, const sp_time& delta) {
        diary_.loop.queue(on_timer, code, &diary_, delta);
    }

    Diary diary_;
};

TEST_F(EventLoopTest, TimersRunInOrderOfTimeAndEqualOnesInTheOrderQueued) {
    timer(3, kNow);
    timer(1, {-2, 0});
    timer(2, {-1, 0});
    timer(4, kNow);
    timer(5, kMuchLater);
    diary_.run(4);
    EXPECT_THAT(diary_.entries, ElementsAre("timer 1", "timer 2", "timer 3", "timer 4"));
    EXPECT_TRUE(diary_.loop.is_queued(on_timer, 5, &diary_));
}

TEST_F(EventLoopTest, TheSameTimerQueuedAgainIsReplaced) {
    timer(1, {-5, 0});
    timer(1, kNow);
    timer(2, {-1, 0});
    diary_.run(2);
    EXPECT_THAT(diary_.entries, ElementsAre("timer 2", "timer 1"));
    EXPECT_FALSE(diary_.loop.is_queued(on_timer, 1, &diary_));
    // Another code, or other data, is another timer.
    int other = 0;
    timer(1, kMuchLater);
    diary_.loop.queue(on_timer, 1, &other, kMuchLater);
    EXPECT_TRUE(diary_.loop.dequeue(on_timer, 1, &other));
    EXPECT_FALSE(diary_.loop.dequeue(on_timer, 1, &other));
    EXPECT_TRUE(diary_.loop.is_queued(on_timer, 1, &diary_));
}

void on_timer_again(int code, void* data) {
    auto* diary = static_cast<Diary*>(data);
    diary->note("again");
    diary->loop.queue(on_timer_again, code, data, kNow);
}

TEST_F(EventLoopTest, ATimerThatQueuesItselfAtOnceLeavesRoomForDescriptors) {
    const Channel channel;
    watch(channel, 0, LOW_PRIORITY);
    diary_.loop.queue(on_timer_again, 0, &diary_, kNow);
    timer(7, kMuchLater);
    diary_.run(1);  // the timers have begun
    channel.say("x");
    diary_.run(1000);
    EXPECT_THAT(diary_.entries, ::testing::Contains("read 0 x"));
}

TEST_F(EventLoopTest, TheHighestReadyPriorityIsServedWithOneOfTheLowestBesides) {
    const Channel low;
    const Channel medium;
    const Channel high;
    watch(low, LOW_PRIORITY, LOW_PRIORITY);
    watch(medium, MEDIUM_PRIORITY, MEDIUM_PRIORITY);
    watch(high, HIGH_PRIORITY, HIGH_PRIORITY);
    for (const auto* channel : {&low, &medium, &high}) {
        channel->say("12");
    }
    diary_.run(6);
    EXPECT_THAT(diary_.entries, ElementsAre("read 2 1", "read 0 1", "read 2 2", "read 0 2",
                                            "read 1 1", "read 1 2"));
}

TEST_F(EventLoopTest, DescriptorsOfTheLowestPriorityTakeTurns) {
    const Channel one;
    const Channel two;
    watch(one, 1, LOW_PRIORITY);
    watch(two, 2, LOW_PRIORITY);
    one.say("abc");
    two.say("xyz");
    diary_.run(6);
    EXPECT_THAT(diary_.entries, ElementsAre("read 1 a", "read 2 x", "read 1 b", "read 2 y",
                                            "read 1 c", "read 2 z"));
}

TEST_F(EventLoopTest, UrgentDescriptorsHoldUpTheFirstTimers) {
    const Channel high;
    watch(high, 0, HIGH_PRIORITY);
    high.say("ab");
    timer(1, {-1, 0});
    diary_.run(3);
    EXPECT_THAT(diary_.entries, ElementsAre("read 0 a", "read 0 b", "timer 1"));
}

TEST_F(EventLoopTest, TheThresholdLeavesOutWhatIsBelowIt) {
    const Channel low;
    const Channel medium;
    watch(low, 0, LOW_PRIORITY);
    watch(medium, 1, MEDIUM_PRIORITY);
    diary_.loop.set_threshold(MEDIUM_PRIORITY);
    low.say("l");
    medium.say("m");
    diary_.run(1);
    timer(9, kNow);
    diary_.run(1);
    EXPECT_THAT(diary_.entries, ElementsAre("read 1 m", "timer 9"));
    diary_.loop.set_threshold(LOW_PRIORITY);
    diary_.run(1);
    EXPECT_EQ(diary_.entries.back(), "read 0 l");
}

TEST_F(EventLoopTest, AWatchThatSleepsIsNotCalledUntilItIsWoken) {
    const Channel one;
    const Channel two;
    watch(one, 1, LOW_PRIORITY);
    watch(two, 2, LOW_PRIORITY);
    EXPECT_EQ(diary_.loop.active_count(LOW_PRIORITY), 2);
    EXPECT_TRUE(diary_.loop.set_active(one.watched(), READ_FD, false));
    EXPECT_EQ(diary_.loop.active_count(LOW_PRIORITY), 1);
    one.say("a");
    two.say("x");
    diary_.run(1);
    EXPECT_TRUE(diary_.loop.set_active(one.watched(), READ_FD, true));
    diary_.run(1);
    EXPECT_THAT(diary_.entries, ElementsAre("read 2 x", "read 1 a"));
    EXPECT_FALSE(diary_.loop.set_active(one.watched(), WRITE_FD, false));
}

TEST_F(EventLoopTest, AttachingAgainReplacesAndWakes) {
    const Channel channel;
    EXPECT_EQ(watch(channel, 1, LOW_PRIORITY), 0);
    EXPECT_TRUE(diary_.loop.set_active(channel.watched(), READ_FD, false));
    EXPECT_EQ(watch(channel, 2, LOW_PRIORITY), 1);
    EXPECT_EQ(watch(channel, 3, HIGH_PRIORITY), 0);  // at another priority it is another watch
    EXPECT_TRUE(diary_.loop.detach(channel.watched(), READ_FD, HIGH_PRIORITY, HIGH_PRIORITY));
    EXPECT_FALSE(diary_.loop.detach(channel.watched(), READ_FD, HIGH_PRIORITY, HIGH_PRIORITY));
    channel.say("x");
    diary_.run(1);
    EXPECT_THAT(diary_.entries, ElementsAre("read 2 x"));
    EXPECT_TRUE(diary_.loop.detach(channel.watched(), READ_FD, LOW_PRIORITY, HIGH_PRIORITY));
    EXPECT_EQ(diary_.loop.active_count(LOW_PRIORITY), 0);
}

struct Detaching {
    Diary* diary;
    int other;
};

void detach_the_other(int descriptor, int code, void* data) {
    auto* detaching = static_cast<Detaching*>(data);
    EXPECT_TRUE(
        detaching->diary->loop.detach(detaching->other, READ_FD, LOW_PRIORITY, HIGH_PRIORITY));
    on_byte(descriptor, code, detaching->diary);
}

TEST_F(EventLoopTest, WhatACallbackDetachesIsNotCalledAnyMore) {
    const Channel one;
    const Channel two;
    Detaching detaching{&diary_, two.watched()};
    EXPECT_EQ(
        diary_.loop.attach(one.watched(), READ_FD, detach_the_other, 1, &detaching, HIGH_PRIORITY),
        0);
    watch(two, 2, HIGH_PRIORITY);
    one.say("a");
    two.say("x");
    timer(9, kNow);
    diary_.run(2);
    EXPECT_THAT(diary_.entries, ElementsAre("read 1 a", "timer 9"));
}

TEST_F(EventLoopTest, RoomAndUrgentBytesAreWatchedToo) {
    const Channel channel;
    EXPECT_EQ(diary_.loop.attach(channel.watched(), WRITE_FD, on_room, 1, &diary_, LOW_PRIORITY),
              0);
    diary_.run(1);
    EXPECT_THAT(diary_.entries, ElementsAre("room 1"));
}

TEST_F(EventLoopTest, TheEndOfAStreamMakesItReadable) {
    const Channel channel;
    shutdown(channel.other(), SHUT_WR);
    EXPECT_EQ(diary_.loop.attach(channel.watched(), READ_FD, on_room, 1, &diary_, LOW_PRIORITY), 0);
    diary_.run(1);
    EXPECT_THAT(diary_.entries, ElementsAre("room 1"));
}

TEST_F(EventLoopTest, ADescriptorThatWasClosedIsNotWaitedFor) {
    const int closed = dup(STDIN_FILENO);
    ASSERT_GE(closed, 0);
    close(closed);
    EXPECT_EQ(diary_.loop.attach(closed, READ_FD, on_room, 1, &diary_, HIGH_PRIORITY), 0);
    timer(1, kNow);
    diary_.run(1);
    EXPECT_THAT(diary_.entries, ElementsAre("timer 1"));
    EXPECT_EQ(diary_.loop.active_count(HIGH_PRIORITY), 0);
}

TEST_F(EventLoopTest, DescriptorNumbersBeyondThoseOfSelectWork) {
    const Channel channel;
    const int high = fcntl(channel.watched(), F_DUPFD, 2000);
    if (high < 0) {
        GTEST_SKIP() << "this process may not have so many descriptors";
    }
    channel.say("x");
    EXPECT_EQ(diary_.loop.attach(high, READ_FD, on_byte, 1, &diary_, LOW_PRIORITY), 0);
    diary_.run(1);
    EXPECT_THAT(diary_.entries, ElementsAre("read 1 x"));
    close(high);
}

TEST_F(EventLoopTest, AStopWhileNothingRunsIsForgotten) {
    diary_.loop.stop();
    timer(1, kNow);
    diary_.run(1);
    EXPECT_THAT(diary_.entries, ElementsAre("timer 1"));
}

TEST_F(EventLoopTest, ResetForgetsTimersWatchesAndThreshold) {
    const Channel channel;
    watch(channel, 1, LOW_PRIORITY);
    timer(1, kNow);
    diary_.loop.set_threshold(HIGH_PRIORITY);
    diary_.loop.reset();
    EXPECT_EQ(diary_.loop.active_count(LOW_PRIORITY), 0);
    EXPECT_FALSE(diary_.loop.is_queued(on_timer, 1, &diary_));
    watch(channel, 2, LOW_PRIORITY);
    channel.say("x");
    diary_.run(1);
    EXPECT_THAT(diary_.entries, ElementsAre("read 2 x"));
}

// ---- The functions of sp_events.h ----

bool is(const sp_time& time, long sec, long usec) {
    return time.sec == sec && time.usec == usec;
}

TEST(EventFunctions, TimesAreAddedSubtractedAndCompared) {
    EXPECT_TRUE(is(E_sub_time({5, 0}, {2, 1}), 2, 999999));
    EXPECT_TRUE(is(E_sub_time({1, 200000}, {2, 100000}), 0, -900000));
    EXPECT_TRUE(is(E_sub_time({1, 500000}, {2, 600000}), -1, -100000));
    EXPECT_TRUE(is(E_add_time({1, 600000}, {2, 500000}), 4, 100000));
    EXPECT_TRUE(is(E_neg_time({1, 5}), -1, -5));
    EXPECT_EQ(E_compare_time({1, 0}, {0, 999999}), 1);
    EXPECT_EQ(E_compare_time({1, 1}, {1, 1}), 0);
    EXPECT_EQ(E_compare_time({1, 1}, {1, 2}), -1);
}

TEST(EventFunctions, SayWhatTheyDidInTheCodesProgramsKnow) {
    EXPECT_EQ(E_init(), 0);
    Diary unused;
    EXPECT_EQ(E_queue(on_timer, 1, &unused, kMuchLater), 0);
    EXPECT_EQ(E_in_queue(on_timer, 1, &unused), 1);
    EXPECT_EQ(E_dequeue(on_timer, 1, &unused), 0);
    EXPECT_EQ(E_dequeue(on_timer, 1, &unused), -1);
    EXPECT_EQ(E_in_queue(on_timer, 1, &unused), 0);

    EXPECT_EQ(E_attach_fd(0, READ_FD, on_byte, 0, nullptr, LOW_PRIORITY), 0);
    EXPECT_EQ(E_attach_fd(0, READ_FD, on_byte, 0, nullptr, LOW_PRIORITY), 1);
    EXPECT_EQ(E_num_active(LOW_PRIORITY), 1);
    EXPECT_EQ(E_deactivate_fd(0, READ_FD), 0);
    EXPECT_EQ(E_num_active(LOW_PRIORITY), 0);
    EXPECT_EQ(E_activate_fd(0, READ_FD), 0);
    EXPECT_EQ(E_detach_fd_priority(0, READ_FD, HIGH_PRIORITY), -1);
    EXPECT_EQ(E_detach_fd(0, READ_FD), 0);
    EXPECT_EQ(E_detach_fd(0, READ_FD), -1);
    EXPECT_EQ(E_set_active_threshold(MEDIUM_PRIORITY), MEDIUM_PRIORITY);

    ::testing::internal::CaptureStdout();
    EXPECT_EQ(E_attach_fd(-1, READ_FD, on_byte, 0, nullptr, LOW_PRIORITY), -1);
    EXPECT_EQ(E_attach_fd(0, NUM_FDTYPES, on_byte, 0, nullptr, LOW_PRIORITY), -1);
    EXPECT_EQ(E_attach_fd(0, READ_FD, on_byte, 0, nullptr, NUM_PRIORITY), -1);
    EXPECT_EQ(E_detach_fd(0, -1), -1);
    EXPECT_EQ(E_detach_fd_priority(0, READ_FD, -1), -1);
    EXPECT_EQ(E_activate_fd(0, 7), -1);
    EXPECT_EQ(E_set_active_threshold(NUM_PRIORITY), -1);
    EXPECT_EQ(E_num_active(-1), -1);
    EXPECT_NE(::testing::internal::GetCapturedStdout(), "");
    EXPECT_EQ(E_init(), 0);
}

TEST(EventFunctions, APriorityHoldsTwoThousandDescriptors) {
    EXPECT_EQ(E_init(), 0);
    for (int number = 0; number < MAX_FD_EVENTS; ++number) {
        ASSERT_EQ(E_attach_fd(number, READ_FD, on_byte, 0, nullptr, HIGH_PRIORITY), 0);
    }
    ::testing::internal::CaptureStdout();
    EXPECT_EQ(E_attach_fd(MAX_FD_EVENTS, READ_FD, on_byte, 0, nullptr, HIGH_PRIORITY), -1);
    EXPECT_NE(::testing::internal::GetCapturedStdout(), "");
    EXPECT_EQ(E_attach_fd(MAX_FD_EVENTS, READ_FD, on_byte, 0, nullptr, LOW_PRIORITY), 0);
    EXPECT_EQ(E_init(), 0);
}

void raise_and_stop(int /*code*/, void* data) {
    *static_cast<bool*>(data) = true;
    static_cast<void>(std::raise(SIGUSR1));
}

TEST(EventFunctions, ASignalHandlerMayEndTheLoop) {
    EXPECT_EQ(E_init(), 0);
    struct sigaction action {};
    struct sigaction before {};
    action.sa_handler = [](int) { E_exit_events_async_safe(); };
    ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
    bool has_run = false;
    EXPECT_EQ(E_queue(raise_and_stop, 0, &has_run, kNow), 0);
    E_handle_events();
    EXPECT_TRUE(has_run);
    sigaction(SIGUSR1, &before, nullptr);
}

}  // namespace
}  // namespace spread::c_api
