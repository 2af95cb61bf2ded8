#include "daemon/host/wakeup.hpp"

#include <poll.h>

#include <thread>

#include <gtest/gtest.h>

#include "daemon/driver/spsc_queue.hpp"

namespace spread::daemon {
namespace {

using driver::SpscQueue;

bool readable(const Wakeup& wakeup) {
    pollfd entry{wakeup.fd(), POLLIN, 0};
    return ::poll(&entry, 1, 0) == 1;
}

TEST(Wakeup, CostsNoSystemCallWhileTheOtherSideIsAwake) {
    Wakeup wakeup;
    EXPECT_FALSE(wakeup.notify(1));
    EXPECT_FALSE(readable(wakeup));
}

TEST(Wakeup, WritesOnceForASleeper) {
    Wakeup wakeup;
    wakeup.arm(1);
    EXPECT_TRUE(wakeup.notify(1));
    EXPECT_FALSE(wakeup.notify(1));
    EXPECT_TRUE(readable(wakeup));
    wakeup.drain();
    EXPECT_FALSE(readable(wakeup));
}

TEST(Wakeup, IgnoresReasonsTheSleeperDoesNotWait) {
    Wakeup wakeup;
    wakeup.arm(1 | 4);
    EXPECT_FALSE(wakeup.notify(2));
    EXPECT_TRUE(wakeup.notify(4));
    EXPECT_TRUE(wakeup.notify(1 | 2));
}

TEST(Wakeup, IsQuietAgainAfterDisarm) {
    Wakeup wakeup;
    wakeup.arm(1);
    wakeup.disarm();
    EXPECT_FALSE(wakeup.notify(1));
}

TEST(Wakeup, IsNeverLostBetweenALookAtTheQueueAndSleep) {
    constexpr int kCount = 20'000;
    SpscQueue<int> queue(4);
    Wakeup consumer_wakeup;
    Wakeup producer_wakeup;
    bool stuck = false;
    std::thread producer([&] {
        for (int i = 0; i < kCount;) {
            if (queue.try_push(int{i})) {
                ++i;
                consumer_wakeup.notify(1);
                continue;
            }
            producer_wakeup.arm(1);
            if (queue.size() == queue.capacity()) {
                pollfd entry{producer_wakeup.fd(), POLLIN, 0};
                if (::poll(&entry, 1, 20'000) != 1) {
                    stuck = true;
                    return;
                }
                producer_wakeup.drain();
            }
            producer_wakeup.disarm();
        }
    });
    int taken = 0;
    while (taken < kCount) {
        if (queue.front() != nullptr) {
            queue.pop();
            ++taken;
            producer_wakeup.notify(1);
            continue;
        }
        consumer_wakeup.arm(1);
        if (queue.front() == nullptr) {
            pollfd entry{consumer_wakeup.fd(), POLLIN, 0};
            if (::poll(&entry, 1, 20'000) != 1) {
                break;
            }
            consumer_wakeup.drain();
        }
        consumer_wakeup.disarm();
    }
    producer.join();
    EXPECT_EQ(taken, kCount);
    EXPECT_FALSE(stuck);
}

}  // namespace
}  // namespace spread::daemon
