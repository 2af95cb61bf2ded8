#include "tools/spsim/batch.hpp"

#include <signal.h>
#include <unistd.h>

#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "tests/sim/generator.hpp"
#include "tests/unit/spsim/fake.hpp"

namespace spread::spsim {
namespace {

struct Collected {
    BatchResult result;
    std::map<std::uint64_t, sim::Verdict> failures;
};

Collected collect(const Batch& batch, const Fake& fake) {
    Collected collected;
    collected.result = run_batch(
        batch, fake,
        [&](std::uint64_t seed, const sim::Verdict& verdict) {
            collected.failures[seed] = verdict;
        },
        [](const BatchResult&) {});
    return collected;
}

Batch seeds(std::uint64_t first, std::uint64_t count, unsigned jobs) {
    Batch batch;
    batch.first = first;
    batch.seeds = count;
    batch.jobs = jobs;
    return batch;
}

TEST(SpsimBatch, EverySeedRunsOnceWhateverTheNumberOfJobs) {
    const auto alone = collect(seeds(100, 40, 1), {});
    const auto together = collect(seeds(100, 40, 4), {});
    for (const auto* one : {&alone, &together}) {
        EXPECT_EQ(one->result.seeds, 40U);
        EXPECT_EQ(one->result.failures, 0U);
        EXPECT_EQ(one->result.sum.events, (100 + 139) * 40U / 2);
        EXPECT_EQ(one->result.events.size(), 40U);
    }
    EXPECT_EQ(alone.result.digest, together.result.digest);
    EXPECT_NE(alone.result.digest, collect(seeds(101, 40, 1), {}).result.digest);
}

TEST(SpsimBatch, NoSeedsAreFine) {
    EXPECT_EQ(collect(seeds(1, 0, 4), {}).result.seeds, 0U);
}

TEST(SpsimBatch, TheFirstFailureEndsIt) {
    Fake fake;
    fake.violates = 10;
    const auto collected = collect(seeds(1, 1000, 2), fake);
    ASSERT_EQ(collected.failures.size(), 1U);
    EXPECT_EQ(collected.failures.begin()->first % 10, 0U);
    EXPECT_EQ(collected.failures.begin()->second.violation->property, "P4");
    EXPECT_LT(collected.result.seeds, 100U);
}

TEST(SpsimBatch, KeepingGoingFindsAllFailures) {
    Fake fake;
    fake.violates = 10;
    auto batch = seeds(1, 50, 3);
    batch.keeps_going = true;
    const auto collected = collect(batch, fake);
    EXPECT_EQ(collected.result.seeds, 50U);
    EXPECT_EQ(collected.result.failures, 5U);
    EXPECT_EQ(collected.failures.size(), 5U);
}

TEST(SpsimBatch, ASeedThatEndsItsProcessIsAFailureWithItsLastWords) {
    Fake fake;
    fake.dies = 7;
    auto batch = seeds(1, 20, 2);
    batch.keeps_going = true;
    const auto collected = collect(batch, fake);
    EXPECT_EQ(collected.result.seeds, 20U);
    ASSERT_EQ(collected.failures.size(), 1U);
    const checker::Violation& violation = *collected.failures.at(7).violation;
    EXPECT_EQ(violation.property, kDied);
    EXPECT_EQ(violation.summary, "the run died of exit status 77");
    EXPECT_EQ(violation.evidence, std::vector<std::string>{"assertion failed: fake"});
}

TEST(SpsimBatch, ASeedThatNeverEndsIsAFailure) {
    Fake fake;
    fake.hangs = 5;
    auto batch = seeds(1, 10, 2);
    batch.keeps_going = true;
    batch.patience = std::chrono::milliseconds(500);
    const auto collected = collect(batch, fake);
    EXPECT_EQ(collected.result.seeds, 10U);
    ASSERT_EQ(collected.failures.size(), 1U);
    EXPECT_EQ(collected.failures.at(5).violation->property, kHangs);
}

// As one whose process was stopped for a while.
TEST(SpsimBatch, ASeedThatStandsStillDoesNotHang) {
    Fake fake;
    fake.stands_still = 5;
    auto batch = seeds(1, 10, 2);
    batch.patience = std::chrono::milliseconds(300);
    const auto collected = collect(batch, fake);
    EXPECT_EQ(collected.result.seeds, 10U);
    EXPECT_EQ(collected.result.failures, 0U);
    Worker worker(scenario_work(fake, {}));
    sim::Scenario scenario;
    scenario.luck = 5;
    EXPECT_FALSE(run_isolated(worker, scenario, batch.patience).violation);
}

TEST(SpsimBatch, AScenarioThatNeverEndsIsAViolation) {
    Fake fake;
    fake.hangs = 5;
    Worker worker(scenario_work(fake, {}));
    sim::Scenario scenario;
    scenario.luck = 5;
    const auto verdict = run_isolated(worker, scenario, std::chrono::milliseconds(300));
    ASSERT_TRUE(verdict.violation);
    EXPECT_EQ(verdict.violation->property, kHangs);
}

TEST(SpsimBatch, AScenarioRunsInAProcessOfItsOwn) {
    Fake fake;
    fake.dies = 3;
    fake.violates = 4;
    Worker worker(scenario_work(fake, {}));
    sim::Scenario scenario;
    for (const auto& [luck, property] :
         std::map<std::uint64_t, std::string>{{1, ""}, {3, kDied}, {4, "P4"}, {5, ""}}) {
        scenario.luck = luck;
        const auto verdict = run_isolated(worker, scenario);
        EXPECT_EQ(verdict.violation ? verdict.violation->property : "", property) << luck;
    }
}

TEST(SpsimWorker, AnswersTaskAfterTaskFromOneChild) {
    const auto who = [](std::string_view task) {
        return std::string(task) + " " + std::to_string(::getpid());
    };
    Worker worker(who);
    worker.start("a");
    const auto first = worker.receive();
    worker.start(std::string(300000, 'b'));
    const auto second = worker.receive();
    ASSERT_TRUE(first && second);
    EXPECT_NE(*first, "a " + std::to_string(::getpid()));
    EXPECT_EQ(second->substr(300000), first->substr(1));
}

TEST(SpsimWorker, ASignalIsNamed) {
    Worker worker([](std::string_view) -> std::string {
        ::raise(SIGKILL);
        return "";
    });
    worker.start("a");
    EXPECT_FALSE(worker.receive());
    EXPECT_EQ(worker.obituary(), "signal 9 (Killed)");
}

}  // namespace
}  // namespace spread::spsim
