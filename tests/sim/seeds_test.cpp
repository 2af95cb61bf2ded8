// A fixed batch of seeds; tools/test runs new ones besides.

#include <string>

#include <gtest/gtest.h>

#include "tests/sim/generator.hpp"
#include "tests/sim/run.hpp"

namespace spread::sim {
namespace {

constexpr std::uint64_t kSeeds = 200;

TEST(Seeds, HoldAllProperties) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        const Verdict verdict = run(generate(seed));
        if (verdict.violation) {
            FAIL() << "seed " << seed << ": " << verdict.violation->property << " "
                   << verdict.violation->summary << "\nrepeat: spsim --trace --seed " << seed;
        }
    }
}

TEST(Seeds, GiveTheSameRunEachTime) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const Scenario scenario = generate(seed);
        const Verdict first = run(scenario);
        RunOptions traced;
        traced.trace = TraceLevel::kPackets;  // watching changes nothing
        const Verdict second = run(scenario, traced);
        EXPECT_EQ(first.digest, second.digest) << "seed " << seed;
        EXPECT_EQ(first.stats.events, second.stats.events) << "seed " << seed;
        EXPECT_FALSE(second.trace.empty());
    }
}

TEST(Seeds, DoTheWorkTheyAreFor) {
    RunStats sum;
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        const RunStats stats = run(generate(seed)).stats;
        sum.packets_sent += stats.packets_sent;
        sum.ring_deliveries += stats.ring_deliveries;
        sum.client_messages += stats.client_messages;
        sum.configurations += stats.configurations;
    }
    EXPECT_GT(sum.packets_sent, 10000U);
    EXPECT_GT(sum.ring_deliveries, 5000U);
    EXPECT_GT(sum.client_messages, 1000U);
    EXPECT_GT(sum.configurations, 500U);
}

}  // namespace
}  // namespace spread::sim
