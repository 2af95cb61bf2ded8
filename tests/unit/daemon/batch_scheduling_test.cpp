#include "daemon/clients/batch_scheduling.hpp"

#include <sched.h>

#include <thread>

#include <gtest/gtest.h>

namespace spread::daemon {
namespace {

/// Each test in a thread of its own, which is what the policy belongs to.
template <typename Body>
void in_a_thread(Body&& body) {
    std::thread(std::forward<Body>(body)).join();
}

class Load {
  public:
    explicit Load(BatchScheduling& batch) : batch_(batch) { batch_.begin(now_); }
    void run(double rate, int windows) {
        for (int i = 0; i < windows; ++i) {
            now_ += BatchScheduling::kWindow;
            batch_.count(static_cast<std::size_t>(
                rate * std::chrono::duration<double>(BatchScheduling::kWindow).count()));
            batch_.weigh(now_);
        }
    }

  private:
    BatchScheduling& batch_;
    protocol::Instant now_ = protocol::Instant{} + std::chrono::seconds(1);
};

TEST(BatchScheduling, FollowsTheLoadAndHasPatience) {
    in_a_thread([] {
        BatchScheduling batch;
        Load load(batch);
        EXPECT_EQ(sched_getscheduler(0), SCHED_OTHER);
        load.run(BatchScheduling::kOnRate / 2, 5);
        EXPECT_EQ(sched_getscheduler(0), SCHED_OTHER);
        load.run(2 * BatchScheduling::kOnRate, 1);
        EXPECT_TRUE(batch.is_on());
        EXPECT_EQ(sched_getscheduler(0), SCHED_BATCH);
        load.run((BatchScheduling::kOnRate + BatchScheduling::kOffRate) / 2, 5);
        EXPECT_EQ(sched_getscheduler(0), SCHED_BATCH) << "between the two nothing changes";
        load.run(BatchScheduling::kOffRate / 2, 1);
        EXPECT_EQ(sched_getscheduler(0), SCHED_OTHER);
        EXPECT_FALSE(batch.is_on());
        load.run((BatchScheduling::kOnRate + BatchScheduling::kOffRate) / 2, 5);
        EXPECT_EQ(sched_getscheduler(0), SCHED_OTHER);
    });
}

TEST(BatchScheduling, LooksOnlyAtWholeWindows) {
    in_a_thread([] {
        BatchScheduling batch;
        const protocol::Instant start = protocol::Instant{} + std::chrono::seconds(1);
        batch.begin(start);
        batch.count(1'000'000);
        batch.weigh(start + BatchScheduling::kWindow / 2);
        EXPECT_FALSE(batch.is_on());
        batch.weigh(start + BatchScheduling::kWindow);
        EXPECT_TRUE(batch.is_on());
    });
}

TEST(BatchScheduling, LeavesAChosenPolicyAlone) {
    for (const int policy : {SCHED_BATCH, SCHED_IDLE}) {
        in_a_thread([policy] {
            const sched_param none{};
            ASSERT_EQ(sched_setscheduler(0, policy, &none), 0);
            BatchScheduling batch;
            Load load(batch);
            load.run(2 * BatchScheduling::kOnRate, 2);
            EXPECT_EQ(sched_getscheduler(0), policy);
            load.run(0, 2);
            EXPECT_EQ(sched_getscheduler(0), policy);
        });
    }
}

}  // namespace
}  // namespace spread::daemon
